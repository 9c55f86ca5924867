#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: series.sh SOURCE.tar.xz OUTDIR
#	 series.sh files OUTDIR
# Makes the patch series for that kernel source: OUTDIR/0001-*.patch and so on, for
# git am; OUTDIR/git is the repository that they were made in, with the files of the
# source that they touch. "files": only OUTDIR/git, with what is new in the series.
# What the patches of this directory look like is in README.
#
# Must never change this tree, nor add a tag that nobody gave: the author is whoever
# git says you are.
set -euo pipefail
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
top=$(cd "$here/../.." && pwd)
source=${1:?usage: series.sh SOURCE.tar.xz OUTDIR}
out=${2:?usage: series.sh SOURCE.tar.xz OUTDIR}

# copy FROM TO - FROM is a pattern in our tree, TO a file or a directory/
copy() {
	mkdir -p "${2%/*}"
	# shellcheck disable=SC2086 # a pattern
	(cd "$top" && cp --preserve=mode,timestamps $1 "$out/git/$2")
}

# newest FROM TO - the same, without what older kernels need, up to its #else
newest() {
	sed '/^#ifdef RXE_BUF_PER_MAP/,/^#else/d; /^#endif$/d' "$top/$1" > "$2"
}

# apply FROM - a patch that the module's driver is made with, too
apply() {
	git apply "$top/$1"
}

# fill FROM TO - the same, with the objects that kernel/Kbuild has for the module
fill() {
	mkdir -p "${2%/*}"
	# shellcheck disable=SC2016
	awk -v kbuild="$top/kernel/Kbuild" '
		function objects(start, line, on) {
			while ((getline line < kbuild) > 0) {
				on = on || index(line, start) == 1
				if (!on)
					continue
				sub(/PIN_REVOKE_KUNIT/, "CONFIG_&_TEST", line)
				print line
				if (line !~ /\\$/)
					break
			}
			close(kbuild)
		}
		/^@.*@$/ { objects(substr($0, 2, length($0) - 2)); next }
		{ print }' "$top/$1" > "$2"
}

# new_files PATCH WHAT... - those lines of it
new_files() {
	local what from to
	while read -r what from to; do
		[[ " ${*:2} " != *" $what "* ]] || $what "$from" "$to"
	done < <(sed -n '/^---$/,/^diff /p' "$1")
}

[ "$source" = files ] || rm -rf "$out"
mkdir -p "$out/git"
out=$(cd "$out" && pwd)
cd "$out/git"
if [ "$source" = files ]; then
	for patch in "$here"/*.patch; do
		new_files "$patch" copy fill newest
	done
	exit
fi

git init -q
for patch in "$here"/*.patch; do
	cat "$patch"
	sed -n "s,^apply ,$top/,p" "$patch" | xargs -r cat
done | sed -n 's,^--- a/,,p' | sort -u > ../touched
root=$(basename "$source" .tar.xz)
sed "s,^,$root/," ../touched | tar -xJf "$source" --strip-components=1 -T -
git add .
git commit -q -m "${source##*/}"
git tag source

for patch in "$here"/*.patch; do
	new_files "$patch" copy fill newest apply
	! grep -q '^diff --git' "$patch" || sed -n '/^diff --git/,$p' "$patch" | git apply
	git add .
	sed '1d; /^---$/,$d' "$patch" | git commit -q -F -
done
git format-patch -q --no-signature -o .. source
