// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens for a reason: to all pins, or to those of a user, a cgroup, a
 * command name.
 *
 * Values only, no mechanism: whoever asks takes a copy. They last until the
 * module is unloaded. Must never be needed by the notifier.
 */
#include <linux/cgroup.h>
#include <linux/cred.h>
#include <linux/netlink.h>

#include "core.h"

#define PINR_MAX_RULES		64
/* A holder that is told all the time has no time to answer. */
#define PINR_MIN_REPEAT_MS	10

static struct pinr_rule pinr_rules[PINR_MAX_RULES];	/* pinr_lock */
static unsigned int pinr_nr_rules;			/* pinr_lock */
static unsigned int pinr_rules_changed = 1;		/* so is this; odd, as that of pins */

#define WAIT(ms, extend_ms) {				\
	[PINR_ACTION] = PIN_REVOKE_ACTION_WAIT,		\
	[PINR_GRACE] = (ms),				\
	[PINR_EXTEND] = (extend_ms),			\
}

/* What is not in it is forced. */
static const u32 pinr_defaults[PINR_NR_REASONS][PINR_NR_VALUES] = {
	[PIN_REVOKE_REASON_WRITEBACK_SYNC] = WAIT(PINR_GRACE_MS, 1000),
	[PIN_REVOKE_REASON_WRITEBACK_BACKGROUND] = {
		[PINR_ACTION] = PIN_REVOKE_ACTION_SKIP,
		[PINR_SKIP] = PINR_SKIP_MS,
	},
	[PIN_REVOKE_REASON_TRUNCATE] = WAIT(PINR_GRACE_MS, 1000),
	[PIN_REVOKE_REASON_FALLOCATE] = WAIT(PINR_GRACE_MS, 1000),
	[PIN_REVOKE_REASON_REMAP] = WAIT(PINR_GRACE_MS, 1000),
	[PIN_REVOKE_REASON_OFFLINE] = WAIT(5000, 5000),
	[PIN_REVOKE_REASON_ADMIN] = WAIT(1000, 5000),
	[PIN_REVOKE_REASON_DRAIN] = WAIT(5000, 5000),
	[PIN_REVOKE_REASON_SUSPEND] = WAIT(1000, 1000),
	[PIN_REVOKE_REASON_PRESSURE] = {
		[PINR_ACTION] = PIN_REVOKE_ACTION_ASK,
		[PINR_GRACE] = 1000,
	},
	[PIN_REVOKE_REASON_DRIVER_UNBIND] = WAIT(5000, 5000),
	[PIN_REVOKE_REASON_DEVICE] = WAIT(1000, 1000),
};

/* Reasons with a point where holders can be asked; the others only force. */
bool pinr_reason_asks(enum pin_revoke_reason reason)
{
	return pinr_defaults[reason][PINR_ACTION] != PIN_REVOKE_ACTION_FORCE;
}

/*
 * Reasons without a backstop: nothing would come after the request that takes
 * what nobody answers for.
 */
bool pinr_reason_takes(enum pin_revoke_reason reason)
{
	switch (reason) {
	case PIN_REVOKE_REASON_OFFLINE:
	case PIN_REVOKE_REASON_ADMIN:
	case PIN_REVOKE_REASON_DRAIN:
	case PIN_REVOKE_REASON_SUSPEND:
	case PIN_REVOKE_REASON_DRIVER_UNBIND:
	case PIN_REVOKE_REASON_DEVICE:
		return true;
	default:
		return false;
	}
}

/*
 * Reasons for which somebody waits who has not chosen for how long: an
 * administrator's command has its own grace, and returns at once.
 */
bool pinr_reason_delays(enum pin_revoke_reason reason)
{
	return pinr_defaults[reason][PINR_ACTION] == PIN_REVOKE_ACTION_WAIT &&
	       reason != PIN_REVOKE_REASON_ADMIN &&
	       reason != PIN_REVOKE_REASON_DRAIN;
}

