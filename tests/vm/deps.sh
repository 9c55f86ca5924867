#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: deps.sh [KERNEL...] [clang]	(default: newest)
# Says what a first run needs (packages, download, disk, time), asks, and
# installs the Debian packages that the machine lacks. YES=1 or CI=true answers
# the question; nothing needed, nothing said. NEEDS='command:package...': those, too.
#
# Must never install anything before the question was answered.
. "${BASH_SOURCE[0]%/*}/env.sh"

clang=
if [ "${*: -1}" = clang ]; then
	set -- "${@:1:$#-1}"
	clang=there
	[ -d "$(layer_of "$(home_of trixie)")" ] ||
		clang="download 200 MB, disk 900 MB, 1 minute"
fi

# command:package
needs=(make:make perl:perl-base mmdebstrap:mmdebstrap mke2fs:e2fsprogs
	xz:xz-utils unshare:util-linux mount:mount)
[ "$(id -u)" = 0 ] || needs+=(newuidmap:uidmap)
read -ra also <<< "${NEEDS:-}"
needs+=("${also[@]}")
packages=()
for need in "${needs[@]}"; do
	command -v "${need%:*}" > /dev/null || packages+=("${need#*:}")
done

# trixie always: its QEMU boots the guests
suites=$(for kernel in newest "$@"; do suite_of "$kernel"; done | sort -ru)
guests=() debug=there
for suite in $suites; do
	[ -d "$(home_of "$suite")" ] || guests+=("$suite")
done
for kernel; do
	[ "$kernel" = debug ] || continue
	[ -d "$(home_of trixie)" ] && [ -d "$(built_home debug "$(home_of trixie)/root")" ] ||
		debug="disk 150 MB (2 GB while it is built), 13 minutes"
done
guest=there
[ ${#guests[@]} = 0 ] ||
	guest="${guests[*]}: download $((${#guests[@]} * 600)) MB, disk $((${#guests[@]} * 3)) GB, $((${#guests[@]} * 3)) minutes"

if [ ${#packages[@]} != 0 ] || [ ${#guests[@]} != 0 ] || [ "$debug" != there ] ||
	[ "${clang:-there}" != there ]; then
	cat <<-EOT

	Nothing touches this machine's kernel: all of it runs in a virtual machine
	(QEMU, emulated, no /dev/kvm needed). What is missing for that:

	  packages of this machine  ${packages[*]:-none}
	  guest roots (Debian)      $guest
	  kernel for debugging      $debug
	  clang and analysers       ${clang:-not needed}
	  build for each kernel     about 2 minutes, 100 MB in $O
	  the cache                 $CACHE

	EOT
	if [ "${YES:-}" != 1 ] && [ "${CI:-}" != true ]; then
		[ -t 0 ] || die "nobody to ask: set YES=1 to go on without the question"
		read -r -p "Go on? [Y/n] " answer
		case $answer in ''|[Yy]*) ;; *) exit 1 ;; esac
	fi
fi

if [ ${#packages[@]} != 0 ]; then
	command -v apt-get > /dev/null || die "install these first: ${packages[*]}"
	sudo=()
	if [ "$(id -u)" != 0 ]; then
		sudo=(sudo)
		command -v sudo > /dev/null ||
			die "as root: apt-get install ${packages[*]}"
	fi
	"${sudo[@]}" apt-get -q update
	"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
		apt-get -q -y --no-install-recommends install "${packages[@]}"
fi

# The guest's files have many owners, which take the place of ranges of ours.
in_ns true 2> /dev/null ||
	if [ "$(id -u)" = 0 ]; then
		die "this root may not make mount namespaces: give the container CAP_SYS_ADMIN"
	else
		die "user namespaces are needed: as root, usermod --add-subuids 100000-165535" \
			"--add-subgids 100000-165535 $(id -un), or run all of this as root"
	fi
