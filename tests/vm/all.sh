#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: all.sh [KERNEL...]	(default: newest 6.12 6.1 debug)
# `make test`: the tree's checks, the unit tests, the tests of the harness, the
# guest tests of each kernel (on debug, those in debug.tests), those with real DMA
# again behind an IOMMU and by bounce buffers, with the time that each took. Two
# suites run side by side, each line says whose it is. VM_LANES=1: one at a time.
# Last line: N passed, N failed, over all of them.
#
# A few points of a guest that fail are tried once more, alone: what passes then is
# flaky, which is printed, and counted as passed.
#
# Must never stop at the first suite that failed, nor forget it.
. "${BASH_SOURCE[0]%/*}/env.sh"

# tap NAME CMD... - a command on this machine whose output is a TAP stream
tap() {
	local name=$1
	shift
	"$@" 2>&1 | "$ROOT/bin/busybox" awk -v sums="$O/results/$name" -v seen=/dev/null \
		-v bad=/dev/null -f "$VM/tap.awk"
}

one_tap() {
	echo "#begin $1"
	"${@:2}" || { echo "#end $1 $?"; return; }
	echo "#end $1 0"
}

# dma WAY KERNEL - real DMA again, see VM_DMA in boot.sh
dma() {
	rm -f "$O/vm/dma-$1/result"
	VM_DMA=$1 VM_LOGS=$O/vm/dma-$1 "$VM/run.sh" "$2" edu-dma
	cp "$O/vm/dma-$1/result" "$O/results/dma-$1"
}

# suite NAME KERNEL - its sums and its time go to results/; KERNEL is for those that
# want any
suite() {
	local p=0 f=1 s=0 flaky=0 tests=()
	set +e
	SECONDS=0
	rm -f "$O/results/$1"
	# As env.sh would, if nobody said anything; the longest grace is 15 s.
	case $1 in rules|series|*-debug) VM_SLOW=4 ;; esac
	case $1 in
	tree) tap tree one_tap tree "$VM/check-tree.sh" ;;
	unit) tap unit "$VM/unit.sh" ;;
	dma-*) dma "${1#dma-}" "$2" ;;
	# A WARNING does not end a stock kernel's run.
	harness) tap harness one_tap harness "$VM/check-splats-test.sh" "$2" ;;
	crash) tap crash one_tap crash "$VM/crash-test.sh" "$2" ;;
	cut) tap cut one_tap cut "$VM/cut-test.sh" ;;
	peer) tap peer one_tap peer "$VM/peer-test.sh" "$2" 6.1 ;;
	packages) tap packages one_tap packages "$VM/packages-test.sh" ;;
	rules) tap rules one_tap rules "$VM/rules-test.sh" ;;
	guest-debug)
		mapfile -t tests < <(grep -v '^#' "$VM/debug.tests")
		VM_AGAIN=1 "$VM/run.sh" debug "${tests[@]}"
		;;
	series)
		rm -f "$O/vm/series/result"
		VM_AGAIN=1 "$VM/series.sh" test
		cp "$O/vm/series/result" "$O/results/series"
		;;
	guest-6.12)
		mapfile -t tests < <(cd "$TOP/tests/selftests" && find . -maxdepth 1 -name '*.sh' -perm /1 |
			sed 's/^\.\///; s/\.sh$//' | grep -vxFf "$VM/6.12.not" | LC_ALL=C sort)
		VM_AGAIN=1 "$VM/run.sh" 6.12 "${tests[@]}"
		;;
	guest-*) VM_AGAIN=1 "$VM/run.sh" "${1#guest-}" ;;
	esac
	read -r p f s flaky < "$O/results/$1"
	echo "$p $f $s $SECONDS ${flaky:-0}" > "$O/results/$1.sum"
}

if [ "${1:-}" = --suite ]; then
	use_kernel "$3"
	suite "$2" "$3" 2>&1 | sed -u "/^[0-9]* passed, [0-9]* failed$/d; s/^/$2: /" |
		tee "$O/results/$2.out"
	exit
fi

lanes=${VM_LANES:-2}
# Deadlines of guests that have half of the machine each.
[ "$lanes" = 1 ] || export VM_SLOW="${VM_SLOW:-2}"
[ $# != 0 ] || set -- newest 6.12 6.1 debug
any=${1/debug/newest}
suites=(unit tree packages)
for kernel; do
	suites+=("guest-$kernel")
done
suites+=(cut crash harness peer dma-iommu dma-bounce)
case " $* " in
*" debug "*)
	suites+=(series rules)
	# Nothing cached: long before it is needed.
	nice -n 5 "$VM/kernel.sh" > /dev/null 2>&1 &
	;;
esac
use_kernel "$any"
mkdir -p "$O/results"
rm -f "$O"/results/*.sum "$O"/results/*.out
printf '%s\n' "${suites[@]}" | xargs -P "$lanes" -I{} "$0" --suite {} "$any" || :

# What failed stands here again: of a long log some see the end only.
echo
grep -h -B 3 -A 8 ': not ok ' "$O"/results/*.out || :

passed=0 failed=0
echo
for name in "${suites[@]}"; do
	p=0 f=1 s=0 time=0 flaky=0
	read -r p f s time flaky < "$O/results/$name.sum" || :
	printf '  %-14s %4d s  %4d passed, %d failed, %d skipped, %d flaky\n' \
		"$name" "$time" "$p" "$f" "$s" "$flaky"
	passed=$((passed + p))
	failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ $failed = 0 ]
