#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: run.sh [KERNEL [TEST...]]
# Makes what is absent (root, build), boots one guest for all tests, or the
# named ones, and judges: TAP, the list of expected points, the kernel's log.
# Logs stay in build/vm/KERNEL/. Last line: N passed, N failed.
# check-splats-test.sh runs it with tests (VM_EXTRA), expectations (VM_EXPECTED)
# and logs (VM_LOGS) of its own. VM_AGAIN=1: a few tests that failed, if nothing else is
# wrong, run once more in a guest of their own; what passes there is called flaky.
#
# Must never pass when a test, or a point of one, was not run.
. "${BASH_SOURCE[0]%/*}/env.sh"

kernel=${1:-newest}
[ $# = 0 ] || shift
tests=("$@")
some=$#
if [ "$some" = 0 ]; then
	for file in "$TOP"/tests/selftests/*.sh; do
		name=${file##*/}
		[ ! -x "$file" ] || tests+=("${name%.sh}")
	done
fi
use_kernel "$kernel"
expected=("$VM/expected" "$VM/expected-$kernel")
[ -z "${VM_EXPECTED:-}" ] || read -ra expected <<< "$VM_EXPECTED"
logs=${VM_LOGS:-$O/vm/$kernel}
mkdir -p "$O/results" "$logs"
result=$O/results/guest-$kernel
[ -z "${VM_LOGS:-}" ] || result=$logs/result

"$VM/build.sh" "$kernel"

# guests TEST... - their streams; a guest that its emulator killed has a successor,
# which goes on with the test that was interrupted
guests() {
	local try status
	for try in 1 2 3; do
		"$VM/boot.sh" -k "$kernel" -o "$logs" -t "${VM_LIMIT:-$((2400 * ${VM_SLOW:-1}))}" \
			${VM_EXTRA:+-p "$VM_EXTRA"} tests "$@" < /dev/null | tee "$logs/stream"
		status=${PIPESTATUS[0]}
		[ "$status" = 125 ] && "$VM/stale-code.sh" "$logs/console" || return "$status"
		# Up to there the kernel's log is judged as any.
		sed '/Oops: int3/,$d' "$logs/console" > "$logs/until-stale-$try"
		echo "#again"
		shift "$(grep -c '^#end ' "$logs/stream")"
	done
	return "$status"
}

say "booting $kernel for ${#tests[@]} tests, logs in $logs"
SECONDS=0
status=0
: > "$logs/seen"
: > "$logs/bad"
rm -f "$logs"/until-stale-*
# The stream is judged as it arrives, so that one can watch.
set +e
guests "${tests[@]}" |
	"$ROOT/bin/busybox" awk -v sums="$logs/sums" -v seen="$logs/seen" \
		-v bad="$logs/bad" -f "$VM/tap.awk"
status=${PIPESTATUS[0]}
set -e
read -r passed failed skipped < "$logs/sums"

mapfile -t bad < "$logs/bad"
troubles=0 flaky=0
trouble() {
	failed=$((failed + 1))
	troubles=$((troubles + 1))
	echo "run: not ok - $*"
}

if [ "$status" -gt 1 ]; then trouble "the guest ended with $status"; fi
if [ "$status" = 1 ] && [ "$failed" = 0 ]; then trouble "the guest reports a failure"; fi

# Only the named tests' part of the list counts.
if [ "$some" = 0 ]; then
	grep -hv '^#' "${expected[@]}" || :
else
	for name in "${tests[@]}"; do
		grep -h "^$name: " "${expected[@]}" || :
	done
fi | LC_ALL=C sort > "$logs/expected"
LC_ALL=C sort -o "$logs/seen" "$logs/seen"
diff "$logs/expected" "$logs/seen" | grep '^[<>]' > "$logs/diff" || :
if [ -s "$logs/diff" ]; then
	trouble "points differ from ${expected[*]#"$TOP/"} (< missing, > not listed); if they are right, list them from $logs/seen"
	cat "$logs/diff"
	# A test that fails may leave out the rest of its points.
	sed 's/^..//; s/: .*//' "$logs/diff" | grep -qvxFf "$logs/bad" || troubles=$((troubles - 1))
fi

present=()
for log in console dmesg until-stale-1 until-stale-2; do
	if [ -e "$logs/$log" ]; then present+=("$logs/$log"); fi
done
if ! "$VM/check-splats.sh" "${present[@]}"; then trouble "the kernel's log has bugs in it"; fi

if [ -n "${VM_AGAIN:-}" ] && [ ${#bad[@]} -ge 1 ] && [ ${#bad[@]} -le 3 ] &&
	[ "$troubles" = 0 ]; then
	say "once more, alone: ${bad[*]}"
	if VM_AGAIN='' VM_LOGS=$logs/again "$0" "$kernel" "${bad[@]}"; then
		flaky=$failed failed=0 passed=$((passed + flaky))
		echo "run: flaky, see above what failed the first time: ${bad[*]}"
	fi
fi

echo "$passed $failed $skipped $flaky" > "$result"
echo "guest $kernel: $SECONDS s, $skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
