#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: kernel.sh [NAME]
# Builds a kernel into the cache, unless it is there: the newest source of the trixie
# root, in that root.
#   debug	(default) with our patch series, guest.config and debug.config
#   patched	the same without debug.config
#   plain	guest.config alone: what "patched" is compared with
# What is made: vmlinuz  release  modules/RELEASE  modules/build, what our modules need
# The series changes nothing there until its core is loaded, see series.sh; the core and
# the drivers are no part of this, so that a change of them builds no kernel.
#
# Must never leave a half-made kernel under the final name, nor one that was
# built without a line of its configuration.
. "${BASH_SOURCE[0]%/*}/env.sh"

# Inside the root; /build is the new directory.
if [ "${1:-}" = inside ]; then
	name=$2
	cd /build
	mkdir src out
	source=/usr/src/$(kernel_source /).tar.xz
	tar -C src --strip-components=1 -xf "$source"
	GIT_AUTHOR_NAME=Nobody GIT_AUTHOR_EMAIL=nobody@localhost GIT_COMMITTER_NAME=Nobody \
		GIT_COMMITTER_EMAIL=nobody@localhost /src/kernel/patches/series.sh "$source" series
	apply() { patch -d src -p1 -s --fuzz=0 --no-backup-if-mismatch < "$1"; }
	rxe=(series/*-RDMA-rxe-*.patch)
	for patch in series/*.patch; do
		# Tests want soft-RoCE as it was, too.
		[ "$name" = plain ] || [ "$patch" = "${rxe[0]}" ] || apply "$patch"
	done
	configs=(guest series debug)
	case $name in
	patched) configs=(guest series) ;;
	plain) configs=(guest) ;;
	esac
	{ echo "CONFIG_LOCALVERSION=\"-$name\""; (cd /src/tests/vm && cat "${configs[@]/%/.config}"); } > config
	run=(make -s -j"$(nproc)" -C src O=/build/out)
	"${run[@]}" KCONFIG_ALLCONFIG=/build/config allnoconfig
	"${run[@]}" olddefconfig
	# kconfig drops a line whose dependencies are absent, without a word.
	if lost=$(grep -E '^(# )?CONFIG_' config | grep -vxFf out/.config); then
		die "kconfig did not take:"$'\n'"$lost"
	fi
	"${run[@]}" bzImage modules
	"${run[@]}" INSTALL_MOD_PATH=/build/installed modules_install
	"${run[@]}" run-command \
		KBUILD_RUN_COMMAND='+$(srctree)/scripts/package/install-extmod-build /build/modules/build'
	# Found on the include path of our modules, not here. And who else has a symbol?
	rm -f modules/build/include/{linux/pin_revoke*,uapi/linux/pin_revoke*,rdma/ib_umem_revocable}.h
	sed -i '/\tmm\/pin_revoke\/pin_revoke\t/d; /\/pin_revoke_ib\t/d' modules/build/Module.symvers
	find installed -name 'pin_revoke*' -delete
	depmod -b installed "$("${run[@]}" kernelrelease)"
	cp "out/$("${run[@]}" image_name)" vmlinuz
	"${run[@]}" kernelrelease > release
	mv "installed/lib/modules/$(cat release)" modules/
	ln -sfn ../build "modules/$(cat release)/build"
	if [ "$name" = debug ]; then
		apply "${rxe[0]}"
		"${run[@]}" modules
	fi
	rm -rf src out installed series config
	exit
fi

name=${1:-debug}
suite=$(suite_of "$name")
"$VM/root.sh" "$suite"
root=$(home_of "$suite")/root
dir=$(built_home "$name" "$root")
exec 9> "$CACHE/lock-$name"
flock 9
if [ -d "$dir" ]; then
	touch "$dir"
	exit 0
fi

# As in root.sh.
find "$CACHE" -mindepth 1 -maxdepth 1 -name "$name-*" \
	\( -name '*.new' -o -mtime +7 \) -exec rm -rf {} +

log=$CACHE/$name.log
say "$name kernel: building it in $dir (about 13 minutes, log: $log)"
SECONDS=0
mkdir "$dir.new"
if ! O=$dir.new "$VM/in-root.sh" "$root" /src/tests/vm/kernel.sh inside "$name" > "$log" 2>&1; then
	tail -n 30 "$log" >&2
	die "the $name kernel could not be built, all of the log: $log"
fi
mv "$dir.new" "$dir"
say "$name kernel: built in $SECONDS s"
