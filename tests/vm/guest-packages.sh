#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs inside the new guest root, as the last step of root.sh: installs the
# suite's kernels, the compiler that builds for them and the programs the tests
# call. Kernel packages are resolved here, at build time: point releases change
# every few weeks and an old one leaves the archive.
#
# Must never run outside a guest root.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
suite=$(. /etc/os-release; echo "$VERSION_CODENAME")

# linux-base follows the kernel, not the suite.
cat > /etc/apt/preferences.d/kernel <<'EOT'
Package: linux-base
Pin: release n=*-backports
Pin-Priority: 600
EOT
# Nobody boots the initrd that the kernel's hooks would spend a minute on;
# tiny-initramfs is the smallest package that satisfies the dependency.
cat > /etc/dpkg/dpkg.cfg.d/guest <<'EOT'
path-exclude=/etc/kernel/postinst.d/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
EOT
apt-get -q update

# latest PATTERN - version of the highest kernel package whose version fits
latest() {
	apt-cache pkgnames linux-image- | sed -n 's/^linux-image-//p' |
		grep -xE "$1-amd64" | sort -V | tail -n 1
}

# kernel NAME VERSION - called NAME by everybody else
mkdir -p /etc/pin-revoke-guest
kernels=''
kernel() {
	echo "$2" > "/etc/pin-revoke-guest/$1"
	kernels="$kernels linux-image-$2 linux-headers-$2"
	kernels="$kernels linux-source-$(echo "$2" | cut -d. -f1,2)"
}

case $suite in
bookworm)
	kernel 6.1 "$(latest '6\.1\.0-[0-9]+')"
	more=''
	;;
trixie)
	newest=$(latest '7\.2\.[0-9]+\+deb13')
	kernel newest "${newest:-$(latest '[0-9]+\.[0-9]+\.[0-9]+\+deb13')}"
	kernel 6.12 "$(latest '6\.12\.[0-9]+\+deb13')"
	# What checks the tree, what builds a kernel, and the QEMU that boots
	# all guests: boot.sh calls it from the outside.
	more='shellcheck bc bison flex libelf-dev qemu-system-x86'
	# and what checks the library: its man pages, its ABI, its header in C++
	more="$more mandoc abigail-tools g++"
	# and what checks the metrics
	more="$more prometheus"
	;;
esac

# shellcheck disable=SC2086 # lists
apt-get -q -y --no-install-recommends install $kernels $more \
	tiny-initramfs kmod zstd perl \
	gcc libc6-dev make patch pkgconf python3-yaml python3-jsonschema \
	libnl-3-dev libnl-genl-3-dev libibverbs-dev libjson-c-dev \
	rdma-core ibverbs-providers ibverbs-utils perftest python3-pyverbs \
	rdmacm-utils qperf fio stress-ng \
	libfabric-dev libfabric-bin libucx-dev ucx-utils liburing-dev \
	debhelper dh-dkms dh-python dkms dpkg-dev fakeroot \
	busybox-static e2fsprogs xfsprogs btrfs-progs iproute2 procps strace \
	tmux util-linux git patchutils \
	lintian piuparts autopkgtest blhc \
	systemd-sysv prometheus-node-exporter bash-completion

# The parts of the newest source that builds and checks read, so that each of
# them need not unpack all of it: the generator, checkpatch, the RDMA drivers.
if [ -e /etc/pin-revoke-guest/newest ]; then
	series=$(cut -d. -f1,2 /etc/pin-revoke-guest/newest)
	cd /usr/src
	tar -xf "linux-source-$series.tar.xz" --wildcards \
		'linux-source-*/drivers/infiniband' 'linux-source-*/tools/net/ynl' \
		'linux-source-*/Documentation/netlink' \
		'linux-source-*/tools/testing/selftests/kselftest' \
		'linux-source-*/scripts/*checkpatch*' 'linux-source-*/scripts/spelling.txt'
fi
apt-get clean
rm -rf /var/lib/apt/lists/*
