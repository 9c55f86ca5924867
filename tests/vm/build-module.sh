#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build-module.sh DIR KVER	(inside a guest root, see build.sh)
# Builds the modules of one directory of the tree out of a copy, and gathers
# them, without debug information, in build/modules-KVER/. A directory with a
# build.sh of its own builds itself: build.sh KVER, O in the environment.
#
# Must never leave a file in the copy that the tree no longer has.
set -eu
dir=$1
kver=$2
export O=/build KVER="$kver" KDIR="/lib/modules/$kver/build"
top=$O/kernel-$kver
copy=$top/$dir

# sync_dir DIR - newer files over the copy, and away with what is gone; times
# are kept so that make sees what changed
sync_dir() {
	mkdir -p "$top/$1"
	(cd "/src/$1" && find . -type f | LC_ALL=C sort) > "$top/.files.new"
	list="$top/.files-$(echo "$1" | tr / -)"
	if [ -e "$list" ]; then
		LC_ALL=C comm -23 "$list" "$top/.files.new" |
			while read -r gone; do rm -f "$top/$1/$gone"; done
	fi
	mv "$top/.files.new" "$list"
	cp -pur "/src/$1/." "$top/$1/"
}

# gather FROM TO - modules without debug information
gather() {
	mkdir -p "$2"
	for ko in "$1"/*.ko "$1"/*/*.ko; do
		[ -e "$ko" ] || continue
		to=$2/${ko##*/}
		[ "$to" -nt "$ko" ] || strip --strip-debug -o "$to" "$ko"
	done
}

sync_dir uapi
sync_dir kernel
if [ -x "/src/$dir/build.sh" ]; then
	"/src/$dir/build.sh" "$kver"
else
	[ "$dir" = kernel ] || sync_dir "$dir"
	[ -e "$copy/Kbuild" ] || [ -e "$copy/Makefile" ] || exit 0
	symbols=
	if [ "$dir" != kernel ] && [ -e "$top/kernel/Module.symvers" ]; then
		symbols=KBUILD_EXTRA_SYMBOLS=$top/kernel/Module.symvers
	fi
	make -C "$KDIR" M="$copy" W=1 $symbols modules
	gather "$copy" "$O/modules-$kver"
fi
# The durability tests must be able to fail: a core that breaks on demand.
if [ "$dir" = kernel ]; then
	mkdir -p "$top/fault"
	cp -pur "$top/kernel" "$top/uapi" "$top/fault/"
	make -C "$KDIR" M="$top/fault/kernel" PIN_REVOKE_FAULT=y modules
	gather "$top/fault/kernel" "$O/modules-$kver/fault"
	rm -f "$O/modules-$kver/fault/pin_revoke_ib.ko"
fi
