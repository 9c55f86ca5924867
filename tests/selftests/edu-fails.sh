#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# edu-dma.sh can fail: with a core that takes pages without stopping the device,
# others' pages are written to, and what comes after an fsync is not on the disk.
#
# Must never leave that build loaded.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

ok "ext4 on the data disk" scratch ext4 -b 4096
new_file file 1 || bail "no file in one piece"
ok "the core that can break loads" insmod /pr/modules/fault/pin_revoke.ko fault=2
ok "so does the driver" load edu_dma dma_bits=64
ok "fsync while it writes" /pr/tests/edu-rounds fsync "$SCRATCH/file" 73
is "the disk lacks what came after" "$(raw 0 1)" "0,73"
canary=$(/pr/tests/edu-rounds canary "$SCRATCH/gone" 20)
status=$?
diag "$canary"
is "others' pages are written to" $status 1
like "the canaries say so" "$canary" '*hit=[1-9]*'
ok "the driver unloads" unload edu_dma
ok "the core unloads" wait_for 30 unload pin_revoke
ok "no page is left pinned" wait_for 10 no_pinned_pages
ok "the file system can be left" umount "$SCRATCH"
done_testing
