// SPDX-License-Identifier: GPL-2.0-only
/*
 * Revocable pins of a driver that has no device: what the core costs, and nothing
 * else.
 *
 * Must never have work to do in a callback.
 */
#include <linux/pin_revoke.h>

#include "bench_pin.h"

struct bench_revocable {
	struct bench_held held;
	struct pin_revoke_pin *pin;
};

static void bench_restore(void *priv, unsigned long first, struct page **pages,
			  unsigned long nr_pages)
{
}

static void bench_quiesce(void *priv, unsigned long start, unsigned long last,
			  enum pin_revoke_reason reason)
{
}

static const struct pin_revoke_ops bench_ops = {
	.restore = bench_restore,
	.quiesce = bench_quiesce,
	.owner = THIS_MODULE,
};

static struct bench_held *bench_pin(unsigned long addr, size_t len, unsigned int flags)
{
	struct bench_revocable *it = kzalloc(sizeof(*it), GFP_KERNEL);
	struct pin_revoke_pin *pin;

	if (!it)
		return ERR_PTR(-ENOMEM);
	pin = pin_revoke_pin(&bench_ops, it, addr, len,
			     flags & BENCH_PIN_WRITE ? PIN_REVOKE_WRITE : 0);
	if (IS_ERR(pin)) {
		kfree(it);
		return ERR_CAST(pin);
	}
	it->pin = pin;
	return &it->held;
}

static void bench_unpin(struct bench_held *held)
{
	struct bench_revocable *it = container_of(held, struct bench_revocable, held);

	pin_revoke_release(it->pin);
	kfree(it);
}

MODULE_DESCRIPTION("Revocable pins, for benchmarks");
