#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: payload.sh KVER DIR
# Gathers what build.sh made, and the tests, into the directory that the guest
# sees as /pr: bin lib modules tests guest-init.
#
# Must never build anything.
. "${BASH_SOURCE[0]%/*}/env.sh"
shopt -s nullglob

kver=${1:?usage: payload.sh KVER DIR}
pr=${2:?usage: payload.sh KVER DIR}
mkdir -p "$pr"/{bin,lib,modules,tests}
install -m 755 "$VM/guest-init" "$pr/"

copy() {
	local to=$1
	shift
	[ $# = 0 ] || cp -a "$@" "$pr/$to/"
}
copy bin "$O"/bin/*
copy lib "$O"/lib/*.so*
copy modules "$O/modules-$kver"/*
copy tests "$TOP"/tests/selftests/*.sh "$O"/tests/*
