#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: crash-test.sh [KERNEL]
# Boots a guest in which a driver oopses in ->quiesce(), see selftests/crash.sh, and
# prints its TAP; then whether these oopses, and nothing after them, are all that the
# kernel has to say.
#
# Must never let that guest sync: what the driver left cannot be written.
. "${BASH_SOURCE[0]%/*}/env.sh"
set +e
. "$TOP/tests/selftests/lib.sh"

kernel=${1:-newest} logs=$O/vm/crash
"$VM/build.sh" "$kernel" >&2 || bail "nothing to boot"
"$VM/boot.sh" -k "$kernel" -o "$logs" -q command '
	bash /pr/tests/crash.sh
	status=$?
	dmesg > /run/out/dmesg
	tar -C /run/out -c . | dd of=/dev/disk/by-id/virtio-out conv=fsync status=none
	echo "status $status" > /dev/ttyS2
	busybox stty -F /dev/ttyS2 raw
	busybox poweroff -n -f' < /dev/null >&2
ended=$?
grep -v '^1\.\.\|^TAP' "$logs/output"
tap_n=$(grep -cE '^(not )?ok ' "$logs/output")
is "the guest ends" $ended 0
is "so many oopses" "$(grep -c '\bOops\b' "$logs/dmesg")" 2
is "they are the driver's" "$(grep -o 'RIP: 0010:[a-z_]*' "$logs/dmesg" | sort -u)" \
	"RIP: 0010:dummy_crash"
sed '/cut here\|kernel NULL pointer/,/end trace/d' "$logs/dmesg" > "$logs/rest"
ok "nothing else is wrong" "$VM/check-splats.sh" "$logs/rest"
done_testing
