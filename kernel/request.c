// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests: who is asked for which pins, by when, and what came of it.
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

static void pinr_told_free(struct pinr_told *told)
{
	list_del(&told->of_ask);
	list_del(&told->of_ctx);
	kfree(told);
}

/* Caller holds pinr_lock. The rest is for the request's work. */
static void pinr_ask_end(struct pinr_ask *ask)
{
	struct pinr_told *told, *next;

	lockdep_assert_held(&pinr_lock);
	list_for_each_entry_safe(told, next, &ask->tolds, of_ask)
		pinr_told_free(told);
	list_del_init(&ask->of_pin);
	ask->open = false;
	if (!--ask->req->nr_open)
		mod_delayed_work(pinr_prompt_wq, &ask->req->work, 0);
}

/**
 * pinr_asks_resolve - a pin is out of everybody's way
 * @pin: the pin, taken or released
 *
 * Context: caller holds pin->lock; may be inside the notifier.
 */
void pinr_asks_resolve(struct pin_revoke_pin *pin)
{
	struct pinr_ask *ask, *next;

	spin_lock(&pinr_lock);
	list_for_each_entry_safe(ask, next, &pin->asks, of_pin) {
		pinr_times_add(ask->req->reason,
			       ktime_to_ns(ktime_sub(ktime_get(), ask->req->begun)));
		if (ask->req->reason == PIN_REVOKE_REASON_PRESSURE)
			atomic64_add(pin->nr_present, &pinr_stats.pressure_pages);
		pinr_ask_end(ask);
	}
	spin_unlock(&pinr_lock);
	wake_up_all(&pinr_answered);
}

/**
 * pinr_told_end - a context does not answer any more
 * @told: what it was told
 *
 * The last one gone means that nobody is left to wait for.
 * Context: caller holds pinr_lock.
 */
void pinr_told_end(struct pinr_told *told)
{
	struct pinr_ask *ask = told->ask;

	if (!told->answered && !--ask->pending) {
		ask->deadline = ktime_get();
		mod_delayed_work(pinr_prompt_wq, &ask->req->work, 0);
	}
	pinr_told_free(told);
}

/* The open ask of this reason, or NULL. Caller holds pinr_lock. */
struct pinr_ask *pinr_ask_of(struct pin_revoke_pin *pin,
			     enum pin_revoke_reason reason)
{
	struct pinr_ask *ask;

	lockdep_assert_held(&pinr_lock);
	list_for_each_entry(ask, &pin->asks, of_pin)
		if (ask->req->reason == reason && !ask->over)
			return ask;
	return NULL;
}

/* Whoever needs the pin goes on meanwhile, and may find that he need not. */
static bool pinr_ask_gentle(const struct pinr_ask *ask)
{
	return ask->action == PIN_REVOKE_ACTION_ASK ||
	       ask->action == PIN_REVOKE_ACTION_REPORT;
}

/* Does whoever needs the pin wait for this? */
bool pinr_ask_awaited(const struct pinr_ask *ask)
{
	return ask && !pinr_ask_gentle(ask);
}

/*
 * Id of the open request of this reason that takes the pin in the end, 0 if
 * none. Caller holds pinr_lock.
 */
u64 pinr_asked_for(struct pin_revoke_pin *pin, enum pin_revoke_reason reason)
{
	struct pinr_ask *ask = pinr_ask_of(pin, reason);

	return pinr_ask_awaited(ask) ? ask->req->id : 0;
}

/* What the policy says now holds until the ask is over. */
static void pinr_ask_policy(struct pinr_ask *ask, unsigned int least_ms,
			    unsigned int most_ms)
{
	struct pinr_request *req = ask->req;
	struct pinr_policy policy = __pinr_policy_of(req->reason, ask->pin);
	unsigned int ms = clamp(policy.value[pinr_reason_time(req->reason)],
				least_ms, most_ms);

	ask->action = policy.value[PINR_ACTION];
	/* Whoever asks may insist on a time. */
	if (ask->action == PIN_REVOKE_ACTION_FORCE && least_ms)
		ask->action = PIN_REVOKE_ACTION_WAIT;
	if (ask->action == PIN_REVOKE_ACTION_FORCE || !ms) {
		ask->action = PIN_REVOKE_ACTION_FORCE;
		ask->deadline = req->begun;
		return;
	}
	ask->deadline = ktime_add_ms(req->begun, ms);
	ask->max_extend_ms = policy.value[PINR_EXTEND];
	ask->repeat_ms = policy.value[PINR_REPEAT];
}

/* All of a request is repeated when the most impatient of its policies says. */
static void pinr_ask_repeat(struct pinr_request *req, const struct pinr_ask *ask)
{
	s64 half_ns = ktime_to_ns(ktime_sub(ask->deadline, req->begun)) / 2;
	s64 ns = ask->repeat_ms ? ask->repeat_ms * NSEC_PER_MSEC : half_ns;

	if (ask->repeat_ms)
		req->repeat_ms = min_not_zero(req->repeat_ms, ask->repeat_ms);
	req->repeat_at = min(req->repeat_at, ktime_add_ns(req->begun, ns));
}

/*
 * Adds a told for every context that listens. None, or a holder that let a
 * deadline pass, or one that would have to answer itself while it waits here:
 * nobody to ask, and the trigger or the backstop takes the pin at once.
 */
