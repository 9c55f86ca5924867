// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl pin: list pins, and ask for one.
 *
 * Owns how a pin looks. Waiting for a revocation trusts no event: each one
 * only makes it look at the kernel's list of requests again.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include "revokectl.h"

/* What waiting adds to the deadline that the kernel names */
#define SLACK_NS 1000000000ULL
/* A request can end without an event, and an event can be lost. */
#define LOOK_AGAIN_MS 100

static const char *size_text(uint64_t bytes, char buf[static 16])
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

static int get_pin(struct revoke_nl *nl, uint64_t id, struct revoke_pin *pin)
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

static int show_one(const struct revoke_pin *pin, void *arg)
{
	unsigned int *shown = arg;

	(*shown)++;
	pin_out(NULL, pin, true);
	out_text("\n");
	return 0;
}

static int show(int argc, char **argv)
{
	unsigned int shown = 0;
	struct revoke_pin pin;
	struct revoke_nl nl;
	uint64_t id = 0;
	int err;

	if (argc > 1)
		return usage("too much after \"pin show %s\"", argv[0]);
	if (argc && !parse_number("pin show", argv[0], UINT64_MAX, &id))
		return EXIT_USAGE;
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "pin show");
	out_array(NULL);
	if (argc) {
		err = get_pin(&nl, id, &pin);
		if (!err)
			show_one(&pin, &shown);
	} else {
		err = revoke_nl_pins(&nl, show_one, &shown);
	}
	revoke_nl_close(&nl);
	if (err)
		return argc ? fail(err, "pin %llu", (unsigned long long)id) :
			      fail(err, "pin show");
	out_close();
	if (!shown)
		hint_scope();
	return EXIT_OK;
}

static int on_revoke(struct nlmsghdr *nlh, void *arg)
{
	static struct nla_policy policy[PIN_REVOKE_A_REVOKE_MAX + 1] = {
		[PIN_REVOKE_A_REVOKE_REQUEST] = { .type = NLA_U64 },
	};
	struct nlattr *tb[PIN_REVOKE_A_REVOKE_MAX + 1];
	uint64_t *request = arg;

	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_REVOKE_MAX, policy) < 0)
		return -EPROTO;
	if (tb[PIN_REVOKE_A_REVOKE_REQUEST])
		*request = nla_get_u64(tb[PIN_REVOKE_A_REVOKE_REQUEST]);
	return 0;
}

/* @request becomes 0 if the pin was taken at once. */
static int send_revoke(struct revoke_nl *nl, uint64_t pin,
		       const uint64_t *grace, uint64_t *request)
{
	struct nl_msg *msg;

	*request = 0;
	msg = revoke_nl_msg(nl, PIN_REVOKE_CMD_REVOKE,
			    NLM_F_REQUEST | NLM_F_ACK);
	if (!msg || nla_put_u64(msg, PIN_REVOKE_A_REVOKE_PIN, pin) ||
	    (grace && nla_put_u32(msg, PIN_REVOKE_A_REVOKE_GRACE_MS, *grace))) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return revoke_nl_call(nl, msg, on_revoke, request, NULL);
}

struct search {
	uint64_t id;
	uint64_t remaining_ns;
};

static int on_request(const struct revoke_request *req, void *arg)
{
	struct search *search = arg;

	if (req->id != search->id)
		return 0;
	search->remaining_ns = req->remaining_ns;
	return 1;
}

