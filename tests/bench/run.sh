#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: run.sh [KERNEL]
# `make bench`: boots guests whose every instruction takes a nanosecond, one after the
# other, measures ours and what Linux has already in each, and writes raw samples
# (JSON), a page (RESULTS.md) and plots. BOOTS=n: how many (5); BENCH='B2 B3': these
# rows only; BENCH_OUT: where to (build/bench/results). NAME: a part of the file's name,
# so that a run of some rows leaves that of the others alone.
#
# Must never judge: it measures.
. "${BASH_SOURCE[0]%/*}/../vm/env.sh"

kernel=${1:-newest}
boots=${BOOTS:-5}
results=${BENCH_OUT:-$O/bench/results}
mode=icount
work=$O/bench/$kernel-$mode${NAME:+-$NAME}
# What is built now, whatever happens to the tree meanwhile.
commit=$(git -C "$TOP" describe --always --dirty --exclude='*')
"$VM/build.sh" "$kernel"
use_kernel "$kernel"
"$VM/in-root.sh" "$ROOT" make -s -C /src/tests/bench O="/build/${USER_O##*/}"
"$VM/in-root.sh" "$ROOT" /src/tests/vm/build-module.sh tests/bench/modules "$KVER" \
	> "$O/log/bench-modules"
rm -rf "$work"
mkdir -p "$work/pr/bench" "$results"
cp "$USER_O"/bench/* "$TOP/tests/bench/guest.sh" "$work/pr/bench/"
for ((n = 1; n <= boots; n++)); do
	say "boot $n of $boots"
	"$VM/boot.sh" -i -k "$kernel" -t 3600 -p "$work/pr" -o "$work/$n" -q \
		command "SCALE='${SCALE:-}' /pr/bench/guest.sh ${BENCH:-}" < /dev/null || {
		cat "$work/$n/output" >&2
		die "the guest failed, logs in $work/$n"
	}
done

qemu=$("$VM/in-root.sh" "$(home_of trixie)/root" qemu-system-x86_64 --version | head -n 1)
"$TOP/tests/bench/report.py" json "release=$KVER" "mode=$mode" "qemu=$qemu" \
	"commit=$commit" "date=$(date -u +%F)" "$work"/*/out > "$results/$kernel-$mode${NAME:+-$NAME}.json"
"$TOP/tests/bench/report.py" page "$results"
say "results: $results/RESULTS.md"
