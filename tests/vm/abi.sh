#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Writes lib/librevoke.abi: what the library, built in the guest root and so by
# the same compiler everywhere, looks like to its callers.
# tests/unit/test_package.sh refuses whatever changes it.
#
# To be run when something was added, or before a version that breaks it.
. "${BASH_SOURCE[0]%/*}/env.sh"

use_kernel newest
"$VM/in-root.sh" "$ROOT" make -s -C /src/lib O="/build/${USER_O##*/}" abi
sed '1a <!-- SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause -->' \
	"$USER_O/lib/librevoke.abi" > "$TOP/lib/librevoke.abi"
