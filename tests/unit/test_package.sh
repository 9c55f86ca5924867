#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The library and its bridges as others get them: ABI, headers in strict dialects, what is
# installed, programs that know nothing but pkg-config, man pages and their
# examples. O is the build directory; there is no such family here.
set -u
top=$(cd "${0%/*}/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
so=$O/lib/librevoke.so.1
warn='-Wall -Wextra -Werror'
nr=0 failed=0
echo "TAP version 13"

# ok NAME CMD... - the command succeeds
ok() {
	name=$1
	shift
	nr=$((nr + 1))
	if out=$("$@" 2>&1); then
		echo "ok $nr - $name"
	else
		echo "not ok $nr - $name"
		printf '%s\n' "$out" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

not() { ! "$@"; }

make -s -C "$top/lib" O="$O" all abi > "$tmp/log" 2>&1 || cat "$tmp/log"

# ABI
soname() { readelf -d "$so" | grep -q 'SONAME.*\[librevoke\.so\.1\]'; }
exported() { nm -D --defined-only "$1" | sed -n 's/.* T \(.*\)/\1/p' | sort; }
in_map() { sed -n "s/^\t\(revoke_.*\);/\1@@$2/p" "$top/lib/$1" | sort; }
declared() {
	gcc -I"$top/uapi" -I"$top/lib/include" -xc -fsyntax-only -aux-info "$tmp/declared" \
		"$top/lib/include/revoke/$1" || return
	sed -n "/ static /d; s,.*/revoke/$1:[^(]*[ *]\(revoke_[a-z_]*\) (.*,\1,p" "$tmp/declared" | sort
}
# same LIBRARY MAP VERSION HEADER - leaves the names in $tmp/functions
same() {
	exported "$1" > "$tmp/exported"
	in_map "$2" "$3" | diff - "$tmp/exported" && declared "$4" > "$tmp/functions" &&
		sed 's/@.*//' "$tmp/exported" | diff "$tmp/functions" - && [ -s "$tmp/functions" ]
}
abidiff_from() {
	abidiff --no-added-syms --suppressions "$top/lib/librevoke.abignore" "$1" \
		"$O/lib/librevoke.abi"
}
# changed SCRIPT - would abidiff notice, if that were the ABI of before?
changed() {
	sed "$1" "$top/lib/librevoke.abi" > "$tmp/before.abi"
	not cmp -s "$top/lib/librevoke.abi" "$tmp/before.abi" && not abidiff_from "$tmp/before.abi"
}
ok "the name of the shared library" soname
ok "it exports what the header declares and the map lists, with a version" \
	same "$so" librevoke.map LIBREVOKE_0.1 revoke.h
ok "callers of before still fit (if nothing broke: make abi)" abidiff_from "$top/lib/librevoke.abi"
ok "a function that is missing would be noticed" changed "s/'revoke_ack'/'revoke_answer'/"
ok "so would a structure that has another size" changed "/class-decl name='revoke_pin'/s/size-in-bits='[0-9]*'/size-in-bits='64'/"

# The headers alone
strict() {
	header=$1
	shift
	echo "#include <revoke/$header>" | "$@" -pedantic $warn -I"$top/uapi" -I"$top/lib/include" -fsyntax-only -
}
for header in revoke.h ofi.h ucx.h verbs.h; do
	ok "$header is C99" strict $header gcc -std=c99 -xc
	ok "$header is C++" strict $header g++ -std=c++11 -xc++
done

# Installed
install_to() { make -s -C "$top/lib" O="$O" "$@" install > "$tmp/log" 2>&1 || { cat "$tmp/log"; return 1; }; }
files() {
	(cd "$tmp/dest" && find . ! -type d | grep -v '/man/' | sort) > "$tmp/files"
	diff "$tmp/files" - <<-EOT
	./opt/x/include/linux/pin_revoke.h
	./opt/x/include/linux/pin_revoke_ioctl.h
	./opt/x/include/revoke/ofi.h
	./opt/x/include/revoke/revoke.h
	./opt/x/include/revoke/ucx.h
	./opt/x/include/revoke/verbs.h
	./opt/x/lib/python3/dist-packages/revoke.py
	./opt/x/lib64/librevoke-ofi.so
	./opt/x/lib64/librevoke-ofi.so.1
	./opt/x/lib64/librevoke-ucx.so
	./opt/x/lib64/librevoke-ucx.so.1
	./opt/x/lib64/librevoke-verbs.so
	./opt/x/lib64/librevoke-verbs.so.1
	./opt/x/lib64/librevoke.a
	./opt/x/lib64/librevoke.so
	./opt/x/lib64/librevoke.so.1
	./opt/x/lib64/pkgconfig/librevoke-ofi.pc
	./opt/x/lib64/pkgconfig/librevoke-ucx.pc
	./opt/x/lib64/pkgconfig/librevoke-verbs.pc
	./opt/x/lib64/pkgconfig/librevoke.pc
	EOT
}
pages() {
	while read -r function; do
		man=$tmp/inst/share/man/man3/$function.3
		grep -q "^\.BR* \"[^\"]*[ *]$function(\|^\.BI \"[^\"]*[ *]$function(" "$man" ||
			{ echo "$function is in no page of its name"; return 1; }
	done < "$tmp/functions"
}
ok "make install DESTDIR= PREFIX= LIBDIR=" install_to DESTDIR="$tmp/dest" PREFIX=/opt/x LIBDIR=/opt/x/lib64
ok "installs these files" files
ok "whose pkg-config file knows where they will be" grep -q '^libdir=/opt/x/lib64$' "$tmp/dest/opt/x/lib64/pkgconfig/librevoke.pc"
ok "make install PREFIX=" install_to PREFIX="$tmp/inst"
# whole - of all the tree; units know where the tool is
whole() {
	make -s -C "$top" O="$O" DESTDIR="$tmp/all" PREFIX=/opt/x install > "$tmp/log" 2>&1 ||
		{ cat "$tmp/log"; return 1; }
	[ -x "$tmp/all/opt/x/sbin/revokectl" ] && [ -e "$tmp/all/opt/x/lib/librevoke.so.1" ] &&
		[ "$(grep -h ^Exec "$tmp/all/opt/x/lib/systemd/system/"*.service | grep -c '/opt/x/sbin/revokectl ')" = 4 ]
}
ok "make install installs the library and the tool" whole
ok "every function has a man page" pages

# Programs that only know pkg-config
export PKG_CONFIG_PATH="$tmp/inst/lib/pkgconfig"
# shellcheck disable=SC2046,SC2086 # lists of options
build() {
	awk -f "$top/tests/man-example.awk" "$top/lib/man/$1" > "$tmp/$1.c" && [ -s "$tmp/$1.c" ] &&
		gcc $warn -o "$tmp/$1" "$tmp/$1.c" $(pkg-config --cflags --libs librevoke)
}
# shellcheck disable=SC2046,SC2086
build_static() {
	gcc $warn -static -o "$tmp/static" "$tmp/revoke_last_error.3.c" \
		$(pkg-config --static --cflags --libs librevoke)
}
runs() { LD_LIBRARY_PATH=$tmp/inst/lib "$@" > "$tmp/out"; }
names() { runs "$1" && [ "$(head -n 1 "$tmp/out")" = writeback-sync ]; }
says_no() { runs "$tmp/$1"; [ $? = 1 ]; }
for page in "$top"/lib/man/*; do
	page=$(basename "$page")
	ok "the example of $page compiles" build "$page"
	[ "$page" = revoke_last_error.3 ] ||
		ok "and says that there is nothing" says_no "$page"
done
ok "the one that needs no kernel runs" names "$tmp/revoke_last_error.3"
ok "a static program is built" build_static
ok "and runs" names "$tmp/static"

# Bridges: each needs what it is a bridge to, and librevoke does not.
needs() { readelf -d "$1" | sed -n 's/.*NEEDED.*\[\(.*\)\]/\1/p'; }
links() { needs "$1" | grep -q "$2"; }
# shellcheck disable=SC2046,SC2086
build_bridge() {
	printf '#include <revoke/%s.h>\nint main(void) { return %s; }\n' "$1" "$2" |
		gcc $warn -xc -o "$tmp/bridge" - $(pkg-config --cflags --libs "librevoke-$1") && runs "$tmp/bridge"
}
ok "verbs: exports what the header declares and the map lists" \
	same "$O/lib/librevoke-verbs.so.1" bridges/verbs.map LIBREVOKE_VERBS_0.1 verbs.h
ok "verbs: a program is built and runs" build_bridge verbs 'revoke_mr_dereg(NULL)'
ok "verbs: it needs libibverbs" links "$O/lib/librevoke-verbs.so.1" libibverbs
ok "librevoke does not" not links "$so" libibverbs
ok "ofi: exports what the header declares and the map lists" \
	same "$O/lib/librevoke-ofi.so.1" bridges/ofi.map LIBREVOKE_OFI_0.1 ofi.h
ok "ofi: a program is built and runs" build_bridge ofi 'revoke_ofi_close(NULL)'
ok "ofi: it needs libfabric" links "$O/lib/librevoke-ofi.so.1" libfabric
ok "ucx: exports what the header declares and the map lists" \
	same "$O/lib/librevoke-ucx.so.1" bridges/ucx.map LIBREVOKE_UCX_0.1 ucx.h
ok "ucx: a program is built and runs" build_bridge ucx \
	'revoke_ucx_event(NULL, &(struct revoke_event){ .type = REVOKE_EVENT_RESTORED })'
ok "ucx: it needs libucm" links "$O/lib/librevoke-ucx.so.1" libucm

# Lines of text are as long as those of the code.
lint() { [ -z "$(mandoc -Tlint "$@" | grep -v 'longer than 80 bytes' | tee /dev/stderr)" ]; }
ok "mandoc has nothing to say of the man pages" lint "$top"/lib/man/* "$top"/tools/man/*

echo "1..$nr"
[ $failed = 0 ]
