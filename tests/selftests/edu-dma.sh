#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 240
#
# Real DMA, by QEMU's edu device, into pages that are taken while it writes: once
# they are somebody else's it does not touch them, and what it has finished is on
# the disk. VM_DMA says how the device sees memory: as it is (plain), through an
# IOMMU (iommu), or by way of bounce buffers (bounce). TORTURE=N: 20 N pages are taken.
#
# Must never believe that a way was taken before the kernel says so.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

way=${VM_DMA:-plain}
# The older kernels' part in it is small.
ROUNDS=200
[ "$KERNEL" = newest ] || ROUNDS=50
[ -z "${TORTURE:-}" ] || ROUNDS=$((20 * TORTURE))

bounced() { cat /sys/kernel/debug/swiotlb/io_tlb_used; }
behind_iommu() { compgen -G '/sys/bus/pci/drivers/edu_dma/0000:*/iommu_group' > /dev/null; }
has_way() {
	case $way in
	plain) ! behind_iommu && [ "$(bounced)" = 0 ] ;;
	iommu) behind_iommu && [ "$(bounced)" = 0 ] ;;
	bounce) ! behind_iommu && [ "$(bounced)" -gt 0 ] ;;
	esac
}

# synced VALUE - by a device in the middle of a transfer, twice
synced() { /pr/tests/edu-rounds fsync "$SCRATCH/file" "$1"; }

ok "ext4 on the data disk" scratch ext4 -b 4096
new_file file 1 || bail "no file in one piece"
ok "the core loads" load pin_revoke
ok "so does the driver" load edu_dma dma_bits=64
ok "it has a device" test -e /dev/edu_dma
/pr/tests/edu-rounds hold "$SCRATCH/file" &> /run/edu.says &
holder=$!
ok "the device holds a file's page" wait_for 20 grep -q mapped /run/edu.says
ok "which is mapped as this guest is to do it" has_way
like "the pin says whose it is" "$(revokectl -j pin show)" '*"name":"edu_dma"*"driver":"edu_dma"*'
kill $holder
ok "fsync while it writes" synced 71
is "the disk has it" "$(raw 0 1)" 71
canary=$(/pr/tests/edu-rounds canary "$SCRATCH/gone" "$ROUNDS")
status=$?
diag "$canary"
is "freed pages are as their new owners left them" $status 0

ok "the device is taken away" sh -c "echo 1 > \$(echo /sys/bus/pci/drivers/edu_dma/0000:*)/remove"
ok "and found again" sh -c "echo 1 > /sys/bus/pci/rescan"
ok "it has a device again" wait_for 20 test -e /dev/edu_dma
ok "fsync while that writes" synced 72
is "the disk has that" "$(raw 0 1)" 72
ok "the driver unloads" unload edu_dma
ok "the core unloads" wait_for 30 unload pin_revoke
ok "no page is left pinned" wait_for 10 no_pinned_pages
ok "the file system can be left" umount "$SCRATCH"
done_testing
