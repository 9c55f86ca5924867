// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl request: list what is being asked for at this moment.
 */
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

static int show_one(const struct revoke_request *req, void *arg)
{
	unsigned int *shown = arg;
	size_t i;

	(*shown)++;
	out_object(NULL);
	out_u64("id", "req %llu", req->id);
	out_str("reason", " %s", revoke_reason_name(req->reason));
	out_text("  answer within %.0f ms  open for %.0f ms",
		 ms(req->remaining_ns), ms(req->elapsed_ns));
	out_u64("remaining_ns", NULL, req->remaining_ns);
	out_u64("deadline_ns", NULL, req->deadline_ns);
	out_u64("elapsed_ns", NULL, req->elapsed_ns);
	trigger_out(req->trigger_comm, req->trigger_pid);
	out_text("\n");
	out_array("pins");
	for (i = 0; i < req->nr_pins; i++) {
		out_text("    ");
		pin_out(NULL, &req->pins[i], false);
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
	err = revoke_nl_requests(&nl, show_one, &shown);
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
