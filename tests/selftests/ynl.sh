#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# The kernel's own ynl command speaks the family from our specification alone:
# it asks, lists, answers and subscribes.
#
# Must never use a word that the specification has not.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

SOON=10000
ynl() { python3 /pr/ynl/cli.py --spec /pr/pin-revoke.yaml --no-schema --output-json "$@"; }

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
start A
is "A maps a file" "$(h A map 0 "$SCRATCH/file" 65536 shared)" ok
is "A listens" "$(h A listen 0)" ok
like "A pins it" "$(h A pin 0 0+0 65536 w)" 'ok fd=*'
id=$(last_pin)

events=$(mktemp)
ynl --subscribe monitor --duration 120 > "$events" 2>&1 &
monitor=$!

like "do: a pin" "$(ynl --do pin-get --json "{\"id\": $id}" 2>&1)" "*\"id\": $id*\"state\": \"active\"*\"flags\": \[*\"write\"*"
like "dump: pins" "$(ynl --dump pin-get 2>&1)" "\[*\"id\": $id,*\"driver\": \"pin_dummy\"*\]"
like "dump: policies" "$(ynl --dump policy-get 2>&1)" '*"reason": "writeback-sync", "action": "wait", *"grace-ms": 1000,*'
like "an error has its text" "$(ynl --do pin-get --json '{"id": 4711}' 2>&1)" '*no such pin*'
like "so has a policy that is refused" "$(ynl --do policy-set --json '{"reason": "writeback-sync", "skip-ms": 1}' 2>&1)" '*nvalid argument*'
ok "do: policy-set" ynl --do policy-set --json '{"reason": "admin", "grace-ms": 15000}'
like "do: stat-get" "$(ynl --do stat-get --json '{}' 2>&1)" '*"pins": 1*'
like "do: revoke" "$(ynl --do revoke --json "{\"pin\": $id}" 2>&1)" '*"request": *'
asked=$(h A wait 0 release-soon $SOON)
like "A is asked" "$asked" 'ok release-soon *reason=admin *'
like "dump: requests" "$(ynl --dump request-get 2>&1)" "*\"reason\": \"admin\"*\"pin\": \[*\"id\": $id*"
like "dump: those of a context that is none" "$(ynl --dump request-get --json '{"ctx": 4711}' 2>&1)" '\[\]'
is "A answers" "$(h A ack 0 "$(value request "$asked")" 0 quiesced)" ok
for event in release-soon acked revoked restored; do
	ok "subscribe: $event" wait_for 60 grep -q "\"name\": \"$event\"" "$events"
done
kill "$monitor"
diag "$(cat "$events")"
stop A
rm "$events"
nothing_left
done_testing
