// SPDX-License-Identifier: GPL-2.0-only
/*
 * The budget: how long one user may delay others, with all of his processes, pins
 * and contexts together. Once it is used up his pins are taken as if their deadlines
 * were over, until time has come back; see bucket.h for the arithmetic.
 *
 * Must never forget what was spent while a user has no pin.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "bucket.h"
#include "core.h"

/*
 * Ten times the grace of an fsync: a program that was stopped, or starts, is late
 * more than once. Whoever is asked every second and answers within 200 ms gets
 * back what he spends, and never comes near it.
 */
static unsigned int budget_ms = 10000;
module_param(budget_ms, uint, 0644);
MODULE_PARM_DESC(budget_ms, "how long one user may delay others, less than 100: not at all");

struct pinr_budget {
	struct list_head all;
	kuid_t uid;
	unsigned int nr_pins;
	struct pinr_bucket bucket;
};

static LIST_HEAD(pinr_budgets);	/* pinr_lock */

/*
 * Nobody gets a second budget by a second uid: what is in a user namespace counts
 * as its owner's, who may have been given many. One that root made is as
 * good as its own root: root chose which uids are in there.
 */
static kuid_t pinr_budget_uid(void)
{
	struct user_namespace *ns = current_user_ns();
	kuid_t root;

	if (ns == &init_user_ns)
		return current_uid();
	while (ns->parent != &init_user_ns)
		ns = ns->parent;
	root = make_kuid(ns, 0);
	return uid_eq(ns->owner, GLOBAL_ROOT_UID) && uid_valid(root) ? root : ns->owner;
}

static struct pinr_budget *pinr_budget_find(kuid_t uid)
{
	struct pinr_budget *budget;

	lockdep_assert_held(&pinr_lock);
	list_for_each_entry(budget, &pinr_budgets, all)
		if (uid_eq(budget->uid, uid)) {
			budget->nr_pins++;
			return budget;
		}
	return NULL;
}

static void pinr_budget_reckon(struct pinr_budget *budget)
{
	lockdep_assert_held(&pinr_lock);
	atomic64_add(pinr_bucket_reckon(&budget->bucket, ktime_get()),
		     &pinr_stats.delayed_ns);
}

/* Those that nobody needs: without pins, and all has come back. */
static void pinr_budget_reap(void)
{
	struct pinr_budget *budget, *next;

	list_for_each_entry_safe(budget, next, &pinr_budgets, all) {
		pinr_budget_reckon(budget);
		if (budget->nr_pins || budget->bucket.spent)
			continue;
		list_del(&budget->all);
		kfree(budget);
	}
}

/**
 * pinr_budget_get - the budget of the calling process, for a pin
 *
 * Context: may sleep.
 * Return: the budget, NULL if it has no limit, or ERR_PTR without memory.
 */
struct pinr_budget *pinr_budget_get(void)
{
	struct pinr_budget *budget, *new;
	kuid_t uid = pinr_budget_uid();

	if (ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN))
		return NULL;
	spin_lock(&pinr_lock);
	budget = pinr_budget_find(uid);
	spin_unlock(&pinr_lock);
	if (budget)
		return budget;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return ERR_PTR(-ENOMEM);
	new->uid = uid;
	new->nr_pins = 1;
	spin_lock(&pinr_lock);
	/* Another thread may have been first. */
	budget = pinr_budget_find(uid);
	if (!budget) {
		pinr_budget_reap();
		list_add(&new->all, &pinr_budgets);
	}
	spin_unlock(&pinr_lock);
	if (!budget)
		return new;
	kfree(new);
	return budget;
}

/* It stays: the next pin of the user must find what was spent. */
void pinr_budget_put(struct pinr_budget *budget)
{
	if (!budget)
		return;
	spin_lock(&pinr_lock);
	budget->nr_pins--;
	spin_unlock(&pinr_lock);
}

/* At unload, without pins. */
void pinr_budget_exit(void)
{
	struct pinr_budget *budget, *next;

	list_for_each_entry_safe(budget, next, &pinr_budgets, all)
		kfree(budget);
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
	struct pinr_budget *budget = pin->budget;

	if (!budget || !pinr_reason_delays(reason))
		return KTIME_MAX;
	pinr_budget_reckon(budget);
	return pinr_bucket_left(&budget->bucket,
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
	struct pinr_budget *budget = ask->pin->budget;

	if (!budget || ask->charged || !pinr_ask_awaited(ask) ||
	    !pinr_reason_delays(ask->req->reason))
		return;
	pinr_budget_reckon(budget);
	budget->bucket.open++;
	ask->charged = true;
}

/* The ask is over. Caller holds pinr_lock. */
void pinr_budget_end(struct pinr_ask *ask)
{
	if (!ask->charged)
		return;
	pinr_budget_reckon(ask->pin->budget);
	ask->pin->budget->bucket.open--;
	ask->charged = false;
}
