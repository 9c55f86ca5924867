#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
#
# Every kind of RDMA operation over a file on ext4 while the file is synced: see
# rxe-ops.c. The driver is ours, the peer is the same driver.
#
# Must never test the library: only verbs and the kernel.
dir=${0%/*}
. "$dir/lib.sh"
. "$dir/lib-rdma.sh"

# points MODE PREFIX - its TAP lines become ours
points() {
	local line status
	while read -r line; do
		case $line in
		"ok "*) pass "${2}${line#* - }" ;;
		"not ok "*) fail "${2}${line#* - }" ;;
		"#"*) echo "$line" ;;
		esac
	done < <("$dir/rxe-ops" "$SCRATCH/file" "$1" 2> /run/rxe-ops.err)
	wait $!
	status=$?
	is "${2}rxe-ops ends well" $status 0
	[ $status = 0 ] || diag "$(cat /run/rxe-ops.err)"
}

ok "a file system" scratch ext4
ok "soft-RoCE with revocable regions" rxe_up

points ops "fsync and "
points gone "munmap: "

# With this option a peer that cannot wait hears of it at once.
option=/sys/module/rdma_rxe/parameters/revoked_access
is "regions wait by default" "$(cat $option)" wait
refused "an unknown way to answer is refused" "Invalid argument" \
	bash -c "echo never > $option"
echo error > $option
points error "revoked_access=error: "
echo wait > $option

ok "the file system can be left" umount "$SCRATCH"
ok "everything can be unloaded" rxe_down
done_testing
