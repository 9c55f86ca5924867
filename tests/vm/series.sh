#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: series.sh [check]
# Makes the patch series of kernel/patches for the source of the newest kernel, in
# its guest root, into build/series. With "check" also: git am takes it on the
# pristine files and gets the same, and what it has of the core is the module's.
#
# Must never write a name into a patch that git does not have from its user.
. "${BASH_SOURCE[0]%/*}/env.sh"

# Inside the root.
if [ "${1:-}" = inside ]; then
	cd /build/series
	git clone -q git am
	cd am
	git reset -q --hard source
	git am -q ../*.patch
	git diff --exit-code --stat origin/HEAD
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
"${run[@]}" /src/kernel/patches/series.sh "/usr/src/$(debug_source "$ROOT").tar.xz" /build/series
if [ "${1:-}" = check ]; then
	"${run[@]}" /src/tests/vm/series.sh inside
else
	say "$(ls "$O"/series/*.patch | wc -l) patches in $O/series"
fi
