// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family: ranges that a process declares itself, and pins that it claims.
 *
 * Many in one message, all or none. Must never decide what becomes of a range:
 * that is declare.c.
 */
#include <net/genetlink.h>

#include "core.h"
#include "netlink_gen.h"

/* The context of a message, if it is the caller's own; NULL: *@err says why. */
static struct pinr_ctx *pinr_own_ctx(struct genl_info *info, int *err)
{
	struct nlattr *fd = info->attrs[PIN_REVOKE_A_DECLARE_CTX_FD];
	struct pinr_ctx *ctx;

	*err = -EINVAL;
	if (!fd) {
		NL_SET_ERR_MSG(info->extack, "ctx-fd is needed");
		return NULL;
	}
	*err = -EBADF;
	ctx = pinr_ctx_of(info, fd);
	if (ctx && ctx->holder->mm != current->mm) {
		/* A child of fork() has inherited it. */
		NL_SET_ERR_MSG_ATTR(info->extack, fd,
				    "the context belongs to another process");
		pinr_ctx_put(ctx);
		ctx = NULL;
		*err = -EPERM;
	}
	return ctx;
}

/* How many attributes of a type there are, if they are not too many. */
static int pinr_count(struct genl_info *info, int type)
{
	struct nlattr *attr;
	int left, nr = 0;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, left)
		nr += nla_type(attr) == type;
	if (nr >= 1 && nr <= PIN_REVOKE_MAX_RANGES)
		return nr;
	NL_SET_ERR_MSG(info->extack, "from 1 to 64 ranges go into a message");
	return -EINVAL;
}

static int pinr_range_parse(struct genl_info *info, struct nlattr *attr,
			    struct pinr_range *range)
{
	struct nlattr *tb[PIN_REVOKE_A_RANGE_MAX + 1];
	int err;

	err = nla_parse_nested(tb, PIN_REVOKE_A_RANGE_FLAGS, attr,
			       pin_revoke_range_nl_policy, info->extack);
	if (err)
		return err;
	if (!tb[PIN_REVOKE_A_RANGE_ADDR] || !tb[PIN_REVOKE_A_RANGE_LEN]) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "addr and len are needed");
		return -EINVAL;
	}
	range->addr = nla_get_u64(tb[PIN_REVOKE_A_RANGE_ADDR]);
	range->len = nla_get_u64(tb[PIN_REVOKE_A_RANGE_LEN]);
	range->flags = 0;
	if (tb[PIN_REVOKE_A_RANGE_FLAGS] &&
	    nla_get_u32(tb[PIN_REVOKE_A_RANGE_FLAGS]) & PIN_REVOKE_RANGE_FLAGS_WRITE)
		range->flags |= PIN_REVOKE_WRITE;
	return 0;
}

static void pinr_declare_failed(struct genl_info *info, struct nlattr *attr,
				int err)
{
	NL_SET_BAD_ATTR(info->extack, attr);
	info->extack->_msg = pinr_declare_text(err);
}

struct pinr_batch {
	unsigned int nr;
	struct pin_revoke_pin *pins[PIN_REVOKE_MAX_RANGES];
};

static int pinr_put_declared(struct sk_buff *skb, struct pin_revoke_pin *pin)
{
	struct nlattr *nest = nla_nest_start(skb, PIN_REVOKE_A_DECLARE_DECLARED);

	if (!nest ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_DECLARED_ID, pin->id,
			      PIN_REVOKE_A_DECLARED_PAD) ||
	    nla_put_u32(skb, PIN_REVOKE_A_DECLARED_WORD, pin->word_nr) ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_DECLARED_GENERATION,
			      pin->generation, PIN_REVOKE_A_DECLARED_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int pinr_fill_declared(struct sk_buff *skb, const void *arg)
{
	const struct pinr_batch *batch = arg;
	unsigned int i;
	int err = 0;

	for (i = 0; i < batch->nr && !err; i++)
		err = pinr_put_declared(skb, batch->pins[i]);
	return err;
}

typedef int pinr_one_fn(struct genl_info *info, struct pinr_ctx *ctx,
			struct nlattr *attr, struct pin_revoke_pin **pin);

/*
 * A call for each attribute of a type, until one fails; what it sets @pin to goes
 * into the reply, and is put.
 */
static int pinr_each(struct genl_info *info, int type, pinr_one_fn *one)
{
	struct pinr_batch batch = { };
	struct pin_revoke_pin *pin;
	struct pinr_ctx *ctx;
	struct nlattr *attr;
	int left, err;

	err = pinr_count(info, type);
	if (err < 0)
		return err;
	ctx = pinr_own_ctx(info, &err);
	if (!ctx)
		return err;
	err = 0;
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, left) {
		if (nla_type(attr) != type)
			continue;
		pin = NULL;
		err = one(info, ctx, attr, &pin);
		if (pin)
			batch.pins[batch.nr++] = pin;
		if (err)
			break;
	}
	if (!err && batch.nr)
		err = pinr_reply(info, pinr_fill_declared, &batch);
	while (batch.nr) {
		pin = batch.pins[--batch.nr];
		/* What the caller does not hear of is not declared. */
		if (err && info->genlhdr->cmd == PIN_REVOKE_CMD_DECLARE)
			pinr_undeclare(ctx, pin->id);
		pinr_pin_put(pin);
	}
	pinr_ctx_put(ctx);
	return err;
}

static int pinr_declare_one(struct genl_info *info, struct pinr_ctx *ctx,
			    struct nlattr *attr, struct pin_revoke_pin **pin)
{
	struct nlattr *name = info->attrs[PIN_REVOKE_A_DECLARE_NAME];
	struct pin_revoke_pin *declared;
	struct pinr_range range;
	int err;

	err = pinr_range_parse(info, attr, &range);
	if (err)
		return err;
	declared = pinr_declare(ctx, name ? nla_data(name) : "", &range);
	if (IS_ERR(declared)) {
		pinr_declare_failed(info, attr, PTR_ERR(declared));
		return PTR_ERR(declared);
	}
	*pin = declared;
	return 0;
}

int pin_revoke_nl_declare_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pinr_each(info, PIN_REVOKE_A_DECLARE_RANGE, pinr_declare_one);
}

static int pinr_undeclare_one(struct genl_info *info, struct pinr_ctx *ctx,
			      struct nlattr *attr, struct pin_revoke_pin **pin)
{
	int err = pinr_undeclare(ctx, nla_get_u64(attr));

	if (err)
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "this context has declared no such range");
	return err;
}

int pin_revoke_nl_undeclare_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pinr_each(info, PIN_REVOKE_A_DECLARE_ID, pinr_undeclare_one);
}

static int pinr_claim_one(struct genl_info *info, struct pinr_ctx *ctx,
			  struct nlattr *attr, struct pin_revoke_pin **pin)
{
	int err = -ENOENT;

	*pin = pinr_pin_find(nla_get_u64(attr));
	if (*pin)
		err = pinr_claim(ctx, *pin);
	switch (err) {
	case 0:
		break;
	case -ENOENT:
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "no such pin");
		break;
	case -EPERM:
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "the pin belongs to somebody else");
		break;
	case -EBUSY:
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "another context has claimed the pin");
		break;
	default:
		pinr_declare_failed(info, attr, err);
	}
	return err;
}

int pin_revoke_nl_claim_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pinr_each(info, PIN_REVOKE_A_DECLARE_ID, pinr_claim_one);
}
