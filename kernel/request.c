// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: asks that were made together, and what came of them.
 *
 * A request is level-triggered: it exists until every one of its asks has
 * ended, whatever became of the messages. Its own work repeats it half-way and
 * forces what is open at the deadline; no waiter is needed for that. Must
 * never wait for an answer beyond the deadline.
 */
#include <linux/slab.h>

#include "core.h"
#include "trace.h"

static DEFINE_XARRAY(pinr_requests);
static atomic64_t pinr_last_request;

static void pinr_request_last(struct kref *ref)
{
	struct pinr_request *req = container_of(ref, struct pinr_request, ref);
	struct pinr_ask *ask, *next;

	list_for_each_entry_safe(ask, next, &req->asks, of_request) {
		pinr_pin_put(ask->pin);
		kfree(ask);
	}
	kfree(req);
}

/* Context: may sleep; not under pinr_lock. */
void pinr_request_put(struct pinr_request *req)
{
	kref_put(&req->ref, pinr_request_last);
}

/**
 * pinr_request_next - walk the open requests
 * @id: where to begin; set to the one found
 *
 * Return: the open request with the lowest id that is not below @id, with a
 * reference, or NULL.
 */
struct pinr_request *pinr_request_next(u64 *id)
{
	unsigned long index = *id;
	struct pinr_request *req;

	spin_lock(&pinr_lock);
	req = xa_find(&pinr_requests, &index, ULONG_MAX, XA_PRESENT);
	while (req && !req->nr_open)
		req = xa_find_after(&pinr_requests, &index, ULONG_MAX, XA_PRESENT);
	if (req)
		kref_get(&req->ref);
	spin_unlock(&pinr_lock);
	*id = index;
	return req;
}

/* The request with this id, with a reference, or NULL if it is over. */
struct pinr_request *pinr_request_find(u64 id)
{
	struct pinr_request *req;

	spin_lock(&pinr_lock);
	req = xa_load(&pinr_requests, id);
	if (req)
		kref_get(&req->ref);
	spin_unlock(&pinr_lock);
	return req;
}

/* Was this id ever given out? */
bool pinr_request_ever(u64 id)
{
	return id <= atomic64_read(&pinr_last_request);
}

/*
 * Asks of a request end, without their pins being taken: all, or what lapsed. May
 * sleep.
 */
void pinr_request_cancel(struct pinr_request *req, bool all)
{
	struct pinr_ask *ask;

	spin_lock(&pinr_lock);
	list_for_each_entry(ask, &req->asks, of_request)
		ask->over |= ask->open && (all || pinr_ask_lapsed(ask));
	spin_unlock(&pinr_lock);
	pinr_tell_cancelled(req);
	/* Only this file adds to the list, and only while it is being made. */
	list_for_each_entry(ask, &req->asks, of_request) {
		struct pin_revoke_pin *pin = ask->pin;
		bool last;

		mutex_lock(&pin->lock);
		spin_lock(&pinr_lock);
		last = ask->open && ask->over;
		if (last)
			pinr_ask_end(ask);
		last &= list_empty(&pin->asks);
		spin_unlock(&pinr_lock);
		if (last)
			__pinr_pin_input(pin, PINR_CANCEL, req->reason);
		mutex_unlock(&pin->lock);
	}
	wake_up_all(&pinr_answered);
}

/* Caller holds pinr_lock. */
static bool pinr_ask_due(const struct pinr_ask *ask)
{
	return ask->open && !ask->over && !ktime_after(ask->deadline, ktime_get());
}

/**
 * pinr_ask_take - take the pin of an ask that is due, or let it lapse
 * @ask: the ask; the caller has a reference to its request
 *
 * Does nothing if it is not due, or over.
 *
 * Context: may sleep.
 */
void pinr_ask_take(struct pinr_ask *ask)
{
	struct pin_revoke_pin *pin = ask->pin;
	bool due, consent, lapsed;
	struct pinr_told *told;

	/* Its asks end under this lock: who comes second must not take it again. */
	mutex_lock(&pin->lock);
	spin_lock(&pinr_lock);
	due = pinr_ask_due(ask);
	consent = ask->consent && !ask->pending && !ask->declined;
	lapsed = due && pinr_ask_lapsed(ask);
	if (due && !lapsed)
		list_for_each_entry(told, &ask->tolds, of_ask)
			if (!told->answered) {
				pin->holder->missed = true;
				atomic64_inc(&pinr_stats.missed);
			}
	spin_unlock(&pinr_lock);
	if (due && !lapsed)
		__pinr_pin_input(pin, consent ? PINR_TAKE : PINR_FORCE,
				 ask->req->reason);
	mutex_unlock(&pin->lock);
	if (lapsed)
		pinr_request_cancel(ask->req, false);
}

/**
 * pinr_request_due - end what is due of a request
 * @req: the request
 *
 * One pass: who has many pins gets them taken in a time that grows with their
 * number, not with its square.
 *
 * Context: may sleep.
 * Return: when the next ask is due, KTIME_MAX if none is open.
 */
