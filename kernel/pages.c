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

#include "core.h"

/*
 * How often an attempt to pin may lose against invalidations of the same
 * range before it gives way. Each round is bounded by the notifier itself.
 */
#define PINR_MAX_TRIES	64

/* The part of a run that is in a seg: its first page and the one after its last. */
static bool pinr_run_in_seg(struct pin_revoke_pin *pin, const struct pinr_seg *seg,
			    const struct pinr_run *run, unsigned long *first,
			    unsigned long *end)
{
	*first = max((seg->start - pin->start) >> PAGE_SHIFT, run->first);
	*end = min((seg->end - pin->start) >> PAGE_SHIFT, run->first + run->nr);
	return *first < *end;
}

/* Gives back what populate() took. The pages hold what DMA wrote already. */
static void pinr_unpin_run(struct pin_revoke_pin *pin, struct pinr_segs *segs,
			   const struct pinr_run *run, bool touched)
{
	unsigned long first, end;
	unsigned int i;

	for (i = 0; i < segs->nr; i++) {
		struct pinr_seg *seg = &segs->seg[i];

		if (!pinr_run_in_seg(pin, seg, run, &first, &end))
			continue;
		/*
		 * Never re-dirty a dirty-tracked page: the callback that took
		 * the pin was about to clean it, and the PTE's dirty bit has
		 * been turned into the folio's.
		 */
		unpin_user_pages_dirty_lock(pin->pages + first, end - first,
					    touched && !seg->map &&
					    (pin->flags & PIN_REVOKE_WRITE));
	}
	memset(pin->pages + run->first, 0, run->nr * sizeof(*pin->pages));
}

static struct pinr_run pinr_run_whole(struct pin_revoke_pin *pin)
{
	return (struct pinr_run) { .nr = pin->nr_pages };
}

static struct pinr_run pinr_run_chunk(struct pin_revoke_pin *pin, unsigned long chunk)
{
	unsigned long first = chunk * pin->chunk;

	return (struct pinr_run) { first, min(pin->chunk, pin->nr_pages - first) };
}

/**
 * pinr_pin_has - are any of these pages there for the device
 * @pin: the pin
 * @first: a page of it
 * @last: another
 *
 * Context: any. Without pin->lock the answer may be old.
 * Return: true if there is one.
 */
bool pinr_pin_has(struct pin_revoke_pin *pin, unsigned long first,
		  unsigned long last)
{
	unsigned long end = min(last / pin->chunk, pin->nr_chunks - 1);

	return find_next_bit(pin->present, end + 1, first / pin->chunk) <= end;
}

/**
 * pinr_pin_misses - what is wanted and not there
 * @pin: the pin
 * @run: set to the first chunk of it
 *
 * Return: false if there is none.
 */
bool pinr_pin_misses(struct pin_revoke_pin *pin, struct pinr_run *run)
{
	unsigned long chunk;

	for_each_set_bit(chunk, pin->wanted, pin->nr_chunks) {
		if (test_bit(chunk, pin->present))
			continue;
		*run = pinr_run_chunk(pin, chunk);
		return true;
	}
	return false;
}

/**
 * pinr_pages_come - the device may access these pages from now on
 * @pin: active
 * @run: whole chunks; none: what is accessed will follow
 *
 * Context: caller holds pin->lock.
 */
void pinr_pages_come(struct pin_revoke_pin *pin, const struct pinr_run *run)
{
	unsigned long chunk, end;

	lockdep_assert_held(&pin->lock);
	chunk = run->first / pin->chunk;
	/* Others set bits of the same words meanwhile. */
	for (end = chunk + DIV_ROUND_UP(run->nr, pin->chunk); chunk < end; chunk++) {
		set_bit(chunk, pin->present);
		clear_bit(chunk, pin->wanted);
	}
	pin->nr_present += run->nr;
	atomic64_add(run->nr, &pinr_stats.pinned_pages);
	if (pin->ops->restore)
		pin->ops->restore(pin->priv, run->first, pin->pages + run->first,
				  run->nr);
}

