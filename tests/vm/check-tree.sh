#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: check-tree.sh [all]
# Checks of the tree that need no guest booted: generated files are current, the
# kernel's checkpatch and shellcheck are content, every file names its licence,
# versions of kernels are told apart in kernel/compat only, the built module calls
# what it wraps as it may, analysers find nothing (those that take minutes: all). Prints TAP.
#
# Must never change the tree.
. "${BASH_SOURCE[0]%/*}/env.sh"
set +e
. "$TOP/tests/selftests/lib.sh"

cd "$TOP" || exit
use_kernel newest
source=$(cd "$ROOT" && echo usr/src/linux-source-*/)
own() { find . \( -path ./.git -o -path ./build \) -prune -o -type f "$@" -print | sed 's,^\./,,' | LC_ALL=C sort; }
own_c() { own -name '*.[ch]' | grep -vE '_gen\.[ch]$|^uapi/linux/'; }

# none DESCRIPTION LINES - there is nothing to complain about
none() {
	if [ -z "$2" ]; then pass "$1"; else fail "$1"; diag "$2"; fi
}

# make gen would change nothing
generated() {
	"$VM/gen.sh" "$O/gen" || return
	local file status=0
	while read -r file; do
		diff -u "$file" "$O/gen/$file" || status=1
	done < <(cd "$O/gen" && find . -type f)
	return $status
}

# in_src CMD... - in the guest root, which has the same tools on every machine
in_src() { "$VM/in-root.sh" "$ROOT" env -C /src "$@"; }

# What checkpatch asks and we do not do. Everywhere: kzalloc_obj() is newer than
# the oldest kernel we build for; messages stay whole, to be searched for; a macro
# that writes functions uses its arguments more than once.
never=ALLOC_WITH_SIZEOF,LONG_LINE_STRING,MACRO_ARG_REUSE
# Trace events are written as all the kernel's are.
trace=OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
# User space has no such type, macro or rule: -ENOSYS is what our library says
# without the module, command names are words, C11 has capitals, _Atomic members
# and pragmas are no declarations.
user=PREFER_KERNEL_TYPES,ENOSYS,EMBEDDED_FUNCTION_NAME,ARRAY_SIZE,BIT_MACRO
user+=,PREFER_DEFINED_ATTRIBUTE_MACRO,CAMELCASE,LINE_SPACING
# Unit tests stand between the library and libc, and declare what they replace.
unit=$user,AVOID_EXTERNS,VOLATILE,OPEN_ENDED_LINE,STATIC_CONST_CHAR_ARRAY

# checkpatch IGNORE FILE...
checkpatch() {
	# It writes a cache into the directory it runs in.
	"$VM/in-root.sh" "$ROOT" env -C /tmp GIT_DIR=/none perl "/$source/scripts/checkpatch.pl" --strict --no-tree \
		--terse --show-types --quiet --no-summary --ignore "$never,$1" -f "${@:2}" 2>&1 |
		grep -v '\$root in concat\|/include.: No such file'
	[ "${PIPESTATUS[0]}" = 0 ]
}

# A deferred key is not seen as what is exported; a member is named by a macro.
in_kernel=EXPORT_SYMBOL,MACRO_ARG_PRECEDENCE

# checkpatch_series - without what the patches copy: it is checked where it is. What
# they add is in MAINTAINERS by patterns.
checkpatch_series() {
	# shellcheck disable=SC2016
	"$VM/in-root.sh" "$ROOT" env -C /tmp GIT_DIR=/none sh -c 'for patch in /build/series/*.patch; do
		filterdiff -x "*/mm/pin_revoke/*.[ch]" -x "*/pin_revoke*.h" \
			-x "*/*_revocable.[ch]" -x "*/rxe_revoke*.[ch]" -x "*/rxe_compat.h" "$patch" > "${patch##*/}"
	done; perl "$@" *.patch' sh "/$source/scripts/checkpatch.pl" --strict --no-tree --no-signoff \
		--terse --show-types --quiet --no-summary --ignore FILE_PATH_CHANGES 2>&1 |
		grep -v '\$root in concat\|/include.: No such file'
	[ "${PIPESTATUS[0]}" = 0 ]
}

# quoted GUIDE FILE... - each diff that the guide shows is a piece of one of the files: of
# a patch as it stands, of a new file with a plus before each line
quoted() {
	local file line piece='' all='' nr=0
	for file in "${@:2}"; do
		all+=$'\n'$(case $file in *.patch) cat "$file" ;; *) sed 's/^/+/' "$file" ;; esac)$'\n'
	done
	while IFS= read -r line; do
		if [ "$line" = '```diff' ]; then
			piece=$'\n'
		elif [ -n "$piece" ] && [ "$line" = '```' ]; then
			[[ $all == *"$piece"* ]] || { echo "in none of ${*:2}:$piece"; return 1; }
			piece='' nr=$((nr + 1))
		elif [ -n "$piece" ]; then
			piece+=$line$'\n'
		fi
	done < "$1"
	[ $nr -gt 0 ]
}

modules='^(kernel|drivers-examples/(rxe|siw|pin_dummy|dmabuf)|tests/(selftests|bench)/modules)/'
mapfile -t kernel_c < <(own_c | grep -E "$modules" | grep -v '/trace\.h$\|^kernel/patches/' | sed 's,^,/src/,')
mapfile -t user_c < <(own_c | grep -vE "$modules|^tests/unit/" | sed 's,^,/src/,')
mapfile -t unit_c < <(own_c | grep '^tests/unit/' | sed 's,^,/src/,')
mapfile -t scripts < <(own | while read -r f; do head -n 1 "$f" | grep -qaE '^#!/bin/(ba)?sh' && echo "$f"; done)

ok "generated files are current" generated
ok "checkpatch: kernel code" checkpatch '' "${kernel_c[@]}"
ok "checkpatch: trace events" checkpatch "$trace" /src/kernel/trace.h
ok "checkpatch: what only the kernel's tree has" checkpatch "$in_kernel" \
	/src/kernel/patches/tree/{hooks.c,arm.c,pin_revoke_hooks.h,umem_revocable.h}
ok "checkpatch: user space" checkpatch "$user" "${user_c[@]}"
ok "checkpatch: unit tests" checkpatch "$unit" "${unit_c[@]}"
ok "shellcheck" in_src shellcheck -x -P SCRIPTDIR -S warning "${scripts[@]}"
none "every file names its licence" "$(own | grep -vE '^LICENSES/|^tests/fuzz/corpus/|^\.gitignore$|^README\.md$' |
	while read -r f; do head -n 5 "$f" | grep -qa SPDX-License-Identifier || echo "$f"; done)"
none "kernel versions only in kernel/compat" "$(own_c | grep -v '^kernel/compat/' |
	xargs grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(')"
ok "the guide for drivers quotes them as they are" quoted kernel/DRIVERS.md \
	drivers-examples/rxe/{rxe-7.2.patch,rxe_revoke.c} drivers-examples/patches/irdma-7.2.patch
ok "the series applies, and its core is the module's" "$VM/series.sh" check
ok "checkpatch: the series" checkpatch_series
ok "mutants fit the tree, and name points of tests" tests/mutants/run.sh fit
# build.sh disassembles each core that it builds, see check-module.sh.
ok "everything builds, wraps call the originals as they may" "$VM/build.sh" newest
analysers=(gcc cppcheck sparse)
[ "${1:-}" != all ] || analysers+=(clang-tidy coccinelle)
for tool in "${analysers[@]}"; do
	ok "$tool has nothing to say" "$VM/layer.sh" /src/tests/vm/analyse.sh "$tool" "$KVER"
done
done_testing
