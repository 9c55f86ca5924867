// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all triggers share: the ones that are in flight (frames), and asking the
 * holders of what a trigger means, once and for one grace.
 *
 * A trigger may be entered with i_rwsem, s_umount, even mmap_lock held: whatever
 * waits here waits bounded, killable, and once for each system call.
 */
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>

#include "core.h"

/*
 * How long a trigger of whole file systems keeps pins: as long as it may wait
 * for answers, and as much again to do its work.
 */
#define PINR_FRAME_MS	(2 * PIN_REVOKE_MAX_DELAY_MS)
#define PINR_SERVICE_MS	20

static LIST_HEAD(pinr_frames);	/* pinr_lock */

/**
 * pinr_frame_begin - a trigger is in flight
 * @frame: on the caller's stack, scope filled in
 *
 * No pin that it covers is restored until pinr_frame_end(). A trigger that
 * means whole file systems can be stuck in one that has nothing to do with a
 * pin (a dead server, a FUSE daemon): it keeps pins for a while only. Restored
 * too early, a pin is taken once more.
 */
void pinr_frame_begin(struct pinr_frame *frame)
{
	frame->task = current;
	frame->begun = ktime_get();
	frame->waited = false;
	spin_lock(&pinr_lock);
	list_add(&frame->all, &pinr_frames);
	spin_unlock(&pinr_lock);
}

void pinr_frame_end(struct pinr_frame *frame)
{
	spin_lock(&pinr_lock);
	list_del(&frame->all);
	spin_unlock(&pinr_lock);
}

/* Has an outer trigger of this task waited already? One grace is enough. */
static bool pinr_frame_waited(void)
{
	struct pinr_frame *frame;
	bool waited = false;

	spin_lock(&pinr_lock);
	list_for_each_entry(frame, &pinr_frames, all)
		waited |= frame->task == current && frame->waited;
	spin_unlock(&pinr_lock);
	return waited;
}

/**
 * pinr_frame_covers - is a trigger in flight that means this pin
 * @pin: a revoked pin; its segs say where it was
 *
 * One that begins after the hold-off is over does not count: under a loop of
 * fsyncs there is always one in flight. It may take the pin once more.
 *
 * Context: caller holds pin->lock.
 * Return: true if it must not be restored now.
 */
bool pinr_frame_covers(struct pin_revoke_pin *pin)
{
	ktime_t now = ktime_get();
	struct pinr_frame *frame;
	bool covers = false;
	unsigned int i;

	lockdep_assert_held(&pin->lock);
	spin_lock(&pinr_lock);
	list_for_each_entry(frame, &pinr_frames, all) {
		const struct pinr_scope *scope = &frame->scope;

		if (!scope->mapping &&
		    ktime_ms_delta(now, frame->begun) > PINR_FRAME_MS)
			continue;
		if (ktime_after(frame->begun, pin->not_before))
			continue;
		for (i = 0; i < pin->segs->nr && !covers; i++) {
			struct pinr_seg *seg = &pin->segs->seg[i];

			if (!seg->map)
				continue;
			if (scope->mapping)
				covers = seg->map->mapping == scope->mapping &&
					 seg->node.start <= scope->last &&
					 seg->node.last >= scope->first;
			else
				covers = !scope->sb || seg->map->sb == scope->sb;
		}
	}
	spin_unlock(&pinr_lock);
	return covers;
}

/*
 * Who never waits: kernel threads (the flusher serves everybody), a task
 * inside a transaction or inside reclaim, and one whose outer trigger has
 * waited: all pins of the system call were asked there.
 */
bool pinr_may_wait(void)
{
	return !(current->flags & (PF_KTHREAD | PF_MEMALLOC)) &&
	       !current->journal_info && !pinr_frame_waited();
}

/*
 * A pin that is taken the moment it is back is of no use to anybody: under a
 * storm of syncs each waits until the pins it will take have served for a
 * little. At most PINR_SERVICE_MS in all, whatever their number.
 */
static void pinr_let_serve(struct pin_revoke_pin **pins, unsigned int nr)
{
	ktime_t until = 0;

	while (nr--)
		if (READ_ONCE(pins[nr]->state) == PIN_REVOKE_STATE_ACTIVE &&
		    READ_ONCE(pins[nr]->nr_revoked))
			until = max(until, ktime_add_ms(READ_ONCE(pins[nr]->restored_at),
							PINR_SERVICE_MS));
	if (ktime_before(ktime_get(), until)) {
		set_current_state(TASK_KILLABLE);
		schedule_hrtimeout(&until, HRTIMER_MODE_ABS);
	}
}

void pinr_put_pins(struct pin_revoke_pin **pins, unsigned int nr)
{
	while (nr--)
		pinr_pin_put(pins[nr]);
	kvfree(pins);
}

/**
 * pinr_frame_ask - ask for all that a trigger means, and wait one grace
 * @frames: begun; a trigger that means two ranges has two
 * @nr: how many, at most PINR_MAX_FRAMES
 * @reason: what for
 *
 * Returns at once for whoever must not wait: the backstop does its work.
 *
 * Context: may sleep, does not enter file systems.
 */
void pinr_frame_ask(struct pinr_frame *frames, unsigned int nr,
		    enum pin_revoke_reason reason)
{
	struct {
		struct pin_revoke_pin **pins;
		unsigned int nr;
		u64 id;
	} asked[PINR_MAX_FRAMES];
	unsigned int i, nofs;

	pinr_might_wait();
	if (!pinr_policy_asks(reason) || !pinr_may_wait())
		return;
	nofs = memalloc_nofs_save();
	for (i = 0; i < nr; i++) {
		asked[i].pins = pinr_index_collect(&frames[i].scope, &asked[i].nr);
		pinr_let_serve(asked[i].pins, asked[i].nr);
	}
	/* All are asked before any is waited for. */
	for (i = 0; i < nr; i++)
		if (asked[i].pins)
			asked[i].id = pinr_ask_pins(asked[i].pins, asked[i].nr,
						    reason, 0, UINT_MAX);
	for (i = 0; i < nr; i++) {
		if (!asked[i].pins)
			continue;
		frames[i].waited = true;
		pinr_wait_pins(asked[i].pins, asked[i].nr, reason, asked[i].id);
		pinr_put_pins(asked[i].pins, asked[i].nr);
	}
	memalloc_nofs_restore(nofs);
}
