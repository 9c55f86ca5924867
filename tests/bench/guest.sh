#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: guest.sh [ROW...]	(in the guest; all rows by default)
# Measures, phase by phase: nothing of ours loaded, the core, our driver. Leaves the
# samples in /run/out/samples, what the kernel refused in /run/out/refused, and what
# was noticed (B12) in /run/out/noticed. SCALE are the numbers of pins that B9 takes.
#
# Must never have anything else running while something is measured.
. /pr/tests/lib.sh > /dev/null
. /pr/tests/lib-core.sh
. /pr/tests/lib-rdma.sh
PATH=/pr/bench:$PATH
rows=" ${*:-B1 B2 B3 B4 B5 B6 B7 B8 B9 B12 B13} "
read -ra numbers <<< "${SCALE:-1000 10000 100000}"
failed=0
exec > /run/out/samples

say() { echo "$*" >&2; }

# row ROW... - is one of them wanted
row() {
	local r
	for r; do [[ $rows != *" $r "* ]] || return 0; done
	return 1
}

# run CMD... - one that fails does not take the others with it
run() {
	say "$*"
	"$@" || { failed=1; say "it failed, with $?"; }
}

# mr SERIES WAY MEMORY - a kernel may refuse such memory
mr() {
	local status=0
	timeout 300 mr B2 "$@" || status=$?
	[ $status = 77 ] || return $status
	echo "B2	$1" >> /run/out/refused
}

# scale WAY - each number when nothing is left of the one before
scale() {
	local n
	for n in "${numbers[@]}"; do
		timeout 600 scale "$1" /mnt/scale "$n" && wait_for 60 no_pinned_pages || return
	done
}

pin_modules() {
	grep -q "^bench_$1 " /proc/modules || run insmod "/pr/modules/tests/bench_$1.ko"
}

# ops ROW STATE WAY - those of files and memory that nobody has pinned
ops() { timeout 300 ops "$1" "$2" "$3" /mnt; }

# notice CMD... - B12, on each kind of file: CMD FS FILE
notice() {
	local fs
	for fs in ext4 xfs btrfs tmpfs hugetlbfs ext4-dax; do
		say "$* $fs"
		if fs_mount $fs; then
			"$@" $fs $SCRATCH/file | grep '^B12' | cut -f 2- >> /run/out/noticed
			[ "${PIPESTATUS[0]}" = 0 ] || failed=1
		else
			failed=1
		fi
		umount $SCRATCH
	done
}

# fs_mount FS - a new one, at $SCRATCH
fs_mount() {
	case $1 in
	tmpfs) mount -t tmpfs none $SCRATCH ;;
	hugetlbfs) mount -t hugetlbfs none $SCRATCH ;;
	*-dax) DATA=$PMEM scratch "$1" -b 4096 ;;
	*) scratch "$1" ;;
	esac >&2
}

# A RAM disk without a journal: nobody else works, or is waited for.
run modprobe brd rd_nr=1 rd_size=262144
run mkfs.ext4 -q -b 4096 -O ^has_journal /dev/ram0
run mount /dev/ram0 /mnt
file=/mnt/file tmpfs=/dev/shm/file
# Many events at once, B6.
echo $((16 << 20)) > /proc/sys/net/core/rmem_max
if row B12; then
	SCRATCH=/run/scratch
	mkdir $SCRATCH
	run pmem
	# Pages to be moved go to the second node.
	for node in 0 1; do
		echo 16 > /sys/devices/system/node/node$node/hugepages/hugepages-2048kB/nr_hugepages
	done
fi

say "nothing of ours"
! row B3 B13 || run timeout 300 range peers
if row B1 B8; then pin_modules bare; fi
! row B1 || run timeout 300 pin bare anon $file
! row B8 || run ops B8 "a bare pin of this process" bare
! row B4 B5 || run timeout 300 wake peers /mnt
! row B6 || run timeout 300 fanout lease /mnt
if row B12; then
	for way in none uffd lease; do run notice detect $way; done
fi
if row B2 B3 B12; then run rxe_up stock; fi
! row B12 || run notice detect_odp
! row B3 || run timeout 300 mr B3 "ibv_reg_mr + ibv_dereg_mr, 4 KiB, stock" plain anon 4096
if row B2; then
	run mr "anonymous: stock" plain anon
	run mr "anonymous: stock + userfaultfd" uffd anon
	run mr "anonymous: on-demand paging" odp anon
	run mr "anonymous, huge pages: stock" plain huge
	run mr "tmpfs: stock" plain $tmpfs
	run mr "tmpfs: stock + userfaultfd" uffd $tmpfs
	run mr "tmpfs: stock + lease" lease $tmpfs
	run mr "tmpfs: on-demand paging" odp $tmpfs
	run mr "ext4: stock" plain $file
	run mr "ext4: stock + lease" lease $file
	run mr "ext4: on-demand paging" odp $file
fi
# Twice: the difference is what a difference has to be to mean anything.
! row B7 || run ops B7 "without the core, once before" none
! row B7 || run ops B7 "without the core" none

say "the core"
run load pin_revoke
! row B7 || run ops B7 "core loaded" none
! row B3 B13 || run timeout 300 range ours
if row B1 B4 B5 B6 B8 B12; then pin_modules revoke; fi
! row B1 || run timeout 300 pin revoke anon $file
! row B8 || run ops B8 "a revocable pin of this process" revoke
! row B8 || run ops B8 "a revocable pin of another process" other
! row B4 B5 || run timeout 300 wake ours /mnt
! row B6 || run timeout 300 fanout revoke /mnt
if row B12; then
	for way in pin declare; do run notice detect $way; done
fi
if row B2; then
	run mr "anonymous: stock + revoke_declare" declare anon
	run mr "tmpfs: stock + revoke_declare" declare $tmpfs
fi

say "our driver"
if row B2; then
	! grep -q "^bench_revoke " /proc/modules || run rmmod bench_revoke
	run rxe_down
	run rxe_up
	run mr "anonymous: our driver" plain anon
	run mr "anonymous: our driver + revoke_declare" declare anon
	run mr "anonymous, huge pages: our driver" plain huge
	run mr "tmpfs: our driver" plain $tmpfs
	run mr "ext4: our driver" plain $file
fi
say "many pins"
if row B9; then
	pin_modules bare
	run scale bare
	run load pin_revoke
	pin_modules revoke
	run scale revoke
fi
say "done"
exit $failed
