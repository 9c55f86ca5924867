#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: figures.sh [KERNEL]
# `make figures`, in instructions, counted by QEMU (-icount): what an fsync of a file
# that nobody has pinned costs without the module, with it, with it and a pin on
# another file; what a declared range costs beside a memory region of soft-RoCE; what
# soft-RoCE costs when both ends are revocable regions, beside it as it is distributed.
# The other figures are printed by selftests/figures.sh.
#
# Must never judge: it prints.
. "${BASH_SOURCE[0]%/*}/env.sh"

kernel=${1:-newest}
# A RAM disk without a journal: nobody else works, or is waited for, in an fsync.
job='
. /pr/tests/lib.sh > /dev/null
. /pr/tests/lib-core.sh
. /pr/tests/lib-rdma.sh
modprobe brd rd_nr=1 rd_size=65536 && mkfs.ext4 -q -O ^has_journal /dev/ram0 && mount /dev/ram0 /mnt || exit
truncate -s 64K /mnt/other
count() { echo "$1: $(/pr/tests/count-io fsync /mnt/file 500 1)"; }
count "no module"
modules
/pr/tests/count-declare
count "module, no pin"
start A
[[ $(h A map 0 /mnt/other 65536 shared) = ok && $(h A pin 0 0+0 65536 w) = ok* ]] || exit
count "a pin on another file"
stop A && unload pin_dummy && wait_for 10 unload pin_revoke
count "no module again"
quiet() { /pr/tests/count-rdma "$2" | sed -n "s/^[WRS]/$1 &/p"; }
rxe_up stock && /pr/tests/count-declare rxe0 && quiet stock /dev/shm/file
rxe_down && rxe_up && quiet revocable /mnt/rdma
'
"$VM/build.sh" "$kernel"
"$VM/boot.sh" -i -k "$kernel" -o "$O/vm/figures" -q command "$job" < /dev/null ||
	die "the guest failed, logs in $O/vm/figures"
awk -F '[: ]+' -v kernel="$kernel" '
	/: [0-9]+ [0-9]+ [0-9]+/ {
		median = $(NF - 2)
		first = first ? first : median
		name = $0
		sub(/:.*/, "", name)
		printf "fsync on %s, %-22s %7d instructions (least %d, most %d), ratio %.4f\n",
			kernel, name ":", median, $(NF - 1), $NF, median / first
		n++
	}
	/^revoke_declare|^the same/ { ranges[$0] = $NF }
	/^ibv_reg_mr/ {
		printf "%s on %s: %d instructions\n", $1 ", " $2, kernel, $NF
		for (name in ranges) {
			what = name
			sub(/: .*/, "", what)
			printf "%s: %d, ratio %.3f\n", what, ranges[name], ranges[name] / $NF
			n++
		}
	}
	/^stock/ { stock[$2, $3] = $NF }
	/^revocable/ {
		quiet = quiet sprintf(", %s of %d KiB %.3f", $2, $3 / 1024, $NF / stock[$2, $3])
		n++
	}
	END {
		print "soft-RoCE on " kernel ", quiet revocable regions, ratio to stock" quiet
		exit n != 15
	}' "$O/vm/figures/output" || die "no figures, see $O/vm/figures/output"
