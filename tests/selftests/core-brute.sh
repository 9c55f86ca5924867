#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Everything at once: eight threads, see core-brute.c, while memory goes offline, and
# modules come and go whenever nobody uses them. 60 s on the debug kernel, which notices
# most, 10 s on others; TORTURE=N: 18 N. Afterwards nothing is left pinned, or held.
# It needs the memory that core-offline unplugs, and comes before it.
#
# Must never pass for want of anything that happened.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
time=10
if [ "$(uname -r)" != "${KVER%-debug}" ]; then time=60; fi
[ -z "${TORTURE:-}" ] || time=$((18 * TORTURE))
memory=/sys/devices/system/memory
mapfile -t blocks < <(grep -l offline $memory/memory*/state)

come_and_go() {
	local gone=0 core=0
	while kill -0 $race; do
		modules
		if unload pin_dummy; then gone=$((gone + 1)); fi
		if unload pin_revoke; then core=$((core + 1)); fi
		sleep 0.1
	done 2> /dev/null
	echo "$gone $core" > /run/gone
	modules
}
on_and_off() {
	local nr=0
	while kill -0 $race; do
		for block in "${blocks[@]}"; do
			echo online_movable > "$block"
			timeout -s INT 20 bash -c "echo offline > $block" && nr=$((nr + 1))
		done
		sleep 0.5
	done 2> /dev/null
	echo $nr > /run/offline
}

ok "there is memory to take offline" test ${#blocks[@]} -ge 1
ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
dd if=/dev/zero of="$SCRATCH/race" bs=4096 count=32 conv=fsync status=none
diag "SEED=$seed, $time s"
"${0%/*}/core-brute" "$SCRATCH/race" "$time" "$seed" > /run/race 2>&1 &
race=$!
on_and_off &
memory_pid=$!
ok "modules come and go meanwhile" come_and_go
wait $race
is "all threads do everything" $? 0
wait $memory_pid
read -r gone core < /run/gone
diag "$(cat /run/race); driver unloaded $gone times, core $core times, memory offline $(cat /run/offline) times"
ok "the driver was unloaded" test "$gone" -ge 1
ok "memory was taken offline" test "$(cat /run/offline)" -ge 1
new_file file 16 || bail "no file in one piece"
grace 10000
start A
start B
is "A maps a file" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "B has it" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
is "A listens" "$(h A listen 0)" ok
is "A answers" "$(h A dispatch 0)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
is "the device writes" "$(h A dma 0 0 65536 9)" ok
like "B's fsync" "$(h B fsync 0)" 'ok ms=*'
is "the disk has it" "$(raw 0 16)" 9
stop A B
nothing_left
done_testing
