#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# The walk-through of tools/WALKTHROUGH.md: runs its commands, in order and in one
# shell, and compares what they print. Numbers may differ.
#
# Must never run a command that is not in the text.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

walk=${0%/*}/WALKTHROUGH.md
server_log=$(mktemp)
said=$(mktemp)

numbers() { sed -E 's/0x[0-9a-f]+/N/g; s/[0-9]+(\.[0-9]+)?/N/g; s/ +/ /g'; }

# step COMMAND EXPECTED
step() {
	# Not in a subshell: the text waits for what it started.
	eval "$1" > "$said" 2>&1 < /dev/null
	is "walk: $1" "$(numbers < "$said")" "$(numbers <<< "$2")"
	sed 's/^/# /' "$said"
}

ok "ext4 on the data disk" scratch ext4
ok "our soft-RoCE driver" rxe_up
mount -t tracefs none /sys/kernel/tracing 2> /dev/null
rdma-file server "$SCRATCH/file" > "$server_log" 2>&1 &
server=$!
ok "the server waits" wait_for 60 server_ready
rdma-file client --connect 127.0.0.1:18515 --state "$STATE" > /dev/null 2>&1 &
client=$!
ok "the client writes" wait_for 30 test -e "$STATE"
# The flusher would ask at times of its own.
echo 0 > /proc/sys/vm/dirty_writeback_centisecs

command='' expected='' inside=''
while IFS= read -r line; do
	case $inside$line in
	'```console') inside=' ' ;;
	' ```'|' # '*)
		[ -z "$command" ] || step "$command" "$expected"
		command='' expected=''
		if [ "$line" = '```' ]; then inside=''; else command=${line#\# }; fi ;;
	' '*) expected+=${expected:+$'\n'}$line ;;
	esac
done < "$walk"

kill $client $server
wait $client $server
rm -f "$STATE"
rm -r /etc/pin-revoke
ok "everything unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
