#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 180
#
# The demo's scene with the distribution's own driver: today's answer.
#
# Must never load a module of ours.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

ok "ext4 on the data disk" scratch ext4
ok "the distribution's soft-RoCE driver" rxe_up stock
narrate
rdma_write_and_check --no-librevoke -- --rounds 5
{
	echo
	if [ "$server_status" = 3 ]; then
		echo "Today's answer of Linux $KVER: a file must not be registered for RDMA at all,"
		echo "because the file system could not get its pages back."
	elif [ "$check_status" = 1 ]; then
		echo "Today's answer of Linux $KVER: the file can be registered, every RDMA WRITE"
		echo "completes, fsync returns 0, and the data is not on the disk: $verdict."
	fi
	echo
} >&3
narrate_end
case $KERNEL in
6.1) is "fsync loses what RDMA wrote" "$check_status" 1 ;;
*) is "the registration is refused" "$server_status" 3 ;;
esac
ok "the driver unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
