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
check "help abbreviated" 0 '^usage: revokectl' he
check "too short" 1 'ambiguous object "h": holder help' h
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
check "a pin that is no number" 1 'needs a number from 0 to' pin show 0x
check "a word that is no filter" 1 'unknown word "x": use one of pid comm' pin show x
check "a filter of nothing" 1 'comm of what?' pin show comm
check "a file of which nothing is known" 1 '/nowhere: No such file' pin show file /nowhere
check "a part of no file" 1 'offset and length are those of a file' pin show offset 5
check "a range that is none" 1 'overlap needs a number' holder show overlap 0x1000+
check "overdue is about requests" 1 'unknown word "overdue"' pin show overdue
check "holders for a reason" 1 'see revokectl request show' holder show reason admin
check "a cgroup that is none" 1 '/ is no directory of a cgroup2' holder show cgroup /
check "a negative pin" 1 'needs a number' pin show -1
check "a number with a tail" 1 'needs a number' pin show 12x
check "a number too large" 1 'needs a number' pin show 18446744073709551616
check "too many words" 1 'too much' pin show 1 2
check "revoke without a pin" 1 'which pins?' pin revoke
check "force is grace 0" 1 "say one of them" pin revoke 3 force grace 5
check "grace without a number" 1 'grace needs a number' pin revoke 3 grace
check "grace too long" 1 'grace needs a number from 0 to 15000' \
	pin revoke 3 grace 15001
check "an unknown word" 1 'unknown word "now": use one of grace force wait pid' \
	pin revoke 3 now
check "drain of nothing" 1 'which pins?' pin drain grace 5
check "a file that is not there" 1 '/nowhere: No such file' pin drain file /nowhere
check "a driver without a name" 1 'driver of what?' pin revoke driver
check "a grace alone is no pin" 1 'which pins?' pin revoke grace 5 wait
check "stat show takes none" 1 'takes no "x"' stat show x
check "orphan show of what is none" 1 'unknown word "overdue"' orphan show overdue
check "request show of a number" 1 'unknown word "7"' request show 7
check "request show of an unknown reason" 1 'unknown reason "x"' request show reason x
check "a dry run of a range of nothing" 1 'those of a file: say which' \
	-n pin revoke pid 1 length 5
check "monitor takes none" 1 'and no "x"' monitor x
check "monitor takes no more" 1 'and no "x"' monitor --journal x
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

check "export of nothing known" 1 'unknown command "csv"' export csv
check "export to no file" 1 'takes -o FILE, or nothing' export prometheus -o
check "top too often" 1 'interval of 0 seconds' top interval 0
check "top is no JSON" 1 'top is for people' -j top
check "top without a number" 1 'count needs a number' top count
check "check of nothing" 1 'check what?' check
check "check of a file that is not there" 1 '/nowhere: No such file' check /nowhere

# Batches: all lines are looked at before the first is done.
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
mkdir "$dir/empty"
# batch NAME STATUS PATTERN TEXT - of a file with these lines
batch() {
	name=$1 status=$2 pattern=$3
	shift 3
	printf '%s\n' "$@" > "$dir/batch"
	check "batch: $name" "$status" "$pattern" -n -b "$dir/batch"
}
batch "nothing, and words behind #" 0 '^$' '# text' '' '  # policy set'
batch "quotes" 0 '^$' 'policy set reason admin comm "a b" action force' \
	'policy del reason "admin" # no more'
batch "a quote that is not closed" 1 'batch:2: a quote is not closed' \
	'policy set reason admin grace 5' 'policy set comm "a'
batch "a bad line, and none is done" 1 'batch:2: this line; nothing was done' \
	'policy set reason admin grace 5' 'policy set reason admin gracie 5' 'x'
