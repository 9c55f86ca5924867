#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# The driver API from end to end: a pin over a file of ext4 whose data is on the
# disk after fsync, an adopted pin of anonymous memory, every refusal, and that
# nothing is left afterwards.
#
# Must never have a holder that listens: here everything is forced.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
start A
start B

new_file file 16 || bail "no file in one piece"
is "A maps it" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "B has it too" "$(h B map 0 "$SCRATCH/file" 65536 shared)" ok
like "A pins half of it" "$(h A pin 0 0+16384 32768 w)" 'ok fd=*'
like "root sees the pin" "$(revokectl -j pin show)" '*"state":"active"*'
is "the device writes" "$(h A dma 0 0 32768 170)" ok
is "B sees it in its memory" "$(h B look 0+49151)" 'ok 170'
is "the disk does not have it yet" "$(raw 0 16)" 0
like "fsync by B" "$(h B fsync 0)" 'ok ms=*'
is "the disk has it" "$(raw 4 8)" 170
is "and nothing beside it" "$(raw 0 4),$(raw 12 4)" 0,0
ok "the pin is back" wait_for 20 state_like A 0 'ok live=1 *'
state=$(h A state 0)
like "quiesced once, restored once" "$state" 'ok live=1 quiesces=1 restores=2 *reason=writeback-other'
like "mapped and unmapped as often" "$state" '* maps=2 unmaps=1 unpins=0 gones=0 *'
is "the device writes again" "$(h A dma 0 0 32768 187)" ok
like "fsync by A itself" "$(h A fsync 0)" 'ok ms=*'
is "the disk has that too" "$(raw 4 8)" 187

like "a pin that begins and ends inside pages" "$(h A pin 1 0+100 5000 w)" 'ok fd=*'
is "the device writes all of it" "$(h A dma 1 0 5000 85)" ok
is "not a byte before" "$(h B look 0+99)" 'ok 0'
is "the first byte" "$(h B look 0+100)" 'ok 85'
is "the last byte" "$(h B look 0+5099)" 'ok 85'
is "not a byte after" "$(h B look 0+5100)" 'ok 0'
is "nor beyond the pin" "$(h A dma 1 4999 2 85)" 'error ERANGE'
is "unpinned" "$(h A unpin 1)" ok
is "and no device any more" "$(h A dma 1 0 1 85)" 'error ENXIO'
is "nor a pin" "$(h A unpin 1)" 'error ENXIO'
is "a second pin on one open file" "$(h A pin 0 0+0 4096 w)" 'error EBUSY'

# Adopted pins
is "anonymous memory" "$(h A map 2 anon 65536 private)" ok
is "with something in it" "$(h A touch 2+0 65536 1)" ok
like "the driver pins it and registers" "$(h A pin 2 2+0 65536 wa)" 'ok fd=*'
like "root sees that it is adopted" "$(revokectl -j pin show)" '*"adopted"*'
is "the device writes there" "$(h A dma 2 0 65536 119)" ok
is "A sees it" "$(h A look 2+65535)" 'ok 119'
is "A unmaps it" "$(h A unmap 2+0 65536)" ok
ok "quiesced, gone, unpinned" wait_for 20 state_like A 2 \
	'ok live=0 quiesces=1 restores=1 *unpins=1 gones=1 reason=unmap'
is "the device has no pages" "$(h A dma 2 0 1 1)" 'error EFAULT'
is "unpinned" "$(h A unpin 2)" ok
is "anonymous memory again" "$(h A map 2 anon 65536 private)" ok
is "adopting other pages" "$(h A pin 2 2+0 8192 wa 2+16384)" 'error EAGAIN'
is "adopting lazily" "$(h A pin 2 2+0 8192 wal)" 'error EINVAL'
like "anonymous memory pinned by the core" "$(h A pin 2 2+0 65536 w)" 'ok fd=*'
is "the device writes there too" "$(h A dma 2 0 65536 120)" ok
is "A sees that too" "$(h A look 2+0)" 'ok 120'

