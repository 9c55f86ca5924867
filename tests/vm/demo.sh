#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: [YES=1] [BASELINE=1] demo.sh
# `make demo`: has deps.sh ask for and install what the machine lacks, builds,
# boots a guest and shows the scene of tests/selftests/demo-fsync.sh, or with
# BASELINE=1 the same scene with the distribution's own driver.
#
# Must never install anything before the question was answered.
. "${BASH_SOURCE[0]%/*}/env.sh"

scene=demo-fsync
[ "${BASELINE:-}" != 1 ] || scene=demo-baseline
logs=$O/vm/demo

cat <<'EOT'

pin-revoke, the demo: RDMA writes into a file on ext4 while another process
calls fsync.
EOT
"$VM/deps.sh"
"$VM/root.sh" trixie
"$VM/build.sh" newest

cat <<'EOT'

Booting. The numbers in front are seconds.

  server      maps the file and registers it for RDMA. It tells when the kernel
              wants the file back, how long it needed to answer, and when it
              may go on.
  client      writes 4 KiB blocks into it, as fast as it can
  raw-check   calls fsync every second, then reads the disk past the file system:
              is every block there that was written before? Is it whole?
EOT
[ $scene = demo-baseline ] || cat <<'EOT'

In capitals, what the kernel tells an administrator (revokectl monitor). A pin is
memory that a device may write to at any time: here the file's pages.

  RELEASE_SOON   somebody needs the pages: why (writeback-sync is the fsync), whose
                 pin it is, when it will be taken anyway, who caused it
  ACKED          the server has answered, and after how many ms
  REVOKED        the device has stopped: the file system may write the pages
  RESTORED       the same pages are pinned again, remote keys are as before
EOT
echo

status=0
"$VM/boot.sh" -k newest -o "$logs" -t 300 tests $scene < /dev/null |
	sed -u -e 's/\r$//' -e '/^#begin\|^#end\|^TAP\|^1\.\./d' -e 's/^# \{0,1\}//' \
		-e 's/^ok [0-9]* - /  ok      /' -e 's/^not ok [0-9]* - /  NOT OK  /' ||
	status=$?
"$VM/check-splats.sh" "$logs/console" || status=1
[ $status = 0 ] || die "this is not what it should be: see $logs"
verdict=$(sed -n 's/^# \(lost [0-9]*, torn [0-9]*\)\r*$/\1/p' "$logs/output" | tail -n 1)
[ -z "$verdict" ] || printf '\n%s\n' "$verdict"
