// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pages of a pin: pinning them so that no invalidation is missed, and
 * giving them back.
 *
 * Must never hold pin->lock over pin_user_pages*(): it can call the notifier
 * in the same task. Must never make a dirty-tracked page dirty.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "core.h"
#include "trace.h"

/*
 * How often an attempt to pin may lose against invalidations of the same
 * range before it gives way. Each round is bounded by the notifier itself.
 */
#define PINR_MAX_TRIES	64
#define PINR_BATCH	256	/* pages pinned at a time */

/* Gives back what populate() took. The pages hold what DMA wrote already. */
static void pinr_unpin_pages(struct pin_revoke_pin *pin, struct pinr_segs *segs,
			     bool touched)
{
	unsigned int i;

	for (i = 0; i < segs->nr; i++) {
		struct pinr_seg *seg = &segs->seg[i];
		unsigned long first = (seg->start - pin->start) >> PAGE_SHIFT;
		unsigned long nr = (seg->end - seg->start) >> PAGE_SHIFT;

		/*
		 * Never re-dirty a dirty-tracked page: the callback that took
		 * the pin was about to clean it, and the PTE's dirty bit has
		 * been turned into the folio's.
		 */
		unpin_user_pages_dirty_lock(pin->pages + first, nr,
					    touched && !seg->map &&
					    (pin->flags & PIN_REVOKE_WRITE));
	}
}

/* Unmaps and unpins what is pinned. Caller holds pin->op_mutex. */
void pinr_drop_pages(struct pin_revoke_pin *pin)
{
	lockdep_assert_held(&pin->op_mutex);

	if (!pin->pinned)
		return;
	if (pin->mapped) {
		pin->mapped = false;
		if (pin->ops->unmap)
			pin->ops->unmap(pin->priv);
	}
	if (pin->adopted)
		pin->ops->unpin(pin->priv);
	else
		pinr_unpin_pages(pin, pin->segs, true);
	/* Pairs with the restore worker's: it fills the array again. */
	smp_store_release(&pin->pinned, false);
}

void pinr_unpin_work(struct work_struct *work)
{
	struct pin_revoke_pin *pin =
		container_of(work, struct pin_revoke_pin, unpin_work);

	mutex_lock(&pin->op_mutex);
	if (!pin->released)
		pinr_drop_pages(pin);
	mutex_unlock(&pin->op_mutex);

	pinr_pin_after(pin);
	pinr_pin_put(pin);
}

static int pinr_gup_seg(struct pin_revoke_pin *pin, struct pinr_seg *seg,
			unsigned long *done)
{
	unsigned long last = (seg->end - pin->start) >> PAGE_SHIFT;
	unsigned int gup = 0;

	if (pin->flags & PIN_REVOKE_WRITE)
		gup |= FOLL_WRITE;
	/* A file is guarded by the notifier: pin_user_pages.rst, CASE 3. */
	if (!seg->map)
		gup |= FOLL_LONGTERM;

	while (*done < last) {
		int nr = min_t(unsigned long, last - *done, PINR_BATCH);
		int err = pinr_seg_lock_dio(seg);

		if (err)
			return err;
		nr = pin_user_pages_fast(pin->start + (*done << PAGE_SHIFT),
					 nr, gup, pin->pages + *done);
		pinr_seg_unlock_dio(seg);
		if (nr <= 0)
			return nr ? nr : -EFAULT;
		*done += nr;
		cond_resched();
	}
	return 0;
}

/*
 * A write fault does not wait for writeback on ext4 and xfs:
 *
 *   here                                  fsync of somebody else
 *                                         cleans the folio, starts to write it
 *   fault: writable again
 *   the device writes into what           is on its way to the disk: torn
 *
 * What starts to be written from now on is cleaned first, and the notifier says
 * so.
 */
static void pinr_wait_stable(struct pin_revoke_pin *pin, struct pinr_seg *seg)
{
	unsigned long i = (seg->start - pin->start) >> PAGE_SHIFT;
	unsigned long end = (seg->end - pin->start) >> PAGE_SHIFT;

	if (!seg->map || !(pin->flags & PIN_REVOKE_WRITE))
		return;
	for (; i < end; i++)
		folio_wait_writeback(page_folio(pin->pages[i]));
}

