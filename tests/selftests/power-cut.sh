#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# The power is cut while a device writes into pinned parts of a file and everything else
# happens to that file (torture/trouble.c): what an fsync had promised is there when the
# file system has recovered, and the file system is sound. dm-log-writes sees what the
# disk is told, log-replay makes of it each state that a cut must leave, torture's box
# says what had been promised then. CUTS of these states are looked at on each file
# system, all of them with TORTURE=SECONDS. On newest only.
#
# Must never judge the state that a clean umount leaves: that is no power cut.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

CUTS=6
SIZE=$((128 << 11))	# of the file system, sectors; the box is behind it
space=/run/cut
DISK=$(readlink -f "$DATA")
export DM_DISABLE_UDEV=1	# no daemon makes nodes here

# layers DEVICE - /dev/mapper/fs and /dev/mapper/box are on it
layers() {
	dmsetup create fs --table "0 $SIZE linear $1 0" &&
		dmsetup create box --table "0 8 linear $1 $SIZE"
}
no_layers() { dmsetup remove fs && dmsetup remove box; }

# logged - a fresh file system, the state in which it is, and all writes from then on
logged() {
	rm -f $space/*
	truncate -s 2G $space/log
	log=$(losetup -f --show $space/log) &&
		dd if="$DISK" of=$space/base bs=1M count=$((SIZE >> 11)) conv=sparse status=none &&
		truncate -s $(((SIZE + 8) << 9)) $space/base &&
		dmsetup create logged --table "0 $((SIZE + 8)) log-writes $DISK $log" &&
		layers /dev/mapper/logged && mount -t "$1" /dev/mapper/fs "$SCRATCH"
}

unlogged() { umount "$SCRATCH" && no_layers && dmsetup remove logged && losetup -d "$log"; }

check_fs() {
	case $1 in
	ext4) e2fsck -fn /dev/mapper/fs ;;
	xfs) xfs_repair -n /dev/mapper/fs ;;
	btrfs) btrfs check /dev/mapper/fs ;;
	esac
}

# after_cut TYPE - of the state in $space/base: how many slots are there, or what is wrong
after_cut() {
	local loop said there status=0
	cp --sparse=always $space/base $space/cut || return
	loop=$(losetup -f --show $space/cut) && layers "$loop" || return
	mount -t "$1" /dev/mapper/fs "$SCRATCH" || return
	said=$("${0%/*}/torture" check /dev/mapper/box "$SCRATCH/file") || status=$?
	umount "$SCRATCH" || return
	there=${said#there }
	[ $status != 0 ] || said=$(check_fs "$1" 2>&1) || status=$?
	no_layers && losetup -d "$loop" || return
	[ $status = 0 ] && echo "${there%%,*}" || { echo "$said"; return 1; }
}

# cuts TYPE - replays the log; sets said: ok, or what the first bad state was like
cuts() {
	local total n=0 every there to pid
	total=$("${0%/*}/log-replay" $space/log /dev/null < /dev/zero | wc -l)
	every=$((total / CUTS + 1))
	[ -z "${TORTURE:-}" ] || every=1
	said=ok looked=0 sum=0
	coproc replay { "${0%/*}/log-replay" $space/log $space/base; }
	while read -r -u "${replay[0]}" entry && [ "${entry% *}" != end ]; do
		if [ $((++n % every)) = 0 ]; then
			there=$(after_cut "$1") || { said=$there; break; }
			sum=$((sum + there)) looked=$((looked + 1))
		fi
		echo >&"${replay[1]}"
	done
	diag "$looked of $n cuts, $sum slots promised and there, until $entry"
	# shellcheck disable=SC2154 # coproc sets it
	to=${replay[1]} pid=$replay_PID
	exec {to}>&-
	wait "$pid"
}

# run NAME TYPE - sets verdict, of torture, and what cuts sets
run() {
	DATA=$DISK
	ok "$1: two layers on the disk" layers "$DISK"
	DATA=/dev/mapper/fs
	ok "$1: on them" scratch "$2"
	ok "$1: can be left" umount "$SCRATCH"
	ok "$1: no layers" no_layers
	logged "$2" || bail "$1: the writes cannot be logged"
	said=$("${0%/*}/torture" "$SCRATCH/file" /dev/mapper/fs "${TORTURE:-4}" \
		"${SEED:-$((RANDOM * 32768 + RANDOM))}" "" box=/dev/mapper/box 2>&1)
	diag "$said"
	verdict=$(tail -n 1 <<< "$said")
	ok "$1: the log is complete" unlogged
	cuts "$2"
}

# power-cut.sh run|look TYPE - for tests/vm/cut-test.sh: until the power is cut; after it
case ${1:-} in
run)
	modules && layers "$DISK" && DATA=/dev/mapper/fs && scratch "$2" || exit
	exec "${0%/*}/torture" "$SCRATCH/file" $DATA 1000 $RANDOM "" box=/dev/mapper/box
	;;
look)
	layers "$DISK" && mount -t "$2" /dev/mapper/fs "$SCRATCH" &&
		"${0%/*}/torture" check /dev/mapper/box "$SCRATCH/file" &&
		umount "$SCRATCH" && check_fs "$2"
	exit
	;;
esac

[ "$KERNEL" = newest ] || { skip "power cuts" "newest has them"; done_testing; }
mkdir -p $space
mount -t tmpfs -o size=1G cut $space || bail "no memory"
ok "what logs writes" modprobe dm-log-writes
ok "loop devices" modprobe loop
ok "core and driver" modules
for reason in writeback-sync truncate fallocate; do
	revokectl policy set reason $reason grace $((30 * ${VM_SLOW:-1}))
done

for fs in ext4 xfs btrfs; do
	run $fs $fs
	is "$fs: nothing is lost, nor torn" "$verdict" "lost 0, torn 0"
	is "$fs: each promise is kept, and the file system sound" "$said" ok
	is "$fs: to the end of the log" "${entry% *}" end
	ok "$fs: many cuts" test $looked -ge $((CUTS / 2))
	ok "$fs: and promises" test $sum -ge $looked
done
ok "the driver unloads" unload pin_dummy
ok "the core unloads" wait_for 30 unload pin_revoke

# It can fail: a core whose sync writes nothing
ok "no write: the core that can break loads" insmod /pr/modules/fault/pin_revoke.ko fault=1
ok "no write: the driver" load pin_dummy
run "no write" ext4
like "no write: it is noticed" "$said" "*lost [1-9]*"
ok "no write: the driver unloads" unload pin_dummy
ok "no write: the core unloads" wait_for 30 unload pin_revoke
umount $space
done_testing