/* Return: EXIT_OK when the request is over, or the exit status. */
static int wait_request(struct revoke_nl *nl, struct revoke_nl *monitor,
			uint64_t request)
{
	static struct revoke_stream events;
	struct search search = { .id = request };
	uint64_t now = now_ns();
	uint64_t limit = now + SLACK_NS;
	struct revoke_pin pin;
	struct pollfd pfd;
	int ret;

	revoke_stream_init(&events, monitor);
	pfd = (struct pollfd){ .fd = events.fd, .events = POLLIN };
	for (;;) {
		ret = revoke_nl_requests(nl, on_request, &search);
		if (!ret)
			return EXIT_OK;
		if (ret < 0 && ret != -EAGAIN)
			return fail(ret, "request %llu",
				    (unsigned long long)request);
		now = now_ns();
		/* An EXTEND moves the deadline; past it nothing does. */
		if (ret == 1 && search.remaining_ns)
			limit = now + search.remaining_ns + SLACK_NS;
		if (now >= limit) {
			fprintf(stderr,
				"revokectl: request %llu is past its deadline and still open: see revokectl request show\n",
				(unsigned long long)request);
			return EXIT_TIMEOUT;
		}
		poll(&pfd, 1, LOOK_AGAIN_MS);
		do {
			ret = revoke_stream_next(&events, &pin);
		} while (ret == 1 || ret == -ENOBUFS);
		if (ret < 0)
			return fail(ret, "monitor");
	}
}

static int revoke_pin(struct revoke_nl *nl, struct revoke_nl *monitor,
		      uint64_t id, const uint64_t *grace)
{
	struct revoke_pin before = { 0 }, after;
	char comm[OUT_MAX];
	uint64_t request;
	int err;

	err = monitor ? get_pin(nl, id, &before) : 0;
	if (!err)
		err = send_revoke(nl, id, grace, &request);
	if (err)
		return fail(err, "pin %llu", (unsigned long long)id);

	out_array(NULL);
	out_object(NULL);
	out_u64("pin", "pin %llu", id);
	if (request)
		out_u64("request", " request %llu\n", request);
	else
		out_text(" taken\n");
	if (options.json)
		out_close();
	out_close();
	if (!monitor)
		return EXIT_OK;

	err = request ? wait_request(nl, monitor, request) : EXIT_OK;
	if (err)
		return err;
	err = get_pin(nl, id, &after);
	if (err == -ENOENT)
		return EXIT_OK;
	if (err)
		return fail(err, "pin %llu", (unsigned long long)id);
	/* It may have been restored meanwhile: then it was counted. */
	if (after.revoked != before.revoked ||
	    (after.state != PIN_REVOKE_STATE_ACTIVE &&
	     after.state != PIN_REVOKE_STATE_ASKED))
		return EXIT_OK;
	fprintf(stderr, "revokectl: pin %llu is still held by %s/%u\n",
		(unsigned long long)id, out_printable(after.comm, comm),
		after.pid);
	return EXIT_HOLDERS;
}

static int revoke_cmd(int argc, char **argv)
{
	static const char *const words[] = { "grace", "wait" };
	struct revoke_nl nl, monitor;
	bool has_grace = false;
	bool wait = false;
	uint64_t id, grace;
	int i, err;

	if (!argc)
		return usage("which pin? revokectl pin show has their numbers");
	if (!parse_number("pin revoke", argv[0], UINT64_MAX, &id))
		return EXIT_USAGE;
	for (i = 1; i < argc; i++) {
		switch (pick("word", argv[i], words, 2)) {
		case 0:
			if (!parse_number("grace", argv[++i],
					  PIN_REVOKE_MAX_DELAY_MS, &grace))
				return EXIT_USAGE;
			has_grace = true;
			break;
		case 1:
			wait = true;
			break;
		default:
			return EXIT_USAGE;
		}
	}
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "pin revoke");
	/* Listen first: what happens in between is not missed. */
	if (wait)
		err = monitor_join(&monitor);
	if (err)
		err = fail(err, "monitor");
	else
		err = revoke_pin(&nl, wait ? &monitor : NULL, id,
				 has_grace ? &grace : NULL);
	if (wait)
		revoke_nl_close(&monitor);
	revoke_nl_close(&nl);
	return err;
}

int pin_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show, "[ ID ]" },
		{ "revoke", revoke_cmd, "ID [ grace MS ] [ wait ]" },
		{ 0 }
	};

	return run_command("pin", commands, argc, argv);
}