/* Reasons that the sysctls are about: system calls and the flusher, on files. */
static bool pinr_reason_sysctl(enum pin_revoke_reason reason)
{
	switch (reason) {
	case PIN_REVOKE_REASON_WRITEBACK_SYNC:
	case PIN_REVOKE_REASON_WRITEBACK_BACKGROUND:
	case PIN_REVOKE_REASON_TRUNCATE:
	case PIN_REVOKE_REASON_FALLOCATE:
	case PIN_REVOKE_REASON_REMAP:
		return true;
	default:
		return false;
	}
}

/* Has the administrator switched asking for this reason off? */
bool pinr_reason_off(enum pin_revoke_reason reason)
{
	return !READ_ONCE(pinr_sysctl.enable) && pinr_reason_sysctl(reason);
}

/* Which value is the time that a holder has. */
enum pinr_value pinr_reason_time(enum pin_revoke_reason reason)
{
	return reason == PIN_REVOKE_REASON_WRITEBACK_BACKGROUND ? PINR_SKIP :
								  PINR_GRACE;
}

/**
 * pinr_cgroup_get - the cgroup of the calling process
 *
 * Its place in the cgroup2 hierarchy. A process that moves later leaves the pins
 * that it has where they were made, as it leaves its memory.
 *
 * Return: the cgroup with a reference, for pinr_cgroup_put(); NULL in a kernel
 * without.
 */
struct cgroup *pinr_cgroup_get(void)
{
	struct cgroup *cgroup = NULL;

#ifdef CONFIG_CGROUPS
	/* Somebody may be moving us: the next look finds the new one. */
	rcu_read_lock();
	do {
		cgroup = task_dfl_cgroup(current);
	} while (!css_tryget(&cgroup->self));
	rcu_read_unlock();
#endif
	return cgroup;
}

void pinr_cgroup_put(struct cgroup *cgroup)
{
#ifdef CONFIG_CGROUPS
	if (cgroup)
		cgroup_put(cgroup);
#endif
}

/* How far down the cgroup of the rule is, 0 if the pin is not below it. */
static unsigned int pinr_cgroup_depth(u64 id, struct cgroup *cgroup)
{
#ifdef CONFIG_CGROUPS
	for (; cgroup; cgroup = cgroup_parent(cgroup))
		if (cgroup_id(cgroup) == id)
			return cgroup->level + 1;
#endif
	return 0;
}

/* How specific a rule is that fits, 0 if it does not. */
static unsigned int pinr_rule_rank(const struct pinr_rule *rule,
				   const struct pin_revoke_pin *pin)
{
	unsigned int depth;

	if (rule->by == PIN_REVOKE_POLICY_SOURCE_SET)
		return rule->by;
	if (!pin)
		return 0;
	switch (rule->by) {
	case PIN_REVOKE_POLICY_SOURCE_UID:
		return uid_eq(rule->uid, pin->uid) ? rule->by : 0;
	case PIN_REVOKE_POLICY_SOURCE_CGROUP:
		depth = pinr_cgroup_depth(rule->cgroup, pin->cgroup);
		return depth ? rule->by + depth : 0;
	default:
		return !strcmp(rule->comm, pin->comm);
	}
}

/* What holds where no rule says otherwise. */
static struct pinr_policy pinr_policy_default(enum pin_revoke_reason reason)
{
	enum pinr_value time = pinr_reason_time(reason);
	struct pinr_policy policy = { };

	memcpy(policy.value, pinr_defaults[reason], sizeof(policy.value));
	if (!pinr_reason_sysctl(reason))
		return policy;
	policy.value[time] = time == PINR_SKIP ? READ_ONCE(pinr_sysctl.skip_ms) :
						 READ_ONCE(pinr_sysctl.grace_ms);
	if (policy.value[time] != pinr_defaults[reason][time])
		policy.from[time] = PIN_REVOKE_POLICY_SOURCE_SYSCTL;
	return policy;
}

/*
 * Each value is that of the most specific rule which has it. A command name is
 * anybody's choice: what is set for it counts where it is stricter, which is
 * less, for every value.
 */
