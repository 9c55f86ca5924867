#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: packages-guest.sh first|second	(in a guest whose process 1 is systemd)
# The packages on a machine as users have it: on the first boot the older ones are
# installed, units are used without the module, apt upgrades and DKMS builds; the second
# finds what was enabled at work, and removes and purges it. Prints TAP.
#
# DKMS takes minutes for the core here: a /pr/dkms.tar.gz is what it made of the same
# package elsewhere, on the same root.
#
# Must never call anything of ours but what the packages have.
. /pr/tests/lib.sh

units='pin-revoke-policy.service pin-revoke-journal.service pin-revoke-textfile.timer'
policies=/etc/pin-revoke/policy.d
metrics=/var/lib/prometheus/node-exporter/pin-revoke.prom
export DEBIAN_FRONTEND=noninteractive

# Not what replaces a stock module: it takes minutes here.
packages() { ls "$1"/{librevoke*,python3-revoke,revokectl,pin-revoke-dkms}_*.deb; }
# shellcheck disable=SC2046 # file names
older() { dpkg -i $(packages /pr/debs-older); }
# shellcheck disable=SC2046
upgrade() { apt-get -y install $(packages /pr/debs); }
version=$(dpkg-deb -f /pr/debs/revokectl_*.deb Version)
built() {
	dkms remove "pin-revoke/$version" --all && dkms ldtarball --archive /pr/dkms.tar.gz &&
		dkms install "pin-revoke/$version" -k "$KVER"
}
versions() {
	dpkg-query -W -f '${Version}\n' 'librevoke*' 'python3-revoke*' 'revokectl*' 'pin-revoke*' 2> /dev/null |
		grep . | sort | uniq -c
}

# readme BEGINNING - the command of README.md that begins so; apt asks
readme() {
	local command
	command=$(sed -n "s/^    \($1[^\t]*\).*/\1/p" /pr/README.md | head -n 1)
	[ -n "$command" ] && (cd /pr && bash -c "$command" <<< y)
}
# What the walk-through says of the same
walk=/pr/tests/WALKTHROUGH.md
walks() { sed -n '/^```packages/,/^```/s/^# //p' $walk; }
answer() { sed -n '/^```packages/,/^```/{/^[0-9]/p}' $walk; }

property() { systemctl show -P "$1" "$2"; }
# each VERB - what systemctl says of each unit, once
# shellcheck disable=SC2086 # words
each() { systemctl "$1" $units | sort -u; }
# said UNIT PATTERN [MORE] - to wait for: in more than so many lines of this boot's journal
said() { [ "$(lines "$1" "$2")" -gt "${3:-0}" ]; }
lines() { journalctl -q -b -u "$1" -o cat | grep -cE -- "$2"; }
# fails DESCRIPTION UNIT PATTERN [VERB] - and its journal says why
fails() {
	local before
	before=$(lines "$2" "$3")
	refused "$1: it fails" 'journalctl' systemctl "${4:-start}" "$2"
	ok "$1: and says why" wait_for 20 said "$2" "$3" "$before"
	said "$2" "$3" "$before" || diag "$(journalctl -q -b -u "$2" -o cat)"
}
entries() { journalctl -q -b -o json _SYSTEMD_UNIT=pin-revoke-journal.service "$@"; }
has_entry() { entries "$@" | grep -q .; }
up_is() { grep -qx "pin_revoke_up $1" $metrics; }
grace() { revokectl policy show | sed -n 's/^writeback-sync  *grace \([0-9]* ms [^ ]*\) .*/\1/p'; }
scraped() {
	/usr/bin/python3 -c 'import sys, urllib.request
sys.exit(b"\npin_revoke_up 1\n" not in urllib.request.urlopen("http://127.0.0.1:9100/metrics").read())'
}

manual() {
	local object
	for object in $(revokectl help | sed -n 's/^revokectl \([a-z]*\) .*/\1/p'); do
		test -s "/usr/share/man/man8/revokectl-$object.8.gz" || return
	done
	test -s /usr/share/man/man8/revokectl.8.gz && test -s /usr/share/man/man7/pin-revoke.7.gz
}

