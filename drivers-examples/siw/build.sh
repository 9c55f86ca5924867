#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build.sh KVER [OUT]	(inside a guest root; OUT defaults to $O)
# Builds siw.ko for kernel KVER, as ../rxe/build.sh builds rdma_rxe.ko, into
# OUT/modules-KVER/, and the same from the unpatched source into stock/ there: Debian
# builds none. Where it cannot be built it says so, and that is no error.
#
# Must never build with a patch that fits only roughly.
set -eu
kver=${1:?usage: build.sh KVER [OUT]}
out=${2:-${O:?no output directory}}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
series=$(echo "$kver" | cut -d. -f1,2)
kdir=${KDIR:-/lib/modules/$kver/build}
patch=$here/siw-$series.patch
stock=/usr/src/linux-source-$series/drivers/infiniband/sw/siw
work=$out/kernel-$kver/drivers-examples/siw

if [ ! -e "$patch" ] || [ ! -d "$stock" ] ||
	! grep -q '^CONFIG_NET_CRC32C=y' "$kdir/include/config/auto.conf"; then
	echo "siw is not built for $kver: no patch for Linux $series, no source, or no NET_CRC32C."
	exit
fi

# Patched from scratch only when something changed, so that make has little to do.
stamp=$(cat "$patch" "$here/build.sh" "$stock"/*.[ch] | sha256sum | cut -d' ' -f1)
if [ "$(cat "$work/.stamp" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$work"
	mkdir -p "$work/stock" "$work/ours"
	cp -r "$stock/." "$work/stock/"
	cp -r "$stock/." "$work/ours/"
	patch -d "$work/ours" -p5 --fuzz=0 --no-backup-if-mismatch < "$patch"
	echo "$stamp" > "$work/.stamp"
fi
cp -pu "$here"/siw_*.[ch] "$work/ours/"

# build DIR TO
build() {
	make -C "$kdir" M="$work/$1" \
		KBUILD_EXTRA_SYMBOLS="$out/kernel-$kver/kernel/Module.symvers" \
		KCFLAGS="-I$top/kernel/include -I$top" \
		CONFIG_RDMA_SIW=m modules
	mkdir -p "$2"
	strip --strip-debug -o "$2/siw.ko" "$work/$1/siw.ko"
}
build stock "$out/modules-$kver/stock"
build ours "$out/modules-$kver"
