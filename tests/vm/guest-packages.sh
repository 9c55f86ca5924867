#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs inside the new guest root, as the last step of root.sh: installs the
# kernels, the compiler that builds for them and the programs the tests call.
# Kernel packages are resolved here, at build time: point releases change
# every few weeks and an old one leaves the archive.
#
# Must never run outside a guest root.
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C

# linux-base follows the kernel, not the suite.
cat > /etc/apt/preferences.d/kernel <<'EOT'
Package: linux-base
Pin: release n=*-backports
Pin-Priority: 600
EOT
apt-get -q update

# newest_kernel SERIES - highest image package of a series, e.g. 7.2
newest_kernel() {
	apt-cache pkgnames "linux-image-$1." |
		grep -E "^linux-image-$1\.[0-9.]+\+deb[0-9.]+-amd64\$" |
		sort -V | tail -n 1 | sed 's/^linux-image-//'
}

newest=$(newest_kernel 7.2)
if [ -z "$newest" ]; then
	newest=$(newest_kernel '[0-9]*')
fi
series=$(echo "$newest" | cut -d. -f1,2)

# Nobody boots the initrd that the kernel's hooks would spend a minute on;
# tiny-initramfs is the smallest package that satisfies the dependency.
cat > /etc/dpkg/dpkg.cfg.d/guest <<'EOT'
path-exclude=/etc/kernel/postinst.d/*
path-exclude=/usr/share/man/*
path-exclude=/usr/share/locale/*
EOT
apt-get -q -y --no-install-recommends install \
	"linux-image-$newest" "linux-headers-$newest" "linux-source-$series" \
	tiny-initramfs kmod zstd \
	gcc libc6-dev make patch pkgconf python3-yaml python3-jsonschema \
	libnl-3-dev libnl-genl-3-dev libibverbs-dev libjson-c-dev \
	rdma-core ibverbs-providers ibverbs-utils perftest \
	busybox-static e2fsprogs iproute2 procps strace util-linux \
	perl shellcheck \
	qemu-system-x86 # boot.sh calls it from the outside, see there

# The parts of the kernel source that builds and checks read, so that each of
# them need not unpack all of it: the generator, checkpatch, the RDMA drivers.
cd /usr/src
tar -xf "linux-source-$series.tar.xz" --wildcards \
	'linux-source-*/drivers/infiniband' 'linux-source-*/tools/net/ynl' \
	'linux-source-*/Documentation/netlink' 'linux-source-*/scripts/*checkpatch*' \
	'linux-source-*/scripts/spelling.txt'

mkdir -p /etc/pin-revoke-guest
echo "$newest" > /etc/pin-revoke-guest/newest
apt-get clean
rm -rf /var/lib/apt/lists/*
