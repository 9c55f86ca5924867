#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build.sh KVER [OUT]	(inside a guest root, see ../patched.sh)
# Builds siw.ko for kernel KVER, and the same from the unpatched source into stock/
# beside it: Debian builds none. Where it cannot be built it says so, and that is no
# error.
# shellcheck source=../patched.sh
. "$(dirname "$0")/../patched.sh"

stock=/usr/src/linux-source-$series/drivers/infiniband/sw/siw

if [ ! -e "$patch" ] || [ ! -d "$stock" ] ||
	! grep -q '^CONFIG_NET_CRC32C=y' "$kdir/include/config/auto.conf"; then
	echo "siw is not built for $kver: no patch for Linux $series, no source, or no NET_CRC32C."
	exit
fi

copy "$stock" "$work/stock"
copy "$stock" "$work/ours" "$patch"
cp -pu "$here"/siw_*.[ch] "$work/ours/"
module "$work/stock" CONFIG_RDMA_SIW siw "$modules/stock"
module "$work/ours" CONFIG_RDMA_SIW siw "$modules"
