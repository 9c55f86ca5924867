#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Parts of files that are declared by descriptor and offset: whoever needs that part
# of the file asks, though nobody has it mapped, and whoever needs another does not.
#
# Must never touch the part through a mapping.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

out=$(mktemp)
stat_of() { revokectl -j stat | grep -o "\"$1\":[0-9]*" | cut -d: -f2; }
said() { grep -q "^$1\$" "$out"; }

# holder HOW - declares 8 KiB from 8 KiB on
holder() {
	/pr/tests/lib-file "$1" "$SCRATCH/file" 8192 8192 > "$out" 2>&1 &
	pid=$!
	ok "$1: declared" wait_for 10 said declared
	like "$1: it is in the list" "$(revokectl -j pin show)" '*"len_bytes":8192,*"declared"*'
	is "$1: the library alone has it mapped" "$(grep -c "$SCRATCH/file" "/proc/$pid/maps")" 1
}

ended() {
	diag "$(cat "$out")"
	wait "$pid"
	is "$1: well" $? 0
	is "$1: no pin is left" "$(revokectl -j pin show)" '[]'
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
revokectl policy set reason fallocate grace 14000
revokectl policy set reason truncate grace 500
new_file file 16 || bail "no file in one piece"

holder gives
ok "gives: a hole beside it" fallocate -p -o 0 -l 4096 "$SCRATCH/file"
is "gives: of which it hears nothing" "$(grep -c release-soon "$out")" 0
ok "gives: a hole in it" fallocate -p -o 12288 -l 4096 "$SCRATCH/file"
is "gives: which is not forced" "$(stat_of forced) $(stat_of missed)" "0 0"
ok "gives: it was asked" said 'release-soon fallocate valid=1'
ended gives

holder keeps
ok "keeps: the file is cut" truncate -s 4096 "$SCRATCH/file"
ok "keeps: it was asked" wait_for 10 said 'release-soon truncate valid=1'
ok "keeps: it is told what became of it" wait_for 10 said 'revoked truncate valid=0'
ended keeps

rm "$out"
nothing_left
done_testing
