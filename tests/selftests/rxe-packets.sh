#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# A region is taken away before, inside and after each packet of each RDMA operation, on
# purpose: see rxe-packets/, and modules/rxe_gate.c, which stops the driver there.
#
# Must never test the library: only verbs and the kernel.
dir=${0%/*}
. "$dir/lib.sh"
. "$dir/lib-rdma.sh"

ok "a file system" scratch ext4
ok "soft-RoCE with a gate" rxe_up gate
points "" rxe-packets "$SCRATCH/file"
is "no pin is left" "$(revokectl -j pin show)" '[]'
ok "the file system can be left" umount "$SCRATCH"

# Kernels of old cannot flush what they write.
if [ "$KERNEL" != 6.1 ]; then
	DATA=$PMEM
	ok "memory that survives" pmem
	ok "a file system in it" scratch ext4-dax
	points "persistent, " rxe-packets "$SCRATCH/file" persistent
	points "hole: " rxe-hole "$SCRATCH/hole"
	points "flush: " rxe-flush "$SCRATCH/flush"
	ok "that can be left, too" umount "$SCRATCH"
fi
ok "everything can be unloaded" rxe_down
done_testing
