// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pins: finding them, their references, and the one place that changes the state
 * of a pin and acts on it.
 *
 * Must never wait for user space, nor allocate: the notifier comes through here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/module.h>
#include <linux/slab.h>

#include "core.h"
#include "trace.h"

/* Not an xarray: one that is often empty has its nodes freed by RCU each time. */
struct rb_root pinr_pins = RB_ROOT;
struct workqueue_struct *pinr_unpin_wq;
struct workqueue_struct *pinr_prompt_wq;
struct workqueue_struct *pinr_after_wq;

void pinr_pin_get(struct pin_revoke_pin *pin)
{
	kref_get(&pin->ref);
}

void pinr_free_arrays(struct pin_revoke_pin *pin)
{
	kvfree(pin->pages);
	if (pin->wanted != pin->few)
		kfree(pin->wanted);
}

/*
 * The arrays live as long as any work that may use them, the module as long
 * as any pin: rmmod says so at once instead of waiting for a restore that a
 * frozen file system keeps. (The last instructions after module_put() are
 * covered by destroy_workqueue() in the module's exit.)
 */
static void pinr_pin_last(struct kref *ref)
{
	struct pin_revoke_pin *pin =
		container_of(ref, struct pin_revoke_pin, ref);

	pinr_word_put(pin);
	pinr_segs_free(pin->segs);
	pinr_free_arrays(pin);
	pinr_holder_put(pin->holder);
	pinr_cgroup_put(pin->cgroup);
	pinr_user_put(pin->user);
	if (pin->armed)
		pinr_disarm();
	pinr_pin_free(pin);
	module_put(THIS_MODULE);
}

/* Context: may sleep if it is the last reference; not under pinr_lock. */
void pinr_pin_put(struct pin_revoke_pin *pin)
{
	kref_put(&pin->ref, pinr_pin_last);
}

static bool pinr_pin_less(struct rb_node *a, const struct rb_node *b)
{
	return rb_entry(a, struct pin_revoke_pin, by_id)->id <
	       rb_entry(b, struct pin_revoke_pin, by_id)->id;
}

/* From now on it can be found. Caller holds pinr_lock. */
void pinr_pin_add(struct pin_revoke_pin *pin)
{
	lockdep_assert_held(&pinr_lock);
	rb_add(&pin->by_id, &pinr_pins, pinr_pin_less);
}

/* The pin with the lowest id that is not below @id, or NULL. Caller holds pinr_lock. */
static struct pin_revoke_pin *pinr_pin_from(u64 id)
{
	struct rb_node *node = pinr_pins.rb_node;
	struct pin_revoke_pin *pin, *found = NULL;

	lockdep_assert_held(&pinr_lock);
	while (node) {
		pin = rb_entry(node, struct pin_revoke_pin, by_id);
		if (pin->id >= id)
			found = pin;
		node = pin->id >= id ? node->rb_left : node->rb_right;
	}
	return found;
}

/* As pinr_pin_find(), without a reference. Caller holds pinr_lock. */
struct pin_revoke_pin *__pinr_pin_find(u64 id)
{
	struct pin_revoke_pin *pin = pinr_pin_from(id);

	return pin && pin->id == id ? pin : NULL;
}

/**
 * pinr_pin_find - look up a pin
 * @id: its id
 *
 * Return: the pin with a reference, or NULL.
 */
struct pin_revoke_pin *pinr_pin_find(u64 id)
{
	struct pin_revoke_pin *pin;

	spin_lock(&pinr_lock);
	pin = __pinr_pin_find(id);
	if (pin)
		pinr_pin_get(pin);
	spin_unlock(&pinr_lock);
	return pin;
}

/**
 * pinr_pin_next - walk the pins
 * @after: an id
 *
 * Return: the pin with the lowest id above @after with a reference, or NULL.
 */
struct pin_revoke_pin *pinr_pin_next(u64 after)
{
	struct pin_revoke_pin *pin;

	spin_lock(&pinr_lock);
	pin = pinr_pin_from(after + 1);
	if (pin)
		pinr_pin_get(pin);
	spin_unlock(&pinr_lock);
	return pin;
}

/**
 * pinr_pin_after - have a pin verified or restored
 * @pin: the pin; the caller has a reference of its own
 *
 * Context: any.
 */
void pinr_pin_after(struct pin_revoke_pin *pin)
{
	pinr_pin_get(pin);
	if (mod_delayed_work(pinr_after_wq, &pin->after_work, 0))
		pinr_pin_put(pin);
}

static void pinr_pin_tell(struct pin_revoke_pin *pin)
{
	pinr_pin_get(pin);
	if (!queue_work(pinr_prompt_wq, &pin->tell_work))
		pinr_pin_put(pin);
}

/*
 * A driver broke its promise. It is named once, however often it is loaded; so many are,
 * for this is where nothing can be allocated.
 */
