// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting for answers: what a trigger does between asking and going on.
 *
 * A request ends without anybody waiting for it; this only makes sure that a
 * waiter goes on at the deadline even if the request's work does not run. Must
 * never wait beyond it, nor for a task that was killed.
 */
#include <linux/sched/signal.h>

#include "core.h"

DECLARE_WAIT_QUEUE_HEAD(pinr_answered);

#ifdef CONFIG_LOCKDEP
struct lockdep_map pinr_wait_map = STATIC_LOCKDEP_MAP_INIT("pin_revoke_wait",
							   &pinr_wait_map);
#endif

/* Latest deadline that is still open among the pins; 0 if there is none. */
static ktime_t pinr_open_until(struct pin_revoke_pin **pins, unsigned int nr,
			       enum pin_revoke_reason reason)
{
	ktime_t until = 0;
	unsigned int i;

	spin_lock(&pinr_lock);
	for (i = 0; i < nr; i++) {
		struct pinr_ask *ask = pinr_ask_of(pins[i], reason);

		if (pinr_ask_awaited(ask))
			until = max(until, ask->deadline);
	}
	spin_unlock(&pinr_lock);
	return until;
}

/*
 * Has everybody answered? Those before the @first have: who has many pins is woken
 * by each of them.
 */
static bool pinr_all_answered(struct pin_revoke_pin **pins, unsigned int nr,
			      enum pin_revoke_reason reason, unsigned int *first)
{
	spin_lock(&pinr_lock);
	while (*first < nr && !pinr_ask_awaited(pinr_ask_of(pins[*first], reason)))
		++*first;
	spin_unlock(&pinr_lock);
	return *first == nr;
}

/* The request's work does this too; a busy queue must not hold up a waiter. */
static void pinr_take_due(struct pin_revoke_pin *pin,
			  enum pin_revoke_reason reason)
{
	struct pinr_ask *ask;

	spin_lock(&pinr_lock);
	ask = pinr_ask_of(pin, reason);
	if (ask)
		kref_get(&ask->req->ref);
	spin_unlock(&pinr_lock);
	if (!ask)
		return;
	pinr_ask_take(ask);
	pinr_request_put(ask->req);
}

/*
 * Whoever opened the request does not need the pins any more: it ends without
 * taking them, unless somebody else has joined it.
 */
static void pinr_request_killed(u64 id)
{
	struct pinr_request *req = pinr_request_find(id);
	bool joined;

	if (!req)
		return;
	spin_lock(&pinr_lock);
	joined = req->joined;
	spin_unlock(&pinr_lock);
	if (!joined)
		pinr_request_cancel(req, true);
	pinr_request_put(req);
}

/**
 * pinr_wait_pins - wait until holders have answered
 * @pins: the pins that were asked for
 * @nr: how many
 * @reason: wait for requests of this reason, joined ones too
 * @id: the caller's own request, cancelled if the caller is killed and nobody
 *	else waits for it
 *
 * Returns at the latest deadline of the pins, with whatever is open forced,
 * earlier if all are answered or the task is killed.
 *
 * Context: may sleep; the caller may hold s_umount, i_rwsem, even mmap_lock:
 * legal because the wait is bounded and killable.
 */
void pinr_wait_pins(struct pin_revoke_pin **pins, unsigned int nr,
		    enum pin_revoke_reason reason, u64 id)
{
	unsigned int i, first = 0;

	pinr_might_wait();
	for (;;) {
		ktime_t until = pinr_open_until(pins, nr, reason);
		s64 left = ktime_to_ns(ktime_sub(until, ktime_get()));

		if (!until)
			return;
		if (left <= 0) {
			for (i = 0; i < nr; i++)
				pinr_take_due(pins[i], reason);
		} else if (wait_event_killable_timeout(pinr_answered,
						       pinr_all_answered(pins, nr, reason,
									 &first),
						       nsecs_to_jiffies(left) + 1) < 0) {
			if (id)
				pinr_request_killed(id);
			return;
		}
	}
}
