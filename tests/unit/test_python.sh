#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# The Python module against the C headers: structures and constants are the same, which
# the compiler says of assertions that the module's own structures are made into. O is
# the build directory; there is no such family here.
#
# Must never have a list of members of its own.
set -u
top=$(cd "${0%/*}/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export LD_LIBRARY_PATH="$O/lib" PYTHONPATH="$tmp" PYTHONDONTWRITEBYTECODE=1
nr=0 failed=0
echo "TAP version 13"

# ok NAME CMD... - the command succeeds
ok() {
	name=$1
	shift
	nr=$((nr + 1))
	if out=$("$@" 2>&1); then
		echo "ok $nr - $name"
	else
		echo "not ok $nr - $name"
		printf '%s\n' "$out" | sed 's/^/# /'
		failed=$((failed + 1))
	fi
}

not() { ! "$@"; }
python() { /usr/bin/python3 -W error -c "import revoke; $1"; }

# module [SCRIPT] - the module to test, changed
module() { sed "${1:-}" "$top/lib/bridges/python/revoke.py" > "$tmp/revoke.py"; }

assertions='
import ctypes
print("#include <revoke/revoke.h>")
def check(what): print(f"_Static_assert({what}, \"\");")
for name in "open_opts", "pin", "event", "range", "policy":
    c = "struct revoke_" + name
    python = getattr(revoke, "_" + name.title().replace("_", ""))
    check(f"sizeof({c}) == {ctypes.sizeof(python)}")
    for member, _ in python._fields_:
        there = getattr(python, member)
        check(f"offsetof({c}, {member}) == {there.offset}")
        check(f"sizeof((({c} *)0)->{member}) == {there.size}")
for kind in "RELEASED", "QUIESCED", "DECLINED":
    check(f"PIN_REVOKE_ACK_KIND_{kind} == {getattr(revoke, kind)}")
check(f"PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD == {revoke.ANSWERING_THREAD}")
check(f"PIN_REVOKE_EVENT_FLAGS_REPEAT == {revoke._EVENT_REPEAT}")
check(f"PIN_REVOKE_EVENT_FLAGS_FORCED == {revoke._EVENT_FORCED}")
check(f"REVOKE_RANGE_WRITE == {revoke._RANGE_WRITE}")
for word, nr in revoke.REASONS.items():
    check(f"PIN_REVOKE_REASON_" + word.upper().replace("-", "_") + f" == {nr}")
check(f"PIN_REVOKE_REASON_MAX + 1 == {len(revoke.REASONS)}")
'
asserted() { python "$assertions" > "$tmp/check.c" && [ "$(wc -l < "$tmp/check.c")" -gt 60 ]; }
compiles() { gcc -I"$top/uapi" -I"$top/lib/include" -fsyntax-only "$tmp/check.c"; }
same() { asserted && compiles; }
# differs SCRIPT - would it be noticed?
differs() { module "$1" && asserted && not compiles; }

module
ok "structures and constants are those of the headers" same
ok "a member that is missing would be noticed" differs 's/("reason", c_uint32),//'
ok "so would one of another size" differs 's/"driver", c_char \* 64/"driver", c_char * 63/'
ok "so would another value" differs 's/^RELEASED, QUIESCED/QUIESCED, RELEASED/'
module
ok "it says that there is nothing" python '
import errno
try: revoke.Context()
except OSError as error: assert error.errno == errno.ENOSYS
else: raise SystemExit("there is")'
ok "a context that was not opened is refused, not crashed on" python '
ctx = revoke.Context.__new__(revoke.Context)
ctx.close()
try: ctx.declare(bytearray(1))
except ValueError: pass
else: raise SystemExit("it is not")'
ok "memory that cannot be written is refused" python '
ctx = revoke.Context.__new__(revoke.Context)
try: ctx.declare(b"constant")
except TypeError: pass
else: raise SystemExit("it is not")'
ok "the example tells how to call it" sh -c "/usr/bin/python3 '$top/lib/bridges/python/asyncio-example.py' 2>&1 | grep -q '^usage: '"

echo "1..$nr"
[ $failed = 0 ]
