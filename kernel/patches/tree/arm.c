// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the core needs of a kernel that calls it: hooks that are on while there are
 * pins, loops over dirty folios that leave some out, file systems that answer.
 *
 * Must never hold what has nothing to do with that: outside of the kernel's tree
 * other files do the same by other means.
 */
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pin_revoke_hooks.h>

#include "core.h"

static bool ask = true;
module_param(ask, bool, 0444);
MODULE_PARM_DESC(ask, "ask holders before their pages are needed (otherwise pins are only forced)");

/* Whose callers ask now, for people: elsewhere ftrace shows what is wrapped. */
static int pinr_armed_get(char *buffer, const struct kernel_param *kp)
{
	if (!static_key_enabled(&pin_revoke_key.key))
		return sysfs_emit(buffer, "\n");
	return sysfs_emit(buffer,
			  "do_truncate do_writepages ksys_sync sync_file_range sync_filesystem sync_inodes_sb vfs_clone_file_range vfs_copy_file_range vfs_dedupe_file_range_one vfs_fallocate\n");
}

static const struct kernel_param_ops pinr_armed_ops = { .get = pinr_armed_get };

module_param_cb(armed, &pinr_armed_ops, NULL, 0444);
MODULE_PARM_DESC(armed, "functions in which holders are asked: none while nothing is pinned");

static pgoff_t pinr_next_skipped(const struct address_space *mapping,
				 pgoff_t pos)
{
	pgoff_t first, last;

	return pinr_index_skipped(mapping, pos, &first, &last) ? first : ULONG_MAX;
}

/*
 * Memory in one piece: what is pinned in it does not move, so whoever has it
 * pinned is asked, and nothing comes back before the rest was moved. The range is
 * isolated: what comes back later comes from elsewhere.
 */
static int pinr_contig_migrate(struct compact_control *cc, unsigned long start,
			       unsigned long end, pin_revoke_contig_t *orig)
{
	struct pinr_frame frame = { };
	int err;

	if (!pinr_may_wait())
		return orig(cc, start, end);
	pinr_frame_begin(&frame);
	pinr_memory_ask(start, end - start);
	err = orig(cc, start, end);
	pinr_frame_end(&frame);
	return err;
}

static const struct pin_revoke_hooks pinr_hooks = {
	.next_skipped			= pinr_next_skipped,
	.do_writepages			= pinr_do_writepages,
	.sync_filesystem		= pinr_sync_filesystem,
	.sync_inodes_sb			= pinr_sync_inodes_sb,
	.ksys_sync			= pinr_ksys_sync,
	.sync_file_range		= pinr_sync_file_range,
	.do_truncate			= pinr_do_truncate,
	.vfs_fallocate			= pinr_vfs_fallocate,
	.vfs_clone_file_range		= pinr_vfs_clone_file_range,
	.vfs_dedupe_file_range_one	= pinr_vfs_dedupe_file_range_one,
	.vfs_copy_file_range		= pinr_vfs_copy_file_range,
	.contig_migrate			= pinr_contig_migrate,
};

/* One more pin wants to be asked for. May sleep. */
void pinr_arm(void)
{
	if (ask)
		static_branch_deferred_inc(&pin_revoke_key);
}

/* One pin less. Any context: it is a work that changes text. */
void pinr_disarm(void)
{
	if (ask)
		static_branch_slow_dec_deferred(&pin_revoke_key);
}

/* Reasons for which nobody is asked; bits. */
u32 pinr_unasked(void)
{
	return ask ? 0 : BIT(PIN_REVOKE_REASON_WRITEBACK_SYNC) |
			 BIT(PIN_REVOKE_REASON_WRITEBACK_BACKGROUND) |
			 BIT(PIN_REVOKE_REASON_TRUNCATE) |
			 BIT(PIN_REVOKE_REASON_FALLOCATE) |
			 BIT(PIN_REVOKE_REASON_REMAP);
}

int pinr_arm_init(void)
{
	pin_revoke_set_hooks(&pinr_hooks);
	return 0;
}

void pinr_arm_exit(void)
{
	pin_revoke_set_hooks(NULL);
}

/* The loops over dirty folios look at each: see pin_revoke_skip(). */
int pinr_write_gaps(struct address_space *mapping,
		    struct writeback_control *wbc,
		    typeof(do_writepages) *orig)
{
	int err;

	wbc->skip_pinned = 1;
	err = orig(mapping, wbc);
	wbc->skip_pinned = 0;
	return err;
}

int pinr_gup_guarded(struct pin_revoke_pin *pin, unsigned long addr, int nr,
		     unsigned int gup, struct page **pages)
{
	return pin_user_pages_revocable(&pin->notifier, addr, nr, gup, pages);
}

bool pinr_journals_data(const struct address_space *mapping)
{
	return mapping_journals_data(mapping);
}