static bool pinr_ask_listeners(struct pinr_ask *ask)
{
	struct pin_revoke_pin *pin = ask->pin;
	struct pinr_holder *holder = pin->holder;
	bool own = current->mm == holder->mm;
	bool thread = false;
	struct pinr_ctx *ctx;

	lockdep_assert_held(&pinr_lock);
	if (holder->missed)
		return false;
	list_for_each_entry(ctx, &holder->ctxs, of_holder)
		thread |= pinr_ctx_hears(ctx, pin) &&
			  ctx->flags & PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD;
	if (own && !thread)
		return false;

	list_for_each_entry(ctx, &holder->ctxs, of_holder) {
		struct pinr_told *told;

		if (!pinr_ctx_hears(ctx, pin))
			continue;
		told = kzalloc(sizeof(*told), GFP_NOWAIT | __GFP_NOWARN);
		if (!told)
			continue;
		told->ask = ask;
		told->ctx = ctx;
		list_add_tail(&told->of_ask, &ask->tolds);
		list_add_tail(&told->of_ctx, &ctx->tolds);
		ask->pending++;
	}
	return ask->pending;
}

static bool pinr_ask_pin(struct pinr_request *req, struct pinr_ask *ask,
			 struct pin_revoke_pin *pin, unsigned int least_ms,
			 unsigned int most_ms)
{
	struct pinr_ask *open;
	bool asked = false;

	ask->req = req;
	ask->pin = pin;
	INIT_LIST_HEAD(&ask->tolds);

	mutex_lock(&pin->lock);
	if (!pinr_step(pin->state, PINR_ASK).valid)
		goto out;
	spin_lock(&pinr_lock);
	pinr_ask_policy(ask, least_ms, most_ms);
	open = pinr_ask_of(pin, req->reason);
	if (open) {
		/* Join it; whoever is in a hurry makes it end earlier. */
		open->req->joined = true;
		open->action = ask->action;
		if (ktime_before(ask->deadline, open->deadline)) {
			open->deadline = ask->deadline;
			/* What was told is not true any more: tell again. */
			open->req->repeat_at = ktime_get();
			mod_delayed_work(pinr_prompt_wq, &open->req->work, 0);
		}
	} else if (ask->action != PIN_REVOKE_ACTION_FORCE &&
		   pinr_ask_listeners(ask)) {
		asked = true;
		pinr_pin_get(pin);
		ask->open = true;
		list_add_tail(&ask->of_pin, &pin->asks);
		list_add_tail(&ask->of_request, &req->asks);
		req->nr_open++;
		pinr_ask_repeat(req, ask);
	}
	spin_unlock(&pinr_lock);
	if (asked)
		__pinr_pin_input(pin, PINR_ASK, req->reason);
	else if (!open && pinr_reason_takes(req->reason))
		__pinr_pin_input(pin, PINR_FORCE, req->reason);
out:
	mutex_unlock(&pin->lock);
	return asked;
}

/* Due, and not to be taken: nobody waits for it, and it is not given. */
static bool pinr_ask_lapsed(const struct pinr_ask *ask)
{
	bool given = ask->consent && !ask->pending && !ask->declined;

	return pinr_ask_gentle(ask) &&
	       !(given && ask->action == PIN_REVOKE_ACTION_ASK) &&
	       !ktime_after(ask->deadline, ktime_get());
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

/* Takes one ask that is due, or lets it lapse. Return: false if none is. */
bool pinr_request_due(struct pinr_request *req, ktime_t *next)
{
	struct pin_revoke_pin *pin = NULL;
	bool consent = false, lapsed = false;
	struct pinr_told *told;
	struct pinr_ask *ask;

	spin_lock(&pinr_lock);
	*next = KTIME_MAX;
	list_for_each_entry(ask, &req->asks, of_request) {
		if (!ask->open || ask->over)
			continue;
		if (ktime_after(ask->deadline, ktime_get())) {
			*next = min(*next, ask->deadline);
			continue;
		}
		pin = ask->pin;
		pinr_pin_get(pin);
		consent = ask->consent && !ask->pending && !ask->declined;
		lapsed = pinr_ask_lapsed(ask);
		if (lapsed)
			break;
		list_for_each_entry(told, &ask->tolds, of_ask)
			if (!told->answered) {
				pin->holder->missed = true;
				atomic64_inc(&pinr_stats.missed);
			}
		break;
	}
	spin_unlock(&pinr_lock);
	if (!pin)
		return false;
	if (lapsed)
		pinr_request_cancel(req, false);
	else
		pinr_pin_input(pin, consent ? PINR_TAKE : PINR_FORCE, req->reason);
	pinr_pin_put(pin);
	return true;
}

static void pinr_request_work(struct work_struct *work)
{
	struct pinr_request *req =
		container_of(to_delayed_work(work), struct pinr_request, work);
	bool done, repeat = false;
	ktime_t next, now;

	while (pinr_request_due(req, &next))
		cond_resched();

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
	queue_delayed_work(pinr_prompt_wq, &req->work,
			   nsecs_to_jiffies(max_t(s64, next - now, 0)) + 1);
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
		mod_delayed_work(pinr_prompt_wq, &req->work, 0);
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
