# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What the core's tests share: processes that are led line by line
# (core-holder.c), a file whose place on the disk is known, a look at that disk.
# Source it after lib.sh.
#
# Must never read a file back through the file system to see what is on disk.

declare -A holder_pid holder_in holder_out
# A holder that is dead is noticed when it does not answer.
trap '' PIPE
# Nobody cleans pages but who the test tells to.
echo 0 > /proc/sys/vm/dirty_writeback_centisecs

# start NAME [CMD...] - a core-holder called NAME, started by CMD
start() {
	local name=$1 dir fd
	shift
	dir=$(mktemp -d)
	mkfifo "$dir/in" "$dir/out"
	(
		for fd in "${holder_in[@]}" "${holder_out[@]}"; do exec {fd}>&-; done
		exec "$@" /pr/tests/core-holder < "$dir/in" > "$dir/out"
	) &
	holder_pid[$name]=$!
	exec {fd}> "$dir/in"
	holder_in[$name]=$fd
	exec {fd}< "$dir/out"
	holder_out[$name]=$fd
}

# forget NAME - closes our ends and waits for its end
forget() {
	local fd=${holder_in[$1]}
	exec {fd}>&-
	wait "${holder_pid[$1]}"
	fd=${holder_out[$1]}
	exec {fd}<&-
	unset "holder_in[$1]" "holder_out[$1]" "holder_pid[$1]"
}

# stop NAME... - it ends by itself
stop() { local name; for name; do forget "$name"; done; }

# killed NAME - the shell's obituary is not for the log
killed() { { kill -KILL "${holder_pid[$1]}"; forget "$1"; } 2>/dev/null; }

# tell NAME COMMAND... - hear NAME must follow
tell() {
	local name=$1
	shift
	echo "$*" >&"${holder_in[$name]}"
}

# hear NAME [SECONDS]
hear() {
	local line
	if read -r -t $((${2:-30} * ${VM_SLOW:-1})) -u "${holder_out[$1]}" line; then
		echo "$line"
	else
		echo "no answer"
	fi
}

# h NAME COMMAND... - one command, its answer
h() { tell "$@" && hear "$1"; }

# like DESCRIPTION GOT GLOB
like() {
	# shellcheck disable=SC2053 # a pattern it is
	if [[ $2 == $3 ]]; then
		pass "$1"
	else
		fail "$1"
		diag "got '$2', wanted '$3'"
	fi
}

# value NAME LINE - of NAME=... in a line of answers; 0 if it is not there
value() { [[ " $2 " =~ " $1="([^ ]*)" " ]] && echo "${BASH_REMATCH[1]}" || echo 0; }

# between DESCRIPTION GOT MIN MAX - milliseconds of a fast machine; grace() is
# longer on a slow one, too, so that this can still fail there
between() {
	local slow=${VM_SLOW:-1}
	if [ "$2" -ge $(($3 * slow)) ] && [ "$2" -le $(($4 * slow)) ]; then
		pass "$1"
	else
		fail "$1"
	fi
	diag "$2 ms, expected $(($3 * slow)) to $(($4 * slow))"
}

# state_like NAME PIN GLOB - to wait for
# shellcheck disable=SC2053
state_like() { [[ $(h "$1" state "$2") == $3 ]]; }

# grace MS [EXTEND] - of a writer who waits; 15000 is the most there is
grace() {
	local ms=$(($1 * ${VM_SLOW:-1}))
	revokectl policy set reason writeback-sync grace $((ms > 15000 ? 15000 : ms)) \
		max-extend "${2:-1000}"
}

# new_file NAME BLOCKS - zeros on the disk, in one piece; sets disk_block to
# where it begins. Blocks are pages.
new_file() {
	local map
	dd if=/dev/zero of="$SCRATCH/$1" bs=4096 count="$2" conv=fsync status=none || return
	map=$(filefrag -v -b4096 "$SCRATCH/$1") || return
	disk_block=$(sed -n 's/^ *0: *0\.\. *[0-9]*: *\([0-9]*\)\.\..*/\1/p' <<< "$map")
	[[ $map == *": 1 extent found" && -n $disk_block ]]
}

# raw BLOCK COUNT - the values of the bytes there, on the disk, of the last
# new_file (or of one that began at block $3)
raw() {
	dd if="$DATA" bs=4096 iflag=direct skip=$((${3:-$disk_block} + $1)) count="$2" status=none |
		od -An -t u1 -w1 | sed '/\*/d; s/ //g' | sort -nu | paste -sd ,
}

