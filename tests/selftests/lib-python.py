#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""usage: lib-python.py FILE

The Python module: a pin of pin_dummy over FILE, which somebody syncs, and declared
memory. Prints TAP.

Must never wait without a limit.
"""
import ctypes
import errno
import fcntl
import mmap
import os
import select
import struct
import subprocess
import sys

import revoke

SIZE = 65536
LIMIT = 60
PIN = 0x402 << 20 | 0xf700          # PIN_DUMMY_IOC_PIN
WRITE = 1                           # PIN_DUMMY_WRITE

results = []


def result(good, what):
    results.append(good)
    print("ok" if good else "not ok", len(results), "-", what, flush=True)


def refused(code, function, *args):
    try:
        function(*args)
    except OSError as error:
        print("#", error)
        return error.errno == code
    return False


def syncs(path):
    return subprocess.Popen(["sync", path])


def hear(ctx, kind):
    """The next event of that type; others are for people."""
    while event := ctx.wait(LIMIT):
        print("#", event.type, event.reason, flush=True)
        if event.type == kind:
            return event
    sys.exit(f"no {kind}")


def pinned(ctx, path):
    with open(path, "r+b") as file:
        memory = mmap.mmap(file.fileno(), SIZE)
    view = (ctypes.c_char * SIZE).from_buffer(memory)
    device = open("/dev/pin_dummy", "r+b", buffering=0)
    fcntl.ioctl(device, PIN, struct.pack("QQQII", ctypes.addressof(view), SIZE, 0, WRITE, 0))
    mem = ctx.claim(memory)
    pin, = [pin for pin in ctx.pins() if pin.id == mem.id]
    result(mem.valid and pin.driver == "pin_dummy" and pin.pid == os.getpid() and
           pin.state == "active" and pin.len == SIZE, "a driver's pin is claimed")
    policy = ctx.policy("writeback-sync", mem)
    result((policy["grace_ms"], policy["max_extend_ms"]) == (10000, 1000), "its policy")

    memory[0] = 1
    sync = syncs(path)
    ready = select.select([ctx], [], [], LIMIT)[0]
    event = hear(ctx, "release-soon")
    result(ready == [ctx] and event.reason == "writeback-sync" and event.pin.id == mem.id
           and 0 < event.remaining <= 10 and not event.forced, "it is asked for")
    granted = ctx.extend(event, 0.5)
    print("#", granted, "s granted")
    result(granted == 0.5 and sync.poll() is None, "an extension, who syncs waits")
    ctx.ack(event)
    result(sync.wait(LIMIT) == 0 and not hear(ctx, "revoked").forced,
           "answered: taken by consent, who syncs goes on")
    hear(ctx, "restored")
    again = ctx.claim(memory)
    result(not mem.valid and again.valid and again.id == mem.id,
           "restored, it is valid in another generation")
    result(refused(errno.ESTALE, ctx.ack, event), "an answer that is too late")
    os.truncate(path, 0)
    hear(ctx, "gone")
    result(not again.valid, "its file is cut: it is gone")
    device.close()


def declared(ctx):
    memory = bytearray(SIZE)
    mem = ctx.declare(memory, name="bytes")
    try:
        memory.append(0)
        result(False, "declared memory stays where it is")
    except BufferError:
        result(mem.valid, "declared memory stays where it is")
    admin = subprocess.Popen(["revokectl", "pin", "revoke", str(mem.id), "wait"])
    event = hear(ctx, "release-soon")
    result(event.reason == "admin" and event.pin.name == "bytes" and event.pin.id == mem.id,
           "it is asked for under its name")
    ctx.undeclare(mem)
    result(admin.wait(LIMIT) == 0 and not mem.valid, "undeclared: who asked goes on")
    memory.append(0)
    result(refused(errno.ENOENT, ctx.undeclare, mem) and ctx.wait(0.01) is None,
           "that was all")


def child(ctx, mem):
    """In a child there is no context, and its end is not the parent's."""
    pid = os.fork()
    if not pid:
        os._exit(not refused(errno.ECHILD, ctx.wait, 0))
    return os.waitpid(pid, 0)[1] == 0 and mem.valid


with revoke.Context() as context:
    pinned(context, sys.argv[1])
    declared(context)
    # Private memory would be other pages once it is written to.
    left = context.declare(mmap.mmap(-1, SIZE))
    result(child(context, left), "a child has none of it")
try:
    context.wait(0)
    result(False, "a context that is closed")
except ValueError:
    result(not left.valid, "a context that is closed")
print(f"1..{len(results)}")
sys.exit(not all(results))
