#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
#
# Prints what fuzzers know of the family: as a C table, what core-fuzz sends
# (tests/selftests/core-fuzz/spec_gen.h), and as a description for syzkaller
# (tests/fuzz/pin_revoke.txt). uapi/gen.sh calls it.
#
# Must never know a command or an attribute that pin-revoke.yaml does not have.
#
# usage: gen-fuzz.py { c | syz } pin-revoke.yaml
import re
import sys
import yaml

MAX = {"u32": 0xffffffff, "u64": 0xffffffffffffffff, "string": 255, "binary": 255}


def c_name(token):
    return token.replace("-", "_")


def upper(*tokens):
    return "_".join(c_name(t).upper() for t in tokens)


with open(sys.argv[2], encoding="utf-8") as file:
    spec = yaml.safe_load(file)
family = upper(spec["name"])
definitions = {d["name"]: d for d in spec["definitions"]}
attr_sets = {s["name"]: s for s in spec["attribute-sets"]}
sets = [s for s in spec["attribute-sets"] if "subset-of" not in s]
operations = spec["operations"]["list"]


def limits(attr):
    """The least and the most that an attribute's value, or length, can be."""
    checks, kind = attr.get("checks", {}), attr["type"]
    most = checks.get("max", checks.get("max-len", MAX.get(kind, 0)))
    if "enum" in attr:
        nr = len(definitions[attr["enum"]]["entries"])
        most = (1 << nr) - 1 if attr.get("enum-as-flags") else nr - 1
    return checks.get("min", 0), definitions[most]["value"] if most in definitions else most


def asked(op, how):
    """Names of the attributes of a question, None where there is none."""
    if how not in op:
        return None
    return op[how].get("request", {}).get("attributes", [])


def c_set(attr_set):
    prefix = upper(spec["name"], "a", attr_set["name"])
    lines = []
    for attr in attr_set["attributes"]:
        least, most = limits(attr)
        kind = upper("spec", attr["type"])
        nested = attr.get("nested-attributes")
        nest = upper("set", nested) if nested in [s["name"] for s in sets] else "SPEC_NO_SET"
        lines.append(f'\t{{ "{attr["name"]}", {prefix}_{upper(attr["name"])}, {kind}, '
                     f'{least}ULL, {most}ULL, {nest} }},')
    return (f"static const struct spec_attr spec_{c_name(attr_set['name'])}[] = {{\n"
            + "\n".join(lines) + "\n};\n")


def c_mask(op, how):
    """A bit for each attribute of a question, by its place in its set."""
    names = [a["name"] for a in attr_sets[op["attribute-set"]]["attributes"]]
    return "|".join(f"1U << {names.index(n)}" for n in asked(op, how) or []) or "0"


def c_op(op):
    has = "|".join(upper("spec", how) for how in ("do", "dump") if how in op) or "0"
    return (f'\t{{ "{op["name"]}", {family}_CMD_{upper(op["name"])}, '
            f'{upper("set", op["attribute-set"])},\n\t  {has}, {c_mask(op, "do")},\n'
            f'\t  {c_mask(op, "dump")} }},')


def print_c():
    errors = re.findall(r"^ {2}(E[A-Z]+) ", spec["doc"], re.M)
    print("""\
/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * core-fuzz: commands, attributes and errors of the specification.
 *
 * Do not edit: made from uapi/pin-revoke.yaml by uapi/gen-fuzz.py.
 */
""")
    print("enum { " + ", ".join(upper("set", s["name"]) for s in sets) + " };\n")
    for attr_set in sets:
        print(c_set(attr_set))
    print("static const struct spec_set spec_sets[] = {")
    for attr_set in sets:
        name = c_name(attr_set["name"])
        print(f"\t[{upper('set', name)}] = {{ spec_{name}, NR(spec_{name}) }},")
    print("};\n\nstatic const struct spec_op spec_ops[] = {")
    print("\n".join(c_op(op) for op in operations))
    print("};\n\n/* What the kernel may say, besides what netlink says itself */")
    print("static const int spec_errors[] = {\n\t" + ", ".join(errors) + ",\n};")


def syz_value(attr):
    kind = {"u32": "int32", "u64": "int64"}.get(attr["type"])
    least, most = limits(attr)
    if attr["type"] == "nest":
        return None
    if attr["name"] == "ctx-fd":
        return "fd_pin_revoke"
    if attr["name"].endswith("-fd"):
        return "fd"
    if attr["name"] == "pid":
        return "pid"
    if attr["name"] == "uid":
        return "uid"
    if attr["name"] == "addr":
        return "vma64"
    if kind is None:
        return "string" if attr["type"] == "string" else "array[int8]"
    if "enum" in attr:
        return f"flags[{c_name(spec['name'])}_{c_name(attr['enum'])}, {kind}]"
    if most != MAX[attr["type"]]:
        return f"{kind}[{least}:{most}]"
    return kind