raw_is() { [ "$(raw "$1" "$2" "${4:-}")" = "$3" ]; }

# on_disk NAME LENGTH:VALUE... - all of the file, as it is on the disk; holes, and
# what is not there, are zeroes
on_disk() {
	local file=$SCRATCH/$1 part
	shift
	cmp <(raw-check "$file" --disk "$DATA" --image) <(
		for part; do
			head -c "${part%:*}" /dev/zero | tr '\0' "\\$(printf %o "${part#*:}")"
		done
	)
}

# place NAME PAGE - where it is on the disk, in pages; not on btrfs
place() {
	filefrag -v -b4096 "$SCRATCH/$1" | awk -F '[ .:]+' -v page="$2" \
		'$2 ~ /^[0-9]+$/ && $3 <= page && page <= $4 { print $5 + page - $3 }'
}

# zeroes NAME PAGES - a file of them, on the disk
zeroes() { dd if=/dev/zero of="$SCRATCH/$1" bs=4096 count="$2" conv=fsync status=none; }

# remounted OPTION... - the data disk, once more
remounted() { umount "$SCRATCH" && mount "$@" "$DATA" "$SCRATCH"; }

# Pinned pages that nobody has given back, in all of the machine.
pinned_pages() {
	awk '/^nr_foll_pin_acquired/ { n += $2 } /^nr_foll_pin_released/ { n -= $2 }
		END { print n }' /proc/vmstat
}

no_pinned_pages() { [ "$(pinned_pages)" = 0 ]; }

# modules [PARAM...] - core, with parameters, and driver
modules() { load pin_revoke "$@" && load pin_dummy; }

# last_pin - the id of the youngest
last_pin() { revokectl -j pin show | grep -o '"id":[0-9]*' | tail -n 1 | cut -d: -f2; }

# Nothing is left of the test: the last lines of each.
nothing_left() {
	is "no pin is left" "$(revokectl -j pin show)" '[]'
	is "no request is left" "$(revokectl -j request show)" '[]'
	ok "the driver unloads" unload pin_dummy
	ok "the core unloads" wait_for 30 unload pin_revoke
	ok "no page is left pinned" wait_for 10 no_pinned_pages
	ok "the file system can be left" umount "$SCRATCH"
}

# What pin_dummy's parameters do, see its knobs.c: to pins with the flag k.
knob() { echo "$2" > "/sys/module/pin_dummy/parameters/$1"; }

# hold POINT - or nowhere: whoever is held goes on
hold() { knob hold "$1"; }

# held COUNT - to wait for: so many are at that point
held() { [ "$(cat /sys/module/pin_dummy/parameters/held)" = "$1" ]; }

# waits_at NAME PATTERN - to wait for: it sleeps in the kernel, in such a function;
# those of the scheduler and of locks are not shown
waits_at() { grep -qE "$2" "/proc/${holder_pid[$1]}/stack"; }

# passes NAME PIN - that the device's engine has finished
passes() { local line; line=$(h "$1" passes "$2"); echo "${line#ok }"; }

# passes_more NAME PIN COUNT - to wait for
passes_more() { [ "$(passes "$1" "$2")" -gt "$3" ]; }

# least BLOCK COUNT - the first number of each page, as raw: the engine's oldest
least() {
	dd if="$DATA" bs=4096 iflag=direct skip=$((disk_block + $1)) count="$2" status=none |
		od -An -v -t u8 -w4096 | awk '{ print $1 }' | sort -n | head -n 1
}

# fsync_has NAME PIN BLOCK COUNT WHO - what the engine has finished now is on the disk
# when WHO's fsync of region 0 returns
fsync_has() {
	local before line
	before=$(passes "$1" "$2")
	wait_for 20 passes_more "$1" "$2" $((before + 2)) ||
		{ echo "the engine does not run"; return 1; }
	before=$(passes "$1" "$2")
	line=$(h "$5" fsync 0)
	[[ $line == "ok ms="* ]] && [ "$(least "$3" "$4")" -ge "$before" ] ||
		{ echo "$line, passes $before, on the disk $(least "$3" "$4")"; return 1; }
}

# least_is_at BLOCK COUNT NUMBER - to wait for: all pages have at least this number
least_is_at() { [ "$(least "$1" "$2")" -ge "$3" ]; }
