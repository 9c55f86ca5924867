// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaving out pinned ranges, for a kernel whose loops over dirty folios cannot be
 * told to: they are run for what lies between. In a patched kernel they look at
 * each folio themselves.
 */
#include "../core.h"

/**
 * pinr_write_gaps - background writeback, without what is put off
 * @mapping: as for do_writepages()
 * @wbc: as there; cyclic
 * @orig: do_writepages()
 *
 * What is left out stays dirty, so the flusher comes back; when a holder answers or
 * its time is up, the restore worker writes the range without waiting for that
 * visit.
 *
 * Return: as @orig.
 */
int pinr_write_gaps(struct address_space *mapping,
		    struct writeback_control *wbc,
		    typeof(do_writepages) *orig)
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
