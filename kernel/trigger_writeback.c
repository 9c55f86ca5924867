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
#include <linux/sched/mm.h>
#include <linux/writeback.h>

#include "core.h"

/* How long the flusher can do without the pinned ranges, at most. */
static unsigned int pinr_skip_ms(struct address_space *mapping,
				 struct writeback_control *wbc)
{
	if (inode_to_bdi(mapping->host)->wb.dirty_exceeded ||
	    !pinr_policy_asks(PIN_REVOKE_REASON_WRITEBACK_BACKGROUND))
		return 0;
	/* Over the background limit: memory is wanted, not just age. */
	return wbc->for_background ? MSEC_PER_SEC : UINT_MAX;
}

static void pinr_ask_background(struct pinr_frame *frame, unsigned int most_ms)
{
	enum pin_revoke_reason reason = PIN_REVOKE_REASON_WRITEBACK_BACKGROUND;
	struct pin_revoke_pin **pins;
	unsigned int nr, nofs;

	nofs = memalloc_nofs_save();
	pins = pinr_index_collect(&frame->scope, &nr);
	if (pins) {
		pinr_ask_pins(pins, nr, reason, 0, most_ms);
		pinr_put_pins(pins, nr);
	}
	memalloc_nofs_restore(nofs);
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
		       typeof(do_writepages) *orig)
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
		pinr_frame_ask(&frame, 1, PIN_REVOKE_REASON_WRITEBACK_SYNC);
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
			 typeof(sync_filesystem) *orig)
{
	struct pinr_frame frame = { .scope.sb = sb };
	int err;

	pinr_frame_begin(&frame);
	pinr_frame_ask(&frame, 1, PIN_REVOKE_REASON_WRITEBACK_SYNC);
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
 *
 * Return: as @orig.
 */
int pinr_sync_inodes_sb(struct super_block *sb,
			int (*orig)(struct super_block *sb))
{
	struct pinr_frame frame = { .scope.sb = sb };
	int err;

	pinr_frame_begin(&frame);
	pinr_frame_ask(&frame, 1, PIN_REVOKE_REASON_WRITEBACK_SYNC);
	err = orig(sb);
	pinr_frame_end(&frame);
	return err;
}

/**
 * pinr_ksys_sync - around ksys_sync()
 * @nothing: what it takes
 * @orig: the original
 *
 * sync(2) does one file system after the other: asks for all of them, once.
 *
 * Return: as @orig.
 */
int pinr_ksys_sync(void *nothing, int (*orig)(void *nothing))
{
	struct pinr_frame frame = { };
	int err;

	pinr_frame_begin(&frame);
	pinr_frame_ask(&frame, 1, PIN_REVOKE_REASON_WRITEBACK_SYNC);
	err = orig(nothing);
	pinr_frame_end(&frame);
	return err;
}

/**
 * pinr_sync_file_range - around sync_file_range()
 * @file: as there
 * @offset: as there
 * @nbytes: as there; 0 is to the end
 * @flags: as there
 * @orig: the original
 *
 * It writes without WB_SYNC_ALL, but with a WAIT flag somebody waits for it.
 * Without one it is background writeback that nobody can put off: the backstop.
 *
 * Return: as @orig.
 */
int pinr_sync_file_range(struct file *file, loff_t offset, loff_t nbytes,
			 unsigned int flags,
			 int (*orig)(struct file *file, loff_t offset,
				     loff_t nbytes, unsigned int flags))
{
	struct pinr_frame frame = {
		.scope = { .mapping = file->f_mapping, .last = ULONG_MAX },
	};
	int err;

	if (!(flags & SYNC_FILE_RANGE_WRITE) ||
	    !(flags & (SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER)) ||
	    offset < 0 || nbytes < 0 || !pinr_index_has(file->f_mapping))
		return orig(file, offset, nbytes, flags);

	frame.scope.first = offset >> PAGE_SHIFT;
	if (nbytes && nbytes <= LLONG_MAX - offset)
		frame.scope.last = (offset + nbytes - 1) >> PAGE_SHIFT;
	pinr_frame_begin(&frame);
	pinr_frame_ask(&frame, 1, PIN_REVOKE_REASON_WRITEBACK_SYNC);
	err = orig(file, offset, nbytes, flags);
	pinr_frame_end(&frame);
	return err;
}
