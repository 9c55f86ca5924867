// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family, what sets and shows policies.
 *
 * Every error has a text. Must never decide what a policy means: that is
 * policy.c.
 */
#include <linux/uidgid.h>
#include <net/genetlink.h>

#include "core.h"
#include "netlink_gen.h"

static const struct {
	int attr, from;
} pinr_values[PINR_NR_VALUES] = {
	[PINR_ACTION] = { PIN_REVOKE_A_POLICY_ACTION,
			  PIN_REVOKE_A_POLICY_ACTION_FROM },
	[PINR_GRACE] = { PIN_REVOKE_A_POLICY_GRACE_MS,
			 PIN_REVOKE_A_POLICY_GRACE_FROM },
	[PINR_EXTEND] = { PIN_REVOKE_A_POLICY_MAX_EXTEND_MS,
			  PIN_REVOKE_A_POLICY_MAX_EXTEND_FROM },
	[PINR_SKIP] = { PIN_REVOKE_A_POLICY_SKIP_MS,
			PIN_REVOKE_A_POLICY_SKIP_FROM },
	[PINR_REPEAT] = { PIN_REVOKE_A_POLICY_REPEAT_MS,
			  PIN_REVOKE_A_POLICY_REPEAT_FROM },
};

static int pinr_put_policy(struct sk_buff *skb, enum pin_revoke_reason reason,
			   const struct pinr_policy *policy)
{
	unsigned int v;

	if (nla_put_u32(skb, PIN_REVOKE_A_POLICY_REASON, reason))
		return -EMSGSIZE;
	for (v = 0; v < PINR_NR_VALUES; v++) {
		/* Each reason has one time, the others mean nothing there. */
		if ((v == PINR_GRACE || v == PINR_SKIP) &&
		    v != pinr_reason_time(reason))
			continue;
		if (nla_put_u32(skb, pinr_values[v].attr, policy->value[v]) ||
		    nla_put_u32(skb, pinr_values[v].from, policy->from[v]))
			return -EMSGSIZE;
	}
	return 0;
}

static int pinr_put_rule(struct sk_buff *skb, const struct pinr_rule *rule)
{
	unsigned int v;
	int err = nla_put_u32(skb, PIN_REVOKE_A_POLICY_REASON, rule->reason);

	if (rule->by == PIN_REVOKE_POLICY_SOURCE_UID)
		err = err ?: nla_put_u32(skb, PIN_REVOKE_A_POLICY_UID,
					 from_kuid(&init_user_ns, rule->uid));
	else if (rule->by == PIN_REVOKE_POLICY_SOURCE_CGROUP)
		err = err ?: nla_put_u64_64bit(skb, PIN_REVOKE_A_POLICY_CGROUP,
					       rule->cgroup,
					       PIN_REVOKE_A_POLICY_PAD);
	else
		err = err ?: nla_put_string(skb, PIN_REVOKE_A_POLICY_COMM,
					    rule->comm);
	for (v = 0; v < PINR_NR_VALUES; v++)
		if (rule->set & BIT(v))
			err = err ?: nla_put_u32(skb, pinr_values[v].attr,
						 rule->value[v]);
	return err;
}

/* First what holds for each reason, then what is set for some. */
int pin_revoke_nl_policy_get_dumpit(struct sk_buff *skb,
				    struct netlink_callback *cb)
{
	u64 *at = (u64 *)cb->ctx;

	cb->seq = pinr_policies_seq();
	for (;; ++*at) {
		struct pinr_policy policy;
		struct pinr_rule rule;
		void *hdr;
		int err;

		if (*at < PINR_NR_REASONS && !pinr_reason_asks(*at))
			continue;
		if (*at < PINR_NR_REASONS)
			policy = pinr_policy_of(*at, NULL);
		else if (!pinr_policy_rule(*at - PINR_NR_REASONS, &rule))
			break;
		hdr = pinr_dump_put(skb, cb, PIN_REVOKE_CMD_POLICY_GET);
		if (!hdr)
			break;
		err = *at < PINR_NR_REASONS ? pinr_put_policy(skb, *at, &policy) :
					      pinr_put_rule(skb, &rule);
		if (err) {
			genlmsg_cancel(skb, hdr);
			break;
		}
		genlmsg_end(skb, hdr);
	}
	return skb->len;
}

struct pinr_policy_reply {
	enum pin_revoke_reason reason;
	struct pinr_policy policy;
	s64 left_ns;			/* of the pin's user, or KTIME_MAX */
};