ktime_t pinr_request_due(struct pinr_request *req)
{
	ktime_t next = KTIME_MAX;
	struct pinr_ask *ask;

	spin_lock(&pinr_lock);
	/* An ask stays on the list for as long as there is a request. */
	list_for_each_entry(ask, &req->asks, of_request) {
		if (!ask->open || ask->over)
			continue;
		if (!pinr_ask_due(ask)) {
			next = min(next, ask->deadline);
			continue;
		}
		spin_unlock(&pinr_lock);
		pinr_ask_take(ask);
		cond_resched();
		spin_lock(&pinr_lock);
		/* It was extended before its pin's lock was there. */
		if (ask->open && !ask->over)
			next = min(next, ask->deadline);
	}
	spin_unlock(&pinr_lock);
	return next;
}

static unsigned long pinr_delay_until(ktime_t when)
{
	s64 ns = max_t(s64, ktime_sub(when, ktime_get()), 0);

	return nsecs_to_jiffies(ns) + 1;
}

static void pinr_request_work(struct work_struct *work)
{
	struct pinr_request *req =
		container_of(to_delayed_work(work), struct pinr_request, work);
	bool done, repeat = false;
	ktime_t next, now;

	next = pinr_request_due(req);
	now = ktime_get();
	spin_lock(&pinr_lock);
	done = !req->nr_open;
	if (ktime_before(now, req->repeat_at)) {
		next = min(next, req->repeat_at);
	} else if (!done) {
		req->repeat_at = req->repeat_ms ?
				 ktime_add_ms(now, req->repeat_ms) : KTIME_MAX;
		next = min(next, req->repeat_at);
		req->round++;
		repeat = true;
	}
	if (done) {
		xa_erase(&pinr_requests, req->id);
		/*
		 * Whoever ended the last ask has queued us, perhaps while we
		 * were running. Nobody will again: that takes an open ask.
		 */
		cancel_delayed_work(&req->work);
	}
	spin_unlock(&pinr_lock);
	if (done) {
		pinr_request_put(req);
		return;
	}

	if (repeat)
		pinr_tell_request(req);
	/* Not if somebody has it looked at earlier. */
	queue_delayed_work(pinr_prompt_wq, &req->work, pinr_delay_until(next));
}

/* Open until all asks are in it, or the first could end it. NULL without memory. */
static struct pinr_request *pinr_request_new(enum pin_revoke_reason reason)
{
	struct pinr_request *req = kzalloc(sizeof(*req), GFP_NOFS);

	if (!req)
		return NULL;
	kref_init(&req->ref);
	INIT_LIST_HEAD(&req->asks);
	INIT_DELAYED_WORK(&req->work, pinr_request_work);
	req->reason = reason;
	req->pid = task_pid_nr(current);
	get_task_comm(req->comm, current);
	req->begun = ktime_get();
	req->due = KTIME_MAX;
	req->repeat_at = KTIME_MAX;
	req->id = atomic64_inc_return(&pinr_last_request);
	req->round = 1;
	req->nr_open = 1;
	if (xa_err(xa_store(&pinr_requests, req->id, req, GFP_NOFS))) {
		kfree(req);
		return NULL;
	}
	/* For the work, which is what ends a request. */
	kref_get(&req->ref);
	return req;
}

/**
 * pinr_ask_pins - ask the holders of some pins
 * @pins: the pins
 * @nr: how many
 * @reason: what for
 * @least_ms: time to answer, whatever the policy of a pin says
 * @most_ms: limit of it; UINT_MAX: the policy's
 *
 * Does not wait. Pins of a request of the same reason that is open join it;
 * pins that nobody answers for, or that there is no memory to ask for, are left
 * to the backstop, or taken if the reason has none.
 *
 * Context: may sleep, does not enter file systems.
 * Return: the id of the request, 0 if none was opened.
 */
u64 pinr_ask_pins(struct pin_revoke_pin **pins, unsigned int nr,
		  enum pin_revoke_reason reason, unsigned int least_ms,
		  unsigned int most_ms)
{
	struct pinr_request *req = pinr_request_new(reason);
	unsigned int i;
	u64 id = 0;

	for (i = 0; i < nr; i++) {
		struct pinr_ask *ask = req ? kzalloc(sizeof(*ask), GFP_NOFS) : NULL;

		if (ask && pinr_ask_pin(req, ask, pins[i], least_ms, most_ms))
			continue;
		if (!ask && pinr_reason_takes(reason))
			pinr_pin_input(pins[i], PINR_FORCE, reason);
		kfree(ask);
	}
	if (!req)
		return 0;

	spin_lock(&pinr_lock);
	req->nr_open--;
	if (!list_empty(&req->asks)) {
		id = req->id;
		/*
		 * All may have ended meanwhile, or been hurried: whoever did that had
		 * the lock, and left it in nr_open, due or repeat_at.
		 */
		mod_delayed_work(pinr_prompt_wq, &req->work,
				 req->nr_open ?
				 pinr_delay_until(min(req->due, req->repeat_at)) : 0);
	} else {
		xa_erase(&pinr_requests, req->id);
	}
	spin_unlock(&pinr_lock);

	if (id) {
		trace_pin_revoke_request(req);
		atomic64_inc(&pinr_stats.requests);
		pinr_tell_request(req);
	} else {
		pinr_request_put(req);
	}
	pinr_request_put(req);
	return id;
}
