#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: others.sh [PART...]
# For tests/vm/beside.sh: tests that others wrote, on this kernel; where it knows
# revocable pins, while there is one, and with buffers that are pinned. Parts are as
# there; all, if none is named. Lines are "result PART NAME: HOW".
#
# Must never judge.
. "${0%/*}/lib.sh" > /dev/null
. "${0%/*}/lib-core.sh"

[ $# != 0 ] || set -- fio stress-ng filesystems mmap gup_test userfaultfd compaction mlock \
	process_mrelease mremap madv_guard madv_populate process_madv vma_merge ksm pkey \
	soft_dirty pagemap pfnmap cow thp hugetlb mkdirty mdwe memory-failure
STEP=1200	# seconds for one of these, at most
TESTS=/pr/selftests

says() {
	[ "$2" != 4 ] || set -- "$1" skipped
	echo "result $1: $2"
}

# results PART - of what says TAP, and of what that calls
results() {
	sed -n -E "s/^(# )*(ok|not ok) [0-9]+ ([^#]*[^# ]).*# SKIP.*/result $1 \3: skipped/p; t
		s/^(# )*(ok|not ok) [0-9]+ ([^#]*[^# ]).*/result $1 \3: \2/p"
}

verify() {	# NAME OPTION...
	timeout $STEP fio --name=f --directory=/mnt --size=4M --rw=randrw --verify=crc32c \
		--do_verify=1 --verify_fatal=1 --fallocate=none "${@:2}" > "/run/out/fio-$1" 2>&1
	says "fio $1" $?
	rm -f /mnt/f.*
}

# pinned NAME OPTION... - the same, from and to what is pinned; it removes its buffer
pinned() {
	ln -f /mnt/buffers /mnt/fio-buffers
	verify "$@" --mem=mmapshared:/mnt/fio-buffers
}

fio_part() {
	local engine
	for engine in psync mmap libaio io_uring; do
		verify $engine --ioengine=$engine --bs=4k --iodepth=4
		[ $engine = mmap ] || verify $engine-direct --ioengine=$engine --bs=16k --direct=1
	done
	verify fsync --ioengine=psync --bs=4k --fsync=16
	verify end --ioengine=psync --bs=64k --overwrite=0 --end_fsync=1
	pinned pinned-psync --ioengine=psync --bs=16k --direct=1
	pinned pinned-libaio --ioengine=libaio --bs=16k --direct=1 --iodepth=8
	pinned pinned-io_uring --ioengine=io_uring --bs=16k --direct=1 --iodepth=8
	pinned pinned-buffered --ioengine=psync --bs=16k --fsync=16
}

stress_part() {
	local name
	for name in aio copy-file dup fallocate fork hdd io io-uring madvise mmap mmapfork mremap \
		msync munmap punch readahead seek shm sync-file userfaultfd vm vma; do
		timeout 300 stress-ng --temp-path /mnt --verify --timeout 10 --$name 2 \
			> "/run/out/stress-$name" 2>&1
		says "stress-ng $name" $?
	done
}

filesystems_part() {
	local test name
	while read -r test; do
		name=${test#./}
		timeout 120 "$test" > /run/test 2>&1 < /dev/null
		says "filesystems $name" $?
		results "filesystems ${name//\//-}" < /run/test
		cp /run/test "/run/out/${name//\//-}"
	done < <(cd "$TESTS/filesystems" && find . -type f -perm /1 \
		! -name "*.sh" ! -name dnotify_test | LC_ALL=C sort)
}

mm_part() {
	timeout -k 5 $STEP ./run_vmtests.sh -t "$1" > "/run/out/mm-$1" 2>&1 < /dev/null
	says "mm $1" $?
	results "mm $1" < "/run/out/mm-$1"
}

mkdir -p /run/out
scratch ext4 -b 4096 || exit
echo 500 > /proc/sys/vm/dirty_writeback_centisecs # lib-core.sh has switched it off
dd if=/dev/zero of=/mnt/buffers bs=1M count=4 conv=fsync status=none || exit
if [ "$KERNEL" != plain ]; then
	modules && start A || exit
	[ "$(h A map 0 /mnt/buffers 4194304 shared)" = ok ] || exit
	[[ $(h A pin 0 0+0 4194304 w) = ok* ]] || exit
fi
for part; do
	SECONDS=0
	case $part in
	fio) fio_part ;;
	stress-ng) stress_part ;;
	filesystems) cd $TESTS/filesystems && filesystems_part ;;
	*) cd $TESTS/mm && mm_part "$part" ;;
	esac
	echo "$part: $SECONDS s"
done
cd /
[ "$KERNEL" = plain ] || { echo "the pin: $(h A state 0)"; stop A; nothing_left | grep '^not ok'; }
exit 0
