// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl monitor: tell what happens while it happens.
 *
 * Owns the lines and objects of an event. Each is written out at once, or becomes an
 * entry of the journal. The first says that we listen: what comes later is shown, or
 * said to be lost. Must never go deaf without a word, as it would when the module is
 * unloaded: its group forgets us then.
 */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
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
	/* cppcheck-suppress-begin [arrayIndexOutOfBounds,arrayIndexOutOfBoundsCond] ; it ends */
	for (i = 0; i < sizeof(upper) - 1 && event[i]; i++)
		upper[i] = event[i] == '-' ? '_' :
				toupper((unsigned char)event[i]);
	/* cppcheck-suppress-end [arrayIndexOutOfBounds,arrayIndexOutOfBoundsCond] */
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

/* Hears which families come and go. Return: a descriptor, or -errno. */
static int families_open(void)
{
	const struct sockaddr_nl addr = {
		.nl_family = AF_NETLINK,
		.nl_groups = 1U << (GENL_ID_CTRL - 1),
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_GENERIC);
	int err;

	if (fd < 0)
		return -errno;
	if (!bind(fd, (const struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

/* Return: CTRL_CMD_NEWFAMILY or _DELFAMILY, what ours did last; 0: nothing. */
static int families_next(int fd)
{
	char buf[8192] __attribute__((aligned(NLMSG_ALIGNTO)));
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	int did = 0, len;

	while ((len = recv(fd, buf, sizeof(buf), 0)) > 0) {
		const struct genlmsghdr *genl = nlmsg_data(nlh);
		struct nlattr *name;

		if (!nlmsg_ok(nlh, len) || !nlmsg_valid_hdr(nlh, GENL_HDRLEN) ||
		    genl->cmd > CTRL_CMD_DELFAMILY)
			continue;
		name = nlmsg_find_attr(nlh, GENL_HDRLEN, CTRL_ATTR_FAMILY_NAME);
		if (name && !nla_strcmp(name, PIN_REVOKE_FAMILY_NAME))
			did = genl->cmd;
	}
	return did;
}

static int listen_to(struct revoke_stream *events, struct revoke_nl *nl,
		     uint64_t since)
{
	int err = monitor_join(nl);

	if (err)
		return err;
	revoke_stream_init(events, nl);
	note_out(since, "listening", "for events");
	return 0;
}

int monitor_main(int argc, char **argv)
{
	static struct revoke_stream events;
	uint64_t start = now_ns();
	int ret, did, families;
	struct revoke_pin pin;
	struct revoke_nl nl;

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
	families = families_open();
	if (families < 0)
		return fail(families, "monitor");
	ret = listen_to(&events, &nl, now_ns() - start);
	if (ret)
		return fail(ret, "monitor");
	while (!out_error()) {
		struct pollfd pfd[] = {
			{ .fd = events.fd, .events = POLLIN },
			{ .fd = families, .events = POLLIN },
		};

		did = 0;
		ret = revoke_stream_next(&events, &pin);
		if (ret == 1)
			event_out(now_ns() - start, &events.cur.msg, &pin);
		else if (ret == -ENOBUFS)
			note_out(now_ns() - start, "lost",
				 "events: see revokectl request show");
		else if (ret)
			break;
		else if (poll(pfd, 2, -1) > 0 && pfd[1].revents)
			did = families_next(families);
		if (did == CTRL_CMD_DELFAMILY) {
			note_out(now_ns() - start, "unloaded",
				 "until the module is there again");
		} else if (did == CTRL_CMD_NEWFAMILY) {
			revoke_nl_close(&nl);
			ret = listen_to(&events, &nl, now_ns() - start);
			if (ret)
				return fail(ret, "monitor");
		}
	}
	revoke_nl_close(&nl);
	if (out_error())
		return fail(out_error(), "monitor: its output");
	return fail(ret, "monitor");
}
