#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 150
#
# One grace bounds everything: a thousand pins of a hundred processes, a hundred files
# on two file systems, a hundred files of a process that is stopped. Nobody answers,
# and whoever writes beside them is not held up for longer, either.
#
# Must never let a holder answer.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

GRACE=1000	# ms
MORE=500	# what all the rest may take
SECOND=/run/second
FILES=/run/files	# names of all the files

# in_time DESCRIPTION ANSWER - a line of do_timed
in_time() {
	like "$1" "$2" 'ok ms=*'
	between "$1: one grace" "$(value ms "$2")" $((GRACE - 100)) $((GRACE + MORE))
}

# disturb, disturbed DESCRIPTION - begin and end of W's writes
disturb() { tell W repeat write-sync 0 0 4096; }
disturbed() {
	local line
	tell W enough
	line=$(hear W)
	diag "$1: W writes: $line"
	like "$1: W has written" "$line" 'ok times=[1-9]*'
	between "$1: W was not held up for longer" "$(value longest "$line")" 0 $((GRACE + MORE))
}

# hundred_files - half of them on each file system; sets places. Of spaces: a shell
# needs no other process to write these.
hundred_files() {
	local n
	rm -r $FILES
	mkdir $FILES $SECOND/many "$SCRATCH/many"
	for ((n = 0; n < 100; n += 2)); do
		printf %4096s '' > "$SCRATCH/many/$n"
		printf %4096s '' > $SECOND/many/$((n + 1))
	done
	ln -s "$SCRATCH"/many/* $SECOND/many/* $FILES
	sync
	mapfile -t first < <(places "$SCRATCH"/many/*)
	mapfile -t second < <(places $SECOND/many/*)
	is "100 files: their places are known" "${#first[@]} ${#second[@]}" "50 50"
}

# places FILE... - of their first pages on the disk, in order
places() {
	filefrag -v -b4096 "$@" | awk -F '[ .:]+' '$2 == "0" && $3 == "0" { print $5 }' | sort -n
}

# pages DISK PLACE... - the values of the bytes that are there, on the disk
pages() {
	local disk=$1
	shift
	dd if="$disk" bs=4096 iflag=direct skip="$1" count=$((${*: -1} - $1 + 1)) status=none |
		perl -e 'local $/; $all = <STDIN>;
			$seen{$_} = 1 for map { unpack("C*", substr($all, ($_ - $ARGV[0]) * 4096, 4096)) } @ARGV;
			print join(",", sort keys %seen), "\n"' "$@"
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "a second disk" modprobe loop
truncate -s 128M /dev/shm/disk
second_disk=$(losetup -f --show /dev/shm/disk)
ok "xfs on it" mkfs.xfs -q -f --unsupported "$second_disk"
mkdir -p $SECOND
ok "mounted" mount "$second_disk" $SECOND
ok "core and driver" modules
grace $GRACE
start A
start B
start W
zeroes other 1
is "W has a file" "$(h W map 0 "$SCRATCH/other" 4096 shared)" ok

new_file big 1000 || bail "no file in one piece"
mkdir $FILES
ln -s "$SCRATCH/big" $FILES/0
is "B has the big file" "$(h B map 0 "$SCRATCH/big" 4096 shared)" ok
sync
like "1000 pins: of 100 processes" "$(h A crowd 100 10 1 $FILES 7)" 'ok pid=*'
is "1000 pins: so many there are" "$(revokectl -j pin show | grep -o '"id"' | wc -l)" 1000
disturb
in_time "1000 pins: fsync" "$(h B fsync 0)"
disturbed "1000 pins"
mapfile -t big < <(seq "$disk_block" $((disk_block + 999)))
is "1000 pins: all is on the disk" "$(pages "$DATA" "${big[@]}")" 7
is "1000 pins: the processes end" "$(h A disperse)" ok

hundred_files
like "100 files: one pin each" "$(h A crowd 100 1 100 $FILES 8)" 'ok pid=*'
disturb
in_time "100 files: sync(2)" "$(h B sync)"
disturbed "100 files"
is "100 files: those on ext4 are on the disk" "$(pages "$DATA" "${first[@]}")" 8
is "100 files: those on xfs, too" "$(pages "$second_disk" "${second[@]}")" 8
is "100 files: the processes end" "$(h A disperse)" ok

line=$(h A crowd 1 100 100 $FILES 9)
like "stopped: one process has all files" "$line" 'ok pid=*'
pid=$(value pid "$line")
kill -STOP "$pid"
ok "stopped: it is" wait_for 10 grep -q '^State:.T' "/proc/$pid/status"
disturb
in_time "stopped: sync(2)" "$(h B sync)"
disturbed "stopped"
is "stopped: the disk has what its device wrote" "$(pages "$DATA" "${first[@]}")" 9
is "stopped: the other disk, too" "$(pages "$second_disk" "${second[@]}")" 9
begun=${EPOCHREALTIME/./}
refused "stopped: umount" 'busy' umount $SECOND
between "stopped: which says so in time" $(((${EPOCHREALTIME/./} - begun) / 1000)) 0 $((GRACE + MORE))
is "stopped: it ends" "$(h A disperse)" ok
begun=${EPOCHREALTIME/./}
ok "stopped: umount after its end" umount $SECOND
between "stopped: in time" $(((${EPOCHREALTIME/./} - begun) / 1000)) 0 $((GRACE + MORE))

stop A B W
losetup -d "$second_disk"
rm /dev/shm/disk
nothing_left
done_testing
