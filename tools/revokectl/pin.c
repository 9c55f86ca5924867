// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl pin: list pins. Owns how a pin looks; taking them is in revoke.c.
 *
 * Must never believe that a string of the kernel's is fit for a terminal.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include "revokectl.h"

const char *size_text(uint64_t bytes, char buf[static 16])
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double size = bytes;
	size_t i;

	for (i = 0; size >= 1024 && i < 4; i++)
		size /= 1024;
	snprintf(buf, 16, i ? "%.1f%s" : "%.0f%s", size, units[i]);
	return buf;
}

static void flags_text(uint32_t flags)
{
	int bit;

	for (bit = 0; bit < 32; bit++)
		if (flags & REVOKE_BIT(bit))
			out_text(" %s",
				 revoke_pin_flags_name(REVOKE_BIT(bit)));
}

/* One pin, without the end of the line. @counters: @pin has them. */
void pin_out(const char *key, const struct revoke_pin *pin, bool counters)
{
	char buf[16];

	out_object(key);
	out_u64("id", "pin %llu", pin->id);
	out_str("comm", " %s", pin->comm);
	out_u64("pid", "/%llu", pin->pid);
	out_addr("addr", " %s", pin->addr);
	out_text("+%s", size_text(pin->len, buf));
	out_u64("len_bytes", NULL, pin->len);
	out_str("name", *pin->name ? " %s" : NULL, pin->name);
	out_str("state", counters ? "  %s" : NULL,
		revoke_state_name(pin->state));
	out_str("driver", options.details ? "  driver %s" : NULL, pin->driver);
	out_flags("flags", pin->flags, revoke_pin_flags_name);
	if (options.details)
		flags_text(pin->flags);
	if (counters) {
		out_u64("revoked", "  revoked %llu", pin->revoked);
		out_u64("forced", " forced %llu", pin->forced);
	}
	if (options.json)
		out_close();
}

static int on_pin(struct nlmsghdr *nlh, void *arg)
{
	struct revoke_pin *pin = arg;

	return revoke_parse_pin_msg(nlh, pin) ? -EPROTO : 0;
}

int get_pin(struct revoke_nl *nl, uint64_t id, struct revoke_pin *pin)
{
	struct nl_msg *msg;

	msg = revoke_nl_msg(nl, PIN_REVOKE_CMD_PIN_GET,
			    NLM_F_REQUEST | NLM_F_ACK);
	if (!msg || nla_put_u64(msg, PIN_REVOKE_A_PIN_ID, id)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return revoke_nl_call(nl, msg, on_pin, pin, NULL);
}

static void show_one(const struct revoke_pin *pin)
{
	pin_out(NULL, pin, true);
	out_text("\n");
}

static int show_id(struct revoke_nl *nl, const char *word)
{
	struct revoke_pin pin;
	uint64_t id;
	int err;

	if (!parse_number("pin show", word, UINT64_MAX, &id))
		return EXIT_USAGE;
	err = revoke_nl_connect(nl);
	if (err)
		return fail(err, "pin show");
	err = get_pin(nl, id, &pin);
	revoke_nl_close(nl);
	if (err)
		return fail(err, "pin %llu", (unsigned long long)id);
	out_array(NULL);
	show_one(&pin);
	out_close();
	return EXIT_OK;
}

static int show(int argc, char **argv)
{
	struct filter f = { 0 };
	struct revoke_nl nl;
	struct pins pins;
	size_t i;
	int err;

	/* All other words begin with a letter. */
	if (argc && (isdigit((unsigned char)*argv[0]) || *argv[0] == '-'))
		return argc > 1 ? usage("too much after \"pin show %s\"", argv[0]) :
				  show_id(&nl, argv[0]);
	err = filter_parse(&f, false, argc, argv);
	if (err)
		return err;
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "pin show");
	err = pins_get(&nl, &f, &pins);
	revoke_nl_close(&nl);
	if (err)
		return fail(err, "pin show");
	out_array(NULL);
	for (i = 0; i < pins.nr; i++)
		show_one(&pins.pin[i]);
	out_close();
	if (pins.changed)
		hint_changed();
	if (!pins.nr)
		hint_scope();
	pins_put(&pins);
	return EXIT_OK;
}

int pin_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show,
		  "[ ID | FILTER... ] [ top NUMBER ]\n"
		  "  FILTER: pid PID | comm NAME | uid UID | cgroup PATH |\n"
		  "    driver MODULE | device NAME | overlap ADDR[+BYTES] | fs PATH |\n"
		  "    file PATH [ offset BYTES ] [ length BYTES ]" },
		{ "revoke", revoke_main,
		  "WHICH... [ grace MS | force ] [ wait ]" },
		{ "drain", drain_main,
		  "WHICH... [ grace MS | force ] [ -- COMMAND... ]\n"
		  "  WHICH: ID | pid PID | driver MODULE | device NAME |\n"
		  "    file PATH [ offset BYTES ] [ length BYTES ] | fs PATH |\n"
		  "    memory { ADDR length BYTES | BLOCK } | node NODE" },
		{ 0 }
	};

	return run_command("pin", commands, argc, argv);
}
