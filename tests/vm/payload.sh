#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: payload.sh KERNEL DIR
# Gathers what build.sh made, and the tests, into the directory that the guest
# sees as /pr: bin lib modules tests guest-init, the specification and ynl, the
# kernel's command that reads it, and kernel-modules, a /lib/modules/KVER that the
# root has not.
#
# Must never build anything.
. "${BASH_SOURCE[0]%/*}/env.sh"
shopt -s nullglob

use_kernel "${1:?usage: payload.sh KERNEL DIR}"
pr=${2:?usage: payload.sh KERNEL DIR}
mkdir -p "$pr"/{bin,lib,modules,tests}
install -m 755 "$VM/guest-init" "$pr/"
install -m 644 "$TOP/uapi/pin-revoke.yaml" "$pr/"
cp -r "$(home_of trixie)"/root/usr/src/linux-source-*/tools/net/ynl/pyynl "$pr/ynl"

copy() {
	local to=$1
	shift
	[ $# = 0 ] || cp -a "$@" "$pr/$to/"
}
copy bin "$USER_O"/bin/*
copy lib "$USER_O"/lib/*.so* "$USER_O/lib/examples" "$TOP/lib/bridges/python"
copy modules "$O/modules-$KVER"/*
[ -z "$GUEST_MODULES" ] || cp -a "$GUEST_MODULES/$KVER" "$pr/kernel-modules"
copy tests "$TOP"/tests/selftests/*.{sh,py} "$TOP"/tools/WALKTHROUGH.md "$USER_O"/tests/*