static void pinr_overran(const struct pin_revoke_pin *pin, s64 ms)
{
	static char named[8][MODULE_NAME_LEN];
	static DEFINE_SPINLOCK(lock);
	unsigned int i;
	bool name;

	atomic64_inc(&pinr_stats.overran);
	spin_lock(&lock);
	for (i = 0; i < ARRAY_SIZE(named) && *named[i]; i++)
		if (!strcmp(named[i], pin->driver))
			break;
	name = i < ARRAY_SIZE(named) && !*named[i];
	if (name)
		strscpy(named[i], pin->driver, sizeof(named[i]));
	spin_unlock(&lock);
	if (name)
		pr_warn("%s took %lld ms to stop its device, it may take %u: whoever needs the pages waits\n",
			pin->driver, ms, PIN_REVOKE_QUIESCE_MS);
}

static void pinr_quiesce(struct pin_revoke_pin *pin, enum pin_revoke_reason reason)
{
	ktime_t begun = ktime_get();
	s64 ms;

	pin->ops->quiesce(pin->priv, pin->addr, pin->addr + pin->len - 1, reason);
	ms = ktime_ms_delta(ktime_get(), begun);
	/* Declared ranges have no device. */
	if (ms > PIN_REVOKE_QUIESCE_MS && !pin->declared)
		pinr_overran(pin, ms);
}

static void pinr_note_revoked(struct pin_revoke_pin *pin,
			      enum pinr_input input,
			      enum pin_revoke_reason reason)
{
	pin->reason = reason;
	pin->forced = input != PINR_TAKE;
	pin->nr_revoked++;
	atomic64_inc(&pinr_stats.revoked);
	if (pin->forced) {
		pin->nr_forced++;
		atomic64_inc(&pinr_stats.forced);
	} else {
		pin->want = true;
	}
	if (reason == PIN_REVOKE_REASON_WRITEBACK_BACKGROUND)
		pin->write_first = true;
	/* What was not told of a restore is not true any more. */
	pin->tell &= ~PINR_TELL_RESTORED;
	pin->tell |= PINR_TELL_REVOKED;
	pinr_holdoff(pin);
}

/**
 * __pinr_pin_input - something happened to a pin
 * @pin: the pin
 * @input: what happened
 * @reason: on whose behalf
 *
 * When it returns, the device has stopped if the pin was taken. Nobody is
 * asked and nothing is allocated here.
 *
 * Context: caller holds pin->lock; may be inside reclaim and under a folio
 * lock. May sleep as long as the driver's ->quiesce() does.
 */
void __pinr_pin_input(struct pin_revoke_pin *pin, enum pinr_input input,
		      enum pin_revoke_reason reason)
{
	struct pinr_step step = pinr_step(pin->state, input);
	enum pin_revoke_state old = pin->state;

	lockdep_assert_held(&pin->lock);
	if (!step.valid)
		return;

	if (step.todo & PINR_DO_QUIESCE) {
		pinr_word_change(pin);
		if (!pinr_fault(PINR_FAULT_NO_QUIESCE))
			pinr_quiesce(pin, reason);
		pinr_index_unhook(pin);
		atomic64_sub(pin->nr_present, &pinr_stats.pinned_pages);
		if (input != PINR_RELEASE)
			pinr_note_revoked(pin, input, reason);
	} else if (old == PIN_REVOKE_STATE_REVOKED && input == PINR_FORCE) {
		pinr_holdoff(pin);
	}
	WRITE_ONCE(pin->state, step.next);

	if (step.todo & PINR_DO_RESTORE) {
		WRITE_ONCE(pin->restored_at, ktime_get());
		pin->want = false;
		/* pinr_pages_come() follows. */
		pin->nr_present = 0;
		pinr_index_hook(pin);
		if (pin->nr_revoked) {
			pin->tell |= PINR_TELL_RESTORED;
			atomic64_inc(&pinr_stats.restored);
		}
	}
	if (step.todo & PINR_DO_GONE) {
		pin->reason = reason;
		if (pin->ops->gone)
			pin->ops->gone(pin->priv);
		pin->tell |= PINR_TELL_GONE;
	}
	if (step.todo & PINR_DO_RESOLVE)
		pinr_asks_resolve(pin);
	if (old != step.next)
		trace_pin_revoke_state(pin, old, reason);

	if (step.todo & PINR_DO_UNPIN) {
		pinr_pin_get(pin);
		if (!queue_work(pinr_unpin_wq, &pin->unpin_work))
			pinr_pin_put(pin);
	}
	/* A pin that was never away has nothing to tell. */
	if ((step.todo & PINR_DO_TELL) && pin->tell)
		pinr_pin_tell(pin);
	/* What was wanted while it was asked for. */
	if (input == PINR_CANCEL)
		pinr_pin_after(pin);
}

/* As __pinr_pin_input(), for callers without the lock. May sleep. */
void pinr_pin_input(struct pin_revoke_pin *pin, enum pinr_input input,
		    enum pin_revoke_reason reason)
{
	mutex_lock(&pin->lock);
	__pinr_pin_input(pin, input, reason);
	mutex_unlock(&pin->lock);
}
