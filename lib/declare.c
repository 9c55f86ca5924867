// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: ranges that the process declares itself, and pins that it claims.
 *
 * Owns the DECLARE, UNDECLARE and CLAIM messages: many ranges in as few as there can be.
 * Must never leave a part of a call declared when it fails.
 */
#include <errno.h>
#include <string.h>
#include "internal.h"

/* What one message answers, in the order that was asked */
struct reply {
	const uint64_t *words;
	struct revoke_range *ranges;
	size_t nr, done;
};

/* An array of structs that may be longer than ours */
static struct revoke_range *range_at(const struct revoke_range *ranges, size_t i)
{
	return (struct revoke_range *)((char *)ranges + i * ranges->size);
}

static int on_declared(struct nlmsghdr *nlh, void *arg)
{
	static struct nla_policy policy[PIN_REVOKE_A_DECLARED_MAX + 1] = {
		[PIN_REVOKE_A_DECLARED_ID] = { .type = NLA_U64 },
		[PIN_REVOKE_A_DECLARED_WORD] = { .type = NLA_U32 },
		[PIN_REVOKE_A_DECLARED_GENERATION] = { .type = NLA_U64 },
	};
	struct nlattr *tb[PIN_REVOKE_A_DECLARED_MAX + 1];
	struct genlmsghdr *genl = nlmsg_data(nlh);
	struct reply *reply = arg;
	struct revoke_range *range;
	struct nlattr *attr;
	uint32_t word;
	int left;

	if (!genlmsg_valid_hdr(nlh, 0))
		return -EPROTO;
	nla_for_each_attr(attr, genlmsg_attrdata(genl, 0),
			  genlmsg_attrlen(genl, 0), left) {
		if (nla_type(attr) != PIN_REVOKE_A_DECLARE_DECLARED)
			continue;
		if (reply->done == reply->nr ||
		    nla_parse_nested(tb, PIN_REVOKE_A_DECLARED_MAX, attr, policy) ||
		    !tb[PIN_REVOKE_A_DECLARED_ID] ||
		    !tb[PIN_REVOKE_A_DECLARED_WORD] ||
		    !tb[PIN_REVOKE_A_DECLARED_GENERATION])
			return -EPROTO;
		word = nla_get_u32(tb[PIN_REVOKE_A_DECLARED_WORD]);
		if (word >= PIN_REVOKE_MAX_WORDS)
			return -EPROTO;
		range = range_at(reply->ranges, reply->done++);
		range->id = nla_get_u64(tb[PIN_REVOKE_A_DECLARED_ID]);
		range->word = reply->words + word;
		range->generation =
			nla_get_u64(tb[PIN_REVOKE_A_DECLARED_GENERATION]);
	}
	return reply->done == reply->nr ? 0 : -EPROTO;
}

static struct nl_msg *message(struct revoke_ctx *ctx, uint8_t cmd)
{
	struct nl_msg *msg = revoke_nl_msg(&ctx->cmd, cmd,
					   NLM_F_REQUEST | NLM_F_ACK);

