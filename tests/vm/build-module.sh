#!/bin/bash
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
modules=$O/modules-$kver

# sync_dir DIR TO - newer files over the copy, and away with what is gone; times
# are kept so that make sees what changed
sync_dir() {
	mkdir -p "$2/$1"
	list=$2/.files-$(echo "$1" | tr / -)
	(cd "/src/$1" && find . -type f | LC_ALL=C sort) > "$list.new"
	if [ -e "$list" ]; then
		LC_ALL=C comm -23 "$list" "$list.new" |
			while read -r gone; do rm -f "$2/$1/$gone"; done
	fi
	mv "$list.new" "$list"
	cp -pur "/src/$1/." "$2/$1/"
}

# build DIR TO [VARIABLE...] - make the copy DIR, its modules without debug
# information to TO
build() {
	from=$1 to=$2
	shift 2
	make -C "$KDIR" M="$from" W=1 "$@" modules
	mkdir -p "$to"
	for ko in "$from"/*.ko "$from"/*/*.ko; do
		[ -e "$ko" ] || continue
		strip --strip-debug -o "$to/${ko##*/}" "$ko"
	done
}

# gated - a soft-RoCE for tests: the objects of the driver, and a gate that the linker
# puts around the functions which do one packet, see rxe_gate.c
gated() {
	from=$top/drivers-examples/rxe
	to=$top/gate/rxe
	cmp -s "$from/.stamp" "$to/.stamp" || rm -rf "$to"
	mkdir -p "$to"
	cp -pu "$from"/.stamp "$from"/*.[ch] /src/tests/selftests/modules/rxe_gate.[ch] "$to/"
	tasks='requester completer responder'
	! grep -q rxe_sender "$to/rxe_loc.h" || tasks='sender receiver'
	{
		cat "$from/Makefile"
		echo 'rdma_rxe-y += rxe_gate.o'
		echo 'ldflags-y += --wrap=region_intersects --wrap=rxe_revoke_enter'
		for name in $tasks; do
			echo "ldflags-y += --wrap=rxe_$name"
		done
	} > "$to/Makefile"
	build "$to" "$modules/gate" CONFIG_RDMA_RXE=m W= \
		KBUILD_EXTRA_SYMBOLS="$top/kernel/Module.symvers" \
		KCFLAGS="-I/src/kernel/include -I/src"
}

case $dir in
kernel) # always the first
	rm -rf "$modules"
	sync_dir uapi "$top"
	sync_dir kernel "$top"
	build "$top/kernel" "$modules"

	# A core for tests: it can be told to be broken, so that they must fail, and
	# where there is KUnit has its unit tests in it.
	sync_dir uapi "$top/fault"
	sync_dir kernel "$top/fault"
	kunit=
	! grep -q '^CONFIG_KUNIT=' "$KDIR/include/config/auto.conf" || kunit=y
	build "$top/fault/kernel" "$modules/fault" PIN_REVOKE_FAULT=y PIN_REVOKE_KUNIT=$kunit
	rm -f "$modules/fault/pin_revoke_ib.ko"
	;;
*)
	if [ -x "/src/$dir/build.sh" ]; then
		"/src/$dir/build.sh" "$kver"
		[ "$dir" != drivers-examples/rxe ] || gated
	else
		sync_dir "$dir" "$top"
		case $dir in
		tests/*) modules=$modules/tests ;;
		esac
		build "$top/$dir" "$modules" \
			KBUILD_EXTRA_SYMBOLS="$top/kernel/Module.symvers"
	fi
	;;
esac
