# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# The scene that the demo and its tests share: soft-RoCE, a file on the data
# disk, rdma-file writing into it, raw-check calling fsync. Source it after
# lib.sh.
#
# Must never judge: the tests do.

LOG=/run/out/${0##*/}.log
STATE=/dev/shm/rdma-file

# From here to narrate_end, lines for people go to descriptor 3, from several
# programs at once: into the log and, as TAP comments, to whoever watches.
narrate() {
	exec 3> >(exec 3>&-; tee -a "$LOG" | sed -u 's/^/# /')
	narrator=$!
}

# All has been printed and is in the logs.
narrate_end() {
	exec 3>&-
	wait "$narrator"
}

# rxe_up [stock|gate] - rxe0, with our driver, the distribution's, or ours with the gate
# of modules/rxe_gate.c. An Ethernet frame of the usual size makes four packets of each
# WRITE: more to tear.
rxe_up() {
	case ${1:-} in
	stock) modprobe rdma_rxe || return ;;
	*) load "${1:+$1/}rdma_rxe" || return ;;
	esac
	# The wire to another guest, see boot.sh, or one that ends here.
	if [ -n "${VM_NET:-}" ]; then
		modprobe virtio_net && wait_for 10 ip link set eth0 name rdma0 || return
	else
		modprobe dummy numdummies=0 &&
			ip link add rdma0 mtu "${MTU:-1500}" type dummy || return
	fi
	ip addr add "192.0.2.${VM_NET:-1}/24" dev rdma0 &&
		ip link set rdma0 up &&
		rdma link add rxe0 type rxe netdev rdma0 || return
	# The address arrives in the device's table from a work queue.
	wait_for 10 grep -rqs 'RoCE v2' /sys/class/infiniband/rxe0/ports/1/gid_attrs/types
}

# Everything unloaded, so that the next test chooses its driver again. Somebody who
# was in the middle of a sync may still have a pin in his hands.
rxe_down() {
	rdma link delete rxe0 && ip link delete rdma0 && wait_for 10 rmmod rdma_rxe || return
	local module
	for module in pin_revoke_ib pin_revoke; do
		if grep -q "^$module " /proc/modules; then wait_for 10 rmmod "$module" || return; fi
	done
}

server_ready() {
	grep -q 'waiting for a client' "$server_log" || ! kill -0 "$server"
}

# rdma_start SERVER-OPTION... - rdma-file, until its client writes
rdma_start() {
	server_log=$(mktemp) check_log=$(mktemp)
	rm -f "$STATE"
	client='' client_status='' check_status='' verdict=''

	rdma-file server "$SCRATCH/file" "$@" > >(tee "$server_log" >&3) 2>&1 &
	server=$!
	wait_for 60 server_ready
	kill -0 $server 2>/dev/null || return
	rdma-file client --connect 127.0.0.1:18515 --state "$STATE" >&3 2>&1 &
	client=$!
	wait_for 30 test -e "$STATE"
}

# rdma_check RAW-CHECK-OPTION... - and then the client stops
rdma_check() {
	raw-check "$SCRATCH/file" --disk "$DATA" --state "$STATE" "$@" 2>&1 |
		tee "$check_log" >&3
	check_status=${PIPESTATUS[0]}
	verdict=$(tail -n 1 "$check_log")
}

# rdma_end - the ends of both
rdma_end() {
	if [ -n "$client" ]; then
		# Without a verdict it may not have got to where it stops the client.
		[ "$check_status" != 2 ] || kill "$client"
		wait "$client"
		client_status=$?
	fi
	wait "$server"
	server_status=$?
	rm -f "$SCRATCH/file" "$STATE"
}

# rdma_write_and_check SERVER-OPTIONS -- RAW-CHECK-OPTIONS
# Sets server_status, client_status, check_status and verdict.
rdma_write_and_check() {
	local server_opts=()
	while [ "$1" != -- ]; do
		server_opts+=("$1")
		shift
	done
	shift
	if rdma_start "${server_opts[@]}"; then rdma_check "$@"; fi
	rdma_end
}

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
	done < <("/pr/tests/$program" "$@" 2> "/run/$program.err")
	wait $!
	status=$?
	is "$prefix$program ends well" $status 0
	[ $status = 0 ] || diag "$(cat "/run/$program.err")"
}
