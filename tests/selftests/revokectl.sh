#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# revokectl and librevoke against the real family: what is shown, who may see
# and do what, an administrator's request that is answered, forced, waited for.
#
# Must never depend on when something happens: it waits for what it asserts.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
# pin FIELD - of the one pin there is
pin() { revokectl -j pin show | sed -n "s/.*\"$1\":\"\?\([^,\"}]*\).*/\1/p"; }
pin_is() { [ "$(pin "$1")" = "$2" ]; }
listening() { grep -q LISTENING /run/out/revokectl.monitor; }
asked() { [ "$(revokectl -j request show)" != '[]' ]; }

refused "no family: the tool says what to do" 'modprobe pin_revoke' revokectl pin show
ok "the module" load pin_revoke
is "no pins: an empty array" "$(revokectl -j pin show)" '[]'
is "no requests: an empty array" "$(revokectl -j request show)" '[]'
ok "the policy has a grace" grep -q '^writeback-sync .*grace [0-9]* ms' <(revokectl policy show)
ok "it can be set" revokectl policy set reason admin grace 3000 max-extend 500
ok "and was" grep -q '"reason":"admin","grace_ms":3000,"max_extend_ms":500' <(revokectl -j policy show)
refused "a value without a meaning" 'writeback-background has skip-ms' revokectl policy set reason admin skip 5
refused "a reason nobody is asked for" 'nobody is asked' revokectl policy set reason exit grace 5
refused "no such pin" 'no such pin' revokectl pin show 4711
refused "no such pin to revoke" 'no such pin' revokectl pin revoke 4711
refused "policy set by nobody" 'CAP_SYS_ADMIN.*as root' nobody revokectl policy set reason admin grace 1
refused "revoke by nobody" 'CAP_SYS_ADMIN.*as root' nobody revokectl pin revoke 1
refused "monitor by nobody" 'as root' nobody revokectl monitor
ok "nobody is told that there may be more" grep -q 'as root to see all' <(nobody revokectl pin show 2>&1)

ok "ext4 on the data disk" scratch ext4
ok "our soft-RoCE driver" rxe_up
revokectl monitor > /run/out/revokectl.monitor 2>&1 &
monitor=$!
ok "the monitor listens" wait_for 10 listening
narrate
server_log=$(mktemp)
rdma-file server "$SCRATCH/file" > >(tee "$server_log" >&3) 2>&1 &
server=$!
wait_for 60 server_ready
ok "a pin is shown" wait_for 60 pin_is state active
rdma-file client --connect 127.0.0.1:18515 --state "$STATE" >&3 2>&1 &
client=$!
ok "the client writes" wait_for 30 test -e "$STATE"
refused "the driver does not unload with a region" "in use" unload rdma_rxe
id=$(pin id)
ok "its holder is named" grep -q "^pin $id rdma-file/[0-9]* 0x[0-9a-f]*+.*rxe0" <(revokectl pin show "$id")
ok "and its driver" grep -q "\"id\":$id," <(revokectl -j pin show driver rdma_rxe)
before=$(pin revoked)
ok "revoke, answered, waited for" revokectl pin revoke "$id" wait
ok "it was revoked" test "$(pin revoked)" -gt "$before"
ok "and comes back" wait_for 30 pin_is state active
kill -STOP "$server"
revokectl pin revoke "$id" grace 2000 wait &
revoke=$!
ok "the request is shown while nobody answers" wait_for 10 asked
ok "with its pin and who caused it" grep -q "\"trigger\":{\"comm\":\"revokectl\".*\"pins\":\[{\"id\":$id," <(revokectl -j request show)
wait $revoke
is "then it is forced" $? 0
kill -CONT "$server"
diag "$(tail -n 30 /run/out/revokectl.monitor)"
for event in RELEASE_SOON ACKED REVOKED; do
	ok "the monitor saw $event" grep -q "^ *[0-9]*\.[0-9]* $event " /run/out/revokectl.monitor
done
ok "and that one was forced" grep -q 'REVOKED .*admin forced .*pin' /run/out/revokectl.monitor
kill $monitor $client $server
wait $monitor $client $server
narrate_end
ok "everything unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