static struct pinr_policy pinr_policy_rules(enum pin_revoke_reason reason,
					    const struct pin_revoke_pin *pin)
{
	struct pinr_policy policy = pinr_policy_default(reason);
	unsigned int best[PINR_NR_VALUES] = { }, i, v;
	const struct pinr_rule *name = NULL;

	lockdep_assert_held(&pinr_lock);
	for (i = 0; i < pinr_nr_rules; i++) {
		const struct pinr_rule *rule = &pinr_rules[i];
		unsigned int rank = rule->reason == reason ?
				    pinr_rule_rank(rule, pin) : 0;

		if (rank && rule->by == PIN_REVOKE_POLICY_SOURCE_COMM) {
			name = rule;
			continue;
		}
		for (v = 0; v < PINR_NR_VALUES; v++) {
			if (rank <= best[v] || !(rule->set & BIT(v)))
				continue;
			best[v] = rank;
			policy.value[v] = rule->value[v];
			policy.from[v] = rule->by;
		}
	}
	for (v = 0; name && v < PINR_NR_VALUES; v++) {
		if (!(name->set & BIT(v)) ||
		    name->value[v] >= policy.value[v])
			continue;
		policy.value[v] = name->value[v];
		policy.from[v] = name->by;
	}
	return policy;
}

/**
 * __pinr_policy_of - what holds for a pin
 * @reason: the reason
 * @pin: the pin; NULL: one that nobody has a rule of its own for
 *
 * Context: caller holds pinr_lock.
 * Return: a value for each, and where it is from.
 */
struct pinr_policy __pinr_policy_of(enum pin_revoke_reason reason,
				    const struct pin_revoke_pin *pin)
{
	struct pinr_policy policy = pinr_policy_rules(reason, pin);

	if (pinr_reason_off(reason)) {
		policy.value[PINR_ACTION] = PIN_REVOKE_ACTION_FORCE;
		policy.from[PINR_ACTION] = PIN_REVOKE_POLICY_SOURCE_SYSCTL;
	}
	return policy;
}

struct pinr_policy pinr_policy_of(enum pin_revoke_reason reason,
				  const struct pin_revoke_pin *pin)
{
	struct pinr_policy policy;

	spin_lock(&pinr_lock);
	policy = __pinr_policy_of(reason, pin);
	spin_unlock(&pinr_lock);
	return policy;
}

/* Is there anybody at all who would be asked? */
bool pinr_policy_asks(enum pin_revoke_reason reason)
{
	struct pinr_policy policy;
	bool asks = false;
	unsigned int i;

	if (pinr_reason_off(reason))
		return false;
	spin_lock(&pinr_lock);
	for (i = 0; i < pinr_nr_rules; i++)
		asks |= pinr_rules[i].reason == reason &&
			pinr_rules[i].by != PIN_REVOKE_POLICY_SOURCE_SET;
	policy = __pinr_policy_of(reason, NULL);
	spin_unlock(&pinr_lock);
	return asks || (policy.value[PINR_ACTION] != PIN_REVOKE_ACTION_FORCE &&
			policy.value[pinr_reason_time(reason)]);
}

/* As pinr_pins_seq(), of what is set */
unsigned int pinr_policies_seq(void)
{
	return READ_ONCE(pinr_rules_changed);
}

/**
 * pinr_policy_rule - walk what is set for users, cgroups and command names
 * @nr: which
 * @rule: set to it
 *
 * Return: false if there are not so many.
 */
bool pinr_policy_rule(unsigned int nr, struct pinr_rule *rule)
{
	bool found = false;
	unsigned int i;

	spin_lock(&pinr_lock);
	for (i = 0; i < pinr_nr_rules && !found; i++) {
		if (pinr_rules[i].by == PIN_REVOKE_POLICY_SOURCE_SET || nr--)
			continue;
		*rule = pinr_rules[i];
		found = true;
	}
	spin_unlock(&pinr_lock);
	return found;
}

static struct pinr_rule *pinr_rule_find(const struct pinr_rule *like)
{
	unsigned int i;

	lockdep_assert_held(&pinr_lock);
	for (i = 0; i < pinr_nr_rules; i++) {
		struct pinr_rule *rule = &pinr_rules[i];

		/* What a rule does not go by is the same in all: 0. */
		if (rule->reason == like->reason && rule->by == like->by &&
		    uid_eq(rule->uid, like->uid) &&
		    rule->cgroup == like->cgroup &&
		    !strcmp(rule->comm, like->comm))
			return rule;
	}
	return NULL;
}

