#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Prints lib/names_gen.c: the tokens of pin-revoke.yaml as C functions, so that
# no other place has to spell them. uapi/gen.sh calls it.
#
# usage: gen-names.py pin-revoke.yaml
import sys
import yaml


def c_name(token):
    return token.replace("-", "_")


def function(name, prefix, tokens):
    """name(): the token of a value, '?' if there is none."""
    lines = [f"const char *revoke_{c_name(name)}_name(uint32_t value)",
             "{", "\tswitch (value) {"]
    for token in tokens:
        lines += [f"\tcase {prefix}_{c_name(token).upper()}:",
                  f'\t\treturn "{token}";']
    lines += ["\tdefault:", '\t\treturn "?";', "\t}", "}"]
    return "\n".join(lines)


with open(sys.argv[1], encoding="utf-8") as file:
    spec = yaml.safe_load(file)
family = c_name(spec["name"]).upper()

# The functions that <revoke/revoke.h> promises.
PUBLIC = ("reason", "state", "ack-kind")

parts = []
for definition in spec["definitions"]:
    if definition["type"] not in ("enum", "flags"):
        continue
    name = definition["name"]
    text = function(name, f"{family}_{c_name(name).upper()}",
                    [entry["name"] for entry in definition["entries"]])
    parts.append("REVOKE_EXPORT " + text if name in PUBLIC else text)
parts.append(function("cmd", f"{family}_CMD",
                      [op["name"] for op in spec["operations"]["list"]]))

print("""\
// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: tokens of the specification.
 *
 * Do not edit: made from uapi/pin-revoke.yaml by uapi/gen-names.py.
 */
#include "internal.h"
""")
print("\n\n".join(parts))
