// SPDX-License-Identifier: GPL-2.0-only
/*
 * Users: who answers for pins and contexts, and is counted as one with all of his
 * processes.
 *
 * Must never forget what was spent while a user has no pin.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/slab.h>
#include <linux/user_namespace.h>

#include "core.h"

static LIST_HEAD(pinr_user_list);	/* pinr_lock */

/*
 * Nobody becomes a second user by a second uid: what is in a user namespace counts
 * as its owner's, who may have been given many. One that root made is as good as
 * its own root: root chose which uids are in there.
 */
static kuid_t pinr_user_uid(void)
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

/* Has the calling process a budget? An administrator has time without end. */
bool pinr_user_limited(void)
{
	return !ns_capable_noaudit(&init_user_ns, CAP_SYS_ADMIN);
}

static struct pinr_user *pinr_user_find(kuid_t uid)
{
	struct pinr_user *user;

	lockdep_assert_held(&pinr_lock);
	list_for_each_entry(user, &pinr_user_list, all)
		if (uid_eq(user->uid, uid))
			return pinr_user_keep(user);
	return NULL;
}

/* Those that nobody needs: not in use, and all has come back. */
static void pinr_user_reap(void)
{
	struct pinr_user *user, *next;

	lockdep_assert_held(&pinr_lock);
	list_for_each_entry_safe(user, next, &pinr_user_list, all) {
		pinr_budget_reckon(user);
		if (atomic_read(&user->uses) || user->bucket.spent)
			continue;
		list_del(&user->all);
		kfree(user);
	}
}

/**
 * pinr_user_get - the user of the calling process, for a pin or a context
 *
 * Context: may sleep.
 * Return: the user, or NULL without memory.
 */
struct pinr_user *pinr_user_get(void)
{
	struct pinr_user *user, *new;
	kuid_t uid = pinr_user_uid();

	spin_lock(&pinr_lock);
	user = pinr_user_find(uid);
	spin_unlock(&pinr_lock);
	if (user)
		return user;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	new->uid = uid;
	atomic_set(&new->uses, 1);
	spin_lock(&pinr_lock);
	/* Another thread may have been first. */
	user = pinr_user_find(uid);
	if (!user) {
		pinr_user_reap();
		list_add(&new->all, &pinr_user_list);
	}
	spin_unlock(&pinr_lock);
	if (!user)
		return new;
	kfree(new);
	return user;
}

/* Once more, for whoever has it already. Any context. */
struct pinr_user *pinr_user_keep(struct pinr_user *user)
{
	atomic_inc(&user->uses);
	return user;
}

/* He stays: the next pin must find what was spent. NULL is nobody. Any context. */
void pinr_user_put(struct pinr_user *user)
{
	if (user)
		atomic_dec(&user->uses);
}

/* At unload, without pins. */
void pinr_user_exit(void)
{
	struct pinr_user *user, *next;

	list_for_each_entry_safe(user, next, &pinr_user_list, all)
		kfree(user);
}
