// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: what a holder can expect, what it would like, and what we are.
 *
 * Owns the questions that no event answers. Must never guess a value that the
 * kernel did not name.
 */
#include <errno.h>
#include <string.h>
#include "internal.h"

static int on_policy(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[PIN_REVOKE_A_POLICY_MAX + 1];
	struct revoke_policy *policy = arg;
	const struct {
		int attr;
		uint32_t *value;
	} values[] = {
		{ PIN_REVOKE_A_POLICY_ACTION, &policy->action },
		{ PIN_REVOKE_A_POLICY_GRACE_MS, &policy->grace_ms },
		{ PIN_REVOKE_A_POLICY_MAX_EXTEND_MS, &policy->max_extend_ms },
		{ PIN_REVOKE_A_POLICY_SKIP_MS, &policy->skip_ms },
		{ PIN_REVOKE_A_POLICY_REPEAT_MS, &policy->repeat_ms },
	};
	size_t i;

	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_POLICY_MAX, NULL) < 0)
		return -EPROTO;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (!tb[values[i].attr])
			continue;
		if (nla_len(tb[values[i].attr]) < (int)sizeof(uint32_t))
			return -EPROTO;
		*values[i].value = nla_get_u32(tb[values[i].attr]);
	}
	return 0;
}

REVOKE_EXPORT int revoke_policy_get(struct revoke_ctx *ctx, uint64_t pin,
				    enum pin_revoke_reason reason,
				    struct revoke_policy *policy)
{
	struct revoke_policy p = { 0 };
	int saved = errno;
	struct nl_msg *msg;
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	if (policy->size < sizeof(p))
		return -EINVAL;
	p.size = policy->size;
	msg = revoke_nl_msg(&ctx->cmd, PIN_REVOKE_CMD_POLICY_GET,
			    NLM_F_REQUEST | NLM_F_ACK);
	if (msg && (nla_put_u32(msg, PIN_REVOKE_A_POLICY_REASON, reason) ||
		    (pin && nla_put_u64(msg, PIN_REVOKE_A_POLICY_PIN, pin)))) {
		nlmsg_free(msg);
		msg = NULL;
	}
	err = revoke_nl_call(&ctx->cmd, msg, on_policy, &p, NULL);
	if (!err) {
		memset(policy, 0, policy->size);
		memcpy(policy, &p, sizeof(p));
	}
	errno = saved;
	return err;
}

REVOKE_EXPORT int revoke_restore(struct revoke_ctx *ctx, uint64_t pin)
{
	int saved = errno;
	struct nl_msg *msg;
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	msg = revoke_nl_msg(&ctx->cmd, PIN_REVOKE_CMD_RESTORE,
			    NLM_F_REQUEST | NLM_F_ACK);
	if (msg && nla_put_u64(msg, PIN_REVOKE_A_PIN_ID, pin)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	err = revoke_nl_call(&ctx->cmd, msg, NULL, NULL, NULL);
	errno = saved;
	return err;
}

static int on_features(struct nlmsghdr *nlh, void *arg)
{
	static struct nla_policy policy[PIN_REVOKE_A_FEATURES_MAX + 1] = {
		[PIN_REVOKE_A_FEATURES_FLAGS] = { .type = NLA_U32 },
		[PIN_REVOKE_A_FEATURES_ASKS] = { .type = NLA_U32 },
	};
	struct nlattr *tb[PIN_REVOKE_A_FEATURES_MAX + 1];
	struct revoke_features *features = arg;

	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_FEATURES_MAX, policy) < 0 ||
	    !tb[PIN_REVOKE_A_FEATURES_FLAGS] || !tb[PIN_REVOKE_A_FEATURES_ASKS])
		return -EPROTO;
	features->flags = nla_get_u32(tb[PIN_REVOKE_A_FEATURES_FLAGS]);
	features->asks = nla_get_u32(tb[PIN_REVOKE_A_FEATURES_ASKS]);
	return 0;
}

REVOKE_EXPORT int revoke_features(struct revoke_ctx *ctx,
				  struct revoke_features *features)
{
	struct revoke_features f = { 0 };
	int saved = errno;
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	if (features->size < sizeof(f))
		return -EINVAL;
	f.size = features->size;
	err = revoke_nl_call(&ctx->cmd,
			     revoke_nl_msg(&ctx->cmd, PIN_REVOKE_CMD_FEATURES_GET,
					   NLM_F_REQUEST | NLM_F_ACK),
			     on_features, &f, NULL);
	if (!err) {
		memset(features, 0, features->size);
		memcpy(features, &f, sizeof(f));
	}
	errno = saved;
	return err;
}

REVOKE_EXPORT unsigned int revoke_version(void)
{
	return REVOKE_VERSION;
}
