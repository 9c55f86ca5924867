# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What guest tests share: TAP output, modules, the scratch file system, waiting.
# Source it first: . "${0%/*}/lib.sh"; end with done_testing.
#
# Must never hide a failure: what is not asserted with ok, is or fail is not tested.
set -u

DATA=/dev/disk/by-id/virtio-data
PMEM=/dev/pmem0
SCRATCH=/mnt
tap_n=0
tap_failed=0
echo "TAP version 13"

diag() { sed 's/^/# /' <<< "$*"; }

# Descriptions are names: they are compared with tests/vm/expected-<kernel>, so
# what varies goes into a diag line.
pass() { echo "ok $((++tap_n)) - $1"; }
fail() {
	echo "not ok $((++tap_n)) - $1"
	tap_failed=1
	# Mutants only have to be seen once.
	[ ! -e /pr/first-failure ] || bail "that is enough"
}
skip() { echo "ok $((++tap_n)) - $1 # SKIP $2"; }

# ok DESCRIPTION CMD... - the command succeeds
ok() {
	local what=$1 said
	shift
	if said=$("$@" 2>&1); then
		pass "$what"
	else
		local status=$?
		fail "$what"
		diag "'$*' exited with $status"
		[ -z "$said" ] || diag "$said"
	fi
}

# refused DESCRIPTION PATTERN CMD... - the command fails and says why
refused() {
	local what=$1 pattern=$2 said
	shift 2
	if said=$("$@" 2>&1); then
		fail "$what"
		diag "'$*' succeeded"
	elif grep -qE -- "$pattern" <<< "$said"; then
		pass "$what"
	else
		fail "$what"
		diag "expected /$pattern/, got: $said"
	fi
}

# is DESCRIPTION GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		pass "$1"
	else
		fail "$1"
		diag "got '$2', wanted '$3'"
	fi
}

done_testing() {
	echo "1..$tap_n"
	[ $tap_n -gt 0 ] && [ $tap_failed = 0 ]
	exit
}

# bail REASON - nothing of what follows can work
bail() {
	echo "Bail out! $*"
	exit 1
}

# wait_for SECONDS CMD... - until the command succeeds; fails after the time
wait_for() {
	local end=$((SECONDS + $1 * ${VM_SLOW:-1}))
	shift
	until "$@" > /dev/null 2>&1; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# load NAME [PARAM...] - our build of a module, and what the distribution's own
# modules must provide for it
load() {
	local name=$1 dep
	shift
	if grep -q "^${name//-/_} " /proc/modules; then return 0; fi
	for dep in $(modinfo -F depends "/pr/modules/$name.ko" | tr , ' '); do
		if [ -e "/pr/modules/$dep.ko" ]; then
			load "$dep" || return
		else
			modprobe "$dep" || return
		fi
	done
	insmod "/pr/modules/$name.ko" "$@"
}

# unload NAME - once nobody uses it
unload() { rmmod "$1"; }

# pmem - there is $PMEM, 512 MiB of memory that survives, as far as anybody knows
pmem() { modprobe nd_e820 && modprobe nd_pmem && wait_for 10 test -b "$PMEM"; }

# scratch TYPE [MKFS OPTION...] - a fresh file system on $DATA at $SCRATCH; the
# types ext4-dax and xfs-dax want DATA=$PMEM
scratch() {
	local type=${1%-dax} opts=(-q) mount=()
	[ "$1" = "$type" ] || mount=(-o dax=always)
	case $1 in
	ext4*) opts+=(-F) ;;
	# what it calls supported is larger
	xfs) opts+=(-f --unsupported) ;;
	# some kernels can have either DAX or that
	xfs-dax) opts+=(-f --unsupported -m reflink=0) ;;
	# addresses that raw-check can map to those of the disk
	btrfs) opts+=(-f -d single -m single) ;;
	esac
	shift
	if mountpoint -q "$SCRATCH"; then umount "$SCRATCH" || return; fi
	"mkfs.$type" "${opts[@]}" "$@" "$DATA" &&
		mount -t "$type" "${mount[@]}" "$DATA" "$SCRATCH"
}
