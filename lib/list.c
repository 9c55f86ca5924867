// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: lists of pins and of open requests.
 *
 * Owns the dumps, the way back to the truth after lost events.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

struct pin_list {
	int (*fn)(const struct revoke_pin *pin, void *arg);
	void *arg;
};

struct request_list {
	int (*fn)(const struct revoke_request *req, void *arg);
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

REVOKE_EXPORT int revoke_pin_list(struct revoke_ctx *ctx,
				  int (*fn)(const struct revoke_pin *pin,
					    void *arg),
				  void *arg)
{
	struct pin_list list = { .fn = fn, .arg = arg };
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	return revoke_cmd_call(ctx,
			       revoke_nl_msg(&ctx->cmd, PIN_REVOKE_CMD_PIN_GET,
					     NLM_F_REQUEST | NLM_F_DUMP),
			       on_pin, &list);
}

static int on_request(struct nlmsghdr *nlh, void *arg)
{
	struct revoke_request req = { .size = sizeof(req) };
	struct request_list *list = arg;
	struct revoke_pin *pins;
	struct revoke_msg msg;
	unsigned int i;
	int ret;

	if (revoke_parse_request(nlh, &msg))
		return -EPROTO;
	pins = calloc(msg.nr_pins + 1, sizeof(*pins));
	if (!pins)
		return -ENOMEM;
	req.id = msg.id;
	req.reason = msg.reason;
	req.trigger_pid = msg.trigger_pid;
	req.remaining_ns = msg.remaining_ns;
	req.deadline_ns = msg.deadline_ns;
	req.elapsed_ns = msg.elapsed_ns;
	memcpy(req.trigger_comm, msg.trigger_comm, sizeof(req.trigger_comm));
	req.nr_pins = msg.nr_pins;
	req.pins = pins;
	for (i = 0; i < req.nr_pins; i++)
		revoke_msg_next_pin(&msg, &pins[i]);
	ret = list->fn(&req, list->arg);
	free(pins);
	return ret;
}

REVOKE_EXPORT int revoke_request_list(struct revoke_ctx *ctx,
				      int (*fn)(const struct revoke_request *req,
						void *arg),
				      void *arg)
{
	struct request_list list = { .fn = fn, .arg = arg };
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	return revoke_cmd_call(ctx,
			       revoke_nl_msg(&ctx->cmd,
					     PIN_REVOKE_CMD_REQUEST_GET,
					     NLM_F_REQUEST | NLM_F_DUMP),
			       on_request, &list);
}