batch "abbreviated commands" 1 'a batch has policy set, policy del' 'policy se reason admin grace 5'
batch "commands that do not end" 1 '"monitor": a batch has' monitor
batch "a command that is not there" 1 '"pin show": a batch has' 'pin show'
batch "too many words" 1 'batch:1: too many words' "$(printf 'a %.0s' $(seq 64))"
printf 'policy set reason admin grace 5\0 grace 6\n' > "$dir/batch"
check "batch: what is behind a NUL is not passed over" 1 'batch:1: a byte that is 0' -n -b "$dir/batch"
batch "a word twice" 1 '"grace" twice' 'policy set reason admin action force grace 0 grace 5'
batch "a reason twice" 1 '"reason" twice' 'policy del reason admin rea exit'
misfit() {
	batch "refused before: $1" 1 "$2" "policy set $1"
}
misfit 'reason exit grace 5' 'nobody is asked for this reason'
misfit 'reason admin skip 5' 'has skip, the other reasons grace'
misfit 'reason writeback-background grace 5' 'has skip, the other reasons grace'
misfit 'reason admin repeat 9' 'repeat is 0, or at least 10'
misfit 'reason admin comm a repeat 20' 'repeat is for users'
misfit 'reason admin action force max-extend 1' 'force asks nobody'
misfit 'reason admin action wait grace 0' 'that is force'
misfit 'reason admin action ask' 'wait or force'
misfit 'reason pressure action wait' 'report or ask'
misfit 'reason writeback-background action wait' 'skip, report, ask or force'
misfit 'reason truncate action skip' 'only writeback-background'
misfit 'reason truncate uid 4294967295 grace 5' 'nobody has this uid'
misfit 'reason truncate uid 5 comm a grace 5' 'one of uid, cgroup and comm'
check "batch: no such file" 1 '/nowhere: No such file' -b /nowhere
check "batch: and a command" 1 'takes the commands of the file' -b /dev/null pin show
check "batch: nothing there" 0 '^$' -b "$dir/empty"
mkdir "$dir/d"
echo 'policy set reason admin grace 5' > "$dir/d/10-a.conf"
echo 'policy set reason admin nonsense 5' > "$dir/d/9.conf"
echo 'nonsense' | tee "$dir/d/backup.conf~" "$dir/d/.x.conf" > "$dir/d/README"
check "batch: a directory, by name, what ends in .conf" 1 'd/9.conf:1: this line' -b "$dir/d"
rm "$dir/d/9.conf"
check "batch: that is good" 0 '^$' -n -b "$dir/d"
if [ "$(echo 'policy set nonsense' | "$ctl" -b - 2>&1 | tail -n 1)" = \
	'revokectl: -:1: this line; nothing was done' ]
then
	echo "ok $((nr += 1)) - batch: from standard input"
else
	echo "not ok $((nr += 1)) - batch: from standard input"
	failed=$((failed + 1))
fi

# Each object has a man page, with a paragraph for each command.
man=${0%/*}/../../tools/man
# page NAME FILE PATTERN - of the lines that begin a paragraph
page() {
	nr=$((nr + 1))
	if sed -n '/^\.TP/{n;p}' "$man/$2.8" | grep -q -e "$3"; then
		echo "ok $nr - $2(8) has $1"
	else
		echo "not ok $nr - $2(8) has $1"
		failed=$((failed + 1))
	fi
}
for object in $("$ctl" help | sed -n 's/^revokectl \([a-z]*\) .*/\1/p'); do
	page "$object" revokectl "revokectl-$object (8)"
	case $object in
	monitor|top|check) page "$object" "revokectl-$object" "$object"; continue ;;
	esac
	for command in $("$ctl" "$object" help | sed -n "s/^revokectl $object \([a-z]*\).*/\1/p"); do
		page "$command" "revokectl-$object" "$object $command"
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
check "holder without the family" 2 "$absent" ho
check "check without the family" 2 "$absent" check /
check "export without the family" 0 '^pin_revoke_up 0$' export prometheus
check "orphan without the family" 2 "$absent" orphan
check "top without the family" 2 "$absent" top count 1
check "a batch without the family" 2 "$absent" -b "$dir/d"
check "and where it was" 2 'd/10-a.conf:1: this line; 0 before it were done, 0 after' -b "$dir/d"
echo "1..$nr"
[ $failed -eq 0 ]
