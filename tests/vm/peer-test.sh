#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: peer-test.sh [OURS THEIRS]...	(default: newest 6.1 newest newest)
# Two guests with a wire between them. One, of kernel OURS, has our soft-RoCE and a region
# over a file that is taken from it; the other, of kernel THEIRS, has soft-RoCE as it is
# distributed. Every reliable operation that both have goes both ways, see
# selftests/rxe-peer.c. Prints TAP.
#
# Must never load our driver, or the core, in the other guest.
. "${BASH_SOURCE[0]%/*}/env.sh"
set +e
. "$TOP/tests/selftests/lib.sh"

logs=$O/vm/peer
mkdir -p "$logs"
wire=$(mktemp -d)
trap 'rm -rf "$wire"' EXIT
ready='. /pr/tests/lib.sh && . /pr/tests/lib-rdma.sh &&'

# guest END KERNEL NAME COMMAND
guest() {
	VM_NET=$1:$wire "$VM/boot.sh" -k "$2" -o "$logs/$3" -q -t $((300 * ${VM_SLOW:-1})) \
		command "$4" < /dev/null > /dev/null 2>&1
}

# pair OURS THEIRS
pair() {
	local name="$1 and the driver of $2" line theirs status
	"$VM/build.sh" "$1" && "$VM/build.sh" "$2" || bail "nothing to boot"
	guest 2 "$2" theirs "$ready rxe_up stock && /pr/tests/rxe-peer 192.0.2.1 &&
		! grep '^pin_revoke' /proc/modules" &
	theirs=$!
	guest 1 "$1" ours "$ready scratch ext4 && rxe_up gate && /pr/tests/rxe-peer listen \$SCRATCH/file"
	status=$?
	while read -r line; do
		case $line in
		"ok "*) pass "$name: ${line#* - }" ;;
		"not ok "*) fail "$name: ${line#* - }" ;;
		"#"*) echo "$line" ;;
		esac
	done < "$logs/ours/output"
	is "$name: our guest ends well" $status 0
	ok "$name: it has tested something" grep -q '^ok ' "$logs/ours/output"
	[ $status = 0 ] || diag "$(tail -n 5 "$logs/ours/output")"
	wait $theirs
	is "$name: so does theirs" $? 0
	ok "$name: no bugs in the kernels' logs" \
		"$VM/check-splats.sh" "$logs"/{ours,theirs}/console
}

[ $# != 0 ] || set -- newest 6.1 newest newest
while [ $# != 0 ]; do
	pair "$1" "$2"
	shift 2
done
done_testing
