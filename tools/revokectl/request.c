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

/* With -o each begins where another command finds it: behind a backslash. */
static void next_line(void)
{
	out_text(options.oneline ? "\\" : "\n");
}

struct shown {
	struct filter f;
	unsigned int nr;
};

/* Is any of its pins meant? */
static int match(const struct filter *f, const struct revoke_request *req)
{
	int ret = 0;
	size_t i;

	if ((f->reason && req->reason != (uint32_t)f->reason) ||
	    (f->overdue && req->remaining_ns))
		return 0;
	for (i = 0; !ret && i < req->nr_pins; i++)
		ret = filter_match(f, &req->pins[i]);
	return req->nr_pins ? ret : 1;
}

static int show_one(const struct revoke_request *req, void *arg)
{
	struct shown *shown = arg;
	int ret = match(&shown->f, req);
	size_t i;

	if (ret <= 0)
		return ret;
	if (shown->f.top && shown->nr == shown->f.top)
		return 0;
	shown->nr++;
	out_object(NULL);
	out_u64("id", "req %llu", req->id);
	out_str("reason", " %s", revoke_reason_name(req->reason));
	out_text("  answer within %.0f ms  open for %.0f ms",
		 ms(req->remaining_ns), ms(req->elapsed_ns));
	out_u64("remaining_ns", NULL, req->remaining_ns);
	out_u64("deadline_ns", NULL, req->deadline_ns);
	out_u64("elapsed_ns", NULL, req->elapsed_ns);
	trigger_out(req->trigger_comm, req->trigger_pid);
	out_array("pins");
	for (i = 0; i < req->nr_pins; i++) {
		next_line();
		out_text("    ");
		pin_out(NULL, &req->pins[i], false);
	}
	out_text("\n");
	if (options.json) {
		out_close();
		out_close();
	}
	return 0;
}

static int show(int argc, char **argv)
{
	struct shown shown = { 0 };
	struct revoke_nl nl;
	int err;

	err = filter_parse(&shown.f, true, argc, argv);
	if (err)
		return err;
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "request show");
	out_array(NULL);
	err = revoke_nl_requests(&nl, show_one, &shown);
	revoke_nl_close(&nl);
	if (err && err != -EAGAIN)
		return fail(err, "request show");
	out_close();
	if (err)
		hint_changed();
	if (!shown.nr)
		hint_scope();
	return EXIT_OK;
}

int request_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show,
		  "[ FILTER ]... [ reason REASON ] [ overdue ] [ top NUMBER ]\n"
		  "  FILTER: as in revokectl pin show" },
		{ 0 }
	};

	return run_command("request", commands, argc, argv);
}
