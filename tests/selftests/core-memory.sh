#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Memory that is no file's: what stays where it is leaves the pin alone, what is
# punched out, cut off or dropped takes it, and the memory is free.
#
# Must never believe that nothing happened: each case sees its invalidation.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000	# for an event to arrive, ms
LEN=1048576
tracing=/sys/kernel/tracing

# the_memfd - the file behind region 0 of A
the_memfd() { find "/proc/${holder_pid[A]}/fd" -lname '*memfd:core-holder*' | head -n 1; }
free_huge() { [ "$(awk '/^HugePages_Free:/ { print $2 }' /proc/meminfo)" = "$1" ]; }

ok "core and driver" modules
echo 1 > $tracing/events/pin_revoke/enable
start A
is "A listens" "$(h A listen 0)" ok

# Out of the page table only: the same pages come back.
is "shmem: A maps it" "$(h A map 0 memfd $LEN shared)" ok
like "shmem: pins it" "$(h A pin 0 0+0 $LEN w)" 'ok fd=*'
is "shmem: the device writes" "$(h A dma 0 0 $LEN 21)" ok
echo > $tracing/trace
is "shmem: dropped from the page table" "$(h A drop 0+0 $LEN)" ok
ok "shmem: somebody looked" wait_for 20 grep -q 'pin_revoke_verify:.*err=0' $tracing/trace
like "shmem: the pin never noticed" "$(h A state 0)" 'ok live=1 quiesces=0 *'
is "shmem: the device writes on" "$(h A dma 0 0 $LEN 22)" ok
is "shmem: A sees it" "$(h A look 0+4096)" 'ok 22'

# A hole: other pages are there now.
file=$(the_memfd)
is "shmem: a hole is punched" "$(xfs_io -c "fpunch 65536 65536" "$file" 2>&1)" ""
like "shmem: A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=invalidate forced=1 *'
like "shmem: the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
is "shmem: the hole is empty" "$(h A look 0+65536)" 'ok 0'
is "shmem: what is beside it is not" "$(h A look 0+131072)" 'ok 22'
is "shmem: the device writes into the hole" "$(h A dma 0 65536 65536 23)" ok
is "shmem: which A sees" "$(h A look 0+65536)" 'ok 23'

# The end of it
ok "shmem: cut off" truncate -s 65536 "$file"
like "shmem: A is told again" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=invalidate *'
like "shmem: and that it is for good" "$(h A wait 0 gone $SOON)" 'ok gone *'
ok "shmem: no page is left pinned" wait_for 20 no_pinned_pages
is "shmem: unpinned" "$(h A unpin 0)" ok

# Anonymous memory that its own process throws away
is "anonymous: A maps it" "$(h A map 1 anon $LEN private)" ok
like "anonymous: pins it" "$(h A pin 0 1+0 $LEN w)" 'ok fd=*'
is "anonymous: the device writes" "$(h A dma 0 0 $LEN 31)" ok
is "anonymous: dropped" "$(h A drop 1+0 4096)" ok
like "anonymous: A is told" "$(h A wait 0 revoked $SOON)" 'ok revoked *reason=invalidate *'
like "anonymous: the pin comes back" "$(h A wait 0 restored $SOON)" 'ok restored *'
is "anonymous: a new page" "$(h A look 1+0)" 'ok 0'
is "anonymous: and the old ones" "$(h A look 1+4096)" 'ok 31'
is "anonymous: the device writes into both" "$(h A dma 0 0 8192 32)" ok
is "anonymous: A sees it in the new one" "$(h A look 1+0)" 'ok 32'
is "anonymous: unpinned" "$(h A unpin 0)" ok

# Pages that the driver pinned itself: taken, and the driver's to pin again
is "adopted: A maps memory" "$(h A map 2 anon $LEN private)" ok
is "adopted: there is something in it" "$(h A touch 2+0 $LEN 1)" ok
like "adopted: the driver pins it" "$(h A pin 0 2+0 $LEN wa)" 'ok fd=*'
is "adopted: dropped" "$(h A drop 2+0 4096)" ok
ok "adopted: taken" wait_for 20 state_like A 0 'ok live=0 quiesces=1 *unpins=1 *'
is "adopted: unpinned" "$(h A unpin 0)" ok

# Huge pages
echo 2 > /proc/sys/vm/nr_hugepages
mkdir /huge
ok "huge: hugetlbfs" mount -t hugetlbfs none /huge
truncate -s 4M /huge/file
is "huge: A maps it" "$(h A map 3 /huge/file 4194304 shared)" ok
like "huge: pins it" "$(h A pin 0 3+0 4194304 w)" 'ok fd=*'
is "huge: the device writes" "$(h A dma 0 0 4194304 41)" ok
ok "huge: no page is free" free_huge 0
ok "huge: cut off" truncate -s 2M /huge/file
like "huge: A is told that it is for good" "$(h A wait 0 gone $SOON)" 'ok gone *'
ok "huge: the page is free" wait_for 20 free_huge 1
is "huge: unpinned" "$(h A unpin 0)" ok
is "huge: unmapped" "$(h A unmap 3+0 4194304)" ok
stop A
ok "huge: the file system can be left" umount /huge
echo 0 > /proc/sys/vm/nr_hugepages
echo 0 > $tracing/events/pin_revoke/enable
is "no pin is left" "$(revokectl -j pin show)" '[]'
ok "the driver unloads" unload pin_dummy
ok "the core unloads" wait_for 30 unload pin_revoke
ok "no page is left pinned" wait_for 10 no_pinned_pages
done_testing
