#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
#
# Declared ranges of a file: who needs their pages asks first, waits for the answer,
# and does not wait for ever. Wants a directory on ext4, xfs or btrfs to be run in, and
# nobody's rights.

import ctypes
import mmap
import os
import pathlib
import subprocess
import sys
import tempfile
import time

KSRC = pathlib.Path(__file__).absolute().parents[4]
sys.path += [str(KSRC / "tools/net/ynl"),
             str(KSRC / "tools/testing/selftests/kselftest")]

import ksft
from pyynl.lib import YnlFamily

SIZE = 65536
SPEC = KSRC / "Documentation/netlink/specs/pin-revoke.yaml"


class Holder:
    def __init__(self, family, file):
        self.family = family
        self.file = file
        self.memory = mmap.mmap(file.fileno(), SIZE)
        self.ctx = family.do("open", {})["fd"]

    def declare(self):
        address = ctypes.addressof(ctypes.c_char.from_buffer(self.memory))
        reply = self.family.do("declare", {
            "ctx-fd": self.ctx, "name": "selftest",
            "range": [{"addr": address, "len": SIZE, "flags": {"write"}}]})
        return reply["declared"][0]["id"]

    def hear(self, name, seconds=10):
        """The next event of that name, or nothing."""
        for event in self.family.poll_ntf(duration=seconds):
            if event["name"] == name:
                return event["msg"]
        return {}

    def ask(self, *command):
        """Somebody else does that to the file, after something was written."""
        self.memory[0] = (self.memory[0] + 1) % 256
        return subprocess.Popen([*command, self.file.name])


def answered(holder):
    holder.declare()
    fsync = holder.ask("sync")
    event = holder.hear("release-soon")
    ksft.test_result(event.get("reason") == "writeback-sync", "fsync asks")
    ksft.test_result(fsync.poll() is None, "fsync waits")
    holder.family.do("ack", {"ctx-fd": holder.ctx, "request": event.get("id", 0),
                             "kind": "quiesced"})
    ksft.test_result(fsync.wait() == 0, "fsync goes on")
    event = holder.hear("revoked")
    ksft.test_result("forced" not in event.get("flags", {"forced"}),
                     "the range was given, not taken")


def unanswered(holder):
    range_id = holder.declare()
    begun = time.monotonic()
    fsync = holder.ask("sync")
    holder.hear("release-soon")
    ksft.test_result(fsync.wait() == 0 and time.monotonic() - begun < 30,
                     "without an answer fsync goes on, too")
    ksft.test_result("forced" in holder.hear("revoked").get("flags", {}),
                     "the range was taken")
    holder.family.do("undeclare", {"ctx-fd": holder.ctx, "id": [range_id]})


def punched(holder):
    range_id = holder.declare()
    punch = holder.ask("fallocate", "-p", "-o", "0", "-l", "4096")
    event = holder.hear("release-soon")
    ksft.test_result(event.get("reason") == "fallocate", "a hole asks")
    ksft.test_result(punch.wait() == 0, "and is punched")
    holder.family.do("undeclare", {"ctx-fd": holder.ctx, "id": [range_id]})


def undeclared(holder):
    range_id = holder.declare()
    holder.family.do("undeclare", {"ctx-fd": holder.ctx, "id": [range_id]})
    fsync = holder.ask("sync")
    ksft.test_result(fsync.wait() == 0 and not holder.hear("release-soon", 1),
                     "who undeclared is asked no more")


def main():
    ksft.print_header()
    try:
        YnlFamily(str(SPEC), schema="")
    except Exception as error:
        print(f"1..0 # SKIP no pin-revoke: {error}")
        sys.exit(ksft.KSFT_SKIP)
    ksft.set_plan(9)
    with tempfile.NamedTemporaryFile(dir=".") as file:
        file.truncate(SIZE)
        os.pwrite(file.fileno(), b"x" * SIZE, 0)
        os.fsync(file.fileno())
        for test in answered, unanswered, punched, undeclared:
            test(Holder(YnlFamily(str(SPEC), schema=""), file))
    ksft.finished()


main()
