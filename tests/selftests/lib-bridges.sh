#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# The bridges: librevoke for verbs, with a driver that gives regions back and with
# one that knows nothing of it.
#
# Must never lead a holder: it hears the library's events, and nothing else.
dir=${0%/*}
. "$dir/lib.sh"
. "$dir/lib-rdma.sh"

ok "a file system" scratch ext4

ok "soft-RoCE as it is distributed" rxe_up stock
ok "the core" load pin_revoke
ok "an administrator waits for long" revokectl policy set reason admin grace 15000
points "verbs, declared: " lib-verbs /dev/shm/verbs declared
ok "it goes" rxe_down
ok "soft-RoCE with revocable regions" rxe_up
ok "who syncs a file waits for long" revokectl policy set reason writeback-sync grace 15000
points "verbs, revocable: " lib-verbs "$SCRATCH/verbs" revocable
rm /dev/shm/verbs

is "no pin is left" "$(revokectl -j pin show)" '[]'
is "no request is left" "$(revokectl -j request show)" '[]'
ok "everything can be unloaded" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
