#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: packages-test.sh [SUITE...]	(default: trixie bookworm)
# PACKAGES=all: machines with systemd for all kernels, where DKMS builds, not only for 6.1;
# and autopkgtest and piuparts in all suites, not only in trixie
# Tests the Debian packages in both suites: built, checked, installed, upgraded, used,
# removed and purged, in a layer over the guest root and on booted machines with systemd;
# DKMS builds the modules for each kernel, and guests use them. Prints TAP.
#
# Must never change the root itself: what a step changes is in its layer.
. "${BASH_SOURCE[0]%/*}/env.sh"
set +e
. "$TOP/tests/selftests/lib.sh"

layers=$(mktemp -d)
trap 'in_ns rm -rf "$layers"' EXIT

# in_layer CMD... - in the root, whose changes stay in $layer
in_layer() {
	mkdir -p "$layers/$layer"/{upper,work,merged}
	# shellcheck disable=SC2016 # the inner shell's
	in_ns bash -c 'mount -t overlay overlay \
			-o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/merged" &&
		exec "$3" "$2/merged" "${@:4}"' bash "$ROOT" "$layers/$layer" "$VM/in-root.sh" "$@"
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

# packages DIR - all but that which replaces a stock module
packages() { echo "$1"/{librevoke{,-verbs,-ofi,-ucx}{1,-dev}_,python3-revoke_,revokectl_,pin-revoke-dkms_}"*.deb"; }
versions() {
	[ "$(in_layer dpkg-query -W -f '${Version}\n' 'librevoke*' python3-revoke revokectl 'pin-revoke*' |
		sort | uniq -c | sed 's/^ *//')" = "11 $version" ]
}

offline='rm -f /etc/apt/sources.list /etc/apt/sources.list.d/*; export DEBIAN_FRONTEND=noninteractive'

# piuparts - from an archive that has only the older ones, in a copy of a root without
# kernels: DKMS has its own points. What debconf leaves on Debian 12 is there before.
piuparts() {
	in_layer sh -ec "$offline
		cd $deb-0.0.1
		dpkg-scanpackages . > Packages
		echo 'deb [trusted=yes] file:$deb-0.0.1 ./' > /etc/apt/sources.list
		apt-get -qq -y purge 'linux-*-[0-9]*' 'qemu*' 'prometheus*'
		mkdir -p /tmp/root /build/deb/piuparts /var/cache/debconf/tmp.ci
		mount --bind / /tmp/root
		cd $deb
		piuparts -d $suite -e /tmp/root -t /build/deb/piuparts --keep-sources-list \
			--do-not-verify-signatures --no-eatmydata --bindmount $deb-0.0.1 *.changes" \
		> "$O/log/piuparts" 2>&1 || { tail -n 30 "$O/log/piuparts"; return 1; }
}

# apart - nothing but itself names the package that replaces a stock module
apart() {
	local file
	for file in "$O/deb/$suite"/*.deb; do
		[[ $file == *-rxe-dkms_* ]] || in_layer dpkg-deb -f "/build${file#"$O"}"
	done > "$layers/fields"
	grep -q '^Package: pin-revoke-dkms$' "$layers/fields" && ! grep rxe-dkms "$layers/fields"
}

# in_place - what goes to the places that Debian has for it; nothing is enabled
in_place() {
	in_layer bash -c '
		! ls /etc/systemd/system/*/pin-revoke* 2> /dev/null &&
		ls -d /etc/pin-revoke/policy.d /usr/lib/systemd/system/pin-revoke-{policy,journal}.service \
			/usr/lib/systemd/system/pin-revoke-textfile.{service,timer} \
			/usr/share/bash-completion/completions/revokectl /usr/share/pin-revoke/*.json \
			/usr/share/pin-revoke/*.rules.yml /usr/share/doc/revokectl/copyright'
}

# refuses - in one sentence for each kernel, when its source is not there; and neither the
# package nor that of a new kernel fails because of it
refuses() {
	in_layer sh -ec "dpkg -P $(printf 'linux-source-%s ' "${series[@]}") > /dev/null
		dpkg -i $deb/pin-revoke-rxe-dkms_*.deb
		/usr/lib/dkms/dkms_autoinstaller start $KVER" > "$layers/refused" 2>&1 || {
		cat "$layers/refused"
		return 1
	}
	[ "$(grep -c 'rdma_rxe is not built for .*: install linux-source-' "$layers/refused")" = $((${#kernels[@]} + 1)) ] &&
		! in_layer dkms status | grep 'rxe.*installed'
}

# rxe_is PATTERN - the file that modprobe would take
# shellcheck disable=SC2053
rxe_is() { [[ $(in_layer modinfo -k "$KVER" -F filename rdma_rxe) == $1 ]]; }

# built FOR KVER - DKMS says that it is installed
built() { grep -q "^$1/$version, $2, .*: installed" <<< "$dkms"; }

# loads KERNEL - the modules that DKMS made are what a guest's modprobe takes; who holds a
# file's pages by verbs is seen by the installed programs; and enforced signatures keep
# them out
loads() {
	local kernel=$1 logs=$O/vm/packages-$1 root=$layers/payload-$1/root
	mkdir -p "$root"
	# shellcheck disable=SC2016 # the inner shell's
	in_ns bash -c 'cd "$1" && find usr -path usr/src -prune -o -type f,l -print0 |
			tar --null -T - -cf - | tar -C "$2" -xf - && chmod -R a+rX "$2"' \
		bash "$layers/$layer/upper" "$root" && cp "$O/deb/link/link" "$root/" || return
	"$VM/build.sh" "$kernel" 2> /dev/null && "$VM/boot.sh" -k "$kernel" -o "$logs" -p "$layers/payload-$kernel" -q command '
		unset LD_LIBRARY_PATH
		PATH=/usr/sbin:/usr/bin:/sbin:/bin
		. /pr/tests/lib.sh
		. /pr/tests/lib-rdma.sh
		set -e
		cp -a /pr/root/. /
		load() { modprobe "$1"; }
		rxe_up
		scratch ext4
		truncate -s 64K /mnt/file
		[ "$(/link)" = open ]
		python3 /dev/stdin <<-EOT
		import ctypes, mmap, revoke, subprocess
		from pyverbs.device import Context
		from pyverbs.mr import MR
		from pyverbs.pd import PD
		with open("/mnt/file", "r+b") as file:
		    memory = mmap.mmap(file.fileno(), 65536)
		address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
		with Context(name="rxe0") as context, PD(context) as pd, MR(pd, 65536, 3, address):
		    subprocess.run("revokectl pin show file /mnt/file | grep -w rxe0", shell=True, check=True)
		revoke.Context().close()
		EOT
		rdma link del rxe0
		modprobe -r rdma_rxe pin_revoke_ib pin_revoke
		echo 1 > /sys/module/module/parameters/sig_enforce
		! modprobe pin_revoke 2> /tmp/refusal
		grep -E "Key was rejected by service|Required key not available" /tmp/refusal
		' < /dev/null > /dev/null || {
		tail -n 20 "$logs/output"
		return 1
	}
	"$VM/check-splats.sh" "$logs/dmesg"
}

# without_packages - what README.md says of that, for the kernel in KVER
without_packages() {
	local commands
	commands=$(sed -n '/Without packages:$/,/depmod/s/^    \(make\|depmod\)\([^\t]*\).*/\1\2/p' "$TOP/README.md" |
		sed "s/\$(uname -r)/$KVER/; s/^depmod/& $KVER/")
	in_layer sh -ec "cp -r /src /tmp/tree
		cd /tmp/tree
		export MAKEFLAGS=-j2
		$commands
		revokectl -V
		modinfo -k $KVER pin_revoke pin_revoke_ib"
}

