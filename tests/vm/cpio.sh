#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: cpio.sh ROOT DIR > ARCHIVE
# Packs a directory for the kernel's initramfs, owned by root, with the guest's
# own busybox: the host then needs no cpio.
#
# Must never pack the time of packing: equal input gives an equal archive.
. "${BASH_SOURCE[0]%/*}/env.sh"

cd "${2:?usage: cpio.sh ROOT DIR}"
# shellcheck disable=SC2016 # expanded inside
in_ns sh -c 'find . | LC_ALL=C sort | "$0" cpio -o -H newc 2>/dev/null' "$1/bin/busybox"
