// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: ranges that the process declares itself, and pins that it claims.
 *
 * Owns the calls that declare and undeclare, and the CLAIM message: many ranges in
 * as few as there can be.
 * Must never leave a part of a call declared when it fails.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/pin_revoke_ioctl.h>
#include "internal.h"

/* What one message answers, in the order that was asked */
struct reply {
	const uint64_t *words;
	struct revoke_range *ranges;
	size_t nr, done;
};

/* An array of structs that may be longer than ours */
struct revoke_range *revoke_range_at(const struct revoke_range *ranges, size_t i)
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
		range = revoke_range_at(reply->ranges, reply->done++);
		range->id = nla_get_u64(tb[PIN_REVOKE_A_DECLARED_ID]);
		range->word = reply->words + word;
		range->generation =
			nla_get_u64(tb[PIN_REVOKE_A_DECLARED_GENERATION]);
	}
	return reply->done == reply->nr ? 0 : -EPROTO;
}

/* One CLAIM; @nr is what fits into it. */
static int claim_some(struct revoke_ctx *ctx, struct revoke_range *ranges, size_t nr)
{
	struct reply reply = { ctx->words, ranges, nr, 0 };
	struct nl_msg *msg = revoke_nl_msg(&ctx->cmd, PIN_REVOKE_CMD_CLAIM,
					   NLM_F_REQUEST | NLM_F_ACK);
	size_t i;
	int err;

	err = msg ? nla_put_u32(msg, PIN_REVOKE_A_DECLARE_CTX_FD, ctx->fd) : -1;
	for (i = 0; !err && i < nr; i++)
		err = nla_put_u64(msg, PIN_REVOKE_A_DECLARE_ID,
				  revoke_range_at(ranges, i)->id);
	if (err) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return revoke_nl_call(&ctx->cmd, msg, on_declared, &reply, NULL);
}

_Static_assert(REVOKE_ERROR_LEN >= PIN_REVOKE_TEXT_LEN, "room for the kernel's words");

/* One call; @nr is what fits into it. */
static int call(struct revoke_ctx *ctx, unsigned long cmd, const char *name,
		struct pin_revoke_range *args, size_t nr)
{
	struct pin_revoke_ranges arg = {
		.size = sizeof(arg), .nr = nr,
		.ranges = (uintptr_t)args,
		.name = (uintptr_t)name,
		.text = (uintptr_t)revoke_last_error(ctx),
	};

	return ioctl(ctx->fd, cmd, &arg) ? -errno : 0;
}

static int declare_some(struct revoke_ctx *ctx, const char *name,
			struct revoke_range *ranges, size_t nr)
{
	struct pin_revoke_range args[PIN_REVOKE_MAX_RANGES];
	size_t i;
	int err;

	for (i = 0; i < nr; i++) {
		const struct revoke_range *range = revoke_range_at(ranges, i);

		args[i] = (struct pin_revoke_range){
			.addr = range->addr, .len = range->len, .flags = range->flags
		};
	}
	err = call(ctx, PIN_REVOKE_IOC_DECLARE, name, args, nr);
	for (i = 0; !err && i < nr; i++) {
		struct revoke_range *range = revoke_range_at(ranges, i);

		if (args[i].word >= PIN_REVOKE_MAX_WORDS)
			return -EPROTO;
		range->id = args[i].id;
		range->word = ctx->words + args[i].word;
		range->generation = args[i].generation;
	}
	return err;
}

static int undeclare_some(struct revoke_ctx *ctx, const struct revoke_range *ranges,
			  size_t nr)
{
	struct pin_revoke_range args[PIN_REVOKE_MAX_RANGES];
	size_t i;

	for (i = 0; i < nr; i++)
		args[i].id = revoke_range_at(ranges, i)->id;
	return call(ctx, PIN_REVOKE_IOC_UNDECLARE, NULL, args, nr);
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
		err = undeclare_some(ctx, revoke_range_at(ranges, done), some(nr - done));
	return err;
}

/* Every call begins with this. Return: 0, or why it is none. */
int revoke_enter_ranges(const struct revoke_ctx *ctx,
			const struct revoke_range *ranges, size_t nr)
{
	int err = revoke_enter(ctx);
	size_t i;

	for (i = 0; !err && i < nr; i++)
		if (ranges->size < sizeof(*ranges) ||
		    revoke_range_at(ranges, i)->size != ranges->size)
			err = -EINVAL;
	return err;
}

REVOKE_EXPORT int revoke_declare(struct revoke_ctx *ctx, const char *name,
				 struct revoke_range *ranges, size_t nr)
{
	int err = revoke_enter_ranges(ctx, ranges, nr);
	int saved = errno;
	size_t done;

	if (!err && name && strlen(name) >= sizeof(((struct revoke_pin *)0)->name))
		err = -EINVAL;
	if (err)
		return err;
	for (done = 0; !err && done < nr;) {
		err = declare_some(ctx, name, revoke_range_at(ranges, done),
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
	int err = revoke_enter_ranges(ctx, ranges, nr);
	int saved = errno;

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
		struct revoke_range *range = revoke_range_at(ranges, i);

		if (range->id)
			continue;
		err = revoke_nl_pins(&ctx->cmd, NULL, find, range);
		/* Others came and went; the one that is meant was there. */
		if (err == -EAGAIN)
			err = 0;
		if (!err && !range->id)
			err = -ENOENT;
	}
	for (done = 0; !err && done < nr; done += some(nr - done))
		err = claim_some(ctx, revoke_range_at(ranges, done), some(nr - done));
	return err;
}

REVOKE_EXPORT int revoke_claim(struct revoke_ctx *ctx,
			       struct revoke_range *ranges, size_t nr)
{
	int err = revoke_enter_ranges(ctx, ranges, nr);
	int saved = errno;

	if (!err)
		err = claim(ctx, ranges, nr);
	errno = saved;
	return err;
}