/* Return: why an action is none for a reason, or NULL. */
static const char *pinr_action_misfit(enum pin_revoke_reason reason, u32 action)
{
	bool waits = action == PIN_REVOKE_ACTION_WAIT;
	bool forces = action == PIN_REVOKE_ACTION_FORCE;
	bool skips = action == PIN_REVOKE_ACTION_SKIP;

	if (pinr_reason_takes(reason))
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

/* Return: why @change makes no sense, whatever was set before, or NULL. */
static const char *pinr_rule_misfit(const struct pinr_rule *change)
{
	enum pinr_value time = pinr_reason_time(change->reason);
	u32 action = change->value[PINR_ACTION];
	unsigned int v;

	if (!pinr_reason_asks(change->reason))
		return "nobody is asked for this reason: pins are taken at once";
	if (change->set & BIT(time == PINR_SKIP ? PINR_GRACE : PINR_SKIP))
		return "writeback-background has skip-ms, the other reasons grace-ms";
	if (change->value[PINR_REPEAT] &&
	    change->value[PINR_REPEAT] < PINR_MIN_REPEAT_MS)
		return "repeat-ms is 0, or at least 10";
	if (change->by == PIN_REVOKE_POLICY_SOURCE_COMM &&
	    change->set & BIT(PINR_REPEAT))
		return "anybody can give himself a name: repeat-ms is for users and cgroups";
	if (!(change->set & BIT(PINR_ACTION)))
		return NULL;
	if (action == PIN_REVOKE_ACTION_FORCE)
		for (v = PINR_GRACE; v < PINR_NR_VALUES; v++)
			if (change->value[v])
				return "force asks nobody: there is no time to set";
	if (action != PIN_REVOKE_ACTION_FORCE && change->set & BIT(time) &&
	    !change->value[time])
		return "no time to answer: that is force";
	return pinr_action_misfit(change->reason, action);
}

/* Return: the same of a command name's, which must not be softer. */
static const char *pinr_name_misfit(const struct pinr_rule *change)
{
	struct pinr_policy policy = pinr_policy_rules(change->reason, NULL);
	unsigned int v;

	for (v = 0; v < PINR_NR_VALUES; v++)
		if (change->by == PIN_REVOKE_POLICY_SOURCE_COMM &&
		    change->set & BIT(v) &&
		    change->value[v] > policy.value[v])
			return "anybody can give himself a name: it only makes a policy stricter";
	return NULL;
}

/**
 * pinr_policy_set - change what is set for a reason, user, cgroup or name
 * @change: which, and the values to set; the others stay
 * @extack: gets a text for an error
 *
 * Requests that are open keep what they have.
 *
 * Return: 0, or an error and nothing has changed.
 */
int pinr_policy_set(const struct pinr_rule *change,
		    struct netlink_ext_ack *extack)
{
	const char *misfit = pinr_rule_misfit(change);
	struct pinr_rule *rule;
	unsigned int v;
	int err = 0;

	spin_lock(&pinr_lock);
	misfit = misfit ?: pinr_name_misfit(change);
	rule = pinr_rule_find(change);
	if (misfit) {
		extack->_msg = misfit;
		err = -EINVAL;
	} else if (rule) {
		rule->set |= change->set;
		for (v = 0; v < PINR_NR_VALUES; v++)
			if (change->set & BIT(v))
				rule->value[v] = change->value[v];
	} else if (pinr_nr_rules < PINR_MAX_RULES) {
		pinr_rules[pinr_nr_rules++] = *change;
	} else {
		NL_SET_ERR_MSG(extack, "too many policies: delete one");
		err = -ENOSPC;
	}
	if (!err)
		pinr_rules_changed += 2;
	spin_unlock(&pinr_lock);
	return err;
}

/* Return: 0, or -ENOENT if nothing is set. */
int pinr_policy_del(const struct pinr_rule *like)
{
	struct pinr_rule *rule;

	spin_lock(&pinr_lock);
	rule = pinr_rule_find(like);
	if (rule) {
		*rule = pinr_rules[--pinr_nr_rules];
		pinr_rules_changed += 2;
	}
	spin_unlock(&pinr_lock);
	return rule ? 0 : -ENOENT;
}
