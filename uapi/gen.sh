#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Generates the C side of pin-revoke.yaml with the kernel's own generator:
#   uapi/linux/pin_revoke.h, kernel/netlink_gen.[ch]
# and with our own what that one does not make: lib/names_gen.c, and what fuzzers
# know: tests/selftests/core-fuzz/spec_gen.h, tests/fuzz/pin_revoke.txt
#
# usage: gen.sh KSRC [OUTDIR]	KSRC: a kernel source tree (only tools/net/ynl
#				and Documentation/netlink are read)
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
ksrc=$1
out=${2:-$top}

# The generator loops for ever outside a tree with a MAINTAINERS file, and
# writes the path of the spec into what it makes: give it the in-tree shape.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir -p "$scratch/Documentation/netlink/specs" "$out/uapi/linux" "$out/kernel" \
	"$out/lib" "$out/tests/selftests/core-fuzz" "$out/tests/fuzz"
: > "$scratch/MAINTAINERS"
cp "$ksrc"/Documentation/netlink/*.yaml "$scratch/Documentation/netlink/"
cp "$top/uapi/pin-revoke.yaml" "$scratch/Documentation/netlink/specs/"

ynl() {
	(cd "$scratch" && /usr/bin/python3 "$ksrc/tools/net/ynl/pyynl/ynl_gen_c.py" \
		--spec Documentation/netlink/specs/pin-revoke.yaml "$@")
}
ynl --mode uapi --header -o "$out/uapi/linux/pin_revoke.h"
ynl --mode kernel --header -o "$out/kernel/netlink_gen.h"
ynl --mode kernel --source -o "$out/kernel/netlink_gen.c"
/usr/bin/python3 "$top/uapi/gen-names.py" "$top/uapi/pin-revoke.yaml" \
	> "$out/lib/names_gen.c"
/usr/bin/python3 "$top/uapi/gen-fuzz.py" c "$top/uapi/pin-revoke.yaml" \
	> "$out/tests/selftests/core-fuzz/spec_gen.h"
/usr/bin/python3 "$top/uapi/gen-fuzz.py" syz "$top/uapi/pin-revoke.yaml" \
	> "$out/tests/fuzz/pin_revoke.txt"
