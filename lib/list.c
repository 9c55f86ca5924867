// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: lists of pins and of open requests.
 *
 * Owns the dumps, the way back to the truth after lost events. A dump is read
 * to its end before anybody hears of it, so that whoever does may call the
 * library: the answer to a request that was lost is given from there. One that
 * changed meanwhile is read again, but not for ever: some lists never stand still.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

#define TRIES	3

/* Messages, one after the other */
struct dump {
	char *buf;
	int len, size;
};

static int collect(struct nlmsghdr *nlh, void *arg)
{
	size_t len = NLMSG_ALIGN(nlh->nlmsg_len);
	struct dump *dump = arg;

	if (len > (size_t)(INT32_MAX / 2 - dump->len))
		return -EMSGSIZE;
	if (dump->len + (int)len > dump->size) {
		int size = 2 * (dump->len + len);
		char *buf = realloc(dump->buf, size);

		if (!buf)
			return -ENOMEM;
		dump->buf = buf;
		dump->size = size;
	}
	memcpy(dump->buf + dump->len, nlh, nlh->nlmsg_len);
	dump->len += len;
	return 0;
}

static struct nl_msg *question(const struct revoke_nl *nl, uint8_t cmd,
			       const struct revoke_want *want)
{
	struct nl_msg *msg = revoke_nl_msg(nl, cmd, NLM_F_REQUEST | NLM_F_DUMP);

	if (!msg || !want)
		return msg;
	if ((want->id && nla_put_u64(msg, PIN_REVOKE_A_PIN_ID, want->id)) ||
	    (want->pid && nla_put_u32(msg, PIN_REVOKE_A_PIN_PID, want->pid)) ||
	    (want->driver &&
	     nla_put_string(msg, PIN_REVOKE_A_PIN_DRIVER, want->driver)) ||
	    (want->device &&
	     nla_put_string(msg, PIN_REVOKE_A_PIN_DEVICE, want->device)) ||
	    (want->by_memory &&
	     nla_put_u64(msg, PIN_REVOKE_A_PIN_MEMORY_ADDR, want->memory_addr)) ||
	    (want->memory_len &&
	     nla_put_u64(msg, PIN_REVOKE_A_PIN_MEMORY_LEN, want->memory_len)) ||
	    (want->by_node && nla_put_u32(msg, PIN_REVOKE_A_PIN_NODE, want->node))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

/*
 * Calls @fn for each message of a dump until it returns non-zero. @changed: what
 * came or went while it was read, the last time, may be missing.
 */
static int dump(struct revoke_nl *nl, uint8_t cmd, const struct revoke_want *want,
		revoke_reply_fn fn, void *arg, bool *changed)
{
	struct dump all = { 0 };
	unsigned int tries = 0;
	struct nlmsghdr *nlh;
	int ret, left;

	do {
		all.len = 0;
		ret = revoke_nl_call(nl, question(nl, cmd, want), collect, &all,
				     NULL);
	} while (ret == -EAGAIN && ++tries < TRIES);
	*changed = ret == -EAGAIN;
	if (*changed)
		ret = 0;
	left = all.len;
	for (nlh = (struct nlmsghdr *)all.buf; !ret && left > 0;
	     nlh = nlmsg_next(nlh, &left))
		ret = fn(nlh, arg);
	free(all.buf);
	return ret;
}

struct pin_list {
	int (*fn)(const struct revoke_pin *pin, void *arg);
	void *arg;
};

static int on_pin(struct nlmsghdr *nlh, void *arg)
{
	struct pin_list *list = arg;
	struct revoke_pin pin;

	if (revoke_parse_pin_msg(nlh, &pin))
		return -EPROTO;
	return list->fn(&pin, list->arg);
}

/* revoke_pin_list() on a socket, of the pins that are wanted; NULL: all */
int revoke_nl_pins(struct revoke_nl *nl, const struct revoke_want *want,
		   int (*fn)(const struct revoke_pin *pin, void *arg),
		   void *arg)
{
	struct pin_list list = { .fn = fn, .arg = arg };
	bool changed;
	int ret;

	ret = dump(nl, PIN_REVOKE_CMD_PIN_GET, want, on_pin, &list, &changed);
	return !ret && changed ? -EAGAIN : ret;
}

/* @req.id is 0 while there is none to be told */
struct request_list {
	int (*fn)(const struct revoke_request *req, void *arg);
	void *arg;
	struct revoke_request req;
	struct revoke_pin *pins;
};

static int tell(struct request_list *list)
{
	int ret = 0;

	list->req.pins = list->pins;
	if (list->req.id)
		ret = list->fn(&list->req, list->arg);
	list->req = (struct revoke_request){ .size = sizeof(list->req) };
	return ret;
}

/* The pins of one request may fill many messages, one after the other. */
static int on_request(struct nlmsghdr *nlh, void *arg)
{
	struct request_list *list = arg;
	struct revoke_request *req = &list->req;
	struct revoke_pin *pins;
	struct revoke_msg msg;
	int ret;

	if (revoke_parse_request(nlh, &msg) || !msg.id)
		return -EPROTO;
	if (msg.id != req->id) {
		ret = tell(list);
		if (ret)
			return ret;
		req->id = msg.id;
		req->reason = msg.reason;
		req->trigger_pid = msg.trigger_pid;
		req->remaining_ns = msg.remaining_ns;
		req->deadline_ns = msg.deadline_ns;
		req->elapsed_ns = msg.elapsed_ns;
		memcpy(req->trigger_comm, msg.trigger_comm,
		       sizeof(req->trigger_comm));
	}
	/* One that joined in a hurry has an earlier deadline than the rest. */
	if (msg.deadline_ns < req->deadline_ns) {
		req->remaining_ns = msg.remaining_ns;
		req->deadline_ns = msg.deadline_ns;
	}
	pins = reallocarray(list->pins, req->nr_pins + msg.nr_pins + 1,
			    sizeof(*pins));
	if (!pins)
		return -ENOMEM;
	list->pins = pins;
	for (; msg.nr_pins; msg.nr_pins--)
		revoke_msg_next_pin(&msg, &pins[req->nr_pins++]);
	return 0;
}

/* revoke_request_list() on a socket */
int revoke_nl_requests(struct revoke_nl *nl,
		       int (*fn)(const struct revoke_request *req, void *arg),
		       void *arg)
{
	struct request_list list = {
		.fn = fn, .arg = arg, .req.size = sizeof(list.req)
	};
	bool changed;
	int ret;

	ret = dump(nl, PIN_REVOKE_CMD_REQUEST_GET, NULL, on_request, &list, &changed);
	if (!ret)
		ret = tell(&list);
	free(list.pins);
	return !ret && changed ? -EAGAIN : ret;
}

REVOKE_EXPORT int revoke_pin_list(struct revoke_ctx *ctx,
				  int (*fn)(const struct revoke_pin *pin,
					    void *arg),
				  void *arg)
{
	int saved = errno;
	int ret;

	ret = revoke_enter(ctx);
	if (!ret)
		ret = revoke_nl_pins(&ctx->cmd, NULL, fn, arg);
	errno = saved;
	return ret;
}

REVOKE_EXPORT int revoke_request_list(struct revoke_ctx *ctx,
				      int (*fn)(const struct revoke_request *req,
						void *arg),
				      void *arg)
{
	int saved = errno;
	int ret;

	ret = revoke_enter(ctx);
	if (!ret)
		ret = revoke_nl_requests(&ctx->cmd, fn, arg);
	errno = saved;
	return ret;
}
