#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# revokectl's filters against real holders (users, cgroups, files on btrfs, where
# the device number of a mapping is not the file's), check against real file
# systems and ask points, export and top of real numbers.
#
# Must never compare what the kernel says with what the tool says of it alone.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"
. "${0%/*}/lib-rdma.sh"

LEN=65536
CG=/run/cgroup

# shows DESCRIPTION NAMES FILTER... - the pins of these holders and no other
shows() {
	local what=$1 name want=''
	for name in $2; do want+=${pin_of[$name]}$'\n'; done
	shift 2
	is "$what" "$(revokectl -j pin show "$@" | grep -o '{"id":[0-9]*' | cut -d: -f2 | sort -n)" \
		"$(printf %s "$want" | sort -n)"
}
declare -A pin_of

# says DESCRIPTION STATUS PATTERN CHECKED - "revokectl check"
says() {
	local said status
	said=$(revokectl check "$4" 2>&1)
	status=$?
	if [ $status = "$2" ] && grep -qE -- "$3" <<< "$said"; then
		pass "$1"
	else
		fail "$1"
		diag "status $status: $said"
	fi
}

disarmed() { revokectl check / | grep -q '^ask points: yes: armed by the first pin'; }

ok "btrfs on the data disk" scratch btrfs
ok "core and driver" modules
chmod 666 /dev/pin_dummy
mount -t tracefs none /sys/kernel/tracing 2> /dev/null
ok "a subvolume" btrfs subvolume create "$SCRATCH/sub"
new_file() { dd if=/dev/zero of="$SCRATCH/$1" bs=4096 count=32 conv=fsync status=none; }
ok "files" eval 'new_file sub/one && new_file two'
chmod 666 "$SCRATCH/sub/one" "$SCRATCH/two"
mkdir -p $CG
ok "cgroups" mount -t cgroup2 none $CG
mkdir -p $CG/up/down $CG/side

says "check: nothing is wrapped without a pin" 0 '^ask points: yes: armed by the first pin' "$SCRATCH/two"
start A bash -c "echo \$\$ > $CG/up/down/cgroup.procs; exec \"\$@\"" a
start B setpriv --reuid 1234 --clear-groups
is "A maps a file" "$(h A map 0 "$SCRATCH/sub/one" 131072 shared)" ok
is "B maps another" "$(h B map 0 "$SCRATCH/two" 131072 shared)" ok
like "A pins its second half" "$(h A pin 0 0+$LEN $LEN w)" 'ok fd=*'
pin_of[A]=$(last_pin)
like "B pins the first" "$(h B pin 0 0+0 $LEN w)" 'ok fd=*'
pin_of[B]=$(last_pin)

shows "all" "A B"
shows "pid" A pid "${holder_pid[A]}"
shows "uid" B uid 1234
shows "uid of root" A uid 0
shows "cgroup" A cgroup $CG/up/down
shows "cgroup above" A cgroup $CG/up
shows "cgroup beside" "" cgroup $CG/side
shows "cgroup of all" "A B" cgroup $CG
shows "file in a subvolume" A file "$SCRATCH/sub/one"
shows "file" B file "$SCRATCH/two"
shows "part of a file" A file "$SCRATCH/sub/one" offset $LEN length 1
shows "another part" "" file "$SCRATCH/sub/one" length $LEN
shows "file system of a subvolume" A fs "$SCRATCH/sub"
shows "driver and user" B driver pin_dummy uid 1234
shows "command" "A B" comm core-holder
shows "part of its name" "" comm core-hold
shows "device" "A B" device dummy
is "top" "$(revokectl -j pin show top 1 | grep -o '{"id":' | wc -l)" 1
# counts NAME OBJECT show... - how often that is his
counts() { revokectl -j "${@:2}" | grep -o "\"pid\":${holder_pid[$1]}," | wc -l; }
is "holders by file" "$(counts B holder show file "$SCRATCH/two") $(counts B holder show file "$SCRATCH/sub/one")" "1 0"
is "holders who are late: nobody" "$(revokectl -j holder show overdue)" '[]'
addr=$(revokectl -j pin show "${pin_of[A]}" | grep -o '0x[0-9a-f]*')
shows "address" A pid "${holder_pid[A]}" overlap "$addr"
shows "address before" "" pid "${holder_pid[A]}" overlap "$((addr - 1))"
is "a dry run means the same" "$(revokectl -j -n pin revoke uid 2>&1 file "$SCRATCH/two" | grep -c .)" 1
is "and takes nothing" "$(revokectl -j stat show | grep -o '"revoked":[0-9]*')" '"revoked":0'
ok "holders" grep -q "^core-holder/${holder_pid[B]}  uid 1234  pins 1  pinned 64.0KiB of 64.0KiB  requests 0" \
	<(revokectl holder show uid 1234)

