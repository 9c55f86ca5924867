// SPDX-License-Identifier: GPL-2.0-only
/*
 * The least that a pin with an interval notifier can be: pages, their array and the
 * notifier, as a driver would write it for itself. It is told, and does nothing.
 *
 * Must never pin a file that somebody cleans or truncates meanwhile: it does not let go.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mutex.h>

#include "bench_pin.h"

struct bench_bare {
	struct bench_held held;
	struct mmu_interval_notifier notifier;
	struct mutex lock;	/* live, and the sequence */
	unsigned long nr;
	bool live;
	bool dirty;
	struct page **pages;
};

static bool bench_invalidate(struct mmu_interval_notifier *notifier,
			     const struct mmu_notifier_range *range, unsigned long seq)
{
	struct bench_bare *it = container_of(notifier, struct bench_bare, notifier);

	if (mmu_notifier_range_blockable(range))
		mutex_lock(&it->lock);
	else if (!mutex_trylock(&it->lock))
		return false;
	mmu_interval_set_seq(notifier, seq);
	it->live = false;
	mutex_unlock(&it->lock);
	return true;
}

static const struct mmu_interval_notifier_ops bench_ops = {
	.invalidate = bench_invalidate,
};

/* Pinned, and nobody has taken the pages since @seq. */
static int bench_pin_pages(struct bench_bare *it, unsigned int gup)
{
	unsigned long seq;
	long got;

	do {
		seq = mmu_interval_read_begin(&it->notifier);
		got = pin_user_pages_fast(it->notifier.interval_tree.start, it->nr, gup,
					  it->pages);
		if (got != it->nr) {
			if (got > 0)
				unpin_user_pages(it->pages, got);
			return got < 0 ? got : -EFAULT;
		}
		mutex_lock(&it->lock);
		it->live = !mmu_interval_read_retry(&it->notifier, seq);
		mutex_unlock(&it->lock);
		if (!it->live)
			unpin_user_pages(it->pages, it->nr);
	} while (!it->live);
	return 0;
}

static struct bench_held *bench_pin(unsigned long addr, size_t len, unsigned int flags)
{
	struct bench_bare *it = kzalloc(sizeof(*it), GFP_KERNEL);
	int err = -ENOMEM;

	if (!it)
		return ERR_PTR(-ENOMEM);
	mutex_init(&it->lock);
	it->nr = len >> PAGE_SHIFT;
	it->dirty = (flags & BENCH_PIN_WRITE) && (flags & BENCH_PIN_LONG);
	it->pages = kvcalloc(it->nr, sizeof(*it->pages), GFP_KERNEL);
	if (!it->pages)
		goto err_free;
	err = mmu_interval_notifier_insert(&it->notifier, current->mm, addr, len, &bench_ops);
	if (err)
		goto err_pages;
	err = bench_pin_pages(it, (flags & BENCH_PIN_WRITE ? FOLL_WRITE : 0) |
			      (flags & BENCH_PIN_LONG ? FOLL_LONGTERM : 0));
	if (err)
		goto err_notifier;
	return &it->held;

err_notifier:
	mmu_interval_notifier_remove(&it->notifier);
err_pages:
	kvfree(it->pages);
err_free:
	kfree(it);
	return ERR_PTR(err);
}

static void bench_unpin(struct bench_held *held)
{
	struct bench_bare *it = container_of(held, struct bench_bare, held);

	mmu_interval_notifier_remove(&it->notifier);
	unpin_user_pages_dirty_lock(it->pages, it->nr, it->dirty);
	kvfree(it->pages);
	kfree(it);
}

MODULE_DESCRIPTION("Pins with a bare interval notifier, for benchmarks");
