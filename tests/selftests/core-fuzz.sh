#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# Messages that are nearly right, from root and from nobody, beside holders who answer or
# do not, fsyncs, and pins that come and go, see core-fuzz/. SEED is printed and can be
# given; 20000 messages, with TORTURE=N 10000 N. Afterwards all works as before, and
# nothing is left.
#
# Must never ask more of a message than that it is answered as the specification says.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-core.sh"

seed=${SEED:-$((RANDOM * 32768 + RANDOM))}
messages=$([ -n "${TORTURE:-}" ] && echo $((TORTURE * 10000)) || echo 20000)
file_size=65536

# holder NAME - has pinned the file and listens
holder() {
	start "$1"
	is "$1 maps the file" "$(h "$1" map 0 "$SCRATCH/file" $file_size shared)" ok
	is "$1 listens" "$(h "$1" listen 0)" ok
	like "$1 pins it" "$(h "$1" pin 0 0+0 $file_size w)" 'ok fd=*'
}

ok "ext4 on the data disk" scratch ext4 -b 4096
ok "core and driver" modules
new_file file 16 || bail "no file in one piece"
chmod 666 /dev/pin_dummy "$SCRATCH/file"
chmod 755 "$SCRATCH"
holder A
is "A answers" "$(h A dispatch 0)" ok
holder B
start F
is "F has the file" "$(h F map 0 "$SCRATCH/file" $file_size shared)" ok
is "and fsyncs it all the time" "$(h F hammer 0)" ok

diag "SEED=$seed, $messages messages"
begun=$SECONDS
said=$("${0%/*}/core-fuzz" "$SCRATCH/file" "$messages" "$seed")
is "each message has its answer" $? 0
diag "$said"
diag "in $((SECONDS - begun)) s"
for what in accepted refused; do
	# Those that only tell are no questions.
	never=$(sed -n "s/^$what://p" <<< "$said" | tr ' ' '\n' |
		grep -vE '^(release-soon|revoked|restored|cancelled|gone|acked)=' | sed -n 's/=0$//p' | paste -sd ' ')
	is "no command is never $what" "$never" ''
done
stop A B F

# Whom the fuzzer asked for has his time until then.
no_request() { [ "$(revokectl -j request show)" = '[]' ]; }
ok "the last requests end" wait_for 40 no_request
is "no pin is left of it" "$(revokectl -j pin show)" '[]'
is "nor a policy" "$(revokectl -j policy show | grep -cE '"(uid|cgroup|comm)":')" 0
ok "a grace" grace 10000
holder C
start G
is "G has it" "$(h G map 0 "$SCRATCH/file" $file_size shared)" ok
is "the device writes" "$(h C dma 0 0 $file_size 7)" ok
tell G fsync 0
line=$(h C wait 0 release-soon 10000)
like "C is asked" "$line" 'ok release-soon *reason=writeback-sync*'
is "C answers" "$(h C ack 0 "$(value request "$line")" 0 quiesced)" ok
like "G's fsync is through" "$(hear G)" 'ok ms=*'
is "what the device wrote is on the disk" "$(raw 0 16)" 7
stop C G
nothing_left
done_testing
