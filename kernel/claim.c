// SPDX-License-Identifier: GPL-2.0-only
/*
 * Claims: which context a pin of a driver belongs to, and what becomes of its
 * pins when a context is closed.
 *
 * Must never take a pin away from its driver: only who hears of it changes.
 */
#include <linux/mm.h>

#include "core.h"

static void pinr_unclaim(struct pin_revoke_pin *pin)
{
	spin_lock(&pinr_lock);
	list_del_init(&pin->of_ctx);
	pin->ctx = 0;
	pinr_pins_changed(pin->holder);
	spin_unlock(&pinr_lock);
	pinr_word_put(pin);
}

/**
 * pinr_claim - a pin belongs to a context from now on
 * @ctx: of the holder
 * @pin: of no context, or of this one already: then it only gets a new generation
 *
 * Contexts that were told of it before may still answer.
 *
 * Context: process context, no locks.
 * Return: 0; -EPERM the pin is another process's; -EBUSY it is another context's;
 * -ENOENT it was released; -EBADF the context was closed; or as pinr_word_get().
 */
int pinr_claim(struct pinr_ctx *ctx, struct pin_revoke_pin *pin)
{
	bool news = false;
	int err = 0;

	if (pin->holder != ctx->holder)
		return -EPERM;
	mutex_lock(&ctx->holder->claiming);
	spin_lock(&pinr_lock);
	if (ctx->closed) {
		err = -EBADF;
	} else if (RB_EMPTY_NODE(&pin->by_id)) {
		err = -ENOENT;
	} else if (!pin->ctx) {
		news = true;
		pin->ctx = ctx->id;
		list_add_tail(&pin->of_ctx, &ctx->pins);
		pinr_pins_changed(pin->holder);
	} else if (pin->ctx != ctx->id) {
		err = -EBUSY;
	} else if (list_empty(&pin->of_ctx)) {
		/* Still being declared, or ended. */
		err = -ENOENT;
	}
	spin_unlock(&pinr_lock);
	if (!err)
		err = pinr_word_get(ctx, pin);
	if (err && news)
		pinr_unclaim(pin);
	mutex_unlock(&ctx->holder->claiming);
	return err;
}

/**
 * pinr_ctx_leave - a context gives up its pins
 * @ctx: closed
 *
 * What it declared ends, what it claimed is everybody's again.
 *
 * Context: process context, no locks.
 */
void pinr_ctx_leave(struct pinr_ctx *ctx)
{
	struct pin_revoke_pin *pin;

	mutex_lock(&ctx->holder->claiming);
	for (;;) {
		spin_lock(&pinr_lock);
		pin = list_first_entry_or_null(&ctx->pins, struct pin_revoke_pin,
					       of_ctx);
		if (pin) {
			pinr_pin_get(pin);
			list_del_init(&pin->of_ctx);
		}
		spin_unlock(&pinr_lock);
		if (!pin)
			break;
		if (pin->declared)
			pinr_declared_end(ctx, pin);
		else
			pinr_unclaim(pin);
		pinr_pin_put(pin);
		cond_resched();
	}
	mutex_unlock(&ctx->holder->claiming);
}
