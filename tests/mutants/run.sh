#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: run.sh [MUTANT...]	run.sh fit
# `make mutants`: applies each tests/mutants/MUTANT.patch to a copy of the tree,
# builds the core and shows that the test notices, by the point that the patch
# names. Before that all these tests must pass without a mutant. Last line:
# "N caught, M survived". fit: only, do the patches fit the tree and name points
# that there are?
#   Breaks: what is wrong then
#   Test: guest NAME | guest-debug NAME | unit NAME | module (check-module.sh)
#   Point: the description of the first point that fails (a pattern, where that is a
#	matter of luck), or what the check says
#
# Must never count a mutant as caught that does not build or whose guest died.
. "${BASH_SOURCE[0]%/*}/../vm/env.sh"

dir=$TOP/tests/mutants
work=$O/mutants
tree=$work/tree
build=$work/build

field() { sed -n "s/^$2: //p;/^---/q" "$dir/$1.patch"; }
# apply DIR OPTION...
apply() { patch -d "$1" -p1 -s --fuzz=0 --no-backup-if-mismatch "${@:2}"; }

fresh_tree() {
	rm -rf "$tree"
	mkdir -p "$tree"
	tar -C "$TOP" --exclude=./build --exclude=./.git -cf - . | tar -C "$tree" -xf -
}

# one_like PATTERN - is there such a line?
one_like() {
	local line found=1
	# shellcheck disable=SC2053 # a pattern it is
	while read -r line; do if [[ $line == $1 ]]; then found=0; fi; done
	return $found
}

# fits MUTANT - it applies, and the point is one of those that its test makes
fits() {
	local kind name point
	read -r kind name < <(field "$1" Test)
	point=$(field "$1" Point)
	[ -n "$(field "$1" Breaks)" ] && [ -n "$point" ] || { say "$1: no Breaks or no Point"; return 1; }
	apply "$TOP" --dry-run < "$dir/$1.patch" || { say "$1 does not fit the tree"; return 1; }
	case $kind in
	guest) cat "$VM"/expected{,-newest} | one_like "$name: $point" ;;
	guest-debug) cat "$VM"/expected{,-debug} | one_like "$name: $point" ;;
	unit) [ -e "$TOP/tests/unit/$name.c" ] ;;
	module) grep -qF "${point#*: }" "$VM/check-module.sh" ;;
	*) false ;;
	esac || { say "$1: no test '$kind $name' has a point '$point'"; return 1; }
}

# Everything of the tree stays where and what it is in the guest root.
in_copy() { O=$build "$tree/tests/vm/in-root.sh" "$ROOT" "$@"; }

# The kernel on which a kind of test runs
kernel_of() { case $1 in guest-debug) echo debug ;; *) echo newest ;; esac; }

# build_core - from the copy, for the kernel in use, into $work/payload
build_core() {
	in_copy /src/tests/vm/build-module.sh kernel "$KVER" &&
		(cd "$build/modules-$KVER" && cp --parents {,fault/}pin_revoke.ko "$work/payload/modules/")
}

# notice KIND NAME LOG - does the test, with what it says in LOG
notice() {
	case $1 in
	guest*)
		"$VM/boot.sh" -k "$KERNEL" -o "${3%.log}" -p "$work/payload" -q \
			-t $((300 * ${VM_SLOW:-1})) tests "$2" < /dev/null || :
		cat "${3%.log}/output"
		;;
	unit) O=$build "$tree/tests/vm/unit.sh" ;;
	module) in_copy /src/tests/vm/check-module.sh "$KVER" ;;
	esac > "$3" 2>&1
}

# caught MUTANT - says so; a guest's test ends at its first failure
caught() {
	local kind name point log=$work/logs/$1.log
	read -r kind name < <(field "$1" Test)
	point=$(field "$1" Point)
	SECONDS=0
	use_kernel "$(kernel_of "$kind")"
	apply "$tree" < "$dir/$1.patch"
	if [ "$kind" != unit ] && ! build_core > "$log" 2>&1; then
		echo "$1: does not build: $log"
		return 1
	fi
	notice "$kind" "$name" "$log" || :
	if [ "$kind" = module ]; then
		grep -qF "$point" "$log"
	else
		tr -d '\r' < "$log" | sed -n 's/^not ok [0-9]* - //p' | sed q | one_like "$point"
	fi || { echo "$1: SURVIVED $kind $name: $log"; return 1; }
	printf '%-20s caught by %s: %s, %d s\n' "$1" "${name:-$kind}" "$point" $SECONDS
}

if [ $# = 0 ] || [ "$1" = fit ]; then
	mapfile -t mutants < <(cd "$dir" && printf '%s\n' *.patch | sed 's/\.patch$//')
else
	mutants=("$@")
fi
bad=0
for mutant in "${mutants[@]}"; do fits "$mutant" || bad=1; done
[ $bad = 0 ] || die "mutants that fit nowhere"
[ "${1:-}" != fit ] || exit 0

fresh_tree
rm -rf "$build" "$work/payload" "$work/logs"
mkdir -p "$build" "$work/payload/modules" "$work/logs"
touch "$work/payload/first-failure"
tests=$(for mutant in "${mutants[@]}"; do field "$mutant" Test; done | sort -u)
say "without a mutant: all of these tests pass"
for kind in guest guest-debug; do
	mapfile -t names < <(sed -n "s/^$kind //p" <<< "$tests")
	[ ${#names[@]} != 0 ] || continue
	kernel=$(kernel_of $kind)
	VM_LOGS=$work/logs/none-$kernel "$VM/run.sh" "$kernel" "${names[@]}"
done
"$VM/unit.sh" > "$work/logs/unit.log" || die "not without a mutant: $work/logs/unit.log"
"$VM/build.sh" newest

# Begin with what is built; a copy, because make looks at times.
cp -a "$O"/kernel-* "$build/"
good=0 bad=0
for mutant in "${mutants[@]}"; do
	if caught "$mutant"; then good=$((good + 1)); else bad=$((bad + 1)); fi
	# Not from the tree: what is older than the copy would not be built again.
	apply "$tree" -R < "$dir/$mutant.patch"
done
echo "$good caught, $bad survived"
[ $bad = 0 ]
