#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Figures of one revocation, taken from the trace, and what a pin costs in memory. They
# are printed for people: `make figures` has those that need a machine to itself.
#
# Must never assert a time.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

trace=/sys/kernel/tracing
ROUNDS=20
PINS=1000

# Median, least and most of what comes in, in microseconds
summary() {
	sort -n | awk -v what="$1" '{ t[NR] = $1 }
		END { printf "%s: median %d us, least %d, most %d, of %d\n", what,
			t[int((NR + 1) / 2)], t[1], t[NR], NR }'
}
# between_events FROM TO - microseconds from the last FROM to the next TO
between_events() {
	awk -v from="$1" -v to="$2" '
		{ if (!match($0, / [0-9]+\.[0-9]+: /)) next
		  at = substr($0, RSTART + 1, RLENGTH - 3) * 1e6 }
		$0 ~ from { begun = at }
		$0 ~ to && begun { printf "%d\n", at - begun; begun = 0 }' /run/trace
}
rounds() {
	local n
	for ((n = 0; n < ROUNDS; n++)); do
		wait_for 20 state_like A 0 'ok live=1 *' && [[ $(h B fsync 0) == ok* ]] || return
	done
	wait_for 20 state_like A 0 'ok live=1 *'
}
no_pins() { [ "$(revokectl -j pin show)" = '[]' ]; }
slab_bytes() {
	cat /proc/sys/vm/stat_refresh
	awk '/^Slab:/ { print $2 * 1024 }' /proc/meminfo
}
# bytes_of PAGES - of kernel memory for a pin of so many pages
bytes_of() {
	local before after
	before=$(slab_bytes)
	[ "$(h M pin-many $PINS 0+0 $(($1 * 4096)) w)" = ok ] || return
	after=$(slab_bytes)
	[ "$(h M unpin-many $PINS)" = ok ] && wait_for 30 no_pins || return
	echo $(((after - before) / PINS))
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
grace 15000
new_file file 16 || bail "no file in one piece"
start A
start B
is "B has the file" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
is "A maps it" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "A listens" "$(h A listen 0 thread)" ok
is "A answers" "$(h A answer 0 quiesced $trace/trace_marker)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
echo mono > $trace/trace_clock
echo > $trace/trace
echo 1 > $trace/events/pin_revoke/enable
echo 1 > $trace/events/ext4/ext4_writepages/enable
ok "fsync, again and again" rounds
echo 0 > $trace/events/enable
cp $trace/trace /run/trace
echo local > $trace/trace_clock
told=$(between_events pin_revoke_request: 'holder told')
is "all were asked" "$(wc -l <<< "$told")" $ROUNDS
diag "$(summary "request to the holder's callback" <<< "$told")"
diag "$(between_events 'holder told' ext4_writepages: | summary "answer to the start of writeback")"
diag "$(between_events 'state=3->4' 'state=4->1' | summary "pinning 16 pages again")"
diag "$(between_events 'state=2->3' 'state=4->1' | summary "taken until it is back")"
stop A B

start M prlimit --nofile=2048
is "M maps the file" "$(h M map 0 "$SCRATCH/file" 65536 shared)" ok
# The first round opens the devices and fills the caches.
ok "many pins" bytes_of 1
one=$(bytes_of 1)
many=$(bytes_of 16)
like "their memory can be told" "$one $many" '[1-9]* [1-9]*'
diag "kernel memory of a pin: $one bytes for 1 page, $many for 16, core and pin_dummy together"
stop M
nothing_left
done_testing
