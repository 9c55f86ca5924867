#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: compile.sh KVER [OUT]	(inside a guest root; OUT defaults to $O)
# Compiles the drivers of these patches for kernel KVER, out of its source. Nobody loads
# them: they are for adapters that no guest has.
#
# Must never build with a patch that fits only roughly.
set -eu
kver=${1:?usage: compile.sh KVER [OUT]}
out=${2:-${O:?no output directory}}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
series=$(echo "$kver" | cut -d. -f1,2)
work=$out/kernel-$kver/drivers-examples/patches

rm -rf "$work"
mkdir -p "$work"
for patch in "$here"/*-"$series.patch"; do
	driver=$(basename "$patch" "-$series.patch")
	hw=drivers/infiniband/hw/$driver
	tar -C "$work" -xJf "/usr/src/linux-source-$series.tar.xz" --strip-components=1 \
		"linux-source-$series/$hw"
	patch -d "$work" -p1 --fuzz=0 --no-backup-if-mismatch < "$patch"
	make -j2 -C "${KDIR:-/lib/modules/$kver/build}" M="$work/$hw" W=1 \
		KBUILD_EXTRA_SYMBOLS="$out/kernel-$kver/kernel/Module.symvers" \
		KCFLAGS="-I$top/kernel/include -I$top -Werror" \
		"CONFIG_INFINIBAND_$(echo "$driver" | tr '[:lower:]' '[:upper:]')=m" modules
	echo "$driver: compiled"
done
