#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 900
#
# Every kind of RDMA operation over a file on ext4 while the file is synced: see
# rxe-ops.c and rxe-parked.c. The driver is ours, the peer is the same driver. And
# what must not be registered: rxe-bad.c.
#
# Must never test the library: only verbs and the kernel.
dir=${0%/*}
. "$dir/lib.sh"
. "$dir/lib-rdma.sh"

# points PREFIX PROGRAM ARG... - its TAP lines become ours
points() {
	local prefix=$1 program=$2 line status
	shift 2
	while read -r line; do
		case $line in
		"ok "*) pass "$prefix${line#* - }" ;;
		"not ok "*) fail "$prefix${line#* - }" ;;
		"#"*) echo "$line" ;;
		esac
	done < <("$dir/$program" "$SCRATCH/file" "$@" 2> "/run/$program.err")
	wait $!
	status=$?
	is "$prefix$program ends well" $status 0
	[ $status = 0 ] || diag "$(cat "/run/$program.err")"
}

ok "a file system" scratch ext4
ok "soft-RoCE with revocable regions" rxe_up

points "fsync and " rxe-ops ops
points "fsync and " rxe-parked
points "munmap: " rxe-ops gone
points "bad: " rxe-bad /dev/disk/by-id/virtio-out
is "bad: no pin is left" "$(revokectl -j pin show)" '[]'

# With this option a peer that cannot wait hears of it at once.
option=/sys/module/rdma_rxe/parameters/revoked_access
is "regions wait by default" "$(cat $option)" wait
refused "an unknown way to answer is refused" "Invalid argument" \
	bash -c "echo never > $option"
echo error > $option
points "revoked_access=error: " rxe-ops error
echo wait > $option

ok "the file system can be left" umount "$SCRATCH"
ok "everything can be unloaded" rxe_down
done_testing
