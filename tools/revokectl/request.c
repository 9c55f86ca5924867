// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl request: list what is being asked for at this moment.
 */
#include <errno.h>
#include "revokectl.h"

/* Who caused it; nothing if we may not know. */
void trigger_out(const char *comm, uint32_t pid)
{
	if (!pid)
		return;
	out_object("trigger");
	out_str("comm", "  (%s", comm);
	out_u64("pid", "/%llu)", pid);
	if (options.json)
		out_close();
}

static int show_one(struct nlmsghdr *nlh, void *arg)
{
	unsigned int *shown = arg;
	struct revoke_msg msg;
	struct revoke_pin pin;
	unsigned int i;

	if (revoke_parse_request(nlh, &msg))
		return -EPROTO;
	(*shown)++;
	out_object(NULL);
	out_u64("id", "req %llu", msg.id);
	out_str("reason", " %s", revoke_reason_name(msg.reason));
	out_flags("flags", msg.flags, revoke_event_flags_name);
	out_text("  answer within %.0f ms  open for %.0f ms",
		 ms(msg.remaining_ns), ms(msg.elapsed_ns));
	out_u64("remaining_ns", NULL, msg.remaining_ns);
	out_u64("deadline_ns", NULL, msg.deadline_ns);
	out_u64("elapsed_ns", NULL, msg.elapsed_ns);
	trigger_out(msg.trigger_comm, msg.trigger_pid);
	out_text("\n");
	out_array("pins");
	for (i = msg.nr_pins; i; i--) {
		revoke_msg_next_pin(&msg, &pin);
		out_text("    ");
		pin_out(NULL, &pin, false);
		out_text("\n");
	}
	if (options.json) {
		out_close();
		out_close();
	}
	return 0;
}

static int show(int argc, char **argv)
{
	unsigned int shown = 0;
	struct revoke_nl nl;
	int err;

	if (argc)
		return usage("\"request show\" takes no \"%s\"", argv[0]);
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "request show");
	out_array(NULL);
	err = revoke_nl_call(&nl,
			     revoke_nl_msg(&nl, PIN_REVOKE_CMD_REQUEST_GET,
					   NLM_F_REQUEST | NLM_F_DUMP),
			     show_one, &shown, NULL);
	revoke_nl_close(&nl);
	if (err)
		return fail(err, "request show");
	out_close();
	if (!shown)
		hint_scope();
	return EXIT_OK;
}

int request_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show, "" },
		{ 0 }
	};

	return run_command("request", commands, argc, argv);
}
