/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A user, with all of his processes: the ranges that he declares, and the time that
 * he may delay others.
 */
#ifndef _PIN_REVOKE_USER_H
#define _PIN_REVOKE_USER_H

#include <linux/atomic.h>
#include <linux/list.h>
#include <linux/uidgid.h>
#include <uapi/linux/pin_revoke.h>

#include "bucket.h"

struct pinr_ask;
struct pin_revoke_pin;

struct pinr_user {
	struct list_head all;		/* pinr_lock */
	kuid_t uid;
	atomic_t uses;			/* pins and contexts; from 0 under pinr_lock only */
	atomic_t nr_declared;
	struct pinr_bucket bucket;	/* pinr_lock */
};

/* user.c */
bool pinr_user_limited(void);
struct pinr_user *pinr_user_get(void);
struct pinr_user *pinr_user_keep(struct pinr_user *user);
void pinr_user_put(struct pinr_user *user);
void pinr_user_exit(void);

/* budget.c */
void pinr_budget_reckon(struct pinr_user *user);
s64 pinr_budget_left(struct pin_revoke_pin *pin, enum pin_revoke_reason reason);
ktime_t pinr_budget_until(const struct pinr_ask *ask);
void pinr_budget_begin(struct pinr_ask *ask);
void pinr_budget_end(struct pinr_ask *ask);

#endif /* _PIN_REVOKE_USER_H */
