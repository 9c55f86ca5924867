#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: rules-test.sh
# Tests that a driver which breaks a rule of the callbacks is reported by the
# debug kernel the first time, though nothing deadlocks: one boot for each rule,
# because lockdep's first report is its last. Prints TAP.
#
# Must never take a rule for seen because of a report before it was broken.
. "${BASH_SOURCE[0]%/*}/env.sh"
set +e
. "$TOP/tests/selftests/lib.sh"

logs=$O/vm/rules
"$VM/build.sh" debug || bail "nothing to boot"

# broken RULE - in a guest; the dmesg ends up in $logs/before and $logs/after
broken() {
	"$VM/boot.sh" -k debug -o "$logs" -q command "
		. /pr/tests/lib.sh
		set -e
		scratch ext4
		head -c 4096 /dev/zero > $SCRATCH/pinned
		sync
		load pin_revoke
		bad='insmod /pr/modules/tests/bad_driver.ko pinned=$SCRATCH/pinned dirty=$SCRATCH/dirty'
		echo 0 > /proc/sys/vm/dirty_writeback_centisecs
		echo > $SCRATCH/dirty
		\$bad rule=none
		rmmod bad_driver
		echo 'rules: now' > /dev/kmsg
		\$bad rule=$1" < /dev/null > /dev/null || return
	sed '/rules: now/q' "$logs/dmesg" > "$logs/before"
	sed '1,/rules: now/d' "$logs/dmesg" > "$logs/after"
}

# reported LOCK - lockdep says that the driver must not take it
reported() {
	grep -q 'possible circular locking dependency' "$logs/after" &&
		grep -A 2 'insmod.* is trying to acquire lock:' "$logs/after" | grep -q "$1" &&
		grep -A 4 'but task is already holding lock:' "$logs/after" | grep -q '&pin->lock'
}

while read -r rule lock; do
	ok "$rule: the guest does it" broken "$rule"
	ok "$rule: no report of a driver that keeps the rules" "$VM/check-splats.sh" "$logs/before"
	ok "$rule: lockdep reports it" reported "$lock"
	refused "$rule: a run with it fails" "after:.*possible circular" "$VM/check-splats.sh" "$logs/after"
done <<'EOT'
alloc fs_reclaim
mmap &mm->mmap_lock
wait pin_revoke_wait
EOT
done_testing
