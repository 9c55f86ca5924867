// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: lists of pins and of open requests.
 *
 * Owns the dumps, the way back to the truth after lost events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct pin_list {
	int (*fn)(const struct revoke_pin *pin, void *arg);
	void *arg;
};

/* @req.id is 0 while there is none to be told */
struct request_list {
	int (*fn)(const struct revoke_request *req, void *arg);
	void *arg;
	struct revoke_request req;
	struct revoke_pin *pins;
};

static int on_pin(struct nlmsghdr *nlh, void *arg)
{
	struct pin_list *list = arg;
	struct revoke_pin pin;

	if (revoke_parse_pin_msg(nlh, &pin))
		return -EPROTO;
	return list->fn(&pin, list->arg);
}

/* revoke_pin_list() on a socket */
int revoke_nl_pins(struct revoke_nl *nl,
		   int (*fn)(const struct revoke_pin *pin, void *arg),
		   void *arg)
{
	struct pin_list list = { .fn = fn, .arg = arg };

	return revoke_nl_call(nl, revoke_nl_msg(nl, PIN_REVOKE_CMD_PIN_GET,
						NLM_F_REQUEST | NLM_F_DUMP),
			      on_pin, &list, NULL);
}

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
	struct request_list list = { .fn = fn, .arg = arg };
	int ret;

	tell(&list);
	ret = revoke_nl_call(nl, revoke_nl_msg(nl, PIN_REVOKE_CMD_REQUEST_GET,
					       NLM_F_REQUEST | NLM_F_DUMP),
			     on_request, &list, NULL);
	if (!ret)
		ret = tell(&list);
	free(list.pins);
	return ret;
}

REVOKE_EXPORT int revoke_pin_list(struct revoke_ctx *ctx,
				  int (*fn)(const struct revoke_pin *pin,
					    void *arg),
				  void *arg)
{
	int saved = errno;
	int ret;

	ret = revoke_enter(ctx);
	if (ret)
		return ret;
	pthread_mutex_lock(&ctx->cmd_lock);
	ret = revoke_nl_pins(&ctx->cmd, fn, arg);
	pthread_mutex_unlock(&ctx->cmd_lock);
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
	if (ret)
		return ret;
	pthread_mutex_lock(&ctx->cmd_lock);
	ret = revoke_nl_requests(&ctx->cmd, fn, arg);
	pthread_mutex_unlock(&ctx->cmd_lock);
	errno = saved;
	return ret;
}
