#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 60
#
# The unit tests that are inside the core (kernel/kunit), where the kernel has KUnit.
#
# Must never believe a suite that said nothing, or less than it planned.
. "${0%/*}/lib.sh"

kunit=/sys/kernel/debug/kunit
if [ ! -d $kunit ]; then
	skip "the core's own tests" "no KUnit in this kernel"
	done_testing
fi

# cases SUITE - a point for each
cases() {
	local log=$kunit/$1/results nr=0 verdict name
	ok "$1 runs" sh -c "echo 1 > $kunit/$1/run"
	while read -r verdict name; do
		nr=$((nr + 1))
		if [ "$verdict" = ok ]; then pass "$1: $name"; else fail "$1: $name"; fi
	done < <(sed -n 's/^    \(ok\|not ok\) [0-9]* /\1 /p' $log | sed 's/^not ok/not-ok/')
	is "$1: as many as planned" $nr "$(sed -n 's/^    1\.\.//p' $log)"
	ok "$1: and passes" grep -q "^ok 1 $1" $log
	[ $tap_failed = 0 ] || diag "$(cat $log)"
}

# fail-nth is for every allocation, and needs no backtrace of each.
echo N > /sys/kernel/debug/failslab/ignore-gfp-wait
echo 0 > /sys/kernel/debug/failslab/verbose
ok "the core with its tests loads" insmod /pr/modules/fault/pin_revoke.ko
for suite in pin_revoke_state pin_revoke_index pin_revoke_request pin_revoke_policy; do
	cases $suite
done
# Work of the tests may still hold a pin.
ok "it unloads" wait_for 20 unload pin_revoke
done_testing
