// SPDX-License-Identifier: GPL-2.0-only
/*
 * Declared ranges: a process says itself what a driver uses that knows nothing
 * of this. Such a range is a pin without pages and without a device: its context
 * is asked and told, nothing else happens. Once taken it stays so.
 *
 * Must never be believed to stop anything: a device may go on after "taken".
 */
#include <linux/module.h>
#include <linux/sched/signal.h>

#include "core.h"

static unsigned int max_declared = 65536;
module_param(max_declared, uint, 0644);
MODULE_PARM_DESC(max_declared, "ranges that one user may declare");

/* As long as a range keeps still for less, its process is busy with it. */
#define PINR_DECLARE_TRIES	64

/* Whoever opens a context answers for what it declares. Before anything is allocated. */
static int pinr_user_charge(struct pinr_user *user)
{
	if (atomic_inc_return(&user->nr_declared) <= READ_ONCE(max_declared))
		return 0;
	atomic_dec(&user->nr_declared);
	return -EDQUOT;
}

/* There is no device that could be stopped, and nothing to give back. */
static void pinr_declared_quiesce(void *priv, unsigned long start,
				  unsigned long last,
				  enum pin_revoke_reason reason)
{
}

static void pinr_declared_unpin(void *priv)
{
}

/* Called once, while the pin is made: later there is no @priv. */
static void pinr_declared_describe(void *priv, char *buf, size_t size)
{
	strscpy(buf, priv, size);
}

static const struct pin_revoke_ops pinr_declared_ops = {
	.quiesce = pinr_declared_quiesce,
	.unpin = pinr_declared_unpin,
	.describe = pinr_declared_describe,
};

/* What pinr_fill_pin() is for pages: 0, or an error; then it is released. */
int pinr_fill_declare(struct pin_revoke_pin *pin)
{
	unsigned int tries = 0;
	int err;

	do {
		err = pinr_fill_adopt(pin, NULL);
		if (err == -EAGAIN && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	} while (err == -EAGAIN && ++tries < PINR_DECLARE_TRIES);
	return err;
}

/* By whoever took it off the list of its context. */
void pinr_declared_end(struct pinr_ctx *ctx, struct pin_revoke_pin *pin)
{
	pin_revoke_release(pin);
	atomic_dec(&ctx->user->nr_declared);
}

/**
 * pinr_declare - a context declares a range of the calling process
 * @ctx: of that process
 * @name: what the process calls it
 * @range: where, and how it is used
 *
 * From then on the context is asked for it. Whoever lets a driver pin the range
 * after this has returned, and sees the pin active after that, knows that the
 * driver has the pages that are mapped.
 *
 * Context: process context, no locks.
 * Return: the pin, with a reference for the caller, or ERR_PTR: -EDQUOT the user
 * has declared too many; -EBADF the context was closed meanwhile; otherwise as
 * pin_revoke_pin().
 */
struct pin_revoke_pin *pinr_declare(struct pinr_ctx *ctx, const char *name,
				    const struct pinr_range *range)
{
	struct pin_revoke_pin *pin;
	bool closed;
	int err;

	err = pinr_user_charge(ctx->user);
	if (err)
		return ERR_PTR(err);
	pin = pinr_register(&pinr_declared_ops, (void *)name, range->addr,
			    range->len, range->flags, NULL, ctx);
	if (IS_ERR(pin)) {
		atomic_dec(&ctx->user->nr_declared);
		return pin;
	}
	pinr_pin_get(pin);
	spin_lock(&pinr_lock);
	closed = ctx->closed;
	if (!closed)
		list_add_tail(&pin->of_ctx, &ctx->pins);
	spin_unlock(&pinr_lock);
	if (closed) {
		pinr_declared_end(ctx, pin);
		pinr_pin_put(pin);
		return ERR_PTR(-EBADF);
	}
	return pin;
}

/* What an error of pinr_declare(), or of pinr_claim(), means to user space. */
const char *pinr_declare_text(int err)
{
	switch (err) {
	case -EINVAL:
		return "no range of user memory";
	case -EFAULT:
		return "a part of it is not mapped, or not writable";
	case -EDQUOT:
		return "the user has too many ranges, see parameter max_declared";
	case -EAGAIN:
		return "the range does not keep still";
	case -ENOMEM:
		return "no memory for a range";
	case -EBADF:
		return "the context was closed";
	default:
		return "interrupted";
	}
}

/* Whoever takes it off the list of its context ends it. */
static bool pinr_declared_mine(struct pin_revoke_pin *pin)
{
	lockdep_assert_held(&pinr_lock);
	if (list_empty(&pin->of_ctx))
		return false;
	list_del_init(&pin->of_ctx);
	return true;
}

/**
 * pinr_undeclare - a driver does not use a range any more
 * @ctx: the context that declared it
 * @id: the pin
 *
 * Whoever waits for the range goes on.
 *
 * Context: process context, no locks.
 * Return: 0, or -ENOENT the context has no such range.
 */
int pinr_undeclare(struct pinr_ctx *ctx, u64 id)
{
	struct pin_revoke_pin *pin;
	bool mine;

	spin_lock(&pinr_lock);
	pin = __pinr_pin_find(id);
	mine = pin && pin->declared && pin->ctx == ctx->id &&
	       pinr_declared_mine(pin);
	spin_unlock(&pinr_lock);
	if (!mine)
		return -ENOENT;
	pinr_end(pin);
	/* Under no lock, and no driver's callback is waited for that waits for us. */
	pinr_free(pin);
	atomic_dec(&ctx->user->nr_declared);
	return 0;
}

/*
 * The process is gone, its context may not be: a child can have it. Nobody could
 * undeclare what is left.
 */
void pinr_undeclare_dead(struct pin_revoke_pin *pin)
{
	bool mine = false;

	spin_lock(&pinr_lock);
	if (pin->reason == PIN_REVOKE_REASON_EXIT)
		mine = pinr_declared_mine(pin);
	spin_unlock(&pinr_lock);
	if (mine)
		/* The context had it on its list: it is its word's, too. */
		pinr_declared_end(pin->word_ctx, pin);
}
