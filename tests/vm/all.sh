#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: all.sh [KERNEL...]	(default: newest 6.12 6.1 debug)
# `make test`: the tree's checks, the unit tests, the tests of the harness, the
# guest tests of each kernel (on debug, those in debug.tests), those with real DMA
# again behind an IOMMU and by bounce buffers, with the time that each took.
# Last line: N passed, N failed, over all of them.
#
# Must never stop at the first suite that failed, nor forget it.
. "${BASH_SOURCE[0]%/*}/env.sh"

[ $# != 0 ] || set -- newest 6.12 6.1 debug
passed=0 failed=0 times=''
use_kernel "$1"
mkdir -p "$O/results"

add() {
	local p=0 f=1 s=0
	read -r p f s < "$O/results/$1" || :
	passed=$((passed + p))
	failed=$((failed + f))
	times+=$(printf '  %-14s %4d s  %4d passed, %d failed, %d skipped' "$1" "$SECONDS" "$p" "$f" "$s")$'\n'
}

# suite NAME CMD... - a command on this machine whose output is a TAP stream
suite() {
	local name=$1
	shift
	SECONDS=0
	rm -f "$O/results/$name"
	say "== $name"
	"$@" 2>&1 | "$ROOT/bin/busybox" awk -v sums="$O/results/$name" -v seen=/dev/null -f "$VM/tap.awk" || :
	add "$name"
}

one_tap() {
	echo "#begin $1"
	"${@:2}" || { echo "#end $1 $?"; return; }
	echo "#end $1 0"
}

guest() {
	SECONDS=0
	rm -f "$O/results/guest-$1"
	say "== guest-$1"
	local tests=()
	[ "$1" != debug ] || mapfile -t tests < <(grep -v '^#' "$VM/debug.tests")
	"$VM/run.sh" "$1" "${tests[@]}" | sed '/^[0-9]* passed, [0-9]* failed$/d' || :
	add "guest-$1"
}

# dma WAY - real DMA again, see VM_DMA in boot.sh
dma() {
	SECONDS=0
	rm -f "$O/results/dma-$1" "$O/vm/dma-$1/result"
	say "== dma-$1"
	VM_DMA=$1 VM_LOGS=$O/vm/dma-$1 "$VM/run.sh" "${2/debug/newest}" edu-dma |
		sed '/^[0-9]* passed, [0-9]* failed$/d' || :
	cp "$O/vm/dma-$1/result" "$O/results/dma-$1" || :
	add "dma-$1"
}

# Nothing cached: the guests leave enough of two processors for this.
case " $* " in
*" debug "*) nice -n 19 "$VM/kernel.sh" > /dev/null 2>&1 & ;;
esac
suite tree one_tap tree "$VM/check-tree.sh"
suite unit "$VM/unit.sh"
for kernel; do
	guest "$kernel"
done
dma iommu "$1"
dma bounce "$1"
# A WARNING does not end a stock kernel's run.
suite harness one_tap harness "$VM/check-splats-test.sh" "${1/debug/newest}"
case " $* " in
*" debug "*) suite rules one_tap rules "$VM/rules-test.sh" ;;
esac

printf '\n%s' "$times"
echo "$passed passed, $failed failed"
[ $failed = 0 ]
