#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: series.sh [check | test [all | TEST...] | payload KERNEL DIR]
# Makes the patch series of kernel/patches for the source of the newest kernel, in
# its guest root, into build/series. With "check" also: git am takes it on the
# pristine files and gets the same, what it has of the core is the module's, and the
# source's kernel-doc has nothing to say about the new files.
# "test" boots the debug kernel, which has the series, and runs tests (those of
# series.tests, if none is named) with the kernel's own core in the place of the module;
# "payload" makes what guests of KERNEL get for that, in build/DIR.
#
# Must never write a name into a patch that git does not have from its user.
. "${BASH_SOURCE[0]%/*}/env.sh"

# Inside the root: what the debug kernel leaves out, in its stead.
if [ "${1:-}" = modules ]; then
	tree=/build/$3.tree
	to=/build/$3/modules
	/src/kernel/patches/series.sh files "$tree"
	tree=$tree/git
	ib=$tree/drivers/infiniband/core
	mkdir -p "$to/fault"
	printf '%s\n' 'obj-m := pin_revoke_ib.o' 'pin_revoke_ib-y := umem_revocable.o' > "$ib/Kbuild"
	core=$tree/mm/pin_revoke
	[ -e "$core/Module.symvers" ] || : > "$core/Module.symvers"
	for dir in "$core" "$ib"; do
		make -C "/lib/modules/$2/build" M="$dir" W=1 \
			KCPPFLAGS="-I$tree/include -I$tree/include/uapi" KCFLAGS=-Werror \
			KBUILD_EXTRA_SYMBOLS="$core/Module.symvers" modules
		strip --strip-debug -o "$to/$(basename "$dir"/*.ko)" "$dir"/*.ko
	done
	cp "$to/pin_revoke.ko" "$to/fault/"
	exit
fi

if [ "${1:-}" = payload ]; then
	use_kernel "$2"
	mkdir -p "$O/log" "$O/$3/tests"
	"$VM/in-root.sh" "$ROOT" /src/tests/vm/series.sh modules "$KVER" "$3" \
		> "$O/log/in-tree" 2>&1 || { cat "$O/log/in-tree" >&2; exit 1; }
	cp "$TOP"/tests/selftests/in-tree/*.sh "$TOP/kernel/patches/tree/pin_revoke.py" \
		"$ROOT"/usr/src/linux-source-*/tools/testing/selftests/kselftest/ksft.py \
		"$O/$3/tests/"
	exit
fi

if [ "${1:-}" = test ]; then
	tests=("${@:2}")
	case ${tests[*]} in
	'') mapfile -t tests < <(grep -v '^#' "$VM/series.tests") ;;
	all) mapfile -t tests < <(cd "$TOP/tests/selftests" &&
		find . in-tree/in-tree.sh -maxdepth 1 -name '*.sh' -perm /1 |
		sed 's,.*/,,; s/\.sh$//' | LC_ALL=C sort) ;;
	esac
	"$VM/series.sh" payload debug in-tree
	# Most of the second node's memory is for whoever wants it in one piece.
	export VM_EXTRA=$O/in-tree VM_LOGS=$O/vm/series VM_BOOT=numa_cma=1:128M \
		VM_EXPECTED="$VM/expected $VM/expected-debug $VM/expected-in-tree"
	exec "$VM/run.sh" debug "${tests[@]}"
fi

# Inside the root, too.
if [ "${1:-}" = inside ]; then
	cd /build/series
	git clone -q git am
	cd am
	git reset -q --hard source
	git am -q ../*.patch
	git diff --exit-code --stat origin/HEAD
	grep -qF "[PATCH 00/$(git rev-list --count source..)]" ../0000-cover-letter
	# What stands in a patch, against what the module is built from.
	sed -n 's/^copy //p' /src/kernel/patches/*.patch | while read -r from to; do
		# shellcheck disable=SC2086 # a pattern
		for file in /src/$from; do
			case $to in
			*/) cmp "$file" "$to${file##*/}" ;;
			*) cmp "$file" "$to" ;;
			esac
		done
	done
	if git grep -nE 'LINUX_VERSION_CODE|KERNEL_VERSION\(|compat/|COMPAT' -- \
		mm/pin_revoke/'*.[ch]' include/linux/'pin_revoke*'; then
		exit 1
	fi
	if [ ! -d /build/kernel-doc ]; then
		rm -rf /build/kernel-doc.new
		mkdir /build/kernel-doc.new
		tar -C /build/kernel-doc.new --strip-components=1 --wildcards \
			-xf "/usr/src/$(kernel_source /).tar.xz" \
			'*/tools/docs/kernel-doc' '*/tools/lib/python/kdoc'
		mv /build/kernel-doc.new /build/kernel-doc
	fi
	mapfile -t new < <(git diff --name-only --diff-filter=A source -- '*.[ch]')
	PYTHONDONTWRITEBYTECODE=1 /build/kernel-doc/tools/docs/kernel-doc -Wall -Werror -none "${new[@]}"
	exit
fi

name=Nobody email=nobody@localhost
if [ "${1:-}" != check ]; then
	name=$(git config user.name) && email=$(git config user.email) ||
		die "git does not know who makes the patches: set user.name and user.email"
fi
use_kernel newest
run=("$VM/in-root.sh" "$ROOT" env "GIT_AUTHOR_NAME=$name" "GIT_AUTHOR_EMAIL=$email"
	"GIT_COMMITTER_NAME=$name" "GIT_COMMITTER_EMAIL=$email")
"${run[@]}" /src/kernel/patches/series.sh "/usr/src/$(kernel_source "$ROOT").tar.xz" /build/series
"${run[@]}" sh -c 'cd /build/series/git && {
	sed 1d /src/kernel/patches/cover-letter
	git shortlog source..
	git diff --stat=78 source
} > ../0000-cover-letter'
if [ "${1:-}" = check ]; then
	"${run[@]}" /src/tests/vm/series.sh inside
else
	say "a letter and $(ls "$O"/series/*.patch | wc -l) patches in $O/series"
fi
