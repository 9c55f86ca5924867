#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The real revokectl on a machine without the family: command lines, help,
# abbreviations, exit status. O is the build directory.
set -u
ctl=$O/bin/revokectl
nr=0 failed=0
echo "TAP version 13"

# check NAME STATUS PATTERN WORD... - run it; status and output must match
check() {
	name=$1 status=$2 pattern=$3
	shift 3
	out=$("$ctl" "$@" 2>&1)
	got=$?
	nr=$((nr + 1))
	if [ $got -eq "$status" ] && printf '%s\n' "$out" | grep -q -e "$pattern"
	then
		echo "ok $nr - $name"
	else
		echo "not ok $nr - $name"
		echo "# status $got: $out"
		failed=$((failed + 1))
	fi
}

check "no words at all" 1 'which object? try: revokectl help'
check "help" 0 '^revokectl pin { show | revoke | drain | help }' help
check "help abbreviated" 0 '^usage: revokectl' h
check "-h" 0 '^usage: revokectl' -h
check "-V" 0 '^revokectl [0-9]' -V
check "an unknown option" 1 'try: revokectl help' -x
check "help of an object" 0 '^revokectl pin revoke WHICH' pin help
check "help of another" 0 '^revokectl policy set reason REASON' policy h
check "an unknown object" 1 'unknown object "pen": use one of pin ' pen
check "an ambiguous object" 1 'ambiguous object "p": pin policy' p show
check "an empty word" 1 'unknown object ""' ""
check "an unknown command" 1 'unknown command "take": use one of show' pin take
check "an ambiguous command" 1 'ambiguous command "s": show set' policy s
check "a pin that is no number" 1 'needs a number from 0 to' pin show x
check "a negative pin" 1 'needs a number' pin show -1
check "a number with a tail" 1 'needs a number' pin show 12x
check "a number too large" 1 'needs a number' pin show 18446744073709551616
check "too many words" 1 'too much' pin show 1 2
check "revoke without a pin" 1 'which pins?' pin revoke
check "grace without a number" 1 'grace needs a number' pin revoke 3 grace
check "grace too long" 1 'grace needs a number from 0 to 15000' \
	pin revoke 3 grace 15001
check "an unknown word" 1 'unknown word "now": use one of grace wait pid' \
	pin revoke 3 now
check "drain of nothing" 1 'which pins?' pin drain grace 5
check "a file that is not there" 1 '/nowhere: No such file' pin drain file /nowhere
check "a driver without a name" 1 'driver of what?' pin revoke driver
check "a grace alone is no pin" 1 'which pins?' pin revoke grace 5 wait
check "stat show takes none" 1 'takes no "x"' stat show x
check "request show takes none" 1 'takes no "7"' request show 7
check "monitor takes none" 1 'takes no "x"' monitor x
check "policy set of nothing" 1 'for which reason?' policy set
check "policy set without a value" 1 'set what?' policy set reason admin
check "policy set without a number" 1 'grace of what?' \
	policy set reason admin grace
check "policy set of an ambiguous reason" 1 'ambiguous reason "writeback"' \
	policy set reason writeback grace 1
check "policy set of an unknown reason" 1 'unknown reason "unspec"' \
	policy set reason unspec grace 1
check "policy set beyond the limit" 1 'skip needs a number from 0 to 300000' \
	policy set reason writeback-background skip 300001
check "policy set of an unknown action" 1 'unknown action "wai7": use one of force ask report wait skip' \
	policy set reason admin action wai7
check "policy set for a long name" 1 'a command name has 1 to 15' \
	policy set reason admin comm 1234567890123456 grace 1
check "policy set for no cgroup" 1 '/nowhere: No such file' \
	policy set reason admin cgroup /nowhere grace 1
check "policy set for another directory" 1 '/ is no directory of a cgroup2' \
	policy set reason admin cgroup / grace 1
check "policy set for a uid that is none" 1 'uid needs a number' \
	policy set reason admin uid root grace 1
check "policy set that only says whose" 1 'set what?' \
	policy set reason admin uid 5
check "policy del of nothing" 1 'for which reason?' policy del uid 5
check "policy del of a value" 1 'unknown word "grace"' \
	policy del reason admin grace 5
check "policy show of a pin" 1 'pin needs a number' policy show pin x
check "policy show of two" 1 'takes no "4"' policy show pin 3 4

# The man page has a paragraph for each command.
page=${0%/*}/../../tools/man/revokectl.8
for object in pin request policy stat; do
	for command in $("$ctl" $object help | sed -n "s/^revokectl $object \([a-z]*\).*/\1/p"); do
		nr=$((nr + 1))
		if sed -n '/^\.TP/{n;p}' "$page" | grep -q "$object $command"; then
			echo "ok $nr - revokectl(8) has $object $command"
		else
			echo "not ok $nr - revokectl(8) has $object $command"
			failed=$((failed + 1))
		fi
	done
done

if [ -d /sys/module/pin_revoke ]; then
	echo "1..$nr"
	echo "# the family is here: nothing to say about its absence"
	[ $failed -eq 0 ]
	exit
fi
absent='^revokectl: no pin-revoke in this kernel: modprobe pin_revoke$'
check "pin show without the family" 2 "$absent" pin show
check "the same, abbreviated" 2 "$absent" pi s
check "the command may be left out" 2 "$absent" -j pin
check "pin revoke without the family" 2 "$absent" pin revoke 3 grace 1 wait
check "request without the family" 2 "$absent" r
check "policy show without the family" 2 "$absent" policy show
check "policy set without the family" 2 "$absent" \
	po se rea ad g 5 m 6
check "policy del without the family" 2 "$absent" pol d r ad u 5
check "monitor without the family" 2 "$absent" m
echo "1..$nr"
[ $failed -eq 0 ]
