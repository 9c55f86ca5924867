#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
"""usage: asyncio-example.py FILE

A cache in a mapped file that a driver uses which knows nothing of this, and an event
loop that gives it up when somebody needs it, for as long as he does. It ends when the
file is cut.

Must never say that it has given up the memory before the driver has.
"""
import asyncio
import mmap
import sys

import revoke

AGAIN = 0.1  # seconds: whoever has asked needs it now


class Cache:
    def __init__(self, ctx, path):
        self.ctx = ctx
        self.loop = asyncio.get_running_loop()
        self.end = self.loop.create_future()
        self.file = open(path, "r+b")
        self.map = mmap.mmap(self.file.fileno(), 0)
        self.range = None
        self.loop.add_reader(ctx, self.on_event)
        self.take()

    def take(self):
        if self.file.seek(0, 2) < len(self.map):
            self.end.set_result(None)
            return
        try:
            self.range = self.ctx.declare(self.map, name="cache")
        except OSError as error:  # somebody is changing it right now
            print(error, flush=True)
            self.loop.call_later(AGAIN, self.take)
            return
        # Here: register it with the driver.
        if self.range.valid:
            print("at work", flush=True)
        else:
            self.give()

    def give(self):
        # Here: let finish what is under way, and deregister it from the driver.
        self.ctx.undeclare(self.range)
        self.range = None
        self.loop.call_later(AGAIN, self.take)

    # Level-triggered: one event for each call is enough.
    def on_event(self):
        event = self.ctx.wait(0)
        if not event or not self.range or event.pin.id != self.range.id:
            return
        print(event.type, event.reason, flush=True)
        if event.type in ("release-soon", "revoked", "gone"):
            self.give()


async def main(path):
    with revoke.Context() as ctx:
        cache = Cache(ctx, path)
        await cache.end
        cache.loop.remove_reader(ctx)


if len(sys.argv) != 2:
    sys.exit(__doc__.splitlines()[0])
asyncio.run(main(sys.argv[1]))
