// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is mapped, compared with what is pinned: after an invalidation that the
 * pages may have survived, nobody says so.
 *
 * Must never take a pin for memory that is only busy: it looks again.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "core.h"
#include "trace.h"

/* Return: 0 if all of it could be pinned where it is away, or an error. */
static int pinr_compare_away(struct pin_revoke_pin *pin)
{
	struct pinr_segs *segs = pinr_segs_walk(pin);

	if (IS_ERR(segs))
		return PTR_ERR(segs);
	pinr_segs_free(segs);
	return 0;
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

			/* Pages that are away are in nobody's way. */
			if (!pinr_pin_has(pin, at, at)) {
				addr += PAGE_SIZE;
				continue;
			}
			nr = pin_user_pages_fast(addr, nr, gup, pages);
			if (nr <= 0)
				return nr ? nr : -EFAULT;
			for (n = 0; n < nr; n++)
				ret |= pin->pages[at + n] && pages[n] != pin->pages[at + n];
			unpin_user_pages(pages, nr);
			addr += (unsigned long)nr << PAGE_SHIFT;
			cond_resched();
		}
	}
	return ret;
}

/**
 * pinr_pin_verify - is the pinned memory still what its process sees
 * @pin: an active pin
 *
 * After an invalidation that FOLL_LONGTERM memory often survives: the same pages
 * are faulted in again, and the device never noticed. Other pages, or none (a
 * hole was punched, a memfd truncated), and the pin is taken. So it is when parts
 * that are away can never come back (a file was cut off); the restore will say so.
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
	if (!ret && READ_ONCE(pin->nr_present) < pin->nr_pages)
		ret = pinr_compare_away(pin);
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