# What a driver passes on from anybody
is "an empty range" "$(h A pin 3 2+0 0 w)" 'error EINVAL'
is "a range that wraps" "$(h A pin 3 0xfffffffffffff000 8192 w)" 'error EINVAL'
is "a range of the kernel" "$(h A pin 3 0xffff888000000000 4096 w)" 'error EINVAL'
is "a range of everything" "$(h A pin 3 4096 0x7fffff000000 w)" 'error ENOMEM'
is "nothing there" "$(h A pin 3 4096 4096 w)" 'error EFAULT'
is "three pages" "$(h A map 3 anon 12288 private)" ok
is "the middle one away" "$(h A unmap 3+4096 4096)" ok
is "a hole" "$(h A pin 3 3+0 12288 w)" 'error EFAULT'
is "memory that nobody may touch" "$(h A protect 3+0 4096 none)" ok
is "is not to write" "$(h A pin 3 3+0 4096 w)" 'error EFAULT'
is "nor to read" "$(h A pin 3 3+0 4096 -)" 'error EFAULT'
is "a file that nobody may touch" "$(h A map 8 "$SCRATCH/file" 65536 shared)" ok
is "from its second page on" "$(h A protect 8+4096 4096 none)" ok
is "is not to write either" "$(h A pin 3 8+0 8192 w)" 'error EFAULT'
is "nor to read either" "$(h A pin 3 8+0 8192 -)" 'error EFAULT'
is "a mapping to read" "$(h A map 4 "$SCRATCH/file" 65536 ro)" ok
is "is not to write" "$(h A pin 3 4+0 4096 w)" 'error EFAULT'
like "but to read" "$(h A pin 3 4+0 4096 -)" 'ok fd=*'
is "by a device that does not write" "$(h A dma 3 0 1 1)" 'error EACCES'
like "fsync by B again" "$(h B fsync 0)" 'ok ms=*'
like "which is none of its business" "$(h A state 3)" 'ok live=1 quiesces=0 *'
is "tmpfs" "$(h A map 5 memfd 8192 shared)" ok
like "can be pinned" "$(h A pin 4 5+0 8192 w)" 'ok fd=*'
is "a private mapping of a file" "$(h A map 6 "$SCRATCH/file" 8192 private)" ok
like "can be pinned too" "$(h A pin 5 6+0 8192 w)" 'ok fd=*'
disk=/dev/disk/by-id/virtio-out
any_fs=/sys/module/pin_revoke/parameters/any_fs
is "a disk" "$(h A map 7 $disk 8192 shared)" ok
is "is no file system that is proven" "$(h A pin 6 7+0 8192 w)" 'error EOPNOTSUPP'
like "may be read" "$(h A pin 6 7+0 8192 -)" 'ok fd=*'
is "unpinned" "$(h A unpin 6)" ok
echo 1 > $any_fs
like "and with any_fs written" "$(h A pin 6 7+0 8192 w)" 'ok fd=*'
echo 0 > $any_fs

# RLIMIT_MEMLOCK of somebody without rights
chmod 666 /dev/pin_dummy
start N prlimit --memlock=65536 setpriv --reuid 65534 --regid 65534 --clear-groups
is "17 pages of nobody's" "$(h N map 0 anon 69632 private)" ok
is "are too much" "$(h N pin 0 0+0 69632 w)" 'error ENOMEM'
is "adopted as well" "$(h N pin 0 0+0 69632 wa)" 'error ENOMEM'
like "9 are not" "$(h N pin 0 0+0 36864 w)" 'ok fd=*'
is "another 8 are" "$(h N pin 1 0+32768 32768 w)" 'error ENOMEM'
is "unpinned" "$(h N unpin 0)" ok
like "they are free again" "$(h N pin 1 0+0 65536 w)" 'ok fd=*'

stop A B N
nothing_left
done_testing
