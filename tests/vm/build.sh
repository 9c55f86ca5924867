#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: build.sh KERNEL
# Builds every component that the tree has, in the guest root, into build/: one
# line each, the compiler's words in build/log/, shown when it failed. Libraries
# and compiler are the guest's, so nothing of the host gets in.
#
# Must never write into the checkout.
. "${BASH_SOURCE[0]%/*}/env.sh"

use_kernel "${1:?usage: build.sh KERNEL}"
mkdir -p "$O/log"
cd "$TOP"
# The builds of two kernels share what is for user space.
exec 8> "$O/log/lock"
flock 8

# component NAME CMD... - in the guest root
component() {
	local name=$1 log
	shift
	log=$O/log/${name//\//-}
	SECONDS=0
	if ! "$VM/in-root.sh" "$ROOT" "$@" > "$log" 2>&1; then
		cat "$log" >&2
		die "$name does not build for $KERNEL"
	fi
	printf '  %-28s %3d s%s\n' "$name" $SECONDS \
		"$(grep -q 'warning:' "$log" && echo "  warnings: $log")" >&2
}

say "building for $KERNEL ($KVER)"
for dir in lib tools tests/selftests drivers-examples/*; do
	[ ! -e "$dir/Makefile" ] || component "$dir" make -C "/src/$dir" O="/build/${USER_O##*/}"
done
for dir in kernel drivers-examples/* tests/selftests/modules; do
	[ -e "$dir/Kbuild" ] || [ -e "$dir/build.sh" ] || continue
	component "$dir" /src/tests/vm/build-module.sh "$dir" "$KVER"
	[ "$dir" != kernel ] || component check-module /src/tests/vm/check-module.sh "$KVER"
done