# As somebody types it: bash finds the completion by the name of the command.
screen_has() { tmux capture-pane -p | grep -qE -- "$1"; }
completes() {
	ok "completion: a terminal" tmux -f /dev/null new-session -d -x 80 -y 24 'HISTFILE= PS1=ready: exec bash --norc'
	ok "completion: a shell" wait_for 30 screen_has '^ready:'
	tmux send-keys '. /usr/share/bash-completion/bash_completion' Enter 'revokectl pol' Tab 'sh' Tab
	ok "completion: two words" wait_for 30 screen_has '^ready:revokectl policy show $|^ready:revokectl policy show$'
	tmux kill-server
}

first() {
	is "nothing of the machine failed" "$(systemctl --failed --plain --no-legend)" ""
	# One kernel, with few modules (depmod takes a minute to read all) and none that misses
	# another; and manual pages as everywhere.
	for dir in /lib/modules/*; do [ "$dir" = "/lib/modules/$KVER" ] || rm -r "$dir"; done
	find "/lib/modules/$KVER/kernel/drivers" -mindepth 1 -maxdepth 1 ! -name infiniband -exec rm -r {} +
	rm -r "/lib/modules/$KVER"/kernel/{arch,net,sound}
	rm -f /etc/dpkg/dpkg.cfg.d/guest
	mv "/lib/modules/$KVER/build" /root/
	ok "older ones are installed, without the kernel's headers" older
	is "they enable nothing" "$(each is-enabled)" disabled
	is "and start nothing" "$(each is-active)" inactive

	ok "no module: metrics are written" systemctl start pin-revoke-textfile
	ok "no module: they say so" up_is 0
	ok "no policies: the unit starts" systemctl start pin-revoke-policy
	is "no policies: and is passed over" "$(property ConditionResult pin-revoke-policy)" no
	echo 'policy set reason writeback-sync grace 512' > $policies/10-site.conf
	fails "no module: policies" pin-revoke-policy 'no pin-revoke in this kernel: modprobe pin_revoke'
	# shellcheck disable=SC2086
	ok "all are enabled" systemctl enable $units
	ok "no module: the journal's unit starts" systemctl start pin-revoke-journal pin-revoke-textfile.timer
	ok "no module: it says why it does not last" wait_for 20 said pin-revoke-journal \
		'no pin-revoke in this kernel: modprobe pin_revoke'

	rm $metrics
	[ -e /pr/dkms.tar.gz ] || mv /root/build "/lib/modules/$KVER/"
	local begun=$SECONDS
	ok "apt upgrades them" upgrade
	if [ -e /pr/dkms.tar.gz ]; then
		ok "what DKMS built elsewhere is installed" built
		mv /root/build "/lib/modules/$KVER/"
	fi
	diag "that took $((SECONDS - begun)) s"
	is "all are of this version" "$(versions | sed 's/^ *//')" "11 $version"
	is "DKMS has the core, and has forgotten the older" "$(dkms status | sed 's/ (.*//')" \
		"pin-revoke/$version, $KVER, x86_64: installed"
	is "what was enabled is" "$(each is-enabled)" enabled
	is "the timer goes on" "$(systemctl is-active pin-revoke-textfile.timer)" active
	ok "the journal's unit finds the module" wait_for 60 has_entry PIN_REVOKE_EVENT=listening
	ok "metrics are written every minute" wait_for 150 test -s $metrics
}