# carry KERNEL - what DKMS built for it, as DKMS carries it to other machines
carry() {
	use_kernel "$1"
	in_layer sh -ec "cd /var/lib/dkms/pin-revoke/$version
		dkms mktarball pin-revoke/$version -k $KVER --binaries-only --archive dkms-$1.tar.gz
		mv tarball/dkms-$1.tar.gz $deb/
		rmdir tarball"
}

# on_systemd KERNEL - points of two boots of one machine whose process 1 is systemd, see
# packages-guest.sh
on_systemd() {
	local boot logs line status dir=$layers/systemd-$1
	mkdir -p "$dir"/debs{,-older}
	cp "$VM/packages-guest.sh" "$TOP/README.md" "$dir/"
	cp "$O/deb/$suite"/*.deb "$dir/debs/"
	cp "$O/deb/$suite-0.0.1"/*.deb "$dir/debs-older/"
	rm "$dir"/*/*-dbgsym_*
	if [ "${PACKAGES:-}" != all ]; then
		ok "$suite: what DKMS built for $1 can be carried" carry "$1"
		cp "$O/deb/$suite/dkms-$1.tar.gz" "$dir/dkms.tar.gz"
	fi
	for boot in first second; do
		logs=$O/vm/systemd-$1-$boot
		"$VM/boot.sh" -k "$1" -o "$logs" -l "$dir.layer" -p "$dir" -t $((1800 * ${VM_SLOW:-1})) \
			-q systemd "/pr/packages-guest.sh $boot" < /dev/null
		status=$?
		while read -r line; do
			case $line in
			"ok "*) pass "$1, $boot boot: ${line#* - }" ;;
			"not ok "*) fail "$1, $boot boot: ${line#* - }" ;;
			"#"*) echo "$line" ;;
			esac
		done < "$logs/output"
		is "$1, $boot boot: it ends well" $status 0
		ok "$1, $boot boot: the kernel has no complaint" "$VM/check-splats.sh" "$logs/dmesg"
	done
}

