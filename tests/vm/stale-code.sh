#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: stale-code.sh CONSOLE
# Did the guest die of its emulator? With QEMU 7.2 it did while ftrace or a static key
# was switched (boot.sh), with 10.0 it was seen once. What fits: the translator
# reads code without holding off a processor that changes it:
#
#	one processor                   another
#	                                the kernel puts int3 over the code
#	reads int3, translates
#	                                puts the new code there
#	keeps the translation: QEMU
#	looks for writes from now on
#
# The first dies of a breakpoint that is not in memory, nor does the kernel know of it.
#
# Must never believe that of a breakpoint that is there.
set -euo pipefail
first=$(grep -m 1 -anE 'Oops|BUG|WARNING|Kernel panic|general protection' "$1")
[[ $first = *'Oops: int3:'* ]] || exit 1
# <xx> is where it would have gone on; int3 has one byte.
code=$(grep -m 1 -a ' Code: ' "$1")
[[ $code = *'<'* && $code != *' cc <'* ]]
