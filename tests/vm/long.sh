#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: long.sh
# `make long`: all guest tests on the debug kernel, core-fuzz with a million messages,
# and once more with the kernel's own core in the place of the module; what the patch
# series costs, in instructions, and whether tests of others fail with it that do not
# without; torture for ten minutes on each file system of every kernel, and 600 seconds
# of RDMA with an fsync in each; rdma-core's test suite, all of it, on the stock driver
# and on ours, on every kernel; 10,000 pages that a device writes to when they go; what
# make test leaves out on 6.12; a stock driver of each kernel as the peer of ours; all
# power cuts of 20 seconds of torture; QEMU killed 200 times; the packages, with DKMS
# that builds in the guests; the drivers that no guest has a device for, compiled; all
# that make check checks. It takes half a day or more. What has passed on this commit is
# not run again: call it until nothing is left. Seeds are in the logs. Last line: N
# passed, N failed; these are steps.
#
# Must never count a step that another commit has passed.
. "${BASH_SOURCE[0]%/*}/env.sh"

commit=$(git -C "$TOP" describe --always --dirty)
passed=0 failed=0
mkdir -p "$O/results"

# step NAME CMD...
step() {
	local stamp=$O/results/long-$1-$commit
	if [ -e "$stamp" ] && [[ $commit != *-dirty ]]; then
		say "$1: passed before"
	elif say "== $1" && "${@:2}" 2>&1 | tee "$O/log/long-$1" && [ "${PIPESTATUS[0]}" = 0 ]; then
		touch "$stamp"
	else
		failed=$((failed + 1))
		return
	fi
	passed=$((passed + 1))
}

mkdir -p "$O/log"
export VM_LIMIT=50000
step debug env TORTURE=100 "$VM/run.sh" debug
step series "$VM/series.sh" test all
step instructions "$VM/beside.sh" instructions
step others "$VM/beside.sh" others
for kernel in newest 6.12 6.1; do
	step "torture-$kernel" env TORTURE=600 "$VM/run.sh" $kernel torture rdma-resilience
	step "pyverbs-$kernel" env PYVERBS=all VM_SLOW=3 "$VM/run.sh" $kernel rxe-pyverbs
done
step edu env TORTURE=500 "$VM/run.sh" newest edu-dma
mapfile -t tests < <(grep -v '^#' "$VM/6.12.not")
step rest-6.12 "$VM/run.sh" 6.12 "${tests[@]}"
step peer "$VM/peer-test.sh"
step cuts env TORTURE=20 "$VM/run.sh" newest power-cut
step cut "$VM/cut-test.sh" 200
step packages env PACKAGES=all "$VM/packages-test.sh"
use_kernel newest
step drivers "$VM/in-root.sh" "$ROOT" env O=/build /src/drivers-examples/patches/compile.sh "$KVER"
step check "$VM/check-tree.sh" all
echo "$passed passed, $failed failed"
[ $failed = 0 ]
