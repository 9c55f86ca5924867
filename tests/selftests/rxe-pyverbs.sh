#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# timeout: 600
#
# rdma-core's own test suite gives the same results on our rdma_rxe as on the
# distribution's: both run it here, test by test, and the lists must not differ.
# The environment's PYVERBS chooses its modules, see tests/README.md.
#
# Must never say what the result of a test should be: the stock driver does.
dir=${0%/*}
. "$dir/lib.sh"
. "$dir/lib-rdma.sh"

SUITE=/run/pyverbs

# Each module in a process of its own: some leave objects behind that crash it.
unpack() {
	mkdir $SUITE && cp -r /usr/share/doc/rdma-core/tests $SUITE/ &&
		gunzip $SUITE/tests/*.gz && cat > $SUITE/run.py <<'EOT'
import os, sys, time, traceback, unittest
from args_parser import parser
parser.parse_args()
import tests

class Lines(unittest.TestResult):
    def startTest(self, test):
        self.began = time.monotonic()

    def line(self, test, result, err=None):
        print(test.id(), result, flush=True)
        print(f"{time.monotonic() - self.began:6.2f} s {test.id()} {result}", file=sys.stderr)
        if err:
            traceback.print_exception(*err)

    def addSuccess(self, test):
        self.line(test, "ok")

    def addSkip(self, test, reason):
        self.line(test, "skipped")

    def addError(self, test, err):
        self.line(test, "error", err)

    def addFailure(self, test, err):
        self.line(test, "failed", err)

for module in tests.__test_modules__:
    name = module.__name__.split(".")[-1]
    if name not in sys.argv[1:]:
        continue
    child = os.fork()
    if not child:
        unittest.defaultTestLoader.loadTestsFromModule(module).run(Lines())
        os._exit(0)
    print(name, "ends with", os.waitpid(child, 0)[1], flush=True)
EOT
}

# run_suite NAME - results in $SUITE/NAME, one line each
run_suite() {
	local since=$SECONDS
	# shellcheck disable=SC2086 # a list
	(cd $SUITE && PYTHONPATH=$SUITE/tests PYTHONDONTWRITEBYTECODE=1 \
		python3 run.py --dev rxe0 $modules > "$1" 2> "/run/out/pyverbs-$1")
	diag "$1: $(grep -c ' ok$' "$SUITE/$1") ok, $(grep -c ' skipped$' "$SUITE/$1") skipped," \
		"$(grep -cE ' (error|failed)$' "$SUITE/$1") failed in $((SECONDS - since)) s"
}

same() { diff $SUITE/stock $SUITE/ours; }
many() { [ "$(grep -c ' ok$' $SUITE/stock)" -ge 5 ]; }

ok "the suite is there" unpack
all=$(cd $SUITE/tests && printf '%s\n' test_*.py | sed 's/\.py$//')
# Not by default: what is for devices of others, and what takes a third of the time
# where nothing of ours is, in a time-out and in on-demand paging.
most=$(grep -vxE 'test_(mlx5_.*|efa.*|cuda_.*|cq|odp)' <<< "$all")
case ${PYVERBS:-} in
all) modules=$all ;;
'')
	modules=$most
	# Elsewhere those of what we changed: regions, and windows of them.
	case $KERNEL in 6.*) modules="test_atomic test_mr" ;; esac
	;;
*) modules=$PYVERBS ;;
esac
diag "not run: $(grep -vxF "$(tr ' ' '\n' <<< "$modules")" <<< "$all" | paste -sd ' ')"

ok "soft-RoCE as it is distributed" rxe_up stock
run_suite stock
ok "the suite ran on it" many
ok "it goes" rxe_down
ok "soft-RoCE with revocable regions" rxe_up
run_suite ours
ok "the list of differences is empty" same
ok "everything can be unloaded" rxe_down
done_testing
