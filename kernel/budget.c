// SPDX-License-Identifier: GPL-2.0-only
/*
 * The budget: how long one user may delay others, with all of his processes, pins
 * and contexts together. Once it is used up his pins are taken as if their deadlines
 * were over, until time has come back; see bucket.h for the arithmetic.
 *
 * Must never allocate: requests are made where nothing can be freed.
 */
#include <linux/module.h>

#include "core.h"

/*
 * Ten times the grace of an fsync: a program that was stopped, or starts, is late
 * more than once. Whoever is asked every second and answers within 200 ms gets
 * back what he spends, and never comes near it.
 */
static unsigned int budget_ms = 10000;
module_param(budget_ms, uint, 0644);
MODULE_PARM_DESC(budget_ms, "how long one user may delay others, less than 100: not at all");

/* Brings what was spent up to date. Caller holds pinr_lock. */
void pinr_budget_reckon(struct pinr_user *user)
{
	lockdep_assert_held(&pinr_lock);
	atomic64_add(pinr_bucket_reckon(&user->bucket, ktime_get()),
		     &pinr_stats.delayed_ns);
}

/**
 * pinr_budget_left - what a pin's user has left
 * @pin: the pin
 * @reason: what it would be asked for
 *
 * Context: caller holds pinr_lock.
 * Return: nanoseconds, KTIME_MAX without a limit.
 */
s64 pinr_budget_left(struct pin_revoke_pin *pin, enum pin_revoke_reason reason)
{
	struct pinr_user *user = pin->user;

	if (!user || !pinr_reason_delays(reason))
		return KTIME_MAX;
	pinr_budget_reckon(user);
	return pinr_bucket_left(&user->bucket,
				READ_ONCE(budget_ms) * (s64)NSEC_PER_MSEC);
}

/* The latest deadline that the pin's user can pay for. Caller holds pinr_lock. */
ktime_t pinr_budget_until(const struct pinr_ask *ask)
{
	s64 left = pinr_ask_awaited(ask) ?
		   pinr_budget_left(ask->pin, ask->req->reason) : KTIME_MAX;

	return ktime_add_safe(ktime_get(), left);
}

/* Somebody waits for this ask from now on. Caller holds pinr_lock. */
void pinr_budget_begin(struct pinr_ask *ask)
{
	struct pinr_user *user = ask->pin->user;

	if (!user || ask->charged || !pinr_ask_awaited(ask) ||
	    !pinr_reason_delays(ask->req->reason))
		return;
	pinr_budget_reckon(user);
	user->bucket.open++;
	ask->charged = true;
}

/* The ask is over. Caller holds pinr_lock. */
void pinr_budget_end(struct pinr_ask *ask)
{
	if (!ask->charged)
		return;
	pinr_budget_reckon(ask->pin->user);
	ask->pin->user->bucket.open--;
	ask->charged = false;
}
