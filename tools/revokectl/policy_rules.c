// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: which policies the kernel refuses whatever is set already, so that
 * a file of them is refused whole, before any of it is applied.
 *
 * Follows pinr_rule_misfit() of kernel/policy.c, and a guest test compares the two.
 * Must never be asked about a single command: there the kernel's word counts.
 */
#include "revokectl.h"

#define MIN_REPEAT_MS	10

static const uint32_t forced =
	REVOKE_BIT(PIN_REVOKE_REASON_UNSPEC) |
	REVOKE_BIT(PIN_REVOKE_REASON_WRITEBACK_OTHER) |
	REVOKE_BIT(PIN_REVOKE_REASON_INVALIDATE) |
	REVOKE_BIT(PIN_REVOKE_REASON_UNMAP) |
	REVOKE_BIT(PIN_REVOKE_REASON_EXIT);

static const uint32_t no_backstop =
	REVOKE_BIT(PIN_REVOKE_REASON_OFFLINE) |
	REVOKE_BIT(PIN_REVOKE_REASON_ADMIN) |
	REVOKE_BIT(PIN_REVOKE_REASON_DRAIN) |
	REVOKE_BIT(PIN_REVOKE_REASON_SUSPEND) |
	REVOKE_BIT(PIN_REVOKE_REASON_DRIVER_UNBIND) |
	REVOKE_BIT(PIN_REVOKE_REASON_DEVICE);

/* An attribute of the command: @has it, and the value or 0. */
static uint32_t value(struct nl_msg *msg, int attr, bool *has)
{
	struct nlattr *nla = nlmsg_find_attr(nlmsg_hdr(msg), 0, attr);

	if (has)
		*has = nla;
	return nla ? nla_get_u32(nla) : 0;
}

static const char *action_misfit(uint32_t reason, uint32_t action)
{
	bool waits = action == PIN_REVOKE_ACTION_WAIT;
	bool forces = action == PIN_REVOKE_ACTION_FORCE;
	bool skips = action == PIN_REVOKE_ACTION_SKIP;

	if (no_backstop & REVOKE_BIT(reason))
		return waits || forces ? NULL :
		       "nothing else takes a pin for this reason: wait or force";
	if (reason == PIN_REVOKE_REASON_PRESSURE)
		return !waits && !forces && !skips ? NULL :
		       "short memory takes only what is given: report or ask";
	if (reason == PIN_REVOKE_REASON_WRITEBACK_BACKGROUND)
		return !waits ? NULL :
		       "the flusher waits for nobody: skip, report, ask or force";
	return !skips ? NULL : "only writeback-background can be put off";
}

/**
 * policy_misfit - why the kernel would refuse to set this
 * @msg: attributes of the command, without a head
 * @del: it is to be deleted: only whose it is matters
 *
 * Return: the reason, or NULL.
 */
const char *policy_misfit(struct nl_msg *msg, bool del)
{
	uint32_t reason = value(msg, PIN_REVOKE_A_POLICY_REASON, NULL);
	bool background = reason == PIN_REVOKE_REASON_WRITEBACK_BACKGROUND;
	bool uid, cgroup, comm, has_action, has_grace, has_skip, has_repeat;
	uint32_t action, grace, skip, repeat, extend, id;

	id = value(msg, PIN_REVOKE_A_POLICY_UID, &uid);
	cgroup = nlmsg_find_attr(nlmsg_hdr(msg), 0, PIN_REVOKE_A_POLICY_CGROUP);
	comm = nlmsg_find_attr(nlmsg_hdr(msg), 0, PIN_REVOKE_A_POLICY_COMM);
	if (uid + cgroup + comm > 1)
		return "one of uid, cgroup and comm";
	if (uid && id == UINT32_MAX)
		return "nobody has this uid";
	if (del)
		return NULL;
	action = value(msg, PIN_REVOKE_A_POLICY_ACTION, &has_action);
	grace = value(msg, PIN_REVOKE_A_POLICY_GRACE_MS, &has_grace);
	skip = value(msg, PIN_REVOKE_A_POLICY_SKIP_MS, &has_skip);
	repeat = value(msg, PIN_REVOKE_A_POLICY_REPEAT_MS, &has_repeat);
	extend = value(msg, PIN_REVOKE_A_POLICY_MAX_EXTEND_MS, NULL);
	if (forced & REVOKE_BIT(reason))
		return "nobody is asked for this reason: pins are taken at once";
	if (background ? has_grace : has_skip)
		return "writeback-background has skip, the other reasons grace";
	if (repeat && repeat < MIN_REPEAT_MS)
		return "repeat is 0, or at least 10";
	if (comm && has_repeat)
		return "anybody can give himself a name: repeat is for users and cgroups";
	if (!has_action)
		return NULL;
	if (action == PIN_REVOKE_ACTION_FORCE && (grace || extend || skip || repeat))
		return "force asks nobody: there is no time to set";
	if (action != PIN_REVOKE_ACTION_FORCE &&
	    ((has_grace && !grace) || (has_skip && !skip)))
		return "no time to answer: that is force";
	return action_misfit(reason, action);
}
