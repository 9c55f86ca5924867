#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: packages-test.sh [SUITE...]	(default: trixie bookworm)
# Tests the Debian packages in both suites: built, checked, installed, used, upgraded,
# removed and purged in a layer over the guest root; DKMS builds the modules for each
# kernel, and guests load them. Prints TAP.
#
# Must never change the root itself: what a step changes is in its layer.
. "${BASH_SOURCE[0]%/*}/env.sh"
set +e
. "$TOP/tests/selftests/lib.sh"

layers=$(mktemp -d)
trap 'in_ns rm -rf "$layers"' EXIT

# in_layer CMD... - in the root, whose changes stay in the layer of this suite
in_layer() {
	mkdir -p "$layers/$suite"/{upper,work,merged}
	# shellcheck disable=SC2016 # the inner shell's
	in_ns bash -c 'mount -t overlay overlay \
			-o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/merged" &&
		exec "$3" "$2/merged" "${@:4}"' bash "$ROOT" "$layers/$suite" "$VM/in-root.sh" "$@"
}

# What a package manager may leave behind is its own business; DKMS lays a stock module
# aside and back, which makes a copy of it.
left() {
	local file
	in_ns find "$layers/$suite/upper" ! -type d ! -type c -printf '%P\n' |
		grep -vE '^(var/lib/(dpkg|apt)|var/cache|var/log|run|tmp|etc/ld\.so\.cache)|^(usr/)?lib/modules/[^/]*/modules\.' |
		grep -vE '^usr/share/(python3|info|mime)|\.pyc$|^var/lib/dkms/mok\.' |
		while read -r file; do
			in_ns cmp -s "$layers/$suite/upper/$file" "$ROOT/$file" || echo "$file"
		done | grep .
}
nothing_left_behind() { ! left; }

program='
#include <errno.h>
#include <revoke/revoke.h>
#include <stdio.h>
int main(void)
{
	struct revoke_open_opts opts = { .size = sizeof(opts) };
	struct revoke_ctx *ctx;

	puts(revoke_open(&opts, &ctx) == -ENOSYS ? "ENOSYS" : "another answer");
	return 0;
}'

# speaks - without the module, what to do about that
speaks() { [ "$(in_layer sh -c 'revokectl pin show 2>&1; echo $?')" = "$silence" ]; }
silence='revokectl: no pin-revoke in this kernel: modprobe pin_revoke
2'

# packages DIR - all but that which replaces a stock module
packages() { echo "$1"/{librevoke{,-verbs}{1,-dev}_,revokectl_,pin-revoke-dkms_}"*.deb"; }
versions() {
	[ "$(in_layer dpkg-query -W -f '${Version}\n' 'librevoke*' revokectl 'pin-revoke*' |
		sort | uniq -c | sed 's/^ *//')" = "6 $version" ]
}

# rxe_is PATTERN - the file that modprobe would take
# shellcheck disable=SC2053
rxe_is() { [[ $(in_layer modinfo -k "$KVER" -F filename rdma_rxe) == $1 ]]; }

# built FOR KVER - DKMS says that it is installed
built() { grep -q "^$1/$version, $2, .*: installed" <<< "$dkms"; }

