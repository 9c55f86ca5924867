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

# rxe_up [stock] - rxe0, with our driver or with the distribution's. An Ethernet
# frame of the usual size makes four packets of each WRITE: more to tear.
rxe_up() {
	if [ "${1:-}" = stock ]; then
		modprobe rdma_rxe || return
	else
		load rdma_rxe || return
	fi
	modprobe dummy numdummies=0 &&
		ip link add rdma0 mtu "${MTU:-1500}" type dummy &&
		ip addr add 192.0.2.1/24 dev rdma0 &&
		ip link set rdma0 up &&
		rdma link add rxe0 type rxe netdev rdma0 || return
	# The address arrives in the device's table from a work queue.
	wait_for 10 grep -rqs 'RoCE v2' /sys/class/infiniband/rxe0/ports/1/gid_attrs/types
}

# Everything unloaded, so that the next test chooses its driver again.
rxe_down() {
	rdma link delete rxe0 && ip link delete rdma0 && rmmod rdma_rxe || return
	local module
	for module in pin_revoke_ib pin_revoke; do
		if grep -q "^$module " /proc/modules; then rmmod "$module" || return; fi
	done
}

server_ready() {
	grep -q 'waiting for a client' "$server_log" || ! kill -0 "$server"
}

# rdma_begin SERVER-OPTIONS - until the client writes; fails if the server ended
rdma_begin() {
	server_log=$(mktemp)
	rm -f "$STATE"
	client_status=''

	rdma-file server "$SCRATCH/file" "$@" > >(tee "$server_log" >&3) 2>&1 &
	server=$!
	wait_for 60 server_ready
	kill -0 $server 2>/dev/null || return
	rdma-file client --connect 127.0.0.1:18515 --state "$STATE" >&3 2>&1 &
	client=$!
	wait_for 30 test -e "$STATE"
}

# rdma_end - sets server_status and client_status
rdma_end() {
	if [ -n "${client:-}" ]; then
		wait "$client"
		client_status=$?
		client=''
	fi
	wait "$server"
	server_status=$?
	rm -f "$STATE"
}

# rdma_write_and_check SERVER-OPTIONS -- RAW-CHECK-OPTIONS
# Sets server_status, client_status, check_status and verdict; leaves the file.
rdma_write_and_check() {
	local server_opts=()
	while [ "$1" != -- ]; do
		server_opts+=("$1")
		shift
	done
	shift
	check_log=$(mktemp)
	check_status='' verdict=''

	if rdma_begin "${server_opts[@]}"; then
		raw-check "$SCRATCH/file" --disk "$DATA" --state "$STATE" "$@" 2>&1 |
			tee "$check_log" >&3
		check_status=${PIPESTATUS[0]}
		# Without a verdict it may not have got to where it stops the client.
		[ "$check_status" != 2 ] || kill "$client"
	fi
	rdma_end
	verdict=$(tail -n 1 "$check_log")
}