	if (msg && nla_put_u32(msg, PIN_REVOKE_A_DECLARE_CTX_FD, ctx->fd)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int put_range(struct nl_msg *msg, const struct revoke_range *range)
{
	struct nlattr *nest = nla_nest_start(msg, PIN_REVOKE_A_DECLARE_RANGE);

	if (!nest || nla_put_u64(msg, PIN_REVOKE_A_RANGE_ADDR, range->addr) ||
	    nla_put_u64(msg, PIN_REVOKE_A_RANGE_LEN, range->len) ||
	    nla_put_u32(msg, PIN_REVOKE_A_RANGE_FLAGS, range->flags))
		return -ENOMEM;
	nla_nest_end(msg, nest);
	return 0;
}

/* One message; @nr is what fits into it. */
static int declare_some(struct revoke_ctx *ctx, const char *name,
			struct revoke_range *ranges, size_t nr)
{
	struct nl_msg *msg = message(ctx, PIN_REVOKE_CMD_DECLARE);
	struct reply reply = { ctx->words, ranges, nr, 0 };
	int err = msg ? 0 : -ENOMEM;
	size_t i;

	if (!err && name)
		err = nla_put_string(msg, PIN_REVOKE_A_DECLARE_NAME, name);
	for (i = 0; !err && i < nr; i++)
		err = put_range(msg, range_at(ranges, i));
	if (err) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return revoke_nl_call(&ctx->cmd, msg, on_declared, &reply, NULL);
}

/* UNDECLARE or CLAIM; @reply is for the latter. */
static int send_ids(struct revoke_ctx *ctx, uint8_t cmd,
		    const struct revoke_range *ranges, size_t nr,
		    struct reply *reply)
{
	struct nl_msg *msg = message(ctx, cmd);
	int err = msg ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; !err && i < nr; i++)
		err = nla_put_u64(msg, PIN_REVOKE_A_DECLARE_ID,
				  range_at(ranges, i)->id);
	if (err) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return revoke_nl_call(&ctx->cmd, msg, reply ? on_declared : NULL, reply,
			      NULL);
}

static size_t some(size_t nr)
{
	return nr < PIN_REVOKE_MAX_RANGES ? nr : PIN_REVOKE_MAX_RANGES;
}

static int undeclare(struct revoke_ctx *ctx, const struct revoke_range *ranges,
		     size_t nr)
{
	size_t done;
	int err = 0;

	for (done = 0; !err && done < nr; done += some(nr - done))
		err = send_ids(ctx, PIN_REVOKE_CMD_UNDECLARE,
			       range_at(ranges, done), some(nr - done), NULL);
	return err;
}

static int check(const struct revoke_range *ranges, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++)
		if (ranges->size < sizeof(*ranges) ||
		    range_at(ranges, i)->size != ranges->size)
			return -EINVAL;
	return 0;
}

REVOKE_EXPORT int revoke_declare(struct revoke_ctx *ctx, const char *name,
				 struct revoke_range *ranges, size_t nr)
{
	int saved = errno;
	size_t done;
	int err;

	err = revoke_enter(ctx);
	if (!err)
		err = check(ranges, nr);
	if (!err && name && strlen(name) >= sizeof(((struct revoke_pin *)0)->name))
		err = -EINVAL;
	if (err)
		return err;
	for (done = 0; !err && done < nr;) {
		err = declare_some(ctx, name, range_at(ranges, done),
				   some(nr - done));
		if (!err)
			done += some(nr - done);
	}
	if (err) {
		char text[REVOKE_ERROR_LEN];

		memcpy(text, revoke_last_error(ctx), sizeof(text));
		undeclare(ctx, ranges, done);
		revoke_set_error(text);
	}
	errno = saved;
	return err;
}

REVOKE_EXPORT int revoke_undeclare(struct revoke_ctx *ctx,
				   const struct revoke_range *ranges, size_t nr)
{
	int saved = errno;
	int err;

	err = revoke_enter(ctx);
	if (!err)
		err = check(ranges, nr);
	if (!err)
		err = undeclare(ctx, ranges, nr);
	errno = saved;
	return err;
}

static int find(const struct revoke_pin *pin, void *arg)
{
	struct revoke_range *range = arg;

	/* The list is in the order of ids: the youngest is last. */
	if (pin->addr == range->addr && pin->len == range->len &&
	    !(pin->flags & PIN_REVOKE_PIN_FLAGS_DECLARED))
		range->id = pin->id;
	return 0;
}

static int claim(struct revoke_ctx *ctx, struct revoke_range *ranges, size_t nr)
{
	size_t i, done;
	int err = 0;

	for (i = 0; !err && i < nr; i++) {
		struct revoke_range *range = range_at(ranges, i);

		if (range->id)
			continue;
		err = revoke_nl_pins(&ctx->cmd, find, range);
		if (!err && !range->id)
			err = -ENOENT;
	}
	for (done = 0; !err && done < nr; done += some(nr - done)) {
		struct reply reply = {
			ctx->words, range_at(ranges, done), some(nr - done), 0
		};

		err = send_ids(ctx, PIN_REVOKE_CMD_CLAIM, reply.ranges, reply.nr,
			       &reply);
	}
	return err;
}

REVOKE_EXPORT int revoke_claim(struct revoke_ctx *ctx,
			       struct revoke_range *ranges, size_t nr)
{
	int saved = errno;
	int err;

	err = revoke_enter(ctx);
	if (!err)
		err = check(ranges, nr);
	if (!err)
		err = claim(ctx, ranges, nr);
	errno = saved;
	return err;
}
