#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: [CMD='...'] shell.sh [KERNEL]
# `make vm`: boots a guest with our modules loaded, soft-RoCE set up as rxe0 and
# ext4 on /mnt, for a shell on the serial line or for one command.
#
# Must never be what a test is made of: those set up what they need themselves.
. "${BASH_SOURCE[0]%/*}/env.sh"

setup='. /pr/tests/lib.sh > /dev/null; . /pr/tests/lib-rdma.sh; rxe_up && scratch ext4 || exit'
kernel=${1:-newest}
if [ -n "${CMD:-}" ]; then
	exec "$VM/boot.sh" -k "$kernel" -o "$O/vm/shell" command "$setup; $CMD" < /dev/null
fi
[ -t 0 ] || die "no terminal: CMD='...' runs one command"
say "exit ends the guest; Ctrl-A x kills it; logs in ${O#"$TOP/"}/vm/shell"
saved=$(stty -g)
trap 'stty "$saved"' EXIT
"$VM/boot.sh" -k "$kernel" -o "$O/vm/shell" shell "$setup"
