#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# A device writes blocks with checksums into pinned parts of a file, while everything
# else happens to that file at random (see torture/trouble.c): what it had completed when
# an fsync began is on the disk when that returns, and the file system is sound. With
# TORTURE=SECONDS, for so long on each; with SEED=N, that one.
#
# Must never take the word of a file system for what is on its disk.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

DISK=$DATA
group=/sys/fs/cgroup/torture

# sound NAME TYPE - nobody has it mounted
sound() {
	case $2 in
	ext4*) ok "$1: e2fsck" e2fsck -fn "$DATA" ;;
	xfs*) ok "$1: xfs_repair" xfs_repair -n "$DATA" ;;
	btrfs) ok "$1: btrfs check" btrfs check "$DATA" ;;
	esac
}

# torture SECONDS SEED [checkpoint] - sets said and verdict
torture() {
	said=$(sh -c 'echo $$ > '$group'/cgroup.procs; exec "$@"' sh "${0%/*}/torture" \
		"$SCRATCH/file" "$DATA" "$1" "$2" $group/memory.reclaim "${@:3}" 2>&1)
	status=$?
	verdict=$(tail -n 1 <<< "$said")
	diag "$said"
}

# on NAME SECONDS TYPE MOUNT-OPTION [checkpoint]
on() {
	local name=$1 type=$3 blocks=()
	DATA=$DISK
	[[ $type != *-dax ]] || DATA=$PMEM
	# ext4 itself loses parts of pages with smaller blocks: see tests/README.md.
	[[ $type != ext4* ]] || blocks=(-b 4096)
	ok "$name: on its disk" scratch "$type" "${blocks[@]}"
	[ -z "$4" ] || ok "$name: mounted like that" remounted -o "$4"
	torture "${TORTURE:-$2}" "${SEED:-$((RANDOM * 32768 + RANDOM))}" "${@:5}"
	is "$name: nothing is lost, nor torn" "$status $verdict" "0 lost 0, torn 0"
	if [ "$type" = btrfs ]; then
		ok "$name: the checksums are right" btrfs scrub start -B "$SCRATCH"
	fi
	ok "$name: the file system can be left" umount "$SCRATCH"
	sound "$name" "$type"
}

echo +memory > /sys/fs/cgroup/cgroup.subtree_control
ok "a memory cgroup" mkdir $group
ok "there is persistent memory" pmem
ok "core and driver" modules
for reason in writeback-sync truncate fallocate; do
	revokectl policy set reason $reason grace $((30 * ${VM_SLOW:-1}))
done

on "ext4" 30 ext4 ""
# Not 6.1: its __ext4_journalled_writepage() drops the lock of a page, and BUGs when
# somebody has taken the buffers meanwhile.
[ "$KERNEL" = 6.1 ] || on "ext4, data=journal" 10 ext4 data=journal checkpoint
on "ext4, nodelalloc" 10 ext4 nodelalloc
on "xfs" 10 xfs ""
on "btrfs" 10 btrfs ""
on "ext4-dax" 10 ext4-dax ""
on "xfs-dax" 10 xfs-dax ""
ok "the driver unloads" unload pin_dummy
ok "the core unloads" wait_for 30 unload pin_revoke

# It can fail: a core whose sync writes nothing
DATA=$DISK
ok "no write: the core that can break loads" insmod /pr/modules/fault/pin_revoke.ko fault=1
ok "no write: the driver" load pin_dummy
ok "no write: ext4" scratch ext4
torture 3 "${SEED:-$RANDOM}"
like "no write: it is noticed" "$status $verdict" '1 lost [1-9]*, torn *'
ok "no write: the driver unloads" unload pin_dummy
ok "no write: the core unloads" wait_for 30 unload pin_revoke
ok "no page is left pinned" wait_for 10 no_pinned_pages
ok "no write: the file system can be left" umount "$SCRATCH"
ok "the cgroup is empty" wait_for 10 rmdir $group
done_testing
