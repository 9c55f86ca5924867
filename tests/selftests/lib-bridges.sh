#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# The bridges: librevoke for Python; for fixed buffers of io_uring; for libfabric; for
# verbs and UCX, with a driver that gives regions back and with one that knows nothing
# of it.
#
# Must never lead a holder: it hears the library's events, and nothing else.
dir=${0%/*}
. "$dir/lib.sh"
. "$dir/lib-core.sh"
. "$dir/lib-rdma.sh"

ok "a file system" scratch ext4 -b 4096
ok "core and driver" modules

export PYTHONPATH=/pr/lib/python PYTHONDONTWRITEBYTECODE=1
ok "there is a file" zeroes python 16
ok "who syncs it waits for long" revokectl policy set reason writeback-sync grace 10000 max-extend 1000
ok "who asks for memory, too" revokectl policy set reason admin grace 15000
points "Python: " lib-python.py "$SCRATCH/python"

out=$(mktemp)
said() { [ "$(grep -c "^$1" "$out")" -ge "$2" ]; }
ended() { ! readlink "/proc/$pid/exe"; }
synced() { dd if=/dev/zero of="$SCRATCH/python" bs=4096 count=1 conv=notrunc,fsync status=none; }
zeroes python 16
/pr/lib/python/asyncio-example.py "$SCRATCH/python" > "$out" 2>&1 &
pid=$!
ok "asyncio: works" wait_for 30 said 'at work' 1
SECONDS=0
ok "asyncio: somebody syncs its file" synced
between "asyncio: he does not wait for long" $((SECONDS * 1000)) 0 7000
ok "asyncio: it was asked" said 'release-soon writeback-sync' 1
ok "asyncio: it goes on" wait_for 10 said 'at work' 2
ok "asyncio: its file is cut" truncate -s 0 "$SCRATCH/python"
ok "asyncio: it ends" wait_for 30 ended
wait "$pid"
is "asyncio: well" $? 0
diag "$(cat "$out")"

# Buffers that are read into from a pipe; what is in flight uses its buffer until
# somebody writes, or half of the time is over. (In 6.1 and 6.12 so does all that
# was submitted earlier.)
pipe=/run/uring-pipe
buffers=/dev/shm/uring-buffers
revoke() { revokectl pin revoke pid "$pid" wait; }
ok "an administrator asks again" revokectl policy set reason admin repeat 1000
mkfifo $pipe
exec 7<> $pipe
uring-buffers $pipe $buffers > "$out" 2>&1 7>&- &
pid=$!
ok "io_uring: two buffers are registered" wait_for 30 said registered 2
revoke &
admin=$!
ok "io_uring: both are asked for" wait_for 10 said 'asked: admin' 2
ok "io_uring: the one in use is asked for again" wait_for 10 said 'asked: admin' 3
ok "io_uring: it is not released" test "$(grep -c released "$out")" -lt 2
ok "io_uring: who asked still waits" kill -0 $admin
echo one >&7
ok "io_uring: what was in flight arrives" wait_for 10 said 'received: one' 1
ok "io_uring: then it is released" wait_for 10 said released 2
wait $admin
is "io_uring: and who asked goes on" $? 0
ok "io_uring: they are registered again" wait_for 10 said registered 4
ok "an administrator waits for less" revokectl policy set reason admin grace 4000
ok "io_uring: what does not arrive is cancelled" revoke
ok "io_uring: both are released" said released 4
is "io_uring: none was taken" "$(grep -c taken "$out")" 0
ok "io_uring: they are registered once more" wait_for 10 said registered 6
ok "io_uring: the memory is dropped" fallocate -p -o 0 -l 131072 $buffers
ok "io_uring: it hears that both were taken" wait_for 10 said 'taken: invalidate' 2
ok "io_uring: what is there now is registered" wait_for 10 said registered 8
echo two >&7
ok "io_uring: and read into" wait_for 10 said 'received: two' 1
exec 7>&-
ok "io_uring: it ends" wait_for 10 ended
wait "$pid"
is "io_uring: well" $? 0
diag "$(cat "$out")"
rm "$out" $pipe $buffers
ok "nobody uses the driver" unload pin_dummy
ok "nor the core" wait_for 10 unload pin_revoke

ok "soft-RoCE as it is distributed" rxe_up stock
ok "the core" load pin_revoke
ok "an administrator waits for long" revokectl policy set reason admin grace 15000
points "verbs, declared: " lib-verbs /dev/shm/verbs declared
# libfabric finds its devices by their addresses, with what the debug kernel has not.
if [ "$KERNEL" != debug ]; then
	ok "the RDMA connection manager" modprobe rdma_ucm
	points "libfabric: " lib-ofi /dev/shm/ofi 192.0.2.1
	rm /dev/shm/ofi
fi
points "UCX, declared: " lib-ucx /dev/shm/ucx declared hooks
rm /dev/shm/ucx
ok "it goes" rxe_down
ok "soft-RoCE with revocable regions" rxe_up
ok "who syncs a file waits for long" revokectl policy set reason writeback-sync grace 15000
points "verbs, revocable: " lib-verbs "$SCRATCH/verbs" revocable
rm /dev/shm/verbs
ok "and so does an administrator" revokectl policy set reason admin grace 15000
points "UCX, revocable: " lib-ucx "$SCRATCH/ucx" revocable external

is "no pin is left" "$(revokectl -j pin show)" '[]'
is "no request is left" "$(revokectl -j request show)" '[]'
ok "everything can be unloaded" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
