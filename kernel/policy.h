/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is set for reasons, users, cgroups and command names, and what holds for a
 * pin. Values only: must never say how anything is done.
 */
#ifndef _PIN_REVOKE_POLICY_H
#define _PIN_REVOKE_POLICY_H

#include <linux/sched.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <uapi/linux/pin_revoke.h>

struct cgroup;
struct netlink_ext_ack;
struct pin_revoke_pin;

enum pinr_value {
	PINR_ACTION,			/* enum pin_revoke_action */
	PINR_GRACE,			/* milliseconds, as all that follow */
	PINR_EXTEND,
	PINR_SKIP,			/* in place of it, see pinr_reason_time() */
	PINR_REPEAT,			/* 0: once, when half of the time is over */
	PINR_NR_VALUES,
};

/* What is built in, and a sysctl; see pinr_reason_sysctl(). */
#define PINR_GRACE_MS	1000
#define PINR_SKIP_MS	30000

/* Each may change at any time: READ_ONCE(). */
extern struct pinr_sysctl {
	unsigned int enable;		/* 0: nobody is asked */
	unsigned int grace_ms, skip_ms;
} pinr_sysctl;

/* What holds for a pin, or for all. */
struct pinr_policy {
	u32 value[PINR_NR_VALUES];
	u8 from[PINR_NR_VALUES];	/* enum pin_revoke_policy_source */
};

/* What is set, for a reason or for some pins. */
struct pinr_rule {
	enum pin_revoke_reason reason;
	enum pin_revoke_policy_source by;
	kuid_t uid;			/* of these one, the others 0 */
	u64 cgroup;
	char comm[TASK_COMM_LEN];
	unsigned int set;		/* bits of enum pinr_value */
	u32 value[PINR_NR_VALUES];
};

#define PINR_NR_REASONS	(PIN_REVOKE_REASON_MAX + 1)
bool pinr_reason_asks(enum pin_revoke_reason reason);
bool pinr_reason_delays(enum pin_revoke_reason reason);
bool pinr_reason_takes(enum pin_revoke_reason reason);
bool pinr_reason_off(enum pin_revoke_reason reason);
enum pinr_value pinr_reason_time(enum pin_revoke_reason reason);
struct cgroup *pinr_cgroup_get(void);
void pinr_cgroup_put(struct cgroup *cgroup);
struct pinr_policy __pinr_policy_of(enum pin_revoke_reason reason,
				    const struct pin_revoke_pin *pin);
struct pinr_policy pinr_policy_of(enum pin_revoke_reason reason,
				  const struct pin_revoke_pin *pin);
bool pinr_policy_asks(enum pin_revoke_reason reason);
unsigned int pinr_policies_seq(void);
bool pinr_policy_rule(unsigned int nr, struct pinr_rule *rule);
int pinr_policy_set(const struct pinr_rule *change,
		    struct netlink_ext_ack *extack);
int pinr_policy_del(const struct pinr_rule *like);

#endif /* _PIN_REVOKE_POLICY_H */
