#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: cut-test.sh [TIMES]	(default: 1)
# QEMU is killed at a random moment while a device writes into pinned parts of a file
# and everything else happens to that file; another guest looks at the disk: is all
# there that an fsync had promised, and is the file system sound? On ext4, xfs and btrfs
# in turn. Prints TAP; the disk of a round that failed stays in build/vm/cut.
#
# Must never leave a guest the time to tidy up.
. "${BASH_SOURCE[0]%/*}/env.sh"
set +e
. "$TOP/tests/selftests/lib.sh"

types=(ext4 xfs btrfs)
logs=$O/vm/cut
disk=$logs/disk

cut() { pkill -KILL -f "qemu-system.*file=$disk"; }

# promised - to wait for: something is, in torture's box on the disk
promised() { ! cmp -s -n 768 -i $(((128 << 20) + 16)):0 "$disk" /dev/zero; }

# round TYPE NAME
round() {
	local guest seconds=$((RANDOM % 8)) ms=$((RANDOM % 1000))
	rm -f "$disk"
	truncate -s 256M "$disk"
	rm -rf "$logs/run"
	"$VM/boot.sh" -o "$logs/run" -d "$disk" -q command "/pr/tests/power-cut.sh run $1" \
		< /dev/null > /dev/null 2>&1 &
	guest=$!
	ok "$2: data are promised" wait_for 120 promised
	# Chance, not patience: any moment will do.
	sleep "$seconds.$(printf %03d $ms)"
	ok "$2: the power is cut" cut
	wait $guest
	ok "$2: all is there" "$VM/boot.sh" -o "$logs/look" -d "$disk" -q \
		command "/pr/tests/power-cut.sh look $1" < /dev/null
	diag "after $seconds s $ms ms: $(grep '^there' "$logs/look/output")"
}

mkdir -p "$logs"
for ((i = 0; i < ${1:-1}; i++)); do
	type=${types[i % 3]}
	round "$type" "$type, round $((i / 3 + 1))"
	[ $tap_failed = 0 ] || bail "the disk is $disk"
done
rm -f "$disk"
done_testing