says "check: where holders are asked" 0 \
	'^ask points: yes: holders are asked in.* do_writepages.* vfs_fallocate' "$SCRATCH/two"
says "check: btrfs" 0 '^/mnt/two: yes: writable pins are let through on btrfs' "$SCRATCH/two"
says "check: its pins" 0 '^/mnt/two: yes: 1 pins of 64.0KiB have pages of it' "$SCRATCH/two"
says "check: a process" 0 \
	"^process ${holder_pid[A]}: yes: 1 pins of 64.0KiB can be revoked" "${holder_pid[A]}"
says "check: one without pins" 0 'nothing is pinned that the kernel counts' $$
touch /run/tmpfs
says "check: tmpfs" 0 'tmpfs is memory' /run/tmpfs
says "check: a file system that is not known" 0 'no: writable pins are refused on proc' /proc/self/status
echo Y > /sys/module/pin_revoke/parameters/any_fs
says "check: if all are let through" 0 'let through on proc, because any_fs' /proc/self/status
echo N > /sys/module/pin_revoke/parameters/any_fs

export_has() { revokectl export prometheus | grep -qxF "$1"; }
ok "export: bytes" export_has 'pin_revoke_pinned_bytes 131072'
ok "export: by driver" export_has 'pin_revoke_driver_pinned_bytes{driver="pin_dummy"} 131072'
ok "export: by command" export_has 'pin_revoke_holder_pinned_bytes{comm="core-holder"} 131072'
ok "export: states" export_has 'pin_revoke_pins{state="active"} 2'
ok "export: into a file" revokectl export prometheus -o /run/metrics.prom
is "all of it" "$(grep -c '^pin_revoke' /run/metrics.prom)" "$(revokectl export prometheus | grep -c '^pin_revoke')"
ok "top" grep -q "^ *${holder_pid[A]} core-holder *1 *64.0KiB " <(revokectl top count 1)

# Memory whose file range is gone
orphan() { revokectl -j orphan show "$@"; }
truncate -s 65536 /run/orphan
is "orphan: none" "$(orphan)" '[]'
is "orphan: A maps a file in memory" "$(h A map 1 /run/orphan 65536 shared)" ok
is "orphan: and writes" "$(h A touch 1+0 65536 5)" ok
is "orphan: and listens" "$(h A listen 0)" ok
line=$(h A declare 0 1+0 65536 w)
like "orphan: and declares it" "$line" 'ok first=*'
is "orphan: nothing is lost" "$(orphan)" '[]'
ok "orphan: it is cut off" truncate -s 16384 /run/orphan
like "orphan: what is" "$(orphan)" \
	"[[]{\"how\":\"exact\",\"orphan_bytes\":49152,\"pin\":{\"id\":$(value first "$line"),*}}]"
is "orphan: undeclared" "$(h A undeclare 0 "$(value first "$line")")" ok
is "orphan: A maps memory" "$(h A map 2 anon 65536 private)" ok
like "orphan: and pins it" "$(h A pin 1 2+0 65536 w)" 'ok fd=*'
is "orphan: and unmaps it" "$(h A unmap 2+0 65536)" ok
like "orphan: that holds nothing" "$(revokectl orphan show)" \
	"pin $(last_pin) core-holder/${holder_pid[A]} * gone *  registered, nothing is held"
is "orphan: unpinned" "$(h A unpin 1)" ok
is "orphan: none is left" "$(orphan)" '[]'
rm /run/orphan

