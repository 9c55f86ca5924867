#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: kernel.sh
# Builds the kernel called "debug" into the cache, unless it is there: the
# newest source of the trixie root, unpatched, with debug.config, in that root.
#   vmlinuz  release	modules/RELEASE		modules/build, what our modules need
#
# Must never leave a half-made kernel under the final name, nor one that was
# built without a line of debug.config.
. "${BASH_SOURCE[0]%/*}/env.sh"

# Inside the root; /build is the new directory.
if [ "${1:-}" = inside ]; then
	cd /build
	mkdir src out
	tar -C src --strip-components=1 -xf /usr/src/"$(debug_source /)".tar.xz
	run=(make -s -j"$(nproc)" -C src O=/build/out)
	"${run[@]}" KCONFIG_ALLCONFIG=/src/tests/vm/debug.config allnoconfig
	"${run[@]}" olddefconfig
	# kconfig drops a line whose dependencies are absent, without a word.
	if lost=$(grep -E '^(# )?CONFIG_' /src/tests/vm/debug.config | grep -vxFf out/.config); then
		die "kconfig did not take:"$'\n'"$lost"
	fi
	"${run[@]}" bzImage modules
	"${run[@]}" INSTALL_MOD_PATH=/build/installed modules_install
	"${run[@]}" run-command \
		KBUILD_RUN_COMMAND='+$(srctree)/scripts/package/install-extmod-build /build/modules/build'
	cp "out/$("${run[@]}" image_name)" vmlinuz
	"${run[@]}" kernelrelease > release
	mv "installed/lib/modules/$(cat release)" modules/
	ln -sfn ../build "modules/$(cat release)/build"
	rm -rf src out installed
	exit
fi

suite=$(suite_of debug)
"$VM/root.sh" "$suite"
root=$(home_of "$suite")/root
dir=$(debug_home "$root")
exec 9> "$CACHE/lock-debug"
flock 9
if [ -d "$dir" ]; then
	touch "$dir"
	exit 0
fi

# As in root.sh.
find "$CACHE" -mindepth 1 -maxdepth 1 -name 'debug-*' \
	\( -name '*.new' -o -mtime +7 \) -exec rm -rf {} +

log=$CACHE/debug.log
say "debug kernel: building it in $dir (about 13 minutes, log: $log)"
SECONDS=0
mkdir "$dir.new"
if ! O=$dir.new "$VM/in-root.sh" "$root" /src/tests/vm/kernel.sh inside > "$log" 2>&1; then
	tail -n 30 "$log" >&2
	die "the debug kernel could not be built, all of the log: $log"
fi
mv "$dir.new" "$dir"
say "debug kernel: built in $SECONDS s"
