#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: check-splats-test.sh [KERNEL]
# Tests what judges the guest runs: that check-splats.sh finds each kind of
# kernel bug and keeps quiet about a healthy log, that tap.awk counts a broken
# stream as failed, and that a real WARNING makes a real run fail. Prints TAP.
#
# Must never test with the patterns of check-splats.sh itself.
. "${BASH_SOURCE[0]%/*}/env.sh"
set +e
. "$TOP/tests/selftests/lib.sh"

kernel=${1:-newest}
use_kernel "$kernel"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# name|line, as kernels of these series print them
while IFS='|' read -r name line; do
	printf '[    1.000000] Run /init\n[    2.345678] %s\n' "$line" > "$tmp/log"
	refused "finds: $name" "log:2:.*" "$VM/check-splats.sh" "$tmp/log"
done <<'EOT'
warning|WARNING: CPU: 1 PID: 93 at mm/gup.c:71 try_grab_folio+0x4/0x10
warning without a place|WARNING: mm/gup.c:71 at try_grab_folio+0x4/0x10, CPU#1: cat/93
null pointer|BUG: kernel NULL pointer dereference, address: 0000000000000008
page fault|BUG: unable to handle page fault for address: ffffc90000a0
oops|Oops: Oops: 0002 [#1] PREEMPT SMP NOPTI
bug statement|kernel BUG at mm/truncate.c:41!
general protection|Oops: general protection fault, probably for non-canonical address 0xdead
panic|Kernel panic - not syncing: Fatal exception
lockdep cycle|WARNING: possible circular locking dependency detected
lockdep recursion|WARNING: possible recursive locking detected
lockdep irq state|WARNING: inconsistent lock state
lockdep, older words|[ INFO: possible irq lock inversion dependency detected ]
lockdep, key|INFO: trying to register non-static key.
rcu misuse|WARNING: suspicious RCU usage
lock held by exit|WARNING: cat/93 still has locks held!
sleep in atomic|BUG: sleeping function called from invalid context at mm/gup.c:5
atomic schedule|BUG: scheduling while atomic: cat/93/0x00000002
hung task|INFO: task fsync:93 blocked for more than 60 seconds.
soft lockup|watchdog: BUG: soft lockup - CPU#0 stuck for 60s! [cat:93]
hard lockup|watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 1
rcu stall|rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
rcu stall, own|rcu: INFO: rcu_preempt self-detected stall on CPU
kasan|BUG: KASAN: slab-use-after-free in pin_revoke_unpin+0x12/0x40
ubsan|UBSAN: array-index-out-of-bounds in kernel/pin.c:12:3
kcsan|BUG: KCSAN: data-race in pin_quiesce / pin_release
kmemleak|kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
kmemleak report|unreferenced object 0xffff888004ca6b80 (size 64):
lockdep off|INFO: lockdep is turned off.
refcount|refcount_t: underflow; use-after-free.
list|list_add corruption. prev->next should be next (ffff8), but was ffff9.
leaked net device|unregister_netdevice: waiting for rdma0 to become free. Usage count = 2
trace alone|Call Trace:
bad page|BUG: Bad page state in process cat  pfn:12345
object debugging|ODEBUG: free active (active state 0) object: 00000000 object type: work_struct
file system|EXT4-fs error (device vdb): ext4_lookup:1855: inode #2: comm cat: bad
disk|I/O error, dev vdb, sector 2048 op 0x1:(WRITE) flags 0x800
missing symbol|pin_revoke_ib: Unknown symbol pin_revoke_pin (err -2)
out of memory|Out of memory: Killed process 93 (cat) total-vm:1kB
EOT

cat > "$tmp/log" <<'EOT'
[    0.000000] Linux version 7.2.12+deb13-amd64 (gcc (Debian 14.2.0) #1 SMP
[    0.045000] rcu: 	CONFIG_RCU_FANOUT set to non-default value.
[    0.045100] rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.
[    1.000000] kfence: initialized - using 2097152 bytes for 255 objects at 0x1-0x2
[    1.000000] Warning: unable to open an initial console.
[    3.000000] pin_revoke: loading out-of-tree module taints kernel.
[    3.000000] pin_revoke: module verification failed: signature and/or required key missing - tainting kernel
[    4.000000] debug: unmapping init memory
[    5.000000] pin-revoke test: fsync ends with 0
EOT
ok "a healthy log is healthy" "$VM/check-splats.sh" "$tmp/log"
: > "$tmp/log"
refused "an empty log is no proof" "empty" "$VM/check-splats.sh" "$tmp/log"
refused "nor is none" "usage" "$VM/check-splats.sh"

# sums STREAM - what tap.awk counts: passed failed skipped
sums() {
	printf '%b' "$1" |
		"$ROOT/bin/busybox" awk -v sums="$tmp/sums" -v seen="$tmp/seen" \
			-v bad="$tmp/bad" -f "$VM/tap.awk" > /dev/null
	cat "$tmp/sums"
}
is "a good stream" "$(sums '#begin a\nok 1 - x\n1..1\n#end a 0\n')" "1 0 0"
is "carriage returns" "$(sums '#begin a\r\nok 1 - x\r\n1..1\r\n#end a 0\r\n')" "1 0 0"
is "a skip is not a pass" "$(sums '#begin a\nok 1 - x # SKIP y\n1..1\n#end a 0\n')" "0 0 1"
is "a point failed" "$(sums '#begin a\nnot ok 1 - x\n1..1\n#end a 1\n')" "0 1 0"
is "no plan" "$(sums '#begin a\nok 1 - x\n#end a 0\n')" "1 1 0"
is "fewer than planned" "$(sums '#begin a\nok 1 - x\n1..2\n#end a 0\n')" "1 1 0"
is "planned nothing" "$(sums '#begin a\n1..0\n#end a 0\n')" "0 1 0"
is "died after the plan" "$(sums '#begin a\n1..1\nok 1 - x\n#end a 139\n')" "1 1 0"
is "never ended" "$(sums '#begin a\nok 1 - x\n1..1\n')" "1 1 0"
is "no test at all" "$(sums '')" "0 1 0"
again='#begin a\nok 1 - x\nnot ok 2 - y\n#again\n#begin a\nok 1 - x\n1..1\n#end a 0\n'
is "once more counts once" "$(sums "$again")" "1 0 0"
is "nor is it seen twice" "$(cat "$tmp/seen")" "a: x"

# died CODE - the end of a guest whose processor met int3 there
died() {
	printf '%s\n' "[ 9.1] Oops: int3: 0000 [#1] SMP NOPTI" "[ 9.2] RIP: 0010:f+0x5/0x170" \
		"[ 9.3] Code: 90 $1 44 00 00" > "$tmp/log"
}
died "0f <1f>"
ok "int3 that is not in memory is the emulator's" "$VM/stale-code.sh" "$tmp/log"
died "cc <1f>"
is "int3 that is there is not" "$("$VM/stale-code.sh" "$tmp/log" || echo no)" no
died "0f <1f>"
sed -i '1i [ 9.0] WARNING: something came before' "$tmp/log"
is "nor is what a bug may have done" "$("$VM/stale-code.sh" "$tmp/log" || echo no)" no

# A test without a fault of its own, in a kernel that warns.
mkdir -p "$tmp/extra/tests"
cat > "$tmp/extra/tests/splat.sh" <<'EOT'
#!/bin/bash
. "${0%/*}/lib.sh"
ok "the module loads" insmod /pr/modules/tests/splat.ko
done_testing
EOT
chmod +x "$tmp/extra/tests/splat.sh"
echo "splat: the module loads" > "$tmp/expected"
VM_EXTRA=$tmp/extra VM_EXPECTED=$tmp/expected VM_LOGS=$O/vm/splat \
	"$VM/run.sh" "$kernel" splat > "$tmp/out" 2>&1
is "a run with a real WARNING fails" $? 1
ok "it passed the test itself" grep -q '^splat: ok 1 - the module loads$' "$tmp/out"
ok "it shows the kernel's line" grep -q 'dmesg:.*WARNING: .*splat' "$tmp/out"
is "it counts as one failure" "$(tail -n 1 "$tmp/out")" "1 passed, 1 failed"

# One that fails in company, one that always does.
cat > "$tmp/extra/tests/flaky.sh" <<'EOT'
#!/bin/bash
. "${0%/*}/lib.sh"
. /pr/job
ok "it is alone" test "$JOB_TESTS" = flaky
done_testing
EOT
sed 's/it is alone/it never is/; s/= flaky/= nobody/' "$tmp/extra/tests/flaky.sh" > "$tmp/extra/tests/never.sh"
sed 's/^ok .*/ok "it is fine" true/' "$tmp/extra/tests/flaky.sh" > "$tmp/extra/tests/fine.sh"
chmod +x "$tmp"/extra/tests/*.sh
printf '%s\n' "flaky: it is alone" "never: it never is" "fine: it is fine" > "$tmp/expected"
again() {
	VM_AGAIN=1 VM_EXTRA=$tmp/extra VM_EXPECTED=$tmp/expected VM_LOGS=$O/vm/again \
		"$VM/run.sh" "$kernel" "$@" > "$tmp/out" 2>&1
}
again fine flaky
is "what fails once passes" $? 0
ok "and is called flaky" grep -q '^run: flaky.*: flaky$' "$tmp/out"
is "and counted" "$(cat "$O/vm/again/result")" "2 0 0 1"
again fine never
is "what fails again fails" $? 1
is "and is counted as that" "$(cat "$O/vm/again/result")" "1 1 0 0"
done_testing
