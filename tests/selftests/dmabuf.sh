#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 120
#
# Memory of another device: an importer of a dma-buf (drivers-examples/dmabuf, the real
# DMA of QEMU's edu) tells its holder when the exporter wants it back.
#
# Must never take longer than a grace where nobody may wait.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

GRACE=$((1000 * ${VM_SLOW:-1}))
none() { [ "$(revokectl -j pin show)" = '[]' ]; }

ok "core" load pin_revoke
ok "the device" insmod /pr/modules/edu_import.ko
ok "one that has memory" insmod /pr/modules/tests/test_export.ko
ok "a grace" revokectl policy set reason device grace $GRACE
points "nobody listens: " dmabuf nobody
points "answered: " dmabuf answer
points "not answered: " dmabuf silent $GRACE
points "busy: " dmabuf busy
points "closed: " dmabuf close
refused "a policy that leaves it to a backstop" 'wait or force' \
	revokectl policy set reason device action ask
ok "forced" revokectl policy set reason device action force
points "forced: " dmabuf nobody
ok "no pin is left" wait_for 10 none
ok "everything unloads" rmmod test_export edu_import
ok "so does the core" wait_for 10 rmmod pin_revoke
done_testing
