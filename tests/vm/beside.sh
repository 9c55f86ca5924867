#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: beside.sh instructions | others [PART...]
# What the patch series changes for those who know nothing of it: the kernel "patched"
# beside "plain", which is built alike without it.
#   instructions	counted by QEMU: of an fsync, of background writeback, for each folio,
#			and of O_DIRECT; ratios are printed, one that is too high is a failure
#   others		selftests of the kernel's source, fio and stress-ng, with the core loaded
#			and a pin: what fails must fail on the plain one, too. Parts are fio,
#			stress-ng, filesystems, and categories of mm/run_vmtests.sh
#
# Must never say what the result of somebody else's test should be: the plain kernel does.
. "${BASH_SOURCE[0]%/*}/env.sh"

# Inside the root: the selftests. Some want libraries that the root has not (libcap,
# libnuma, libfuse), on both kernels.
if [ "${1:-}" = selftests ]; then
	cd /build/beside
	if [ ! -e selftests.made ]; then
		rm -rf src selftests
		mkdir src selftests
		tar -C src --strip-components=1 -xf "/usr/src/$(kernel_source /).tar.xz"
		make -s -j"$(nproc)" -C src headers
		cd src/tools/testing/selftests
		make -k -j"$(nproc)" TARGETS="mm $(echo filesystems filesystems/*/)" || :
		# Its install wants everything to build, and rsync.
		find mm filesystems kselftest -type f ! -name '*.[cho]' \
			-exec cp --parents -t /build/beside/selftests {} +
		cd /build/beside
		rm -rf src
		touch selftests.made
	fi
	exit
fi

# guest KERNEL COMMAND [BOOT OPTION...] - runs that one of the tests in it
guest() {
	local kernel=$1 name=$2
	use_kernel "$kernel"
	say "$name on $kernel"
	"$VM/build.sh" "$kernel"
	mkdir -p "$O/beside/$kernel/tests"
	cp "$TOP"/tests/selftests/in-tree/*.sh "$O/beside/$kernel/tests/"
	[ "$kernel" = plain ] || "$VM/series.sh" payload "$kernel" "beside/$kernel"
	"$VM/boot.sh" "${@:3}" -k "$kernel" -p "$O/beside/$kernel" -t 20000 -q \
		-o "$O/vm/beside-$kernel" command "/pr/tests/$name" < /dev/null ||
		die "the guest failed, logs in $O/vm/beside-$kernel"
}

# said KERNEL - of what it said, the lines that check-splats.sh knows, without numbers
said() {
	"$VM/check-splats.sh" "$O/vm/beside-$1/dmesg" |
		sed -E 's/^[^]]*\] *//; s/0x[0-9a-f]+|[0-9]+/N/g' | LC_ALL=C sort -u || :
}

mkdir -p "$O/beside"
case ${1:-} in
instructions)
	guest plain count.sh -i
	guest patched count.sh -i
	"$VM/check-splats.sh" "$O"/vm/beside-{plain,patched}/dmesg
	cat "$O"/vm/beside-{plain,patched}/output | awk -F ' *[:|] *' '
		$1 == "plain" { plain[$2] = $3; next }
		NF == 3 {
			split($3, ticks, " ")
			split(plain[$2], was, " ")
			if (!was[1])
				next
			ratio = ticks[1] / was[1]
			printf "%-26s %-16s %9d instructions, ratio %.4f\n", $2, $1, ticks[1], ratio
			n++
			# A single fsync is more than what it writes.
			if ($2 !~ /a page/)
				bad += ratio > ($1 == "off" ? 1.004 : 1.0104)
		}
		END { exit bad || n != 17 }'
	;;
others)
	use_kernel plain
	"$VM/in-root.sh" "$ROOT" /src/tests/vm/beside.sh selftests > "$O/beside/log" 2>&1 ||
		{ tail "$O/beside/log" >&2; exit 1; }
	for kernel in plain patched; do
		rm -rf "$O/beside/$kernel"
		mkdir -p "$O/beside/$kernel"
		cp -al "$O/beside/selftests" "$O/beside/$kernel/"
		guest $kernel "others.sh ${*:2}"
		sed -n 's/^result //p' "$O/vm/beside-$kernel/output" > "$O/beside/$kernel.results"
		said $kernel > "$O/beside/$kernel.said"
		echo "$kernel: $(wc -l < "$O/beside/$kernel.results") results," \
			"$(grep -cE ': (not ok|[1-9][0-9]*)$' "$O/beside/$kernel.results") failures"
	done
	status=0
	diff "$O/beside/"{plain,patched}.results || status=1
	# Memory that was poisoned, disks that were full: on both.
	LC_ALL=C comm -13 "$O/beside/"{plain,patched}.said | grep . && status=1
	exit $status
	;;
*)
	die "usage: beside.sh instructions | others [PART...]"
	;;
esac
