#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: gen.sh OUTDIR
# Runs uapi/gen.sh in the guest root, which has the kernel's generator and the
# Python modules it wants, and leaves the files in OUTDIR as the tree has them.
#
# Must never use a generator of the host.
. "${BASH_SOURCE[0]%/*}/env.sh"

out=${1:?usage: gen.sh OUTDIR}
use_kernel newest
rm -rf "$O/gen.new"
"$VM/in-root.sh" "$ROOT" \
	sh -c '/src/uapi/gen.sh "$(echo /usr/src/linux-source-*/)" /build/gen.new' >&2
mkdir -p "$out"
cp -r "$O/gen.new/." "$out/"
rm -rf "$O/gen.new"
