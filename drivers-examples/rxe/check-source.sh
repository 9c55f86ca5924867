#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# usage: check-source.sh KVER
# Is the distribution's source of exactly kernel KVER here, and a patch for it? If
# not, says in one sentence what to do.
#
# Must never be content with the source of another point release: rdma_rxe calls
# functions of the kernel whose arguments only the same release is sure to share.
series=$(echo "$1" | cut -d. -f1,2)
kernel=$(dpkg-query -W -f '${source:Version}' "linux-headers-$1" 2> /dev/null)
source=$(dpkg-query -W -f '${source:Version}' "linux-source-$series" 2> /dev/null)
if [ ! -e "${0%/*}/rxe-$series.patch" ]; then
	echo "rdma_rxe is not built for $1: there is no patch for Linux $series."
elif [ -z "$kernel" ] || [ "$source" != "$kernel" ]; then
	echo "rdma_rxe is not built for $1: install linux-source-$series${kernel:+=$kernel}${source:+ (here is $source)}, then call 'dkms autoinstall -k $1'."
else
	exit 0
fi >&2
exit 1