# What nobody answers takes the whole grace.
ok "times: none yet" export_has 'pin_revoke_release_seconds_count{reason="writeback-sync"} 0'
ok "times: of a reason that nobody is asked for there are none" \
	eval '! revokectl export prometheus | grep -q release_seconds.*exit'
is "times: B listens" "$(h B listen 0)" ok
ok "times: a grace" grace 600 0
is "times: B writes" "$(h B touch 0+0 4096 5)" ok
ok "times: somebody waits" sync "$SCRATCH/two"
ok "times: one pin" export_has 'pin_revoke_release_seconds_count{reason="writeback-sync"} 1'
ok "times: longer than that" export_has 'pin_revoke_release_seconds_bucket{reason="writeback-sync",le="0.512"} 0'
ok "times: and not for ever" export_has 'pin_revoke_release_seconds_bucket{reason="writeback-sync",le="32.768"} 1'
sum=$(revokectl -j stat show | sed 's/.*"sum_ns":\([0-9]*\).*/\1/')
ok "times: their sum" test "$sum" -ge $((600000000 * ${VM_SLOW:-1}))
ok "times: for people" grep -q '^writeback-sync: 1 pins released, half within ' <(revokectl stat show)
ok "times: top" grep -q '^releases: half within ' <(revokectl top count 1)

# Of a device that does not stop; B has missed a deadline, and is not asked any more
like "overdue: A pins more" "$(h A pin 1 0+0 $LEN wk)" 'ok fd=*'
hold quiesce
revokectl pin revoke "$(last_pin)" grace 200 wait 2> /run/overdue
is "overdue: the tool gives up" $? 4
ok "overdue: and says what to do" grep -q 'past its deadline and still open: see revokectl request show' /run/overdue
is "overdue: it is shown" "$(counts A request show overdue) $(counts A request show reason admin uid 0)" "1 1"
is "overdue: not as somebody else's" "$(revokectl -j request show pid "${holder_pid[B]}")" '[]'
is "overdue: nor with another reason" "$(revokectl -j request show reason truncate)" '[]'
is "overdue: its holder is" "$(counts A holder show overdue)" 1
ok "overdue: counted" export_has 'pin_revoke_overdue_requests 1'
hold nowhere
ok "overdue: until it stops" wait_for 20 export_has 'pin_revoke_overdue_requests 0'
is "overdue: A lets go of it" "$(h A unpin 1)" ok

stop A B
umount $CG
ok "nothing is wrapped after the last pin" wait_for 30 disarmed
nothing_left

# Somebody else's pin, of a driver that gives nothing back.
ok "the core" load pin_revoke ask=0
ok "the distribution's soft-RoCE" rxe_up stock
ibv_rc_pingpong -d rxe0 -g 1 -p 18600 > /run/pingpong 2>&1 &
other=$!
vmpin() { grep -qE '^VmPin:[[:space:]]*[1-9]' /proc/$other/status; }
ok "a plain region" wait_for 30 vmpin
says "check: cannot be revoked" 3 "^process $other: no: .* are pinned by a driver without pin-revoke" $other
says "check: nobody is asked" 3 '^ask points: no: pin_revoke was loaded with ask=0' $other
kill $other
wait $other
truncate -s 65536 /run/region
python3 - <<-EOT &
import ctypes, mmap, signal
from pyverbs.device import Context
from pyverbs.mr import MR
from pyverbs.pd import PD
with open("/run/region", "r+b") as file:
    memory = mmap.mmap(file.fileno(), 65536)
address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
with Context(name="rxe0") as context, PD(context) as pd, MR(pd, 65536, 3, address):
    signal.pause()
EOT
other=$!
ok "orphan: a plain region over a file" wait_for 60 vmpin
is "orphan: it is all there" "$(orphan)" '[]'
ok "orphan: that is cut off" truncate -s 16384 /run/region
is "orphan: an estimate" "$(revokectl orphan show)" \
	"python3/$other  estimate: up to 48.0KiB of 64.0KiB that other drivers have pinned"
like "orphan: and called one" "$(orphan pid $other)" '[[]{"how":"estimate","orphan_bytes":49152,*}]'
{ kill $other; wait $other; } 2> /dev/null
ok "all unloads" rxe_down
done_testing