def syz_policy(name, attr_set, wanted):
    prefix = upper(spec["name"], "a", attr_set["name"])
    lines = [f"{name} ["]
    for attr in attr_set["attributes"]:
        if attr["name"] not in wanted:
            continue
        const = f"{prefix}_{upper(attr['name'])}"
        if attr["type"] == "nest":
            inner = c_name(f"{spec['name']}_{attr['nested-attributes']}_attrs")
            lines.append(f"\t{const}\tnlnest[{const}, array[{inner}]]")
        else:
            lines.append(f"\t{const}\tnlattr[{const}, {syz_value(attr)}]")
    return "\n".join(lines + ["] [varlen]\n"])


SYZ_HEAD = """\
# SPDX-License-Identifier: GPL-2.0-only
#
# The family for syzkaller: as sys/linux/socket_netlink_generic_pin_revoke.txt it is
# one of its descriptions.
#
# Do not edit: made from uapi/pin-revoke.yaml by uapi/gen-fuzz.py.

include <linux/net.h>
include <uapi/linux/netlink.h>
include <uapi/linux/genetlink.h>
include <uapi/linux/pin_revoke.h>
include <uapi/linux/pin_revoke_ioctl.h>

resource genl_{f}_family_id[int16]
resource fd_{f}[fd]

syz_genetlink_get_family_id${f}(name ptr[in, string["{name}"]], fd sock_nl_generic) genl_{f}_family_id

type msghdr_{f}[CMD, POLICY] msghdr_netlink[netlink_msg[genl_{f}_family_id, genlmsghdr_t[CMD], POLICY]]

# The answer to open, if no event came before it
recvfrom${f}_open(fd sock_nl_generic, buf ptr[out, {f}_opened], len bytesize[buf], f flags[recv_flags], addr const[0], addrlen const[0])

{f}_opened {{
	header	array[const[0, int8], 24]
	fd	fd_{f}
}}

mmap${f}(addr vma, len len[addr], prot const[PROT_READ], flags const[MAP_SHARED], fd fd_{f}, offset intptr[0:0x7f000, 0x1000])
ioctl${F}_IOC_DECLARE(fd fd_{f}, cmd const[{F}_IOC_DECLARE], arg ptr[in, {f}_ranges])
ioctl${F}_IOC_UNDECLARE(fd fd_{f}, cmd const[{F}_IOC_UNDECLARE], arg ptr[in, {f}_ranges])

{f}_range {{
	addr	vma64
	len	int64
	flags	flags[{f}_range_flags, int32]
	word	const[0, int32]
	id	int64[0:64]
	generation	const[0, int64]
}}

{f}_ranges {{
	size	bytesize[parent, int32]
	nr	len[ranges, int32]
	ranges	ptr64[inout, array[{f}_range, 1:64]]
	name	ptr64[in, string, opt]
	text	ptr64[out, array[int8, 80], opt]
}}
"""


def print_syz():
    short = c_name(spec["name"])
    print(SYZ_HEAD.format(f=short, F=family, name=spec["name"]))
    for attr_set in sets:
        nests = [a for s in sets for a in s["attributes"]
                 if a.get("nested-attributes") == attr_set["name"]]
        if nests:
            print(syz_policy(f"{short}_{c_name(attr_set['name'])}_attrs", attr_set,
                             [a["name"] for a in attr_set["attributes"] if a["type"] != "pad"]))
    for op in operations:
        for how in ("do", "dump"):
            wanted = asked(op, how)
            if wanted is None:
                continue
            name = upper(op["name"]) + ("_DUMP" if how == "dump" else "")
            policy = "nl_generic_attr"
            if wanted:
                policy = f"{short}_{name.lower()}"
                print(syz_policy(policy, attr_sets[op["attribute-set"]], wanted))
            print(f"sendmsg${family}_CMD_{name}(fd sock_nl_generic, msg ptr[in, msghdr_{short}"
                  f"[{family}_CMD_{upper(op['name'])}, {policy}]], f flags[send_flags])\n")
    for name, definition in definitions.items():
        if definition["type"] in ("enum", "flags"):
            print(f"{short}_{c_name(name)} = " + ", ".join(
                f"{family}_{upper(name, e['name'])}" for e in definition["entries"]))


{"c": print_c, "syz": print_syz}[sys.argv[1]]()
