// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl monitor: tell what happens while it happens.
 *
 * Owns the lines and objects of an event. Each is written out at once, or becomes an
 * entry of the journal. The first says that we listen: what comes later is shown, or
 * said to be lost.
 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <netlink/genl/ctrl.h>
#include "revokectl.h"

/* A socket that hears what the kernel tells administrators */
int monitor_join(struct revoke_nl *nl)
{
	const int rcvbuf = 1024 * 1024;
	int err, group;

	err = revoke_nl_connect(nl);
	if (err)
		return err;
	group = genl_ctrl_resolve_grp(nl->sk, PIN_REVOKE_FAMILY_NAME,
				      PIN_REVOKE_MCGRP_MONITOR);
	err = group < 0 ? group : nl_socket_add_membership(nl->sk, group);
	if (err) {
		revoke_nl_close(nl);
		return revoke_nl_errno(err);
	}
	/* The kernel cuts it down to what is allowed. */
	setsockopt(nl_socket_get_fd(nl->sk), SOL_SOCKET, SO_RCVBUF, &rcvbuf,
		   sizeof(rcvbuf));
	return 0;
}

/* RELEASE_SOON stands out of a line better than release-soon. */
static void head(uint64_t since, const char *event)
{
	char upper[24];
	size_t i;

	/* The journal has times of its own. */
	if (!options.journal) {
		out_u64("time_ns", NULL, since);
		out_text("%8.3f ", since / 1e9);
	}
	out_str("event", NULL, event);
	for (i = 0; event[i] && i < sizeof(upper) - 1; i++)
		upper[i] = event[i] == '-' ? '_' :
				toupper((unsigned char)event[i]);
	upper[i] = '\0';
	out_text("%-13s", upper);
}

static bool has(const struct revoke_msg *msg, int attr)
{
	return msg->has & REVOKE_BIT(attr);
}

static void time_out(const struct revoke_msg *msg)
{
	bool remaining = has(msg, PIN_REVOKE_A_REQUEST_REMAINING_NS);
	bool elapsed = has(msg, PIN_REVOKE_A_REQUEST_ELAPSED_NS);

	if (remaining)
		out_u64("remaining_ns", NULL, msg->remaining_ns);
	if (elapsed)
		out_u64("elapsed_ns", NULL, msg->elapsed_ns);
	if (elapsed && msg->cmd != PIN_REVOKE_CMD_RELEASE_SOON)
		out_text(" after %.1f ms", ms(msg->elapsed_ns));
}

static void event_out(uint64_t since, const struct revoke_msg *msg,
		      const struct revoke_pin *pin)
{
	out_object(NULL);
	head(since, revoke_cmd_name(msg->cmd));
	if (msg->id)
		out_u64("request", " req %llu", msg->id);
	if (has(msg, PIN_REVOKE_A_REQUEST_ACK)) {
		out_str("ack", " %s", revoke_ack_kind_name(msg->ack));
		out_u64("ctx", " by ctx %llu", msg->ctx);
	} else if (has(msg, PIN_REVOKE_A_REQUEST_REASON)) {
		out_text(" %s", revoke_reason_name(msg->reason));
	}
	if (has(msg, PIN_REVOKE_A_REQUEST_REASON))
		out_str("reason", NULL, revoke_reason_name(msg->reason));
	out_flags("flags", msg->flags, revoke_event_flags_name);
	if (msg->flags & PIN_REVOKE_EVENT_FLAGS_REPEAT)
		out_text(" (again)");
	if (msg->flags & PIN_REVOKE_EVENT_FLAGS_FORCED)
		out_text(" forced");
	time_out(msg);
	if (pin->id) {
		out_text("  ");
		pin_out("pin", pin, false);
	}
	if (msg->cmd == PIN_REVOKE_CMD_RELEASE_SOON)
		out_text("  answer within %.0f ms", ms(msg->remaining_ns));
	trigger_out(msg->trigger_comm, msg->trigger_pid);
	out_text("\n");
	out_close();
}

static void note_out(uint64_t since, const char *event, const char *text)
{
	out_object(NULL);
	head(since, event);
	out_text(" %s\n", text);
	out_close();
}

int monitor_main(int argc, char **argv)
{
	static struct revoke_stream events;
	uint64_t start = now_ns();
	struct revoke_pin pin;
	struct revoke_nl nl;
	struct pollfd pfd;
	int ret;

	if (argc && (argc > 1 || strcmp(argv[0], "--journal")))
		return usage("monitor takes --journal, or nothing, and no \"%s\"",
			     argv[argc - 1]);
	if (argc && options.json)
		return usage("the journal has fields, no JSON: leave out -j");
	if (argc) {
		ret = journal_open();
		if (ret)
			return fail(ret, "monitor: is systemd-journald there? " JOURNAL_SOCKET);
		options.json = true;
		options.journal = true;
	}
	ret = monitor_join(&nl);
	if (ret)
		return fail(ret, "monitor");
	revoke_stream_init(&events, &nl);
	pfd = (struct pollfd){ .fd = events.fd, .events = POLLIN };
	note_out(now_ns() - start, "listening", "for events");
	while (!out_error()) {
		ret = revoke_stream_next(&events, &pin);
		if (ret == 1)
			event_out(now_ns() - start, &events.cur.msg, &pin);
		else if (ret == -ENOBUFS)
			note_out(now_ns() - start, "lost",
				 "events: see revokectl request show");
		else if (!ret)
			poll(&pfd, 1, -1);
		else
			break;
	}
	revoke_nl_close(&nl);
	if (out_error())
		return fail(out_error(), "monitor: its output");
	return fail(ret, "monitor");
}