second() {
	is "policies are applied when the machine starts" "$(systemctl is-active pin-revoke-policy): $(grace)" \
		'active: 512 ms (10-site.conf:1)'
	ok "the journal's unit listens" wait_for 60 has_entry PIN_REVOKE_EVENT=listening
	is "the timer waits" "$(systemctl is-active pin-revoke-textfile.timer)" active

	/usr/bin/python3 -c 'import mmap, revoke, signal
context = revoke.Context()
memory = context.declare(mmap.mmap(-1, 65536), name="cache")
signal.pause()' &
	local holder=$! pin
	ok "a pin is shown" wait_for 60 eval "revokectl pin show pid $holder | grep -w python3"
	pin=$(revokectl -j pin show pid $holder | sed 's/.*"id":\([0-9]*\).*/\1/')
	ok "it is taken" revokectl pin revoke "$pin" grace 0
	ok "the journal has that, by its fields" wait_for 20 has_entry PIN_REVOKE_EVENT=revoked \
		PIN_REVOKE_REASON=admin PIN_REVOKE_PIN_ID="$pin" PIN_REVOKE_PIN_PID=$holder
	kill $holder
	wait $holder 2> /dev/null

	echo 'policy set reason writeback-sync grace 768' > $policies/15-more.conf
	echo 'policy set reason writeback-sync gracie 5' > $policies/20-bad.conf
	fails "a bad file: reload" pin-revoke-policy '20-bad.conf:1: this line; nothing was done' reload
	fails "a bad file: restart" pin-revoke-policy '20-bad.conf:1: this line; nothing was done' restart
	is "a bad file: none is applied" "$(grace)" '512 ms (set)'
	rm $policies/20-bad.conf
	ok "it is mended" systemctl restart pin-revoke-policy
	is "and all are applied" "$(grace)" '768 ms (15-more.conf:1)'
	echo 'policy set reason writeback-sync grace 640' > $policies/15-more.conf
	ok "reload" systemctl reload pin-revoke-policy
	is "applies them again" "$(grace)" '640 ms (15-more.conf:1)'

	rm -f $metrics
	ok "metrics are written" systemctl start pin-revoke-textfile
	ok "they are of the module" up_is 1
	ok "the node exporter has them" wait_for 60 scraped
	is "all units are at work" "$(each is-active)" active
	ok "the tool is removed" apt-get -y remove revokectl
	is "its units are stopped" "$(each is-active)" inactive
	ok "and nobody monitors" eval '! pgrep -x revokectl'
	ok "its metrics are gone" test ! -e $metrics
	ok "the module can go" modprobe -r pin_revoke
	mkdir -p /pr/build/deb
	ln -s /pr/debs /pr/build/deb/trixie
	ok "README: apt installs them" readme 'apt install'
	ok "README: there is the module" readme modprobe
	is "README: it answers, as the walk-through says" "$(readme 'revokectl stat')" "$(answer)"
	is "the walk-through has the same commands" "$(walks)" \
		"$(sed -n '/^    apt install \.\//,/^    revokectl stat/s/^    \([^\t]*\).*/\1/p' /pr/README.md)"
	ok "a manual page for each object" manual
	completes
	systemctl stop pin-revoke-journal
	ok "the module can go, again" modprobe -r pin_revoke
	echo 1 > /sys/module/module/parameters/sig_enforce
	fails "enforced signatures" pin-revoke-policy \
		'Key was rejected by service|Required key not available' restart

	ok "README: apt purges them" readme 'apt purge'
	ok "and the other libraries" apt-get -y purge 'librevoke*'
	is "nobody has heard of them" "$(dkms status; versions; systemctl list-unit-files --no-legend 'pin-revoke*')" ""
	ok "nor of the module" eval '! modinfo pin_revoke'
	mkdir -p /media/{layer,root}
	mount /dev/disk/by-id/virtio-layer /media/layer
	mount -o ro,noload /dev/disk/by-id/virtio-root /media/root
	is "what the administrator wrote is left, and nothing else" "$(left)" \
		"$(printf '%s\n' "${policies#/}"/{10-site,15-more}.conf)"
}

# As in packages-test.sh; and what a machine writes while it runs.
left() {
	local file
	cd /media/layer/upper || return
	find . ! -type d ! -type c -printf '%P\n' |
		grep -vE '^(var/lib/(dpkg|apt|systemd)|var/cache|var/log|run|tmp|pr|dev|etc/ld\.so\.cache)|^(usr/)?lib/modules/[^/]*/modules\.' |
		grep -vE '^usr/share/(python3|info|mime)|\.pyc$|^var/lib/dkms/mok\.|^etc/(\.updated|machine-id)|^var/\.updated' |
		while read -r file; do
			[ -L "$file" ] && [ "$(readlink "$file")" = "$(readlink "/media/root/$file")" ] ||
				cmp -s "$file" "/media/root/$file" || echo "$file"
		done | sort
}

is "process 1" "$(cat /proc/1/comm)" systemd
ok "the machine is up" eval 'systemctl is-system-running --wait | grep -xE "running|degraded"'
"$1"
done_testing
