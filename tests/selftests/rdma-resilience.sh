#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 300
#
# RDMA into 256 MiB of a file on ext4, in 64 regions, while somebody calls fsync every
# second: nobody sees an error, and what was there before an fsync is on the disk. Beside
# it, what the same does without a pin: on-demand paging, and a region for each WRITE.
# TORTURE=ROUNDS: so many, of a second and the look at the disk. Frames of 9000 bytes, because on-demand paging of
# soft-RoCE in 7.2 puts every packet of a WRITE at the start of the page.
#
# The file system is on the memory that survives, as an ordinary disk: the other disk is
# as large as the file.
#
# Must never assert a throughput.
. "${0%/*}/lib.sh"
. "${0%/*}/lib-rdma.sh"

DATA=$PMEM
MTU=9000
rounds=${TORTURE:-10}
file=(--blocks 32768)
revoked() { revokectl -j stat show | sed 's/.*"revoked":\([0-9]*\).*/\1/'; }

# fsyncs - one every second until there is /run/enough; leaves a line for each
fsyncs() {
	rm -f /run/enough /run/fsyncs
	until [ -e /run/enough ]; do
		sync "$SCRATCH/file"
		echo "fsync $?" >> /run/fsyncs
		sleep 1
	done
}

# scene NAME SERVER-OPTION... - and its points
scene() {
	local name=$1 syncer
	shift
	echo "== $name" >&3
	rdma_start "${file[@]}" "$@"
	is "$name: RDMA into the file" $? 0
	fsyncs &
	syncer=$!
	rdma_check --rounds "$rounds" --interval 1
	touch /run/enough
	wait $syncer
	taken=$(revoked)
	rdma_end
	is "$name: what was there before an fsync is on the disk" "$verdict" "lost 0, torn 0"
	is "$name: raw-check says so" "$check_status" 0
	is "$name: each fsync returns 0" "$(sort -u /run/fsyncs)" "fsync 0"
	is "$name: the client saw no error" "$client_status" 0
	is "$name: nor did the server" "$server_status" 0
	diag "$name: $(grep -c . /run/fsyncs) fsyncs beside those of $rounds rounds"
}

# rates - WRITEs of 4 KiB per second, from what the client said
rates() {
	sed -n 's/^== \(.*\)/name \1/p
		s/^\[ *\([0-9.]*\)\] client: writing .*/begin \1/p
		s/^\[ *\([0-9.]*\)\] client: \([0-9]*\) RDMA WRITEs completed/end \1 \2/p' "$LOG" |
		awk '$1 == "name" { name = substr($0, 6) }
			$1 == "begin" { begun = $2 }
			$1 == "end" { printf "%s: %.0f WRITEs of 4 KiB a second, %d in all\n",
				name, $3 / ($2 - begun), $3 }'
}

ok "memory that survives" pmem
ok "ext4 on it" scratch ext4
ok "our soft-RoCE driver" rxe_up
narrate
scene revocable --mrs 64
ok "revocable: regions were taken" test "$taken" -gt 0
diag "revocable: $taken revocations"
rounds=3
scene "a region for each WRITE" --per-write
if ibv_devinfo -v -d rxe0 | grep -qw SUPPORT_WRITE; then
	scene "on-demand paging" --mrs 64 --odp --no-librevoke
fi
narrate_end
diag "$(rates)"
ok "everything unloads" rxe_down
ok "the file system can be left" umount "$SCRATCH"
done_testing
