// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writeback as a trigger: asks the holders before their pages are cleaned.
 *
 * Each function stands around one of the kernel's and calls the original. It
 * may be entered with i_rwsem, s_umount, even mmap_lock held: whatever waits
 * here waits bounded, killable, and once for each system call.
 */
#include <linux/backing-dev.h>
#include <linux/fs.h>
#include <linux/hrtimer.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/writeback.h>

#include "core.h"

#define PINR_SERVICE_MS	20

/*
 * Who never waits: kernel threads (the flusher serves everybody), a task
 * inside a transaction or inside reclaim, and one whose outer trigger has
 * waited: all pins of the system call were asked there.
 */
static bool pinr_may_wait(void)
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

static void pinr_put_pins(struct pin_revoke_pin **pins, unsigned int nr)
{
	while (nr--)
		pinr_pin_put(pins[nr]);
	kvfree(pins);
}

/* Somebody waits for the data: ask for all of the scope, wait one grace. */
static void pinr_ask_sync(struct pinr_frame *frame)
{
	unsigned int grace_ms =
		pinr_policy_get(PIN_REVOKE_REASON_WRITEBACK_SYNC).grace_ms;
	struct pin_revoke_pin **pins;
	unsigned int nr, nofs;
	u64 id;

	pinr_might_wait();
	if (!grace_ms || !pinr_may_wait())
		return;
	nofs = memalloc_nofs_save();
	pins = pinr_index_collect(&frame->scope, &nr);
	if (pins) {
		pinr_let_serve(pins, nr);
		id = pinr_ask_pins(pins, nr, PIN_REVOKE_REASON_WRITEBACK_SYNC,
				   grace_ms);
		frame->waited = true;
		pinr_wait_pins(pins, nr, PIN_REVOKE_REASON_WRITEBACK_SYNC, id);
		pinr_put_pins(pins, nr);
	}
	memalloc_nofs_restore(nofs);
}

/* How long the flusher can do without the pinned ranges. */
static unsigned int pinr_skip_ms(struct address_space *mapping,
				 struct writeback_control *wbc)
{
	unsigned int ms =
		pinr_policy_get(PIN_REVOKE_REASON_WRITEBACK_BACKGROUND).skip_ms;

	if (inode_to_bdi(mapping->host)->wb.dirty_exceeded)
		return 0;
	/* Over the background limit: memory is wanted, not just age. */
	return wbc->for_background ? min(ms, MSEC_PER_SEC) : ms;
}

static void pinr_ask_background(struct pinr_frame *frame, unsigned int ms)
{
	struct pin_revoke_pin **pins;
	unsigned int nr, nofs;

	nofs = memalloc_nofs_save();
	pins = pinr_index_collect(&frame->scope, &nr);
	if (pins) {
		pinr_ask_pins(pins, nr, PIN_REVOKE_REASON_WRITEBACK_BACKGROUND, ms);
		pinr_put_pins(pins, nr);
	}
	memalloc_nofs_restore(nofs);
}

/*
 * Writes what lies between the ranges that are put off. They stay dirty, so
 * the flusher comes back; when a holder answers or its time is up, the restore
 * worker writes the range without waiting for that visit.
 */
static int pinr_write_gaps(struct address_space *mapping,
			   struct writeback_control *wbc,
			   int (*orig)(struct address_space *mapping,
				       struct writeback_control *wbc))
{
	loff_t start = wbc->range_start, end = wbc->range_end;
	pgoff_t pos = 0, first = 0, last = 0;
	bool more = true;
	int err = 0;

	wbc->range_cyclic = 0;
	while (more && !err && wbc->nr_to_write > 0) {
		more = pinr_index_skipped(mapping, pos, &first, &last);
		wbc->range_start = (loff_t)pos << PAGE_SHIFT;
		wbc->range_end = more ? ((loff_t)first << PAGE_SHIFT) - 1 :
					LLONG_MAX;
		if (wbc->range_end > wbc->range_start)
			err = orig(mapping, wbc);
		pos = last + 1;
	}
	wbc->range_cyclic = 1;
	wbc->range_start = start;
	wbc->range_end = end;
	return err;
}