[ $# != 0 ] || set -- trixie bookworm
for suite; do
	layer=$suite series=()
	kernels=(newest 6.12)
	[ $suite = trixie ] || kernels=(6.1)
	use_kernel "${kernels[0]}"
	ok "$suite: packages are built" "$VM/deb.sh" "$KERNEL"
	version=$(sed -n 's/^VERSION := //p' "$TOP/lib/Makefile")
	deb=/build/deb/$suite
	# That of Debian 12 has not heard of the standards of Debian 13.
	ok "$suite: lintian finds nothing" "$VM/in-root.sh" "$ROOT" sh -c \
		"cd $deb && lintian --allow-root --fail-on error,warning \
			--suppress-tags newer-standards-version *.changes"
	ok "$suite: blhc finds nothing" "$VM/in-root.sh" "$ROOT" blhc --bindnow /build/log/deb-$suite

	ok "$suite: older ones are built" "$VM/deb.sh" "$KERNEL" 0.0.1
	if [ $suite = trixie ] || [ "${PACKAGES:-}" = all ]; then
		layer=autopkgtest-$suite
		ok "$suite: autopkgtest passes" in_layer sh -ec "$offline
			cd $deb && autopkgtest --no-built-binaries *_amd64.deb python3-*.deb *.dsc -- null"
		what="$suite: piuparts installs, upgrades and purges them"
		layer=piuparts-$suite
		if [ "$(id -u)" = 0 ]; then
			ok "$what" piuparts
		else
			skip "$what" "it makes device nodes"
		fi
	fi
	layer=make-$suite
	[ $suite = trixie ] ||
		ok "$suite: README: all is installed without packages" without_packages
	layer=$suite
	ok "$suite: they are installed" in_layer sh -c "dpkg -i $(packages "$deb")"
	ok "$suite: they are of this version" versions
	dkms=$(in_layer dkms status)
	for kernel in "${kernels[@]}"; do
		use_kernel "$kernel"
		ok "$suite: DKMS builds the core for $kernel" built pin-revoke "$KVER"
		series+=("$(cut -d. -f1,2 <<< "$KVER")")
	done
	ok "$suite: there is a key to enroll, if signatures are enforced" in_layer test -s /var/lib/dkms/mok.pub
	is "$suite: nobody replaced soft-RoCE" "$(grep -c rxe <<< "$dkms")" 0
	ok "$suite: nothing pulls its replacement in" apart
	ok "$suite: units, policies, completion, alerts are in their places" in_place
	ok "$suite: systemd has nothing to say of the units" in_layer sh -c \
		'systemd-analyze verify --man=no /usr/lib/systemd/system/pin-revoke-* 2>&1 | { ! grep .; }'
	ok "$suite: revokectl says that there is no module" in_layer /src/tools/packaging/tests/tool
	ok "$suite: a program links with the library, and needs no module" in_layer sh -c \
		"mkdir -p /build/deb/link && AUTOPKGTEST_TMP=/build/deb/link /src/tools/packaging/tests/link"
	ok "$suite: so do programs of verbs, libfabric and UCX, and Python" in_layer env \
		AUTOPKGTEST_TMP=/tmp /src/tools/packaging/tests/bridges
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
		[ "$kernel" != 6.1 ] && [ "${PACKAGES:-}" != all ] || on_systemd "$kernel"
	done
	ok "$suite: soft-RoCE is removed" in_layer dpkg -r pin-revoke-rxe-dkms
	for kernel in "${kernels[@]}"; do
		use_kernel "$kernel"
		ok "$suite: the stock one of $kernel is back" rxe_is '*/kernel/drivers/*'
	done
	ok "$suite: without the kernel's source it is not built, in so many words" refuses
	ok "$suite: they are purged" in_layer dpkg -P pin-revoke-rxe-dkms pin-revoke-dkms \
		revokectl python3-revoke librevoke-{ucx,ofi,verbs}{-dev,1} librevoke-dev librevoke1
	ok "$suite: nothing is left behind" nothing_left_behind
done
done_testing