static int pinr_gup(struct pin_revoke_pin *pin, struct pinr_segs *segs)
{
	unsigned long done = 0;
	unsigned int i;
	int err = 0;

	for (i = 0; i < segs->nr && !err; i++) {
		err = pinr_seg_lock(&segs->seg[i]);
		if (err)
			break;
		err = pinr_gup_seg(pin, &segs->seg[i], &done);
		pinr_seg_unlock(&segs->seg[i]);
	}
	for (i = 0; i < segs->nr && !err; i++)
		pinr_wait_stable(pin, &segs->seg[i]);
	if (err)
		unpin_user_pages(pin->pages, done);
	return err;
}

/* The pages are pinned and still the right ones. @segs gets the old segs. */
static void pinr_pin_have_pages(struct pin_revoke_pin *pin,
				struct pinr_segs **segs)
{
	unsigned int i;

	lockdep_assert_held(&pin->lock);
	swap(pin->segs, *segs);
	pin->pinned = true;
	pin->file = false;
	for (i = 0; i < pin->segs->nr; i++)
		pin->file |= !!pin->segs->seg[i].map;
}

/**
 * pinr_pin_populate - pin, map and let the device access the range
 * @pin: in state RESTORING, unless it went away since the caller looked
 *
 * One attempt:
 *
 *   here                                  invalidation of the range
 *   seq = read_begin()
 *   walk the VMAs, pin_user_pages()
 *                                         ->invalidate(): pin->lock
 *                                           set_seq(); RESTORING: nothing to do
 *                                         page table is changed
 *   pin->lock, read_retry(seq) is true
 *   undo, again
 *
 * Had the invalidation come after pin->lock was dropped, it would have found
 * the pin ACTIVE and taken it.
 *
 * Context: process context, current->mm is the holder's. Takes mmap_lock,
 * faults pages in, may block for as long as the file system makes a fault
 * wait.
 * Return: 0 and the pin is ACTIVE; -EAGAIN the range was touched; -ECANCELED
 * the driver released it, or it is GONE; or what the pages say.
 */
int pinr_pin_populate(struct pin_revoke_pin *pin)
{
	unsigned long seq = mmu_interval_read_begin(&pin->notifier);
	struct pinr_segs *segs;
	int err;

	segs = pinr_segs_walk(pin);
	if (IS_ERR(segs))
		return PTR_ERR(segs);
	err = pinr_gup(pin, segs);
	/* Something else may be mapped there than what was walked. */
	if (err && mmu_interval_read_retry(&pin->notifier, seq))
		err = -EAGAIN;
	if (err)
		goto err_segs;

	mutex_lock(&pin->op_mutex);
	err = pin->released ? -ECANCELED : 0;
	if (!err && pin->ops->map)
		err = pin->ops->map(pin->priv, pin->pages, pin->nr_pages);
	if (err)
		goto err_pages;

	mutex_lock(&pin->lock);
	if (pin->state != PIN_REVOKE_STATE_RESTORING) {
		err = -ECANCELED;
	} else if (pin->held) {
		err = -EBUSY;
	} else if (mmu_interval_read_retry(&pin->notifier, seq)) {
		err = -EAGAIN;
	} else {
		pinr_pin_have_pages(pin, &segs);
		pin->mapped = true;
		__pinr_pin_input(pin, PINR_COMMIT, pin->reason);
	}
	mutex_unlock(&pin->lock);

	if (err) {
		if (pin->ops->unmap)
			pin->ops->unmap(pin->priv);
		goto err_pages;
	}
	mutex_unlock(&pin->op_mutex);
	pinr_segs_free(segs);
	return 0;

err_pages:
	mutex_unlock(&pin->op_mutex);
	pinr_unpin_pages(pin, segs, false);
err_segs:
	pinr_segs_free(segs);
	return err;
}

