#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# Loading and unloading: refused while somebody needs the core, clean right after
# events and with wraps armed, while another process fsyncs all the time, and under
# four threads that pin and unpin. And without wraps: nobody is asked, and nothing is lost.
#
# Must never leave a module loaded.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

refs() { cat /sys/module/pin_revoke/refcnt; }
refs_are() { [ "$(refs)" = "$1" ]; }
# The kernel's own core wraps nothing, and says itself whether it is called.
armed() {
	grep -q '^do_writepages ' /sys/kernel/tracing/enabled_functions ||
		grep -q do_writepages /sys/module/pin_revoke/parameters/armed 2> /dev/null
}
disarmed() { ! armed; }
file_size=65536

# round VALUE - load, pin, revoke, end, unload
round() {
	modules && grace 15000 || return
	start A
	[ "$(h A map 0 "$SCRATCH/file" $file_size shared)" = ok ] &&
		[ "$(h A listen 0)" = ok ] &&
		[[ $(h A pin 0 0+0 $file_size w) == ok* ]] || return
	# Somebody fsyncs: A is asked, and is killed in the middle of it or answers.
	line=$(h A wait 0 release-soon 10000)
	# The flusher may have been first.
	[[ $line == *reason=writeback-* ]] || return
	if [ $(($1 % 2)) = 0 ]; then
		line=$(h A ack 0 "$(value request "$line")" 0 quiesced)
		[ "$line" = ok ] || return
		stop A
	else
		killed A
	fi
	unload pin_dummy && wait_for 10 unload pin_revoke
}

twenty_rounds() {
	local n line
	for ((n = 0; n < 20; n++)); do
		round $n || { echo "round $n: $line"; return 1; }
	done
}

ok "ext4 on the data disk" scratch ext4 -b 4096
new_file file 16 || bail "no file in one piece"
ok "core and driver" modules
before=$(refs)
start A
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" $file_size shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" $file_size shared)" ok
ok "without pins nothing is wrapped" disarmed
like "A pins it" "$(h A pin 0 0+0 $file_size w)" 'ok fd=*'
is "the pin holds the core" "$(refs)" $((before + 1))
ok "with a pin functions are wrapped" armed
refused "the driver does not unload" 'in use' unload pin_dummy
refused "nor does the core" 'in use' unload pin_revoke
is "A lets go" "$(h A unpin 0)" ok
ok "the pin does not hold the core any more" wait_for 10 refs_are "$before"
ok "functions are left alone again" wait_for 10 disarmed
stop A
start A
is "a context" "$(h A listen 0)" ok
ok "the driver unloads" unload pin_dummy
is "the context alone holds the core" "$(refs)" 1
refused "the core does not unload" 'in use' unload pin_revoke
is "the context is closed" "$(h A close 0)" ok
ok "the core unloads" unload pin_revoke
like "A finds nobody to talk to" "$(h A listen 0)" 'error ENOSYS*'
stop A

start F
is "F has the file" "$(h F map 0 "$SCRATCH/file" $file_size shared)" ok
is "and fsyncs it all the time" "$(h F hammer 0)" ok
ok "twenty times" twenty_rounds
stop F
ok "no page is left pinned so far" wait_for 10 no_pinned_pages

# 200 times four threads pin, write, fsync and unpin, see core-cycles.c, while the
# modules come and go whenever nobody uses them.
come_and_go() {
	local gone=0
	while kill -0 $cycles 2> /dev/null; do
		modules
		if unload pin_dummy; then gone=$((gone + 1)); fi
		unload pin_revoke
	done 2> /dev/null
	modules || return
	echo "$gone" > /run/gone
}
file_block=$disk_block
new_file cycles 64 || bail "no file in one piece"
${0%/*}/core-cycles "$SCRATCH/cycles" 200 > /run/cycles 2>&1 &
cycles=$! begun=$SECONDS
ok "200 cycles: the modules come and go" come_and_go
wait $cycles
is "200 cycles: all threads get to their end" $? 0
diag "$(cat /run/cycles), unloaded $(cat /run/gone) times, in $((SECONDS - begun)) s"
ok "200 cycles: the driver was unloaded meanwhile" test "$(cat /run/gone)" -ge 2
is "200 cycles: the disk has the last" "$(raw 0 64)" 200
is "200 cycles: no pin is left" "$(revokectl -j pin show)" '[]'
ok "200 cycles: no page is left pinned" wait_for 10 no_pinned_pages
ok "200 cycles: the driver unloads" unload pin_dummy
ok "200 cycles: the core unloads" wait_for 10 unload pin_revoke
disk_block=$file_block

ok "no wraps" modules ask=0
start A
is "no wraps: A maps the file" "$(h A map 0 "$SCRATCH/file" $file_size shared)" ok
is "no wraps: A listens" "$(h A listen 0)" ok
like "no wraps: A pins it" "$(h A pin 0 0+0 $file_size w)" 'ok fd=*'
ok "no wraps: indeed" disarmed
for n in 201 202 203; do
	is "no wraps: the device writes" "$(h A dma 0 0 $file_size $n)" ok
	like "no wraps: fsync" "$(h B fsync 0)" 'ok ms=*'
	is "no wraps: nothing is lost" "$(raw 0 16)" $n
	like "no wraps: A is told afterwards" "$(h A wait 0 revoked 10000)" \
		'*reason=writeback-other forced=1 *skipped=0'
	like "no wraps: and the pin comes back" "$(h A wait 0 restored 10000)" 'ok restored *'
done
stop A B
nothing_left
done_testing
