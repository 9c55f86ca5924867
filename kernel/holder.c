// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holders: the processes whose memory is pinned, known by their mm.
 *
 * An mm is kept with mmgrab(), never mmget(): a pin does not keep memory alive
 * that its process has left.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>

#include "core.h"

static LIST_HEAD(pinr_holders);
/*
 * Counts changes of the list of pins, for netlink, to which 0 means that nobody
 * counts: always odd.
 */
static unsigned int pinr_last_seq = 1;

static struct pinr_holder *pinr_holder_find(struct mm_struct *mm)
{
	struct pinr_holder *holder;

	lockdep_assert_held(&pinr_lock);
	list_for_each_entry(holder, &pinr_holders, all)
		/* One that is on its last way out is as good as gone. */
		if (holder->mm == mm && kref_get_unless_zero(&holder->ref))
			return holder;
	return NULL;
}

/**
 * pinr_holder_get - the holder of an mm, made if it is new
 * @mm: the mm
 *
 * Context: may sleep.
 * Return: the holder with a reference, or NULL without memory.
 */
struct pinr_holder *pinr_holder_get(struct mm_struct *mm)
{
	struct pinr_holder *holder, *new;

	spin_lock(&pinr_lock);
	holder = pinr_holder_find(mm);
	spin_unlock(&pinr_lock);
	if (holder)
		return holder;

	new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return NULL;
	kref_init(&new->ref);
	new->mm = mm;
	INIT_LIST_HEAD(&new->pins);
	INIT_LIST_HEAD(&new->ctxs);
	mutex_init(&new->claiming);
	INIT_DELAYED_WORK(&new->free_work, pinr_free_work);

	spin_lock(&pinr_lock);
	/* Another thread may have been first. */
	holder = pinr_holder_find(mm);
	if (!holder) {
		mmgrab(mm);
		list_add(&new->all, &pinr_holders);
	}
	spin_unlock(&pinr_lock);
	if (!holder)
		return new;
	kfree(new);
	return holder;
}

static void pinr_holder_last(struct kref *ref)
{
	struct pinr_holder *holder =
		container_of(ref, struct pinr_holder, ref);

	spin_lock(&pinr_lock);
	list_del(&holder->all);
	spin_unlock(&pinr_lock);
	mmdrop(holder->mm);
	kfree(holder);
}

/* Context: not under pinr_lock. */
void pinr_holder_put(struct pinr_holder *holder)
{
	kref_put(&holder->ref, pinr_holder_last);
}

/* A pin came, went, or belongs to another context. Caller holds pinr_lock. */
void pinr_pins_changed(struct pinr_holder *holder)
{
	lockdep_assert_held(&pinr_lock);
	pinr_last_seq += 2;
	holder->seq = pinr_last_seq;
}

/**
 * pinr_pins_seq - which list of pins is it
 * @mm: whose; NULL: everybody's
 *
 * Return: another number than before if it has changed, never 0.
 */
unsigned int pinr_pins_seq(struct mm_struct *mm)
{
	struct pinr_holder *holder;
	unsigned int seq;

	spin_lock(&pinr_lock);
	seq = mm ? 1 : pinr_last_seq;
	/* No reference: it stays as long as the lock is held. */
	list_for_each_entry(holder, &pinr_holders, all)
		if (mm && holder->mm == mm)
			seq = holder->seq | 1;
	spin_unlock(&pinr_lock);
	return seq;
}