/* Unmaps and unpins what is pinned. Caller holds pin->op_mutex. */
void pinr_drop_pages(struct pin_revoke_pin *pin)
{
	unsigned long chunk;

	lockdep_assert_held(&pin->op_mutex);

	if (!pin->pinned)
		return;
	if (pin->adopted)
		pin->ops->unpin(pin->priv);
	for_each_set_bit(chunk, pin->present, pin->nr_chunks) {
		struct pinr_run run = pinr_run_chunk(pin, chunk);

		if (!pin->adopted) {
			if (pin->ops->unmap)
				pin->ops->unmap(pin->priv, run.first, run.nr);
			pinr_unpin_run(pin, pin->segs, &run, true);
		}
		clear_bit(chunk, pin->present);
	}
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

static int pinr_gup_seg_batch(struct pin_revoke_pin *pin, struct pinr_seg *seg,
			      unsigned long first, int nr)
{
	unsigned int gup = pin->flags & PIN_REVOKE_WRITE ? FOLL_WRITE : 0;
	unsigned long addr = pin->start + (first << PAGE_SHIFT);

	/* A file is guarded by the notifier: pin_user_pages.rst, CASE 3. */
	if (seg->map)
		return pinr_gup_guarded(pin, addr, nr, gup, pin->pages + first);
	return pin_user_pages_fast(addr, nr, gup | FOLL_LONGTERM,
				   pin->pages + first);
}

static int pinr_gup_seg(struct pin_revoke_pin *pin, struct pinr_seg *seg,
			unsigned long *done, unsigned long last)
{
	while (*done < last) {
		int nr = min_t(unsigned long, last - *done, PINR_BATCH);
		int err = pinr_seg_lock_dio(seg);

		if (err)
			return err;
		nr = pinr_gup_seg_batch(pin, seg, *done, nr);
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
static void pinr_wait_stable(struct pin_revoke_pin *pin, struct pinr_seg *seg,
			     const struct pinr_run *run)
{
	unsigned long i, end;

	if (!seg->map || !(pin->flags & PIN_REVOKE_WRITE) ||
	    !pinr_run_in_seg(pin, seg, run, &i, &end))
		return;
	for (; i < end; i++)
		folio_wait_writeback(page_folio(pin->pages[i]));
}

static int pinr_gup(struct pin_revoke_pin *pin, struct pinr_segs *segs,
		    const struct pinr_run *run)
{
	unsigned long done = run->first, first, end;
	unsigned int i;
	int err = 0;

	for (i = 0; i < segs->nr && !err; i++) {
		if (!pinr_run_in_seg(pin, &segs->seg[i], run, &first, &end))
			continue;
		err = pinr_seg_lock(&segs->seg[i]);
		if (err)
			break;
		err = pinr_gup_seg(pin, &segs->seg[i], &done, end);
		pinr_seg_unlock(&segs->seg[i]);
	}
	for (i = 0; i < segs->nr && !err; i++)
		pinr_wait_stable(pin, &segs->seg[i], run);
	if (err) {
		unpin_user_pages(pin->pages + run->first, done - run->first);
		memset(pin->pages + run->first, 0, run->nr * sizeof(*pin->pages));
	}
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

/* Caller holds pin->lock. @segs gets the old segs, if they change. */
static int pinr_pin_commit(struct pin_revoke_pin *pin, struct pinr_segs **segs,
			   const struct pinr_run *run, unsigned long seq)
{
	lockdep_assert_held(&pin->lock);
	if (pin->state != PIN_REVOKE_STATE_RESTORING &&
	    pin->state != PIN_REVOKE_STATE_ACTIVE)
		return -ECANCELED;
	if (pin->held)
		return -EBUSY;
	if (mmu_interval_read_retry(&pin->notifier, seq))
		return -EAGAIN;
	if (pin->state == PIN_REVOKE_STATE_RESTORING) {
		pinr_pin_have_pages(pin, segs);
		__pinr_pin_input(pin, PINR_COMMIT, pin->reason);
	}
	pinr_pages_come(pin, run);
	return 0;
}

/**
 * pinr_pin_populate - pin, map and let the device access pages
 * @pin: in state RESTORING, or ACTIVE and without these pages, unless it went away
 *	since the caller looked
 * @run: whole chunks, or none
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
int pinr_pin_populate(struct pin_revoke_pin *pin, const struct pinr_run *run)
{
	unsigned long seq = mmu_interval_read_begin(&pin->notifier);
	struct pinr_segs *segs;
	int err;

	segs = pinr_segs_walk(pin);
	if (IS_ERR(segs))
		return PTR_ERR(segs);
	err = pinr_gup(pin, segs, run);
	/* Something else may be mapped there than what was walked. */
	if (err && mmu_interval_read_retry(&pin->notifier, seq))
		err = -EAGAIN;
	if (err)
		goto err_segs;

	mutex_lock(&pin->op_mutex);
	err = pin->released ? -ECANCELED : 0;
	if (!err && pin->ops->map && run->nr)
		err = pin->ops->map(pin->priv, run->first,
				    pin->pages + run->first, run->nr);
	if (err)
		goto err_pages;

	mutex_lock(&pin->lock);
	err = pinr_pin_commit(pin, &segs, run, seq);
	mutex_unlock(&pin->lock);

	if (err) {
		if (pin->ops->unmap && run->nr)
			pin->ops->unmap(pin->priv, run->first, run->nr);
		goto err_pages;
	}
	mutex_unlock(&pin->op_mutex);
	pinr_segs_free(segs);
	return 0;

err_pages:
	mutex_unlock(&pin->op_mutex);
	pinr_unpin_run(pin, segs, run, false);
err_segs:
	pinr_segs_free(segs);
	return err;
}

/* The first pinning of a pin. Return: as pinr_pin_populate(), or -EINTR. */
int pinr_fill_pin(struct pin_revoke_pin *pin)
{
	struct pinr_run whole = pinr_run_whole(pin);
	unsigned int tries = 0;
	int err;

	do {
		err = pinr_pin_populate(pin, &whole);
		if (err == -EAGAIN && fatal_signal_pending(current))
			err = -EINTR;
		cond_resched();
	} while (err == -EAGAIN && ++tries < PINR_MAX_TRIES);
	return err;
}

/*
 * The adopted pages must be the ones that are mapped now, writable ones if so.
 * Which ones a declared range has is between its process and the driver.
 */
int pinr_fill_adopt(struct pin_revoke_pin *pin, struct page **pages)
{
	unsigned long seq = mmu_interval_read_begin(&pin->notifier);
	struct pinr_segs *segs = pinr_segs_walk(pin);
	struct pinr_run whole = pinr_run_whole(pin);
	unsigned long i;
	int err = 0;

	if (IS_ERR(segs))
		return PTR_ERR(segs);
	if (pages) {
		err = pinr_gup(pin, segs, &whole);
		if (err)
			goto out;
		for (i = 0; i < pin->nr_pages && !err; i++)
			if (pin->pages[i] != pages[i])
				err = -EAGAIN;
		unpin_user_pages(pin->pages, pin->nr_pages);
		if (err)
			goto out;
	}
	mutex_lock(&pin->lock);
	err = pinr_pin_commit(pin, &segs, &whole, seq);
	mutex_unlock(&pin->lock);
out:
	pinr_segs_free(segs);
	return err;
}
