// SPDX-License-Identifier: GPL-2.0-only
/*
 * The backstop: the notifier callback of every pin. Whoever cleans or unmaps
 * pinned memory comes through here first, whether anybody was asked or not.
 *
 * Runs under folio locks, i_mmap locks, mmap_lock and inside reclaim. Must
 * never wait for user space or for the unpin worker, take a folio lock or
 * mmap_lock, or allocate.
 */
#include "core.h"
#include "trace.h"

static bool pinr_touches_file(struct pin_revoke_pin *pin,
			      const struct mmu_notifier_range *range)
{
	unsigned int i;

	if (!pin->segs)
		return false;
	for (i = 0; i < pin->segs->nr; i++) {
		struct pinr_seg *seg = &pin->segs->seg[i];

		if (seg->map && seg->start < range->end &&
		    seg->end > range->start)
			return true;
	}
	return false;
}

/* Pages that are away do not mind; a pin that is, notes who is at it. */
static bool pinr_is_away(struct pin_revoke_pin *pin,
			 const struct mmu_notifier_range *range)
{
	unsigned long start = max(range->start, pin->start) - pin->start;
	unsigned long end = min(range->end, pin->end) - pin->start;

	return (pin->state == PIN_REVOKE_STATE_ACTIVE ||
		pin->state == PIN_REVOKE_STATE_ASKED) &&
	       !pinr_pin_has(pin, start >> PAGE_SHIFT, (end - 1) >> PAGE_SHIFT);
}

/* What an invalidation means for a pin; PINR_NR_INPUTS: nothing. */
static enum pinr_input pinr_classify(struct pin_revoke_pin *pin,
				     const struct mmu_notifier_range *range,
				     enum pin_revoke_reason *reason)
{
	switch (range->event) {
	case MMU_NOTIFY_RELEASE:
		*reason = PIN_REVOKE_REASON_EXIT;
		return PINR_UNMAP;
	case MMU_NOTIFY_UNMAP:
		*reason = PIN_REVOKE_REASON_UNMAP;
		return PINR_UNMAP;
	case MMU_NOTIFY_PROTECTION_PAGE:
		/* Cleaning. On private memory: fork, which leaves pins alone. */
		*reason = PIN_REVOKE_REASON_WRITEBACK_OTHER;
		if ((pin->flags & PIN_REVOKE_WRITE) &&
		    pinr_touches_file(pin, range) && !pinr_is_away(pin, range))
			return PINR_FORCE;
		return PINR_NR_INPUTS;
	case MMU_NOTIFY_PROTECTION_VMA:
	case MMU_NOTIFY_SOFT_DIRTY:
		/* mprotect, NUMA hinting: the next cleaning calls us again. */
		return PINR_NR_INPUTS;
	default:
		/*
		 * The folio leaves the page table and no later event will name
		 * it. FOLL_LONGTERM memory mostly stays where it is (reclaim,
		 * a huge page that is split): a worker looks, afterwards, if it
		 * knows the pages. And whether what is away can still come back:
		 * its file may be cut off.
		 */
		*reason = PIN_REVOKE_REASON_INVALIDATE;
		if (!pinr_is_away(pin, range) &&
		    (pin->declared || pinr_touches_file(pin, range)))
			return PINR_FORCE;
		if (!pin->verify && (pin->state == PIN_REVOKE_STATE_ACTIVE ||
				     pin->state == PIN_REVOKE_STATE_ASKED)) {
			pin->verify = true;
			pinr_pin_after(pin);
		}
		return PINR_NR_INPUTS;
	}
}

static bool pinr_invalidate(struct mmu_interval_notifier *notifier,
			    const struct mmu_notifier_range *range,
			    unsigned long seq)
{
	struct pin_revoke_pin *pin =
		container_of(notifier, struct pin_revoke_pin, notifier);
	enum pin_revoke_reason reason = PIN_REVOKE_REASON_UNSPEC;
	enum pinr_input input;
	bool done = true;

	if (mmu_notifier_range_blockable(range)) {
		mutex_lock(&pin->lock);
	} else {
		if (!mutex_trylock(&pin->lock))
			return false;
		non_block_start();
	}

	input = pinr_classify(pin, range, &reason);
	if (input != PINR_NR_INPUTS) {
		/* The OOM reaper cannot wait for a device: it takes others. */
		if (!mmu_notifier_range_blockable(range) &&
		    (pinr_step(pin->state, input).todo & PINR_DO_QUIESCE)) {
			done = false;
		} else {
			trace_pin_revoke_backstop(pin, range->event, range->start,
						  range->end);
			__pinr_pin_input(pin, input, reason);
		}
	}
	if (done)
		mmu_interval_set_seq(notifier, seq);
	if (!mmu_notifier_range_blockable(range))
		non_block_end();
	mutex_unlock(&pin->lock);
	return done;
}

const struct mmu_interval_notifier_ops pinr_notifier_ops = {
	.invalidate = pinr_invalidate,
};
