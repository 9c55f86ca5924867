#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: in-root.sh ROOT CMD...
# Runs a command in a guest root with the checkout at /src (read-only) and the
# build directory at /build; GUEST_MODULES is a directory to lay over /lib/modules.
# objtool reads /proc, compilers write /dev/null.
#
# Must never let the command write into the checkout.
. "${BASH_SOURCE[0]%/*}/env.sh"

root=${1:?usage: in-root.sh ROOT CMD...}
shift
mkdir -p "$O"

if [ "${IN_ROOT_NS:-}" != "$root" ]; then
	IN_ROOT_NS=$root in_ns "$0" "$root" "$@"
	exit
fi

# A read-only remount must repeat the flags that the mount is locked to.
flags=$(findmnt -no VFS-OPTIONS -T "$TOP" | sed 's/^rw/ro/')
mount --bind "$TOP" "$root/src"
mount -o "remount,bind,$flags" "$root/src"
mount --bind "$O" "$root/build"
[ -z "${GUEST_MODULES:-}" ] || mount --bind "$GUEST_MODULES" "$root/lib/modules"
mount --rbind /proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmp "$root/tmp"
exec chroot "$root" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 \
	PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
