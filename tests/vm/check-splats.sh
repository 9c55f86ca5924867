#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: check-splats.sh LOG...
# Prints every line of kernel logs that speaks of a bug, with its file and line;
# fails if there is one, or if a log has no line at all. splats.allow lists the
# lines that are none.
#
# Must never judge what tests print, only what the kernel says.
set -euo pipefail
dir=${BASH_SOURCE[0]%/*}

splats='WARNING:|\bBUG:|kernel BUG at|\bOops\b|general protection fault'
splats+='|Kernel panic|Call Trace:|cut here|Unable to handle|stack guard page'
splats+='|possible (circular|recursive|irq) |INFO: possible|inconsistent lock state'
splats+='|suspicious RCU|INFO: (lockdep|trying to register)|DEADLOCK|held lock freed'
splats+='|lock held when returning|still has locks held|blocked for more than|hung task|soft lockup|hard LOCKUP'
splats+='|rcu.*(detected stall|self-detected|expedited stalls)|scheduling while atomic'
splats+='|sleeping function called|KASAN|UBSAN|KCSAN|KMSAN|KFENCE|kmemleak:.*suspected|unreferenced object'
splats+='|unregister_netdevice: waiting|refcount_t:|list_(add|del) corruption'
splats+='|Bad page|Bad rss-counter|EXT4-fs error|XFS.*(Corruption|Assertion|Internal error)'
splats+='|BTRFS.*(critical|error)|I/O error|Out of memory|page allocation failure'
splats+='|invalid opcode|ODEBUG|Unknown symbol|disagrees about version'

[ $# != 0 ] || { echo "usage: check-splats.sh LOG..." >&2; exit 2; }
allow=$(sed 's/#.*//; s/[[:space:]]*$//; /^$/d' "$dir/splats.allow" | paste -sd '|')
bad=0
for log; do
	if [ ! -s "$log" ]; then
		echo "$log: empty, the kernel said nothing"
		bad=1
	elif grep -nHaE "$splats" "$log" | grep -vaE "${allow:-^$}"; then
		bad=1
	fi
done
exit $bad
