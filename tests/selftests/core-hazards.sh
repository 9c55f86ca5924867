#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# What happens below the locks: each hazard's interleaving is made by holding the
# driver at a point (see pin_dummy's knobs.c) until all who could deadlock are where
# they would. Then all go on, and what the device had finished when somebody asked
# for the pages is on the disk. tests/README.md says which hazard is where.
#
# Must never release what it holds before it has seen who waits for it, or does not.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000	# for an event to arrive, ms
LEN=65536	# of a pin
tracing=/sys/kernel/tracing

# same DESCRIPTION NAME COMMAND... - is answered by "ok"
same() { local what=$1; shift; is "$what" "$(h "$@")" ok; }
# timed DESCRIPTION NAME COMMAND... - succeeds, and says how long it took
timed() { local what=$1; shift; like "$what" "$(h "$@")" 'ok ms=*'; }
is_live() { wait_for 20 state_like A "$1" 'ok live=1 *'; }
# the file behind A's shared memory
memfd() { find "/proc/${holder_pid[A]}/fd" -lname '*memfd:core-holder*' | head -n 1; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file two 16 || bail "no file in one piece"
new_file file 32 || bail "no file in one piece"
for name in A B C D; do
	start $name
	same "$name maps the file" $name map 0 "$SCRATCH/file" 131072 shared
done

# Truncate is in the callback, and has i_mmap_rwsem; a writer waits for that, and
# behind the writer somebody who writes back a page of the pin, and has its lock.
like "locks: A pins" "$(h A pin 0 0+$LEN $LEN wlk)" 'ok fd=*'
same "locks: the device writes" A dma 0 0 $LEN 11
same "locks: C maps more" C map 1 "$SCRATCH/file" 4096 shared
hold quiesce
tell B truncate 0 $((LEN + 32768))
ok "locks: truncate is in the callback" wait_for 20 held 1
tell C unmap 1+0 4096
ok "locks: a writer waits for the mapping" wait_for 20 waits_at C 'unlink_file_vma|free_pgtables'
tell D start-writeback 0 $LEN $LEN
ok "locks: another has a page, and waits behind it" wait_for 20 waits_at D 'rmap_walk|folio_mkclean'
hold nowhere
like "locks: truncate goes on" "$(hear B)" 'ok ms=*'
is "locks: so does the writer" "$(hear C)" ok
like "locks: so does the one behind it" "$(hear D)" 'ok ms=*'
ok "locks: a worker has unpinned" wait_for 20 state_like A 0 'ok live=0 * unmaps=1 *'
is "locks: what is left is on the disk" "$(raw 16 8)" 11
same "locks: A lets go" A unpin 0
timed "locks: the file has its length again" B truncate 0 131072

# An invalidation of A's memory does not end; A can release a pin and answer for
# another all the same: mmu_interval_notifier_remove() would wait for its end.
same "remove: A has memory" A map 1 anon $LEN private
same "remove: and another file" A map 2 "$SCRATCH/two" $LEN shared
same "remove: so has C" C map 2 "$SCRATCH/two" $LEN shared
like "remove: A pins the memory" "$(h A pin 1 1+0 $LEN w)" 'ok fd=*'
like "remove: the other file" "$(h A pin 2 2+0 $LEN w)" 'ok fd=*'
like "remove: and the file" "$(h A pin 0 0+0 $LEN wek)" 'ok fd=*'
same "remove: A listens" A listen 0
revokectl policy set reason writeback-sync grace 15000
hold quiesce
tell B start-writeback 0 0 $LEN
ok "remove: an invalidation is under way" wait_for 20 held 1
same "remove: A releases the memory" A unpin 1
tell C fsync 2
request=$(value request "$(h A wait 0 release-soon $SOON)")
same "remove: A answers for the other file" A ack 0 "$request" 0 quiesced
like "remove: its fsync goes on" "$(hear C)" 'ok ms=*'
ok "remove: the invalidation is still under way" held 1
hold nowhere
like "remove: it ends" "$(hear B)" 'ok ms=*'
same "remove: A listens no more" A close 0
same "remove: A lets go of the other file" A unpin 2

# Nobody waits for the unpin worker, and the device that is stopped loses nothing.
ok "worker: the pin is back" is_live 0
hold unmap
ok "worker: what had been written is on the disk" fsync_has A 0 0 16 B
ok "worker: it is held" wait_for 20 held 1
timed "worker: fsync again" B fsync 0
timed "worker: fsync by A" A fsync 0
ok "worker: it is still held" held 1
hold nowhere
ok "worker: the pin is back again" is_live 0

# The same with a device that writes until it is unmapped: this test can fail.
knob ignore 1
hold unmap
timed "ignore: fsync" B fsync 0
ok "ignore: the worker is held" wait_for 20 held 1
refused "ignore: what is written now is lost" 'on the disk' fsync_has A 0 0 16 B
before=$(value restores "$(h A state 0)")
hold nowhere
ok "ignore: the pin is back" wait_for 20 state_like A 0 "ok live=1 * restores=$((before + 1)) *"
knob ignore 0

# The range is cleaned between the pinning and the first access of the device.
hold map
ok "retry: fsync takes the pin" fsync_has A 0 0 16 B
ok "retry: it is pinned, but not given to the device" wait_for 20 held 1
before=$(h A state 0)
timed "retry: fsync does not wait for it" B fsync 0
ok "retry: the driver is still held" held 1
hold nowhere
ok "retry: the pin is back" is_live 0
is "retry: pinned twice" "$(value maps "$(h A state 0)")" $(($(value maps "$before") + 2))
ok "retry: and what it writes is on the disk" fsync_has A 0 0 16 B
same "retry: A lets go" A unpin 0

# Pinning calls the notifier in the same task.
same "inside: A has a private mapping" A map 3 "$SCRATCH/file" $LEN private
like "inside: and has looked at it" "$(h A look 3+0)" 'ok *'
like "inside: to pin it breaks the sharing" "$(h A pin 1 3+0 4096 w)" 'ok fd=*'
like "inside: which the core has seen" "$(h A state 1)" 'ok live=1 * maps=2 unmaps=1 *'
same "inside: A lets go" A unpin 1

# The pages change between the driver's pinning and its registering them.
same "adopt: A has shared memory" A map 4 memfd $LEN shared
same "adopt: with something in it" A touch 4+0 $LEN 1
hold adopt
tell A pin 1 4+0 $LEN wak
ok "adopt: the driver has pinned it" wait_for 20 held 1
is "adopt: a hole is punched" "$(xfs_io -c "fpunch 0 $LEN" "$(memfd)" 2>&1)" ""
hold nowhere
like "adopt: the driver pins once more" "$(hear A)" 'ok fd=*'
same "adopt: the device writes" A dma 1 0 $LEN 51
is "adopt: into what A sees" "$(h A look 4+0)" 'ok 51'
same "adopt: A lets go" A unpin 1

# Reclaim unmaps the pages of a pin; nobody would ever call for these again. A write
# of the device after that would be silent.
like "reclaim: A pins" "$(h A pin 0 0+0 $LEN wlk)" 'ok fd=*'
same "reclaim: the device writes" A dma 0 0 $LEN 21
same "reclaim: the pages are paged out" A pageout 0+0 $LEN
like "reclaim: the pin is taken" "$(h A state 0)" 'ok live=0 quiesces=1 * reason=invalidate'
timed "reclaim: fsync" B fsync 0
is "reclaim: the disk has what it wrote" "$(raw 0 16)" 21

# A thousand invalidations of one pin are one revocation.
is "flood: the device wants the pages" "$(h A dma 0 0 1 1)" 'error EAGAIN'
ok "flood: the pin is back" is_live 0
same "flood: A listens" A listen 0
lines=$(dmesg | wc -l)
echo 1 > $tracing/events/pin_revoke/pin_revoke_backstop/enable
echo > $tracing/trace
same "flood: thrown away again and again" A drop 0+0 $LEN 1000
echo 0 > $tracing/events/pin_revoke/pin_revoke_backstop/enable
is "flood: the core heard of each" "$(grep -c pin_revoke_backstop: $tracing/trace)" 1000
like "flood: A hears of one" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=invalidate forced=1 *'
like "flood: and of no other" "$(h A wait 0 revoked 0)" 'ok nothing *'
like "flood: so does the driver" "$(h A state 0)" 'ok live=0 quiesces=2 *'
is "flood: the log is quiet" "$(dmesg | wc -l)" "$lines"

# A revoked pin is nobody's to wait for, and what unpins does not make dirty.
timed "clean: fsync is done" B fsync 0
like "clean: nobody was asked" "$(h A wait 0 release-soon 0)" 'ok nothing *'
is "clean: the device wants the pages" "$(h A dma 0 0 1 1)" 'error EAGAIN'
ok "clean: the pin is back" is_live 0
same "clean: A listens no more" A close 0
same "clean: the device writes" A dma 0 0 $LEN 23
is "clean: the page is dirty" "$(h A dirty 0+0)" 'ok 1'
hold unmap
timed "clean: fsync" B fsync 0
ok "clean: which the worker comes after" wait_for 20 held 1
hold nowhere
before=$(value maps "$(h A state 0)")
ok "clean: unpinned" wait_for 20 state_like A 0 "ok live=0 * unmaps=$before *"
is "clean: the page is clean" "$(h A dirty 0+0)" 'ok 0'
same "clean: A lets go" A unpin 0

# A process is killed in the callback; what frees its memory early must not wait for it.
same "reap: A has memory" A map 5 anon 131072 private
same "reap: and the file before it" A map 6 "$SCRATCH/file" $LEN shared 5+0
like "reap: A pins both" "$(h A pin 0 5+0 131072 wk)" 'ok fd=*'
same "reap: the device writes" A dma 0 0 131072 61
hold quiesce
tell A fsync 0
ok "reap: A is in the callback" wait_for 20 held 1
kill -KILL "${holder_pid[A]}"
# pidfd_open, process_mrelease: EAGAIN
is "reap: the reaper does not wait" "$(perl -e '
	$fd = syscall(434, shift() + 0, 0); syscall(448, $fd, 0); print $! + 0' \
	"${holder_pid[A]}")" 11
ok "reap: it is still held" held 1
hold nowhere
{ forget A; } 2> /dev/null
timed "reap: fsync" B fsync 0
is "reap: the disk has it" "$(raw 0 16)" 61

stop B C D
nothing_left
done_testing
