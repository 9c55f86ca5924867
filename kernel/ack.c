// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers: a context acks a request, and what that does to its asks.
 *
 * Must never take a pin on a word that does not come from every context that
 * was told.
 */
#include <linux/netlink.h>

#include "core.h"

/*
 * Notes one answer. Caller holds pinr_lock.
 * Return: 0, or why it does not count.
 */
static int pinr_answer(struct pinr_told *told, enum pin_revoke_ack_kind kind,
		       unsigned int extend_ms, unsigned int *granted_ms)
{
	struct pinr_ask *ask = told->ask;
	ktime_t limit, old = ask->deadline;

	if (kind == PIN_REVOKE_ACK_KIND_RELEASED)
		return -EBUSY;
	if (told->answered)
		return -EALREADY;
	if (kind == PIN_REVOKE_ACK_KIND_EXTEND) {
		if (ask->extended)
			return -EALREADY;
		ask->extended = true;
		extend_ms = min(extend_ms, ask->max_extend_ms);
		limit = min(ktime_add_ms(ask->req->begun, PIN_REVOKE_MAX_DELAY_MS),
			    pinr_budget_until(ask));
		ask->deadline = min(ktime_add_ms(old, extend_ms), max(limit, old));
		*granted_ms = ktime_ms_delta(ask->deadline, old);
		return 0;
	}
	told->answered = true;
	ask->pending--;
	if (kind == PIN_REVOKE_ACK_KIND_DECLINED)
		ask->declined = true;
	else
		ask->consent = true;
	/* Answered by all, and yes: due at once. */
	if (!ask->pending && !ask->declined)
		ask->deadline = ktime_get();
	return 0;
}

/* What a context was told in this ask, or NULL. Caller holds pinr_lock. */
static struct pinr_told *pinr_told_of(const struct pinr_ask *ask,
				      const struct pinr_ctx *ctx)
{
	struct pinr_told *told;

	list_for_each_entry(told, &ask->tolds, of_ask)
		if (told->ctx == ctx)
			return told;
	return NULL;
}

/* An open ask of a request, or NULL. Caller holds pinr_lock. */
static struct pinr_ask *pinr_ask_for(const struct pinr_request *req, u64 id)
{
	struct pin_revoke_pin *pin = __pinr_pin_find(id);
	struct pinr_ask *ask;

	if (pin)
		list_for_each_entry(ask, &pin->asks, of_pin)
			if (ask->req == req)
				return ask;
	return NULL;
}

/* Is it one that had been told, of an ask that is over? Caller holds pinr_lock. */
static bool pinr_ack_late(const struct pinr_request *req,
			  const struct pinr_ctx *ctx, u64 pin)
{
	struct pinr_ask *ask;

	list_for_each_entry(ask, &req->asks, of_request)
		if (!ask->open && ask->pin->holder == ctx->holder &&
		    (!pin || ask->pin->id == pin))
			return true;
	return false;
}

static int pinr_ack_request(struct pinr_request *req, struct pinr_ctx *ctx,
			    u64 pin, enum pin_revoke_ack_kind kind,
			    unsigned int extend_ms, unsigned int *granted_ms)
{
	struct pinr_ask *ask, *first = NULL;
	struct pinr_told *told;
	int err = -ENOENT, ret;

	spin_lock(&pinr_lock);
	if (pin) {
		ask = pinr_ask_for(req, pin);
		told = ask ? pinr_told_of(ask, ctx) : NULL;
		if (told)
			err = pinr_answer(told, kind, extend_ms, granted_ms);
		if (!err)
			first = ask;
	} else {
		list_for_each_entry(ask, &req->asks, of_request) {
			told = pinr_told_of(ask, ctx);
			if (!told)
				continue;
			ret = pinr_answer(told, kind, extend_ms, granted_ms);
			if (ret)
				err = ret;
			else if (!first)
				first = ask;
		}
	}
	if (first)
		ctx->holder->missed = false;
	else if (err == -ENOENT && pinr_ack_late(req, ctx, pin))
		err = -ESTALE;
	spin_unlock(&pinr_lock);
	if (!first)
		return err;

	pinr_tell_acked(req, first->pin, ctx, kind);
	/* The answer is only true once the device has stopped. */
	if (pin)
		pinr_ask_take(first);
	else
		pinr_request_due(req);
	return 0;
}

/**
 * pinr_ack - a context answers
 * @ctx: the context
 * @id: the request
 * @pin: one pin of it, or 0 for all that the context was told of
 * @kind: the answer
 * @extend_ms: wanted, with PIN_REVOKE_ACK_KIND_EXTEND
 * @granted_ms: granted
 * @extack: gets a text for an error
 *
 * After QUIESCED the pins are taken when it returns.
 *
 * Context: process context.
 * Return: 0 or the errors of the specification.
 */
int pinr_ack(struct pinr_ctx *ctx, u64 id, u64 pin, enum pin_revoke_ack_kind kind,
	     unsigned int extend_ms, unsigned int *granted_ms,
	     struct netlink_ext_ack *extack)
{
	struct pinr_request *req = pinr_request_find(id);
	int err = -ESTALE;

	if (req) {
		err = pinr_ack_request(req, ctx, pin, kind, extend_ms, granted_ms);
		pinr_request_put(req);
	} else if (!pinr_request_ever(id)) {
		err = -ENOENT;
	}
	/*
	 * Too late is an answer, too. It is the only one that a holder which
	 * missed a deadline can give: it is not asked any more.
	 */
	if (err == -ESTALE) {
		spin_lock(&pinr_lock);
		ctx->holder->missed = false;
		spin_unlock(&pinr_lock);
	}
	/* "I dropped it" stays true of a pin that nobody waits for any more. */
	if (err == -ESTALE && kind == PIN_REVOKE_ACK_KIND_RELEASED)
		err = 0;
	switch (err) {
	case -ENOENT:
		NL_SET_ERR_MSG(extack, "no such request, or the pin is not part of what this context was told");
		break;
	case -ESTALE:
		NL_SET_ERR_MSG(extack, "the request is over");
		break;
	case -EALREADY:
		NL_SET_ERR_MSG(extack, "this context has answered already");
		break;
	case -EBUSY:
		NL_SET_ERR_MSG(extack, "the pin is still held: deregister it first, or answer quiesced");
		break;
	}
	return err;
}
