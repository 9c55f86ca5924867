#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: fuzz.sh { test | fuzz } [VARIABLE=VALUE...]
# Builds and runs the fuzzers of tests/fuzz in the guest root, with clang over it.
#
# Must never need a package of the host.
. "${BASH_SOURCE[0]%/*}/env.sh"

exec "$VM/layer.sh" make -s -C /src/tests/fuzz O="/build/$(suite_of newest)" "$@"
