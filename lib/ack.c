// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: answers to a request.
 *
 * Owns the ACK message. What may be answered, and when, is the kernel's to
 * judge: nothing is checked here that it checks too. Must never allocate: the
 * kernel may want the memory because there is no other.
 */
#include <errno.h>
#include "internal.h"

static int on_ack(struct nlmsghdr *nlh, void *arg)
{
	static struct nla_policy policy[PIN_REVOKE_A_ACK_MAX + 1] = {
		[PIN_REVOKE_A_ACK_GRANTED_MS] = { .type = NLA_U32 },
	};
	struct nlattr *tb[PIN_REVOKE_A_ACK_MAX + 1];
	uint32_t *granted = arg;

	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_ACK_MAX, policy) < 0)
		return -EPROTO;
	if (tb[PIN_REVOKE_A_ACK_GRANTED_MS])
		*granted = nla_get_u32(tb[PIN_REVOKE_A_ACK_GRANTED_MS]);
	return 0;
}

static int send_ack(struct revoke_ctx *ctx, uint64_t request, uint64_t pin,
		    uint32_t kind, uint32_t extend_ms, uint32_t *granted)
{
	uint32_t fd = ctx->fd;
	struct revoke_question q;
	int saved = errno;
	int err;

	revoke_question_init(&q, ctx->cmd.family, PIN_REVOKE_CMD_ACK,
			     NLM_F_REQUEST | NLM_F_ACK);
	revoke_question_put(&q, PIN_REVOKE_A_ACK_CTX_FD, &fd, sizeof(fd));
	revoke_question_put(&q, PIN_REVOKE_A_ACK_REQUEST, &request,
			    sizeof(request));
	if (pin)
		revoke_question_put(&q, PIN_REVOKE_A_ACK_PIN, &pin, sizeof(pin));
	revoke_question_put(&q, PIN_REVOKE_A_ACK_KIND, &kind, sizeof(kind));
	if (kind == PIN_REVOKE_ACK_KIND_EXTEND)
		revoke_question_put(&q, PIN_REVOKE_A_ACK_EXTEND_MS, &extend_ms,
				    sizeof(extend_ms));
	err = revoke_nl_ask(&ctx->cmd, &q, on_ack, granted);
	errno = saved;
	return err;
}

REVOKE_EXPORT int revoke_ack(struct revoke_ctx *ctx, uint64_t request,
			     uint64_t pin, enum pin_revoke_ack_kind kind)
{
	uint32_t granted;
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	if (kind == PIN_REVOKE_ACK_KIND_EXTEND)
		return -EINVAL;
	return send_ack(ctx, request, pin, kind, 0, &granted);
}

REVOKE_EXPORT int revoke_extend(struct revoke_ctx *ctx, uint64_t request,
				uint64_t pin, unsigned int ms)
{
	uint32_t granted = 0;
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	err = send_ack(ctx, request, pin, PIN_REVOKE_ACK_KIND_EXTEND, ms,
		       &granted);
	return err ? err : (int)granted;
}
