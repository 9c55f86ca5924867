#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds and runs the tests of tests/unit, which need no kernel of ours, in the
# guest root: with the same compiler and libraries on every machine. Then the fuzzers,
# for a few seconds. Prints a stream for tap.awk.
#
# Must never need a package of the host.
. "${BASH_SOURCE[0]%/*}/env.sh"

use_kernel newest
# What others build, too.
mkdir -p "$O/log"
exec 8> "$O/log/lock"
flock 8
for dir in lib tools; do
	"$VM/in-root.sh" "$ROOT" make -s -C "/src/$dir" O="/build/${USER_O##*/}"
done
exec 8>&-
status=0
"$VM/in-root.sh" "$ROOT" make -s -C /src/tests/unit O="/build/${USER_O##*/}" test || status=1
"$VM/fuzz.sh" test || status=1
exit $status
