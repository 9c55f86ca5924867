#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# For tests/vm/beside.sh: what writing, and O_DIRECT, cost on this kernel; where it knows
# revocable pins also with the core, with a pin elsewhere, and to and from pinned memory.
# Lines are STATE | WHAT | MEDIAN LEAST MOST, in ticks.
#
# Must never run while anybody else does anything.
. "${0%/*}/lib.sh" > /dev/null
. "${0%/*}/lib-core.sh"

direct() {
	echo "$1 | O_DIRECT read of 64 KiB | $(/pr/tests/count-io read /mnt/data 200 /mnt/buffer)"
	echo "$1 | O_DIRECT write of 64 KiB | $(/pr/tests/count-io write /mnt/data 200 /mnt/buffer)"
}

count() {
	echo "$1 | fsync of a page | $(/pr/tests/count-io fsync /mnt/file 300 1)"
	echo "$1 | fsync of 256 pages | $(/pr/tests/count-io fsync /mnt/file 50 256)"
	echo "$1 | background write of 256 | $(/pr/tests/count-io kick /mnt/file 50 256)"
	direct "$1"
}

# No journal and no other thread: nobody else works, or is waited for.
pmem && mkfs.ext4 -q -F -b 4096 -O ^has_journal "$PMEM" && mount "$PMEM" /mnt || exit
for file in data other buffer; do
	dd if=/dev/zero of=/mnt/$file bs=65536 count=1 conv=fsync status=none || exit
done
# Files get their blocks, and what is cached is cached.
count first > /dev/null
if [ "$KERNEL" = plain ]; then
	count plain
	exit
fi
count off
modules && count on || exit
start A
[ "$(h A map 0 /mnt/other 65536 shared)" = ok ] && [[ $(h A pin 0 0+0 65536 w) = ok* ]] || exit
count "a pin elsewhere"
start B
[ "$(h B map 0 /mnt/buffer 65536 shared)" = ok ] && [[ $(h B pin 0 0+0 65536 w) = ok* ]] || exit
direct "pinned memory"
stop A B
