// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes after an invalidation: user space is told, a pin that was taken is
 * restored when nothing needs its pages any more, one that was not is verified.
 *
 * Runs on an unbound queue of its own: a fault can take as long as the file
 * system likes (freeze, userfaultfd, NFS). Must never be waited for: whoever
 * releases a pin leaves the work its reference and goes.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>

#include "core.h"
#include "trace.h"

#define PINR_HOLDOFF_MS		20u
#define PINR_MAX_HOLDOFF_MS	160u
/* How often to look whether a trigger is still in flight. */
#define PINR_POLL_MS		5
/*
 * Our own write faults split huge page table entries and so invalidate the
 * range that is being pinned, once for each.
 */
#define PINR_RESTORE_TRIES	3

/**
 * pinr_holdoff - a revoked pin stays so for a while
 * @pin: the pin
 *
 * A pin that is taken again after a fraction of its service time is in a
 * storm: the hold-off doubles until service is ten times as long.
 *
 * Context: caller holds pin->lock.
 */
void pinr_holdoff(struct pin_revoke_pin *pin)
{
	ktime_t now = ktime_get(), until;

	lockdep_assert_held(&pin->lock);
	if (pin->state != PIN_REVOKE_STATE_REVOKED) {
		s64 served = ktime_ms_delta(now, pin->restored_at);

		if (pin->holdoff_ms && served < 10 * pin->holdoff_ms)
			pin->holdoff_ms = min(2 * pin->holdoff_ms,
					      PINR_MAX_HOLDOFF_MS);
		else
			pin->holdoff_ms = PINR_HOLDOFF_MS;
		pin->revoked_at = now;
	}
	/* Somebody who cleans the range all the time must not keep it for ever. */
	until = ktime_add_ms(now, pin->holdoff_ms);
	until = min(until, ktime_add_ms(pin->revoked_at, PINR_MAX_HOLDOFF_MS));
	WRITE_ONCE(pin->not_before, until);
}

/* A restore that failed is no more welcome than one that was undone. */
static void pinr_back_off(struct pin_revoke_pin *pin)
{
	pin->holdoff_ms = min(2 * pin->holdoff_ms, PINR_MAX_HOLDOFF_MS);
	WRITE_ONCE(pin->not_before, ktime_add_ms(ktime_get(), pin->holdoff_ms));
}

/**
 * pinr_hold - keep pins away once they are taken, or not any more
 * @pins: the pins; the caller keeps its references until it lets go
 * @nr: how many
 * @hold: keep them, or let them come back
 *
 * Context: may sleep.
 */
void pinr_hold(struct pin_revoke_pin **pins, unsigned int nr, bool hold)
{
	unsigned int i;

	for (i = 0; i < nr; i++) {
		mutex_lock(&pins[i]->lock);
		pins[i]->held += hold ? 1 : -1;
		mutex_unlock(&pins[i]->lock);
		if (!hold)
			pinr_pin_after(pins[i]);
	}
}

/*
 * One work for all that is told of a pin: REVOKED and RESTORED stay in order,
 * and none waits for a fault of the restore.
 */
void pinr_tell_work(struct work_struct *work)
{
	struct pin_revoke_pin *pin =
		container_of(work, struct pin_revoke_pin, tell_work);
	unsigned int tell, bit;

	mutex_lock(&pin->lock);
	tell = pin->tell;
	pin->tell = 0;
	mutex_unlock(&pin->lock);
	for (bit = PINR_TELL_REVOKED; bit <= PINR_TELL_GONE; bit <<= 1)
		if (tell & bit)
			pinr_tell_pin(pin, bit);
	if (pin->declared && (tell & PINR_TELL_GONE))
		pinr_undeclare_dead(pin);
	pinr_pin_put(pin);
}

/* Return: milliseconds until it is worth another look, 0: now, < 0: never. */
static int pinr_restore_when(struct pin_revoke_pin *pin)
{
	s64 left;
	int when = 0;

	mutex_lock(&pin->lock);
	left = ktime_ms_delta(pin->not_before, ktime_get());
	if (pin->state != PIN_REVOKE_STATE_REVOKED || pin->adopted)
		when = -1;
	/* Pairs with the unpin worker's, which calls again. */
	else if (smp_load_acquire(&pin->pinned))
		when = -1;
	else if (pin->held)
		when = -1;
	else if (pinr_frame_covers(pin))
		when = PINR_POLL_MS;
	else if (left > 0)
		when = left;
	mutex_unlock(&pin->lock);
	return when;
}

static bool pinr_restore_free(struct pin_revoke_pin *pin)
{
	bool free;

	mutex_lock(&pin->lock);
	free = !pinr_frame_covers(pin);
	mutex_unlock(&pin->lock);
	return free;
}

