#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: [YES=1] [BASELINE=1] demo.sh
# `make demo`: says what it will do and asks, installs what the machine lacks,
# builds, boots a guest and shows the scene of tests/selftests/demo-fsync.sh, or
# with BASELINE=1 the same scene with the distribution's own driver.
#
# Must never install anything before the question was answered.
. "${BASH_SOURCE[0]%/*}/env.sh"

scene=demo-fsync
[ "${BASELINE:-}" != 1 ] || scene=demo-baseline
logs=$O/vm/demo

# command:package
needs=(qemu-system-x86_64:qemu-system-x86 mmdebstrap:mmdebstrap
	mke2fs:e2fsprogs xz:xz-utils)
[ "$(id -u)" = 0 ] || needs+=(newuidmap:uidmap)
packages=()
for need in "${needs[@]}"; do
	command -v "${need%:*}" > /dev/null || packages+=("${need#*:}")
done

if [ -d "$(home_of trixie)" ]; then
	have="already there"
else
	have="download 450 MB, disk 2 GB, about 3 minutes"
fi
cat <<EOT

pin-revoke, the demo: RDMA writes into a file on ext4 while another process
calls fsync. Nothing touches this machine's kernel: all of it runs in a virtual
machine (QEMU, emulated, no /dev/kvm needed).

  1. packages of this machine   ${packages[*]:-nothing to install}
  2. guest (Debian trixie)      $have
                                in $CACHE
  3. build                      about 2 minutes at first, in $O
  4. boot and show              about 1 minute

EOT
if [ "${YES:-}" != 1 ] && [ "${CI:-}" != true ]; then
	[ -t 0 ] || die "nobody to ask: set YES=1 to go on without the question"
	read -r -p "Go on? [Y/n] " answer
	case $answer in ''|[Yy]*) ;; *) exit 1 ;; esac
fi

if [ ${#packages[@]} != 0 ]; then
	sudo=sudo
	[ "$(id -u)" != 0 ] || sudo=
	$sudo apt-get -q update
	$sudo apt-get -q -y --no-install-recommends install "${packages[@]}"
fi
"$VM/root.sh" trixie
"$VM/build.sh" newest

cat <<'EOT'

Booting. The numbers in brackets are seconds of the guest's clock.

  server      maps the file and registers it for RDMA. It tells when the kernel
              wants the file back, how long it needed to answer, and when it
              may go on.
  client      writes 4 KiB blocks into it, as fast as it can
  raw-check   calls fsync every second, then reads the disk past the file system:
              is every block there that was written before? Is it whole?
EOT
[ $scene = demo-baseline ] || cat <<'EOT'
  all others  what the kernel says to an administrator (revokectl monitor): why
              a pin is wanted back (reason), whose it is (pin), by when
              (deadline), who answered and after how many ms, and when the pin
              was given back to its holder
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