/**
 * pinr_do_writepages - around do_writepages()
 * @mapping: as there
 * @wbc: as there
 * @orig: the original
 *
 * WB_SYNC_ALL asks and waits. The flusher's periodic and background passes
 * (WB_SYNC_NONE and cyclic, set nowhere else) ask and leave the pinned ranges
 * out. The rest (space flushes, renames, sync_file_range) meets the backstop.
 *
 * Return: as @orig.
 */
int pinr_do_writepages(struct address_space *mapping,
		       struct writeback_control *wbc,
		       int (*orig)(struct address_space *mapping,
				   struct writeback_control *wbc))
{
	struct pinr_frame frame = {
		.scope = { .mapping = mapping, .last = ULONG_MAX },
	};
	pgoff_t first, last;
	bool skip = false;
	unsigned int ms;
	int err;

	/* Whether or not there is a pin this time, for lockdep to see it. */
	if (wbc->sync_mode == WB_SYNC_ALL)
		pinr_might_wait();
	if (!pinr_index_has(mapping))
		return orig(mapping, wbc);

	if (!wbc->range_cyclic) {
		frame.scope.first = wbc->range_start >> PAGE_SHIFT;
		frame.scope.last = wbc->range_end >> PAGE_SHIFT;
	}
	pinr_frame_begin(&frame);
	if (wbc->sync_mode == WB_SYNC_ALL) {
		pinr_ask_sync(&frame);
	} else if (wbc->range_cyclic) {
		ms = pinr_skip_ms(mapping, wbc);
		if (ms) {
			pinr_ask_background(&frame, ms);
			skip = pinr_index_skipped(mapping, 0, &first, &last);
		}
	}
	if (pinr_fault(PINR_FAULT_SKIP_SYNC) && wbc->sync_mode == WB_SYNC_ALL)
		err = 0;
	else if (skip)
		err = pinr_write_gaps(mapping, wbc, orig);
	else
		err = orig(mapping, wbc);
	pinr_frame_end(&frame);
	return err;
}

/**
 * pinr_sync_filesystem - around sync_filesystem()
 * @sb: as there
 * @orig: the original
 *
 * syncfs, umount, freeze: it starts writeback that nobody waits for before it
 * calls sync_inodes_sb(). That would meet the backstop: ask here, first.
 *
 * Return: as @orig.
 */
int pinr_sync_filesystem(struct super_block *sb,
			 int (*orig)(struct super_block *sb))
{
	struct pinr_frame frame = { .scope.sb = sb };
	int err;

	pinr_frame_begin(&frame);
	pinr_ask_sync(&frame);
	err = orig(sb);
	pinr_frame_end(&frame);
	return err;
}

/**
 * pinr_sync_inodes_sb - around sync_inodes_sb()
 * @sb: as there
 * @orig: the original
 *
 * File systems that flush themselves: the flusher writes one inode after the
 * other; asking for each would be a grace for each.
 */
void pinr_sync_inodes_sb(struct super_block *sb,
			 void (*orig)(struct super_block *sb))
{
	struct pinr_frame frame = { .scope.sb = sb };

	pinr_frame_begin(&frame);
	pinr_ask_sync(&frame);
	orig(sb);
	pinr_frame_end(&frame);
}

/**
 * pinr_ksys_sync - around ksys_sync()
 * @orig: the original
 *
 * sync(2) does one file system after the other: asks for all of them, once.
 */
void pinr_ksys_sync(void (*orig)(void))
{
	struct pinr_frame frame = { };

	pinr_frame_begin(&frame);
	pinr_ask_sync(&frame);
	orig();
	pinr_frame_end(&frame);
}
