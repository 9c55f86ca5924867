#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: initramfs.sh KERNEL
# Makes the first half of a guest's initramfs in the cache and prints its name:
# busybox, the modules that the root disk needs, initramfs-init. boot.sh appends
# the payload as a second archive.
#
# Must never hold anything of the checkout but initramfs-init.
. "${BASH_SOURCE[0]%/*}/env.sh"

use_kernel "${1:?usage: initramfs.sh KERNEL}"
key=$(cat "$VM/initramfs.sh" "$VM/initramfs-init" | sha256sum | cut -c1-12)
out=$KERNEL_DIR/initramfs-$KVER-$key.cpio
echo "$out"
[ ! -e "$out" ] || exit 0

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp"/{bin,dev,proc,sys,new,rw,modules}
cp "$ROOT/bin/busybox" "$tmp/bin/"
install -m 755 "$VM/initramfs-init" "$tmp/init"

# Unpacked here, in the order in which insmod can take them.
for name in virtio_pci virtio_blk ext4 overlay; do
	"$VM/in-root.sh" "$ROOT" modprobe --show-depends -S "$KVER" "$name"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
	while read -r file; do
		name=${file##*/}
		name=${name%%.*}.ko
		file=${GUEST_MODULES:-$ROOT/lib/modules}/${file#/lib/modules/}
		case $file in
		*.xz) xz -dc "$file" ;;
		*.zst) "$ROOT/usr/bin/zstd" -dcq "$file" ;;
		*) cat "$file" ;;
		esac > "$tmp/modules/$name"
		echo "$name"
	done > "$tmp/order"
mv "$tmp/order" "$tmp/modules/order"

"$VM/cpio.sh" "$ROOT" "$tmp" > "$out.$$"
mv "$out.$$" "$out"
