#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build.sh KVER [OUT]	(inside a guest root, see ../patched.sh)
# Builds rdma_rxe.ko for kernel KVER from the distribution's own source of that
# series, our patch for it and the rxe_*.[ch] here.
# shellcheck source=../patched.sh
. "$(dirname "$0")/../patched.sh"

source=linux-source-$series
rxe=drivers/infiniband/sw/rxe

# The source changes with each point release: keep one copy of each.
stock=$out/rxe-source/$(dpkg-query -W -f '${Version}' "$source")
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

copy "$stock" "$work" "$patch"
cp -pu "$here"/rxe_*.[ch] "$work/"
module "$work" CONFIG_RDMA_RXE rdma_rxe "$modules"