static int pinr_fill_policy(struct sk_buff *skb, const void *arg)
{
	const struct pinr_policy_reply *reply = arg;

	if (reply->left_ns != KTIME_MAX &&
	    nla_put_u32(skb, PIN_REVOKE_A_POLICY_LEFT_MS,
			div_s64(reply->left_ns, NSEC_PER_MSEC)))
		return -EMSGSIZE;
	return pinr_put_policy(skb, reply->reason, &reply->policy);
}

int pin_revoke_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *id = info->attrs[PIN_REVOKE_A_POLICY_PIN];
	struct pin_revoke_pin *pin = NULL;
	struct pinr_policy_reply reply = { .left_ns = KTIME_MAX };

	if (GENL_REQ_ATTR_CHECK(info, PIN_REVOKE_A_POLICY_REASON)) {
		NL_SET_ERR_MSG(info->extack, "a reason is needed");
		return -EINVAL;
	}
	if (id) {
		int err = 0;

		pin = pinr_pin_find(nla_get_u64(id));
		/* Whose pin it is would show. */
		if (!pin || pin->holder->mm != current->mm)
			err = pinr_must_be_admin(skb, info);
		if (err) {
			if (pin)
				pinr_pin_put(pin);
			return err;
		}
		if (!pin) {
			NL_SET_ERR_MSG_ATTR(info->extack, id, "no such pin");
			return -ENOENT;
		}
	}
	reply.reason = nla_get_u32(info->attrs[PIN_REVOKE_A_POLICY_REASON]);
	reply.policy = pinr_policy_of(reply.reason, pin);
	if (pin) {
		spin_lock(&pinr_lock);
		reply.left_ns = pinr_budget_left(pin, reply.reason);
		spin_unlock(&pinr_lock);
		pinr_pin_put(pin);
	}
	return pinr_reply(info, pinr_fill_policy, &reply);
}

/* Which rule is meant; its values are not filled in. */
static int pinr_rule_parse(struct pinr_rule *rule, struct genl_info *info)
{
	struct nlattr *reason = info->attrs[PIN_REVOKE_A_POLICY_REASON];
	struct nlattr *uid = info->attrs[PIN_REVOKE_A_POLICY_UID];
	struct nlattr *cgroup = info->attrs[PIN_REVOKE_A_POLICY_CGROUP];
	struct nlattr *comm = info->attrs[PIN_REVOKE_A_POLICY_COMM];

	*rule = (struct pinr_rule){ .by = PIN_REVOKE_POLICY_SOURCE_SET };
	if (!reason) {
		NL_SET_ERR_MSG(info->extack, "a reason is needed");
		return -EINVAL;
	}
	if (!!uid + !!cgroup + !!comm > 1) {
		NL_SET_ERR_MSG(info->extack, "one of uid, cgroup and comm");
		return -EINVAL;
	}
	rule->reason = nla_get_u32(reason);
	if (uid) {
		rule->by = PIN_REVOKE_POLICY_SOURCE_UID;
		rule->uid = make_kuid(&init_user_ns, nla_get_u32(uid));
		if (!uid_valid(rule->uid)) {
			NL_SET_ERR_MSG_ATTR(info->extack, uid, "nobody has this uid");
			return -EINVAL;
		}
	} else if (cgroup) {
		rule->by = PIN_REVOKE_POLICY_SOURCE_CGROUP;
		rule->cgroup = nla_get_u64(cgroup);
	} else if (comm) {
		rule->by = PIN_REVOKE_POLICY_SOURCE_COMM;
		nla_strscpy(rule->comm, comm, sizeof(rule->comm));
	}
	return 0;
}

int pin_revoke_nl_policy_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = pinr_must_be_admin(skb, info);
	struct pinr_rule change;
	unsigned int v;

	err = err ?: pinr_rule_parse(&change, info);
	if (err)
		return err;
	for (v = 0; v < PINR_NR_VALUES; v++) {
		struct nlattr *attr = info->attrs[pinr_values[v].attr];

		if (!attr)
			continue;
		change.set |= BIT(v);
		change.value[v] = nla_get_u32(attr);
	}
	if (!change.set) {
		NL_SET_ERR_MSG(info->extack, "a reason and something to set are needed");
		return -EINVAL;
	}
	return pinr_policy_set(&change, info->extack);
}

int pin_revoke_nl_policy_del_doit(struct sk_buff *skb, struct genl_info *info)
{
	int err = pinr_must_be_admin(skb, info);
	struct pinr_rule like;

	err = err ?: pinr_rule_parse(&like, info);
	if (err)
		return err;
	err = pinr_policy_del(&like);
	if (err)
		NL_SET_ERR_MSG(info->extack, "nothing is set there");
	return err;
}
