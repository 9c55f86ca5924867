# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034
#
# What the scripts of the guest harness share; sourced by all of them. Owns the
# names of the cache's files and the one way to act as root over a guest root.
#
# Must never need more than an ordinary user has.
set -euo pipefail

TOP=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
VM=$TOP/tests/vm
O=${O:-$TOP/build}
CACHE=${PIN_REVOKE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pin-revoke}
PATH=$PATH:/usr/sbin:/sbin

say() { echo "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# in_ns CMD... - in a mount namespace of its own, as root or as what looks like
# root to an ordinary user: the guest root's files have many owners.
in_ns() {
	if [ "$(id -u)" = 0 ]; then
		unshare --mount -- "$@"
	else
		unshare --map-auto --map-root-user --mount -- "$@"
	fi
}

# The names of kernels are ours (newest, 6.12, 6.1; debug, patched, plain); the root
# knows the version, of the latter what kernel.sh has built.
suite_of() {
	case $1 in
	newest|6.12|debug|patched|plain) echo trixie ;;
	6.1) echo bookworm ;;
	*) die "no kernel is called '$1'" ;;
	esac
}

# The name holds the recipe's digest: a changed recipe makes a new root and
# does not pull the old one from under whoever runs in it.
home_of() {
	local key
	key=$(cat "$VM/root.sh" "$VM/guest-packages.sh" | sha256sum | cut -c1-12)
	echo "$CACHE/root-$1-$key"
}

# layer_of HOME - the layer over its root that has clang and the like, see layer.sh
layer_of() { echo "$1/layer-$(sha256sum < "$VM/layer.sh" | cut -c1-12)"; }

# kernel_source ROOT - the package that our kernels are built from
kernel_source() { echo "linux-source-$(cut -d. -f1,2 "$1/etc/pin-revoke-guest/newest")"; }

# built_home NAME ROOT - where that kernel is, or will be. What it was built from is in
# the name: another compiler or another root is no reason to build again.
built_home() {
	local key
	key=$(cat "$VM"/{kernel.sh,guest.config,series.config,debug.config} \
		"$TOP"/kernel/patches/{*.sh,*.patch} \
		"$TOP"/kernel/patches/tree/{hooks.c,*.in,*_hooks.h,Kconfig} \
		<("$VM/in-root.sh" "$2" dpkg-query -W "$(kernel_source "$2")") |
		sha256sum | cut -c1-12)
	echo "$CACHE/$1-$key"
}

# use_kernel KERNEL - sets KERNEL, HOME_DIR, ROOT, KVER, KERNEL_DIR (its part of
# the cache), IMAGE, GUEST_MODULES (what stands in for the root's /lib/modules,
# if anything) and VM_SLOW; builds what is absent
use_kernel() {
	KERNEL=$1
	local suite
	suite=$(suite_of "$KERNEL")
	"$VM/root.sh" "$suite"
	HOME_DIR=$(home_of "$suite")
	ROOT=$HOME_DIR/root
	USER_O=$O/$suite # programs are linked with the suite's libraries
	KERNEL_DIR=$HOME_DIR
	export GUEST_MODULES=
	case $KERNEL in
	debug|patched|plain)
		"$VM/kernel.sh" "$KERNEL"
		KERNEL_DIR=$(built_home "$KERNEL" "$ROOT")
		KVER=$(cat "$KERNEL_DIR/release")
		IMAGE=$KERNEL_DIR/vmlinuz
		GUEST_MODULES=$KERNEL_DIR/modules
		[ "$KERNEL" != debug ] || VM_SLOW=${VM_SLOW:-4}
		;;
	*)
		KVER=$(cat "$ROOT/etc/pin-revoke-guest/$KERNEL") ||
			die "the $suite root has no kernel called '$KERNEL'"
		IMAGE=$ROOT/boot/vmlinuz-$KVER
		;;
	esac
}
