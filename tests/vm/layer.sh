#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: layer.sh CMD...
# Runs a command in the guest root of the newest kernel, as in-root.sh does, with clang
# and what analyses code in a layer over it: no guest and no other build is the larger.
#
# Must never leave a half-made layer under the final name.
. "${BASH_SOURCE[0]%/*}/env.sh"

use_kernel newest
layer=$(layer_of "$HOME_DIR")

# over LOWER OPTIONS CMD... - in the root, with LOWER over it
over() {
	# shellcheck disable=SC2016 # the inner shell's
	in_ns bash -c 'mount -t tmpfs tmp "$1/merged" &&
		mkdir "$1/merged/root" &&
		mount -t overlay overlay -o "$2" "$1/merged/root" &&
		exec "$3" "$1/merged/root" "${@:4}"' bash "$1" "$2" "$VM/in-root.sh" "${@:3}"
}

# coccicheck's rules are in the kernel's source only.
make_layer() {
	in_ns rm -rf "$layer.new"
	mkdir -p "$layer.new"/{upper,work,merged}
	over "$layer.new" "lowerdir=$ROOT,upperdir=$layer.new/upper,workdir=$layer.new/work" sh -ec '
		tar -C /usr/src -xf /usr/src/"$1".tar.xz "$1"/scripts/coccinelle &
		apt-get -q update
		DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
			clang libclang-rt-dev clang-tidy cppcheck sparse coccinelle
		apt-get clean
		rm -rf /var/lib/apt/lists/*
		wait $!' sh "$(kernel_source "$ROOT")"
}

exec 9> "$HOME_DIR/layer.lock"
flock 9
if [ ! -d "$layer" ]; then
	say "clang and analysers: making the layer $layer (about a minute, log: $layer.log)"
	if ! make_layer > "$layer.log" 2>&1; then
		tail -n 30 "$layer.log" >&2
		die "the layer could not be made, all of the log: $layer.log"
	fi
	mv "$layer.new" "$layer"
fi
exec 9>&-
over "$layer" "lowerdir=$layer/upper:$ROOT" "$@"
