#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest is what the other tests believe it is: kernel, disks, and modules
# that load and unload on an otherwise idle system.
#
# Must never test what a module does.
. "${0%/*}/lib.sh"

is "the kernel is the expected one" "$(uname -r)" "$KVER"
is "two processors" "$(nproc)" 2
ok "the data disk is there" test -b "$DATA"
ok "ext4 on the data disk" scratch ext4
ok "the file system can be left" umount "$SCRATCH"

for file in /pr/modules/*.ko; do
	[ -e "$file" ] || continue
	name=$(basename "$file" .ko)
	is "$name is built for this kernel" "$(modinfo -F vermagic "$file" | cut -d' ' -f1)" "$KVER"
	ok "$name loads" load "$name"
done
# Those that use others are unloaded first.
while read -r name; do
	[ -e "/pr/modules/$name.ko" ] || continue
	ok "$name unloads" unload "$name"
done < <(cut -d' ' -f1 /proc/modules)
done_testing
