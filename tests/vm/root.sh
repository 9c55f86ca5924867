#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: root.sh SUITE
# Makes the guest root of a Debian suite in the cache, unless it is there: an
# unpacked tree (the builds run in it) and an ext4 image of it (guests boot it).
#
# Must never leave a half-made root under the final name.
. "${BASH_SOURCE[0]%/*}/env.sh"

suite=${1:?usage: root.sh SUITE}
dir=$(home_of "$suite")

# mirror NAME - address of the machine's own source for a release, e.g. bookworm
mirror() {
	apt-get indextargets --format '$(CREATED_BY) $(REPO_URI) $(RELEASE) $(COMPONENT)' |
		awk -v r="$1" '$1 == "Packages" && $3 == r && $4 == "main" {
			sub("/$", "", $2); print $2; exit }'
}

# keyring URI - the key file the machine trusts for that address, if it names one
keyring() {
	grep -rlF "$1" /etc/apt/sources.list /etc/apt/sources.list.d 2>/dev/null |
		xargs -r grep -ohiE 'signed-by(: *|=)/[^] ,]+' |
		sed 's/^[^/]*//' | head -n 1
}

# apt lines for the suite from the machine's own mirrors; nothing if the machine
# is not a Debian or has no such line, then mmdebstrap knows the way.
sources() {
	local main security codename key opt=
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	main=$(mirror "$codename")
	security=$(mirror "$codename-security")
	[ -n "$main" ] || return 0
	key=$(keyring "$main")
	[ -z "$key" ] || opt="[signed-by=$key] "
	echo "deb $opt$main $suite main"
	echo "deb $opt$main $suite-updates main"
	echo "deb $opt$main $suite-backports main"
	[ -z "$security" ] || echo "deb $opt$security $suite-security main"
}

make_root() {
	local tmp=$1 args=(--variant=minbase --include=ca-certificates) list key
	list=$(sources)
	key=$(sed -n 's/.*signed-by=\([^]]*\).*/\1/p;q' <<< "$list")
	case $key in
	''|/usr/share/keyrings/debian-archive-keyring.*) ;;
	*) args+=(--customize-hook="upload $key $key") ;;
	esac
	if [ "$(id -u)" = 0 ]; then args+=(--mode=root); else args+=(--mode=unshare); fi

	# The archive's freshness rules and proxy are the machine's business too.
	apt-config dump |
		grep -E '^Acquire::(https?::Proxy|Check-|Retries)' > "$tmp/apt.conf" || :
	if [ -s "$tmp/apt.conf" ]; then args+=(--aptopt="$tmp/apt.conf"); fi
	# shellcheck disable=SC2016 # $1 is the hook's
	args+=(
		--customize-hook='grep -q backports "$1/etc/apt/sources.list" || sed -n "s/^\(deb .*\) '"$suite"' main$/\1 '"$suite"'-backports main/p" "$1/etc/apt/sources.list" >> "$1/etc/apt/sources.list"'
		--customize-hook="upload $VM/guest-packages.sh /tmp/guest-packages.sh"
		--customize-hook='chroot "$1" sh /tmp/guest-packages.sh'
		--customize-hook='rm "$1/tmp/guest-packages.sh"; mkdir "$1/src" "$1/build" "$1/pr"'
	)
	# mmdebstrap maps owners in its own way: by way of a tar they become ours.
	mmdebstrap "${args[@]}" "$suite" "$tmp/root.tar" ${list:+-} <<< "$list"
	mkdir "$tmp/root"
	in_ns tar -C "$tmp/root" --exclude './dev/*' --numeric-owner -xpf "$tmp/root.tar"
	rm "$tmp/root.tar"
}

make_image() {
	in_ns mke2fs -q -t ext4 -O ^has_journal -L guest -d "$1/root" "$1/root.ext4" 4G
}

mkdir -p "$CACHE"
exec 9> "$CACHE/lock"
flock 9
if [ -d "$dir" ]; then
	touch "$dir"
	exit 0
fi

# Roots of older recipes that nobody asked for in a week, and broken attempts.
find "$CACHE" -mindepth 1 -maxdepth 1 -name 'root-*' \
	\( -name '*.new' -o -mtime +7 \) -print |
	while read -r old; do in_ns rm -rf --one-file-system "$old"; done

log=$CACHE/root-$suite.log
say "guest root $suite: making it in $dir (about 2 minutes, log: $log)"
SECONDS=0
mkdir "$dir.new"
if ! { make_root "$dir.new" && make_image "$dir.new"; } > "$log" 2>&1; then
	tail -n 30 "$log" >&2
	die "the guest root could not be made, all of the log: $log"
fi
mv "$dir.new" "$dir"
say "guest root $suite: made in $SECONDS s"
