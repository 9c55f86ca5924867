#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: check-module.sh KVER	(inside a guest root, see build.sh)
# Disassembles the built core and says what is wrong with its wraps: what
# kernel/compat/wraps.c promises at its top, and TCG never shows. The original of
# X is called by call_X() only, through the static call, never by a jump;
# call_X() and wrap_X() call nothing through a register; nothing else in the
# module names X; each ftrace_ops is PERMANENT.
#
# Must never be content with a module in which it finds no wraps.
set -eu
kver=$1
ko=/build/modules-$kver/pin_revoke.ko
wrong=0
wrong() { echo "${ko##*/} for $kver: $*"; wrong=1; }

# none WHAT LINES - there must not be any
none() { [ -z "$2" ] || wrong "$1:"$'\n'"$2"; }

# One line for each instruction: FUNCTION MNEMONIC OPERANDS [SYMBOL]
code=$(objdump -dr --no-show-raw-insn "$ko" | awk '
	function flush() { if (line) print line; line = "" }
	/^[0-9a-f]+ <.*>:$/ {
		flush()
		name = substr($2, 2, length($2) - 3)
		sub(/\..*/, "", name)
	}
	/^ +[0-9a-f]+:/ { flush(); sub(/^ +[0-9a-f]+:\t/, ""); gsub(/[ \t]+/, " "); line = name " " $0 }
	/R_X86_64_/ { sub(/[-+]0x[0-9a-f]+$/, "", $NF); line = line " " $NF }
	END { flush() }')
branches=$(grep -E '^[^ ]+ ([a-z]+ )?(call|j[a-z]+) ' <<< "$code")
names=$(objdump -t "$ko" | sed -n 's/.* __SCT__pinr_\(.*\)_orig$/\1/p' | sort)
[ -n "$names" ] || wrong "no wraps"

for name in $names; do
	calls=$(grep -E " call .* __SCT__pinr_${name}_orig$" <<< "$branches" || :)
	[[ $calls == "call_$name call "* && $calls != *$'\n'* ]] ||
		wrong "not one call of $name, from call_$name:"$'\n'"$calls"
	none "$name: an indirect call" "$(grep -E "^(call|wrap)_$name .*(\*|__x86_indirect)" <<< "$branches" || :)"
	none "$name: named by the module itself" "$(objdump -r "$ko" |
		awk -v name="$name" '{ sub(/[-+]0x[0-9a-f]+$/, "", $3) } $3 == name')"
done
none "jumps to an original" "$(grep -E '^[^ ]+ ([a-z]+ )?j.* __SCT__pinr_' <<< "$branches" || :)"

# Every ftrace_ops begins with its function; the flags are its third word.
for dir in source build; do
	header=/lib/modules/$kver/$dir/include/linux/ftrace.h
	[ ! -e "$header" ] || break
done
bit=$(sed -n 's/.*FTRACE_OPS_FL_PERMANENT.*BIT(\([0-9]*\)).*/\1/p' "$header")
func=$(objdump -t "$ko" | awk '$NF == "pinr_redirect" { print $1 }')
data=$((16#$(objdump -h "$ko" | awk '$2 == ".data" { print $6 }')))
ops=$(objdump -r -j .data "$ko" | awk -v func=".text+0x$func" '$3 == func { print $1 }')
for at in $ops; do
	flags=$(od -An -t u8 -j $((data + 16#$at + 16)) -N 8 "$ko")
	(((flags >> bit) & 1)) || wrong "not PERMANENT: the ftrace_ops at .data+0x$at, flags $flags"
done
[ "$(wc -w <<< "$ops")" = "$(wc -w <<< "$names")" ] ||
	wrong "$(wc -w <<< "$names") wrapped functions, but $(wc -w <<< "$ops") ftrace_ops"
exit $wrong
