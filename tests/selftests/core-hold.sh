#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# What holds a pin back once it was taken, and what nobody does twice: a trigger in
# flight, the hold-off; a page that was cleaned stays clean until the device is
# back; a pin that comes while its trigger waits is not waited for again.
#
# Must never take "not restored" for granted before something that is restored at
# the same time has been seen.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000
tracing=/sys/kernel/tracing
PATH=$PATH:/pr/tests

# in_kernel NAME FUNCTION - what it is doing there
in_kernel() { grep -qs "$2" "/proc/${holder_pid[$1]}/stack"; }
# taken N PIN - root takes C's pin, the N-th time, and it is back
taken() {
	core-nl revoke pin="$2" grace-ms=0 > /dev/null &&
		wait_for 20 state_like C 0 "ok live=1 quiesces=$1 *"
}
# five_times PIN - as soon as it is back
five_times() { local n; for n in 1 2 3 4 5; do taken $n "$1" || return; done; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
zeroes file 64
for name in A B C; do start $name; done
is "A maps the file" "$(h A map 0 "$SCRATCH/file" 262144 shared)" ok
is "B has it too" "$(h B map 0 "$SCRATCH/file" 262144 shared)" ok
is "C has memory" "$(h C map 0 anon 65536 private)" ok
like "C pins it" "$(h C pin 0 0+0 65536 w)" 'ok fd=*'
memory=$(last_pin)

# Nobody reads the clock here, the trace does: 20 ms, less what is cut off.
echo 1 > $tracing/events/pin_revoke/pin_revoke_state/enable
echo > $tracing/trace
ok "hold-off: taken five times" five_times "$memory"
holdoffs=$(awk -v pin="pin=$memory" '$0 !~ pin" " { next }
	{ match($0, /[0-9]+\.[0-9]+: /); t = substr($0, RSTART) * 1000 }
	/state=1->3/ { since = t } /state=3->4/ { print int(t - since) }' $tracing/trace)
echo 0 > $tracing/events/pin_revoke/pin_revoke_state/enable
diag "$(paste -sd ' ' <<< "$holdoffs") ms"
is "hold-off: all are in the trace" "$(wc -w <<< "$holdoffs")" 5
ok "hold-off: none is shorter" test "$(sort -n <<< "$holdoffs" | head -n 1)" -ge 18

# X holds the lock that fallocate wants: it writes what nobody gives it. A only reads:
# for a pin that writes, the restore would wait for that lock, too.
revokectl policy set reason fallocate grace 15000
start X
is "in flight: X has memory" "$(h X map 0 anon 4096 private)" ok
is "in flight: that is missing" "$(h X uffd 0+0 4096)" ok
is "in flight: and the file" "$(h X map 1 "$SCRATCH/file" 4096 shared)" ok
is "in flight: A listens" "$(h A listen 0)" ok
like "in flight: A pins a part" "$(h A pin 0 0+65536 65536 -)" 'ok fd=*'
tell X write-from 1 0+0 4096
ok "in flight: X writes, for ever" wait_for 20 in_kernel X userfault
tell B punch 0 65536 65536
asked=$(h A wait 0 release-soon $SOON)
like "in flight: A is asked" "$asked" '*reason=fallocate *'
is "in flight: A answers" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" ok
ok "in flight: B waits for X" wait_for 20 in_kernel B ext4_
for n in 6 7 8 9; do
	ok "in flight: another pin is taken, and back" taken $n "$memory"
done
like "in flight: A's is not" "$(h A state 0)" 'ok live=0 quiesces=1 restores=1 *'
killed X
like "in flight: B goes on" "$(hear B)" 'ok ms=*'
ok "in flight: and A's pin is back" wait_for 20 state_like A 0 'ok live=1 *'
like "in flight: it was taken once" "$(h A state 0)" 'ok live=1 quiesces=1 restores=2 *'
is "in flight: A lets go" "$(h A unpin 0)" ok
is "in flight: A listens no more" "$(h A close 0)" ok

# Lazily: nothing but the unpinning can make the page dirty again, which waits until
# all is clean.
like "clean: A pins" "$(h A pin 0 0+0 65536 wlk)" 'ok fd=*'
is "clean: C lets go" "$(h C unpin 0)" ok
is "clean: the device writes" "$(h A dma 0 0 65536 91)" ok
is "clean: the page is dirty" "$(h A dirty 0+0)" 'ok 1'
hold unmap
like "clean: fsync" "$(h B fsync 0)" 'ok ms=*'
hold nowhere
ok "clean: the pages are given back" wait_for 20 no_pinned_pages
is "clean: and stay clean" "$(h A dirty 0+0)" 'ok 0'
is "clean: A lets go" "$(h A unpin 0)" ok

# ext4 writes what a collapse moves, once it has the lock.
revokectl policy set reason writeback-sync grace 15000
is "second: A listens" "$(h A listen 0)" ok
is "second: so does C" "$(h C listen 0)" ok
is "second: C has the file" "$(h C map 1 "$SCRATCH/file" 262144 shared)" ok
like "second: A pins" "$(h A pin 0 0+65536 65536 w)" 'ok fd=*'
xfs_io -c "fcollapse 65536 4096" "$SCRATCH/file" > /run/out/hold.log 2>&1 &
asked=$(h A wait 0 release-soon $SOON)
like "second: A is asked" "$asked" '*reason=fallocate *'
like "second: now C pins" "$(h C pin 1 1+196608 16384 w)" 'ok fd=*'
is "second: A answers" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" ok
like "second: C is not waited for again" "$(h C wait 0 revoked $SOON)" '*forced=1 *skipped=0'
wait $!
is "second: the file is shorter" $? 0

stop A B C
nothing_left
done_testing
