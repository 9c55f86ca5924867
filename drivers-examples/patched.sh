# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh disable=SC2034
#
# Builds drivers of the distribution's own kernel source with our patch; sourced by
# their build.sh KVER [OUT], which runs inside a guest root. Owns where everything is:
# modules go to OUT/modules-KVER/ (OUT defaults to $O), and the kernel/ directory was
# built before, in OUT/kernel-KVER/, or SYMVERS names the file with the versions of its
# symbols.
#
# Must never build with a patch that fits only roughly.
set -eu
kver=${1:?usage: build.sh KVER [OUT]}
out=${2:-${O:?no output directory}}
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
driver=${here##*/}
series=$(echo "$kver" | cut -d. -f1,2)
kdir=${KDIR:-/lib/modules/$kver/build}
patch=$here/$driver-$series.patch
modules=$out/modules-$kver
work=$out/kernel-$kver/drivers-examples/$driver

# copy FROM TO [PATCH] - anew only when something changed, so that make has little to do
copy() {
	stamp=$(cat "$1"/*.[ch] ${3:+"$3"} "$here/../patched.sh" | sha256sum)
	[ "$(cat "$2/.stamp" 2> /dev/null)" != "$stamp" ] || return 0
	rm -rf "$2"
	mkdir -p "$2"
	cp -r "$1/." "$2/"
	[ -z "${3:-}" ] || patch -d "$2" -p5 --fuzz=0 --no-backup-if-mismatch < "$3"
	echo "$stamp" > "$2/.stamp"
}

# module FROM CONFIG NAME TO - NAME.ko of that copy, without debug information
module() {
	make -C "$kdir" M="$1" \
		KBUILD_EXTRA_SYMBOLS="${SYMVERS:-$out/kernel-$kver/kernel/Module.symvers}" \
		KCFLAGS="-I$top/kernel/include -I$top" "$2=m" modules
	mkdir -p "$4"
	strip --strip-debug -o "$4/$3.ko" "$1/$3.ko"
}
