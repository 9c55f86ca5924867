#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: analyse.sh TOOL [KVER]	(inside the layer, see layer.sh and check-tree.sh)
# Says what an analyser finds in the code that is for others, and fails if that is
# anything: gcc (-fanalyzer), clang-tidy, cppcheck for what is built in user space;
# sparse (what was built for KVER), coccinelle (coccicheck's rules) for kernel code.
# What is no bug is marked where it stands, with the reason.
#
# Must never be content without having looked at a file.
set -eu
cd /src
tool=$1
user=(lib/*.c lib/bridges/*.c lib/examples/*.c tools/revokectl/*.c
	drivers-examples/{rdma-file,uring-buffers}/*.c)
modules=(kernel drivers-examples/{pin_dummy,edu-dma,dmabuf,rxe,siw})
pkgs='libnl-3.0 libnl-genl-3.0 json-c libibverbs libfabric ucx liburing'
read -ra flags < <(pkg-config --cflags $pkgs)
# Some files say _GNU_SOURCE themselves, in the same words.
flags+=(-std=gnu11 -D_GNU_SOURCE= '-DREVOKECTL_VERSION="0"' -Ilib -Ilib/include -Iuapi -I.)

each() { printf '%s\n' "$@" | xargs -P "$(nproc)" -I{} "${run[@]}"; }

# silent CMD... - whatever it says is a complaint
silent() {
	local said
	said=$("$@" 2>&1) && [ -z "$said" ] || { echo "$said"; return 1; }
}

# Not those of coccicheck that have no report or are in OCaml; minmax takes longer than
# all others together, and wants min() also in what is built in user space; so long take
# deref_null, which gcc's and clang's analysers see, and unsigned_lesser_than_zero (-Wextra).
rules() {
	grep -rlE --include='*.cocci' '^virtual report|^virtual.*[ ,]report' . |
		grep -vE '/(check_bq27xxx_data|badzero|minmax|deref_null|unsigned_lesser_than_zero)\.'
}

one_rule() {
	local opts dir
	read -ra opts <<< "$(sed -n 's,^// *Options: *,,p' "$1")"
	# Of several directories it looks at the last.
	for dir in "${@:2}"; do
		spatch -D report --very-quiet --no-show-diff "${opts[@]}" --cocci-file "$1" \
			-I /src/kernel/include --dir "$dir" 2>&1 || echo "spatch failed with $?"
	done | grep -vE "$no_bugs" | sed "s,^,$1: ,"
}
# What it thinks of its own rules; rxe_revoke_try() has the lock if it returns true.
export no_bugs='^warning: line [0-9]+: should .* be a metavariable\?$|^$'
no_bugs+='|/rxe_revoke\.c:[0-9:-]*: preceding lock on line'

case $tool in
gcc)
	run=(gcc "${flags[@]}" -O1 -Wall -Wextra -Wno-unused-parameter -fanalyzer -S -o /dev/null {})
	silent each "${user[@]}"
	;;
clang-tidy)
	# How many warnings the headers of others have, nobody asks.
	run=(sh -c 'clang-tidy --quiet "$@" 2> /tmp/said || { cat /tmp/said; exit 1; }' sh {} -- "${flags[@]}")
	silent each "${user[@]}"
	;;
cppcheck)
	silent cppcheck -q -j "$(nproc)" --enable=warning,performance,portability \
		--inline-suppr --suppress=normalCheckLevelMaxBranches --std=c11 \
		-Ilib -Ilib/include -Iuapi "${user[@]}"
	;;
sparse)
	# As make C=2 would, if it did not refuse a sparse that is older than a word which
	# the kernel uses now. Of soft-RoCE and siw the files that are ours.
	# What is no bug: it cannot evaluate what MODULE_INFO() asserts, nor does it know
	# that a parameter of a function's type is a pointer. gcc does both.
	flags=(-D__linux__ -Dlinux -D__STDC__ -Dunix -D__unix__ -D__x86_64__ --arch=x86 -m64
		-mlittle-endian -Wbitwise -Wno-return-void -Wno-unknown-attribute
		-D__typeof_unqual__=__typeof__)
	nr=0
	for dir in "${modules[@]}"; do
		cd "/build/kernel-$2/$dir"
		[ ! -d ours ] || cd ours
		while read -r cmd; do
			args=$(sed -n 's/^savedcmd_[^ ]* := *[^ ]*gcc[^ ]* \(.*\) -c -o .*/\1/p' "$cmd")
			file=$(sed -n 's/^savedcmd_.* -c -o [^ ]* \([^ ]*\.c\) .*/\1/p' "$cmd")
			[ -n "$file" ] && [ -e "/src/$dir/$file" ] || continue
			nr=$((nr + 1))
			# As make does: there are quotes in it.
			eval "sparse ${flags[*]} $args $file" 2>&1 | sed "s,^,$dir/," >> /tmp/said
		done < <(find . -name '.*.o.cmd')
	done
	[ $nr -ge 50 ] || { echo "$nr files were built for $2"; exit 1; }
	cd /src
	while read -r line; do
		[ ! -e "${line%%:*}" ] || echo "$line"
	done < <(grep -E ': (warning|error): ' /tmp/said |
		grep -vE ': error: (bad constant expression|not a function orig)$') > /tmp/found
	silent cat /tmp/found
	;;
coccinelle)
	cd /usr/src/linux-source-*/scripts/coccinelle
	export -f one_rule
	[ "$(rules | wc -l)" -gt 50 ]
	run=(bash -c 'one_rule "$@"' bash {} "${modules[@]/#//src/}")
	mapfile -t all < <(rules)
	silent each "${all[@]}"
	;;
esac