/* Return: 0 the pages are those that are mapped, 1 they are not, or an error. */
static int pinr_compare(struct pin_revoke_pin *pin, struct page **pages)
{
	unsigned int gup = FOLL_LONGTERM;
	unsigned int i, n;
	int ret = 0;

	if (pin->flags & PIN_REVOKE_WRITE)
		gup |= FOLL_WRITE;
	for (i = 0; i < pin->segs->nr && !ret; i++) {
		struct pinr_seg *seg = &pin->segs->seg[i];
		unsigned long addr = seg->start;

		while (!seg->map && addr < seg->end && !ret) {
			unsigned long at = (addr - pin->start) >> PAGE_SHIFT;
			int nr = min_t(unsigned long, PINR_BATCH,
				       (seg->end - addr) >> PAGE_SHIFT);

			nr = pin_user_pages_fast(addr, nr, gup, pages);
			if (nr <= 0)
				return nr ? nr : -EFAULT;
			for (n = 0; n < nr; n++)
				ret |= pages[n] != pin->pages[at + n];
			unpin_user_pages(pages, nr);
			addr += (unsigned long)nr << PAGE_SHIFT;
			cond_resched();
		}
	}
	return ret;
}

/**
 * pinr_pin_verify - is the pinned memory still what its process sees
 * @pin: an active pin, of memory that is not a file's
 *
 * After an invalidation that FOLL_LONGTERM memory often survives: the same pages
 * are faulted in again, and the device never noticed. Other pages, or none (a
 * hole was punched, a memfd truncated), and the pin is taken.
 *
 * Context: the restore worker, current->mm is the holder's.
 * Return: 0; or -EAGAIN: try again later.
 */
int pinr_pin_verify(struct pin_revoke_pin *pin)
{
	struct page **pages = kmalloc_array(PINR_BATCH, sizeof(*pages), GFP_KERNEL);
	unsigned long seq;
	int ret = -EAGAIN;

	if (!pages)
		return ret;
	/* Waits for the end of the invalidation; a later one sets it again. */
	WRITE_ONCE(pin->verify, false);
	seq = mmu_interval_read_begin(&pin->notifier);
	ret = pinr_compare(pin, pages);
	kfree(pages);
	trace_pin_revoke_verify(pin, ret);

	mutex_lock(&pin->lock);
	if (pin->state != PIN_REVOKE_STATE_ACTIVE &&
	    pin->state != PIN_REVOKE_STATE_ASKED) {
		ret = 0;
	} else if (ret == -ENOMEM || ret == -EAGAIN || ret == -EBUSY ||
		   mmu_interval_read_retry(&pin->notifier, seq)) {
		pin->verify = true;
		ret = -EAGAIN;
	} else if (ret) {
		__pinr_pin_input(pin, PINR_FORCE, PIN_REVOKE_REASON_INVALIDATE);
		ret = 0;
	}
	mutex_unlock(&pin->lock);
	return ret;
}

/* The first pinning of a pin. Return: as pinr_pin_populate(), or -EINTR. */
int pinr_fill_pin(struct pin_revoke_pin *pin, struct page **pages)
{
	unsigned int tries = 0;
	int err;

	do {
		err = pinr_pin_populate(pin);
		if (err == -EAGAIN && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	} while (err == -EAGAIN && ++tries < PINR_MAX_TRIES);
	return err;
}

/* The adopted pages must be the ones that are mapped now, writable ones if so. */
int pinr_fill_adopt(struct pin_revoke_pin *pin, struct page **pages)
{
	unsigned long seq = mmu_interval_read_begin(&pin->notifier);
	struct pinr_segs *segs = pinr_segs_walk(pin);
	unsigned long i;
	int err;

	if (IS_ERR(segs))
		return PTR_ERR(segs);
	err = pinr_gup(pin, segs);
	if (err)
		goto out;
	for (i = 0; i < pin->nr_pages && !err; i++)
		if (pin->pages[i] != pages[i])
			err = -EAGAIN;
	unpin_user_pages(pin->pages, pin->nr_pages);
	if (err)
		goto out;

	mutex_lock(&pin->lock);
	if (mmu_interval_read_retry(&pin->notifier, seq)) {
		err = -EAGAIN;
	} else {
		pinr_pin_have_pages(pin, &segs);
		__pinr_pin_input(pin, PINR_COMMIT, PIN_REVOKE_REASON_UNSPEC);
	}
	mutex_unlock(&pin->lock);
out:
	pinr_segs_free(segs);
	return err;
}