/*
 * Brings a run of pages back, and the pin if it is away. current->mm is the
 * holder's. Return: it is there.
 */
static bool pinr_bring(struct pin_revoke_pin *pin, const struct pinr_run *run)
{
	unsigned int tries = 0;
	int err;

	do {
		err = pinr_settle(pin, run, false);
		if (!err)
			err = pinr_pin_populate(pin, run);
	} while (err == -EAGAIN && ++tries < PINR_RESTORE_TRIES &&
		 pinr_restore_free(pin));
	trace_pin_revoke_restore(pin, err);
	if (!err || err == -ECANCELED)
		return !err;

	mutex_lock(&pin->lock);
	switch (err) {
	case -EAGAIN:
	case -EBUSY:
	case -ENOMEM:
		__pinr_pin_input(pin, PINR_FAIL, pin->reason);
		pinr_back_off(pin);
		break;
	default:
		/* Where a part cannot come back, nothing else can stay. */
		__pinr_pin_input(pin, PINR_FORCE, PIN_REVOKE_REASON_INVALIDATE);
		__pinr_pin_input(pin, PINR_LOST, pin->reason);
	}
	mutex_unlock(&pin->lock);
	return false;
}

/* current->mm is the holder's. */
static void pinr_restore(struct pin_revoke_pin *pin)
{
	struct pinr_run run = { .nr = pin->nr_pages };

	if (READ_ONCE(pin->write_first)) {
		if (pinr_settle(pin, &run, true))
			return;
		WRITE_ONCE(pin->write_first, false);
	}
	if (pin->flags & PIN_REVOKE_LAZY) {
		/* Nobody wants it yet: the first access will. */
		if (!READ_ONCE(pin->want))
			return;
		if (!pinr_pin_misses(pin, &run) && pin->nr_chunks > 1)
			run.nr = 0;
	}
	pinr_pin_input(pin, PINR_START, PIN_REVOKE_REASON_UNSPEC);
	pinr_bring(pin, &run);
}

/* What the device has missed since the pin is back. */
static void pinr_grow(struct pin_revoke_pin *pin)
{
	struct pinr_run run;

	while (READ_ONCE(pin->state) == PIN_REVOKE_STATE_ACTIVE &&
	       pinr_pin_misses(pin, &run) && pinr_restore_free(pin) &&
	       pinr_bring(pin, &run))
		cond_resched();
}

static bool pinr_restore_pending(struct pin_revoke_pin *pin)
{
	return READ_ONCE(pin->state) == PIN_REVOKE_STATE_REVOKED &&
	       !pin->adopted && !READ_ONCE(pin->pinned) &&
	       (READ_ONCE(pin->write_first) || READ_ONCE(pin->want) ||
		!(pin->flags & PIN_REVOKE_LAZY));
}

/**
 * pinr_after_work - verify, hold off, restore
 * @work: pin->after_work; being one, only it uses the arrays of an active pin
 */
void pinr_after_work(struct work_struct *work)
{
	struct pin_revoke_pin *pin =
		container_of(to_delayed_work(work), struct pin_revoke_pin,
			     after_work);
	struct mm_struct *mm = pin->holder->mm;
	struct pinr_run run;
	int when = -1;

	if (READ_ONCE(pin->verify) && mmget_not_zero(mm)) {
		kthread_use_mm(mm);
		if (pinr_pin_verify(pin))
			when = PINR_HOLDOFF_MS;
		kthread_unuse_mm(mm);
		mmput_async(mm);
	}
	if (when < 0 && pinr_restore_pending(pin)) {
		when = pinr_restore_when(pin);
		if (!when && mmget_not_zero(mm)) {
			kthread_use_mm(mm);
			pinr_restore(pin);
			kthread_unuse_mm(mm);
			mmput_async(mm);
			when = pinr_restore_pending(pin) ? PINR_HOLDOFF_MS : -1;
		}
	}
	/* Pairs with pin_revoke_access(). */
	smp_mb();
	if (READ_ONCE(pin->state) == PIN_REVOKE_STATE_ACTIVE &&
	    pinr_pin_misses(pin, &run) && mmget_not_zero(mm)) {
		kthread_use_mm(mm);
		pinr_grow(pin);
		kthread_unuse_mm(mm);
		mmput_async(mm);
		if (when < 0 && pinr_pin_misses(pin, &run))
			when = PINR_POLL_MS;
	}
	/* The reference goes with the work. */
	if (when > 0 && queue_delayed_work(pinr_after_wq, &pin->after_work,
					   msecs_to_jiffies(when) + 1))
		return;
	pinr_pin_put(pin);
}