# loads KERNEL - the modules that DKMS made, in a guest
loads() {
	local kernel=$1 logs=$O/vm/packages-$1 extra=$layers/payload-$1
	mkdir -p "$extra/dkms"
	in_ns cp "$layers/$suite/upper"/{usr/,}lib/modules/"$KVER"/updates/dkms/* "$extra/dkms/" 2> /dev/null
	in_ns cp "$layers/$suite/upper/usr/sbin/revokectl" "$extra/dkms/"
	in_ns chmod -R a+rX "$extra"
	"$VM/build.sh" "$kernel" 2> /dev/null && "$VM/boot.sh" -k "$kernel" -o "$logs" -p "$extra" -q command '
		set -e
		cd /pr/dkms
		modprobe ib_uverbs
		for name in pin_revoke pin_revoke_ib rdma_rxe; do
			[ $name != rdma_rxe ] || modprobe -a ib_core ip6_udp_tunnel udp_tunnel
			case $(echo $name.ko*) in
			*.xz) xz -dkf $name.ko.xz ;;
			*.zst) zstd -dqf $name.ko.zst ;;
			esac
			insmod $name.ko
		done
		./revokectl pin show
		./revokectl stat show
		rmmod rdma_rxe pin_revoke_ib pin_revoke
		echo 1 > /sys/module/module/parameters/sig_enforce
		! insmod pin_revoke.ko 2> /tmp/refusal
		grep -E "Key was rejected by service|Required key not available" /tmp/refusal
		' < /dev/null > /dev/null &&
		"$VM/check-splats.sh" "$logs/dmesg"
}

[ $# != 0 ] || set -- trixie bookworm
for suite; do
	kernels=(newest 6.12)
	[ $suite = trixie ] || kernels=(6.1)
	use_kernel "${kernels[0]}"
	ok "$suite: packages are built" "$VM/deb.sh" "$KERNEL"
	version=$(sed -n 's/^VERSION := //p' "$TOP/lib/Makefile")
	deb=/build/deb/$suite
	if [ $suite = trixie ]; then
		ok "$suite: lintian finds nothing" "$VM/in-root.sh" "$ROOT" sh -c \
			"cd $deb && lintian --allow-root --fail-on error,warning *.changes"
		ok "$suite: blhc finds nothing" "$VM/in-root.sh" "$ROOT" blhc --bindnow /build/log/deb-$suite
	fi

	if [ $suite = bookworm ]; then
		ok "$suite: older ones are built" "$VM/deb.sh" "$KERNEL" 0.0.1
		ok "$suite: those are installed" in_layer sh -c "dpkg -i $(packages "$deb-0.0.1")"
	fi
	ok "$suite: they are installed" in_layer sh -c "dpkg -i $(packages "$deb")"
	ok "$suite: they are of this version" versions
	dkms=$(in_layer dkms status)
	for kernel in "${kernels[@]}"; do
		use_kernel "$kernel"
		ok "$suite: DKMS builds the core for $kernel" built pin-revoke "$KVER"
	done
	is "$suite: nobody replaced soft-RoCE" "$(grep -c rxe <<< "$dkms")" 0
	ok "$suite: revokectl says that there is no module" speaks
	is "$suite: a program links with the library, and needs no module" "$(in_layer sh -c \
		"echo '$program' > /tmp/p.c && cc -o /tmp/p /tmp/p.c \$(pkg-config --cflags --libs librevoke) && /tmp/p")" \
		ENOSYS
	ok "$suite: soft-RoCE is installed" in_layer sh -c "dpkg -i $deb/pin-revoke-rxe-dkms_*.deb"
	dkms=$(in_layer dkms status)
	for kernel in "${kernels[@]}"; do
		use_kernel "$kernel"
		ok "$suite: DKMS builds it for $kernel" built pin-revoke-rxe "$KVER"
		ok "$suite: it takes the place of that of $kernel" rxe_is '*/updates/dkms/*'
	done
	for kernel in "${kernels[@]}"; do
		use_kernel "$kernel"
		[ "$kernel" = 6.12 ] || ok "$kernel: a guest loads what DKMS made" loads "$kernel"
	done
	ok "$suite: soft-RoCE is removed" in_layer dpkg -r pin-revoke-rxe-dkms
	for kernel in "${kernels[@]}"; do
		use_kernel "$kernel"
		ok "$suite: the stock one of $kernel is back" rxe_is '*/kernel/drivers/*'
	done
	ok "$suite: they are purged" in_layer dpkg -P pin-revoke-rxe-dkms pin-revoke-dkms \
		revokectl librevoke-verbs-dev librevoke-verbs1 librevoke-dev librevoke1
	ok "$suite: nothing is left behind" nothing_left_behind
done
done_testing
