#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build.sh KVER [OUT]	(inside a guest root; OUT defaults to $O)
# Builds rdma_rxe.ko for kernel KVER from the distribution's own source of that
# series, our patch for it and the rxe_*.[ch] here, into OUT/modules-KVER/. The
# kernel/ directory was built before, in OUT/kernel-KVER/, or SYMVERS names the file
# with the versions of its symbols.
#
# Must never build with a patch that fits only roughly.
set -eu
kver=${1:?usage: build.sh KVER [OUT]}
out=${2:-${O:?no output directory}}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
series=$(echo "$kver" | cut -d. -f1,2)
kdir=${KDIR:-/lib/modules/$kver/build}
patch=$here/rxe-$series.patch
source=linux-source-$series
rxe=drivers/infiniband/sw/rxe
core=$out/kernel-$kver/kernel
work=$out/kernel-$kver/drivers-examples/rxe

# The source changes with each point release: keep one copy of each.
release=$(dpkg-query -W -f '${Version}' "$source")
stock=$out/rxe-source/$release
if [ ! -d "$stock" ]; then
	rm -rf "$stock.new"
	mkdir -p "$stock.new"
	if [ -d "/usr/src/$source/$rxe" ]; then
		cp -r "/usr/src/$source/$rxe/." "$stock.new/"
	else
		tar -C "$stock.new" --strip-components=5 \
			-xf "/usr/src/$source.tar.xz" "$source/$rxe"
	fi
	mv "$stock.new" "$stock"
fi

# Patched from scratch only when something changed, so that make has little to do.
stamp=$(cat "$patch" "$here/build.sh" | sha256sum | cut -d' ' -f1)-$release
if [ "$(cat "$work/.stamp" 2>/dev/null)" != "$stamp" ]; then
	rm -rf "$work"
	mkdir -p "$work"
	cp -r "$stock/." "$work/"
	patch -d "$work" -p5 --fuzz=0 --no-backup-if-mismatch < "$patch"
	echo "$stamp" > "$work/.stamp"
fi
cp -pu "$here"/rxe_*.[ch] "$work/"

make -C "$kdir" M="$work" \
	KBUILD_EXTRA_SYMBOLS="${SYMVERS:-$core/Module.symvers}" \
	KCFLAGS="-I$top/kernel/include -I$top" \
	CONFIG_RDMA_RXE=m modules
mkdir -p "$out/modules-$kver"
strip --strip-debug -o "$out/modules-$kver/rdma_rxe.ko" "$work/rdma_rxe.ko"
