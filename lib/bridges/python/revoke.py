# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""Be asked before pinned memory is taken: librevoke for Python, by ctypes.

    with revoke.Context() as ctx:
        memory = mmap.mmap(fd, length)
        mem = ctx.declare(memory, name="cache")     # or ctx.claim(memory)
        select.select([ctx], [], [])                # or loop.add_reader(ctx, ...)
        for event in ctx.events():
            if event.type == "release-soon":
                ...                                 # stop using it
                ctx.ack(event)                      # or ctx.undeclare(mem)

<revoke/revoke.h> says what each call means: this only translates. Errors are
OSError, with the kernel's words where it gave some. Memory is what has the buffer
protocol and can be written, as mmap.mmap and bytearray, or (address, length).
Reasons, states and types of events are the words of the specification. There is no
dispatcher, and no list of requests: Python has event loops and threads, and what
this context has not answered it is told again.

Must never answer by itself: only its caller knows who uses the memory.
"""
import ctypes
import math
import os
import time
from ctypes import (POINTER, byref, c_char, c_char_p, c_int, c_size_t, c_uint, c_uint32,
                    c_uint64, c_void_p, sizeof)

# Kinds of answers, and the flag of Context()
RELEASED, QUIESCED, DECLINED = 0, 1, 3
ANSWERING_THREAD = 1
_RANGE_WRITE = 1
_EVENT_REPEAT, _EVENT_FORCED = 1, 2
_FOR_EVER = 0x7fffffff  # milliseconds


class _Struct(ctypes.Structure):
    def __init__(self, **values):
        super().__init__(**values)
        if hasattr(type(self), "size"):
            self.size = sizeof(self)


class _OpenOpts(_Struct):
    _fields_ = [("size", c_size_t), ("flags", c_uint32), ("rcvbuf", c_uint32)]


class _Pin(_Struct):
    _fields_ = [("id", c_uint64), ("addr", c_uint64), ("len", c_uint64),
                ("state", c_uint32), ("flags", c_uint32), ("pid", c_uint32),
                ("revoked", c_uint32), ("forced", c_uint32), ("comm", c_char * 16),
                ("driver", c_char * 64), ("name", c_char * 64)]


class _Event(_Struct):
    _fields_ = [("size", c_size_t), ("type", c_uint32), ("reason", c_uint32),
                ("flags", c_uint32), ("request", c_uint64),
                ("remaining_ns", c_uint64), ("deadline_ns", c_uint64), ("pin", _Pin)]


class _Range(_Struct):
    _fields_ = [("size", c_size_t), ("addr", c_uint64), ("len", c_uint64),
                ("flags", c_uint32), ("id", c_uint64),
                ("word", POINTER(c_uint64)), ("generation", c_uint64)]


class _Policy(_Struct):
    _fields_ = [("size", c_size_t), ("action", c_uint32), ("grace_ms", c_uint32),
                ("max_extend_ms", c_uint32), ("skip_ms", c_uint32),
                ("repeat_ms", c_uint32)]


_each = ctypes.CFUNCTYPE(c_int, POINTER(_Pin), c_void_p)
_lib = ctypes.CDLL("librevoke.so.1")


def _call(name, result, *args):
    function = getattr(_lib, "revoke_" + name)
    function.restype, function.argtypes = result, args
    return function


_open = _call("open", c_int, POINTER(_OpenOpts), POINTER(c_void_p))
_close = _call("close", None, c_void_p)
_fd = _call("fd", c_int, c_void_p)
_wait_event = _call("wait_event", c_int, c_void_p, POINTER(_Event), c_int)
_ack = _call("ack", c_int, c_void_p, c_uint64, c_uint64, c_int)
_extend = _call("extend", c_int, c_void_p, c_uint64, c_uint64, c_uint)
_declare = _call("declare", c_int, c_void_p, c_char_p, POINTER(_Range), c_size_t)
_undeclare = _call("undeclare", c_int, c_void_p, POINTER(_Range), c_size_t)
_claim = _call("claim", c_int, c_void_p, POINTER(_Range), c_size_t)
_restore = _call("restore", c_int, c_void_p, c_uint64)
_policy_get = _call("policy_get", c_int, c_void_p, c_uint64, c_int, POINTER(_Policy))
_pin_list = _call("pin_list", c_int, c_void_p, _each, c_void_p)
_last_error = _call("last_error", c_char_p, c_void_p)
_reason_name = _call("reason_name", c_char_p, c_uint32)
_state_name = _call("state_name", c_char_p, c_uint32)
_event_name = _call("event_name", c_char_p, c_uint32)


def _check(ret, ctx=None):
    if ret < 0:
        raise OSError(-ret, _last_error(ctx).decode(errors="replace") or os.strerror(-ret))
    return ret


def _reasons():
    """Word -> number. The library has a word for each that it knows."""
    words = {}
    while (word := _reason_name(len(words)).decode()) != "?":
        words[word] = len(words)
    return words


REASONS = _reasons()


class Pin:
    """One of Context.pins(), or what an event is about: see struct revoke_pin."""

    def __init__(self, pin):
        for name in ("id", "addr", "len", "pid", "revoked", "forced"):
            setattr(self, name, getattr(pin, name))
        for name in ("comm", "driver", "name"):
            setattr(self, name, getattr(pin, name).decode(errors="replace"))
        self.state = _state_name(pin.state).decode()


class Event:
    """What happened to one pin: see struct revoke_event."""

    def __init__(self, event):
        self.type = _event_name(event.type).decode()
        self.reason = _reason_name(event.reason).decode()
        self.forced = bool(event.flags & _EVENT_FORCED)
        self.repeat = bool(event.flags & _EVENT_REPEAT)
        self.request = event.request
        self.remaining = event.remaining_ns / 1e9
        self.deadline = event.deadline_ns / 1e9  # as time.monotonic()
        self.pin = Pin(event.pin)


class Range:
    """Memory that was declared or claimed; it stays where it is while this lives."""

    def __init__(self, ctx, memory, write):
        if not isinstance(memory, tuple):
            # A buffer that is looked at can be neither closed nor resized.
            self._buffer = (c_char * memoryview(memory).nbytes).from_buffer(memory)
            memory = ctypes.addressof(self._buffer), len(self._buffer)
        self._ctx = ctx
        self._range = _Range(addr=memory[0], len=memory[1],
                             flags=_RANGE_WRITE if write else 0)

    @property
    def id(self):
        return self._range.id

    @property
    def valid(self):
        """Has nobody taken it since: see revoke_pin_valid(). False when it has ended."""
        mem = self._range
        return bool(self._ctx and self._ctx._ctx and mem.word) and mem.word[0] == mem.generation


class Context:
    """See revoke_open(). Like a file: it has fileno() and close(), and is for with."""

    _ctx = None

    def __init__(self, flags=0, rcvbuf=0):
        ctx = c_void_p()
        _check(_open(_OpenOpts(flags=flags, rcvbuf=rcvbuf), byref(ctx)))
        self._ctx = ctx

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        ctx, self._ctx = self._ctx, None
        if ctx:
            _close(ctx)

    __del__ = close

    def _do(self, function, *args):
        if not self._ctx:
            raise ValueError("the context is closed")
        return _check(function(self._ctx, *args), self._ctx)

    def fileno(self):
        return self._do(_fd)

    def wait(self, timeout=None):
        """The next event; None when the time (in seconds) is over."""
        event = _Event()
        end = math.inf if timeout is None else time.monotonic() + timeout
        while True:
            ms = min((end - time.monotonic()) * 1000, _FOR_EVER)
            ms = -1 if ms == _FOR_EVER else max(0, math.ceil(ms))
            try:
                return Event(event) if self._do(_wait_event, event, ms) else None
            except InterruptedError:
                pass  # Python's own handler has run, and has raised nothing.

    def events(self):
        """Those that are there, without waiting."""
        return iter(lambda: self.wait(0), None)

    def ack(self, event, kind=QUIESCED):
        self._do(_ack, event.request, event.pin.id, kind)

    def extend(self, event, seconds):
        """Seconds that were granted."""
        return self._do(_extend, event.request, event.pin.id, math.ceil(seconds * 1000)) / 1000

    def declare(self, memory, name=None, write=True):
        """Declare first, register with the driver then, look at .valid last."""
        mem = Range(self, memory, write)
        self._do(_declare, None if name is None else name.encode(), mem._range, 1)
        return mem

    def undeclare(self, mem):
        """Deregister from the driver first."""
        self._do(_undeclare, mem._range, 1)
        mem._ctx = mem._buffer = None

    def claim(self, memory):
        """The youngest driver's pin of exactly this memory; again after "restored"."""
        mem = Range(self, memory, False)
        self._do(_claim, mem._range, 1)
        return mem

    def restore(self, pin):
        """Of a Range, or a Pin."""
        self._do(_restore, pin.id)

    def policy(self, reason, pin=None):
        """The struct revoke_policy for such a reason: its members, without size."""
        policy = _Policy()
        self._do(_policy_get, pin.id if pin else 0, REASONS[reason], policy)
        return {name: getattr(policy, name) for name, _ in policy._fields_[1:]}

    def pins(self):
        """All of this process; of root: all. A list that changes is read again."""
        while True:
            found = []
            each = _each(lambda pin, _: found.append(Pin(pin.contents)) or 0)
            try:
                self._do(_pin_list, each, None)
                return found
            except BlockingIOError:
                pass
