// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asks: one pin in one request. What its policy gives it, who is told, and the end
 * of it when the pin is out of the way or nobody is left to answer.
 *
 * The notifier ends asks: must never wait, nor allocate what may reclaim.
 */
#include <linux/slab.h>

#include "core.h"

/* Changes of what is open; odd, as that of pins. */
static unsigned int pinr_requests_changed = 1;

/* As pinr_pins_seq(), of the open requests */
unsigned int pinr_requests_seq(void)
{
	return READ_ONCE(pinr_requests_changed);
}

static void pinr_told_free(struct pinr_told *told)
{
	list_del(&told->of_ask);
	list_del(&told->of_ctx);
	kfree(told);
}

/* Caller holds pinr_lock. The rest is for the request's work. */
void pinr_ask_end(struct pinr_ask *ask)
{
	struct pinr_told *told, *next;

	lockdep_assert_held(&pinr_lock);
	pinr_budget_end(ask);
	list_for_each_entry_safe(told, next, &ask->tolds, of_ask)
		pinr_told_free(told);
	list_del_init(&ask->of_pin);
	ask->open = false;
	pinr_requests_changed += 2;
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
		ask->req->due = ask->deadline;
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

/* Due, and not to be taken: nobody waits for it, and it is not given. */
bool pinr_ask_lapsed(const struct pinr_ask *ask)
{
	bool given = ask->consent && !ask->pending && !ask->declined;

	return pinr_ask_gentle(ask) &&
	       !(given && ask->action == PIN_REVOKE_ACTION_ASK) &&
	       !ktime_after(ask->deadline, ktime_get());
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
	ktime_t until;

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
	until = pinr_budget_until(ask);
	if (ktime_before(until, ask->deadline)) {
		atomic64_inc(&pinr_stats.broke);
		ask->deadline = until;
		/* Nothing is left: as if the deadline were over. */
		if (!ktime_after(until, ktime_get()))
			ask->action = PIN_REVOKE_ACTION_FORCE;
	}
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

/**
 * pinr_ask_pin - ask for one pin
 * @req: the request, that is being made
 * @ask: the ask, zeroed; the request's if it is asked
 * @pin: the pin
 * @least_ms: as pinr_ask_pins(), like the next
 * @most_ms: limit
 *
 * Context: may sleep.
 * Return: false if @ask is not needed: the pin has joined an open request, or is
 * left to the backstop, or was taken.
 */
bool pinr_ask_pin(struct pinr_request *req, struct pinr_ask *ask,
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
		pinr_budget_begin(open);
		if (ktime_before(ask->deadline, open->deadline)) {
			open->deadline = ask->deadline;
			open->req->due = min(open->req->due, ask->deadline);
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
		pinr_requests_changed += 2;
		pinr_budget_begin(ask);
		req->due = min(req->due, ask->deadline);
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
