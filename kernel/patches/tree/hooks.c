// SPDX-License-Identifier: GPL-2.0-only
/*
 * Between the kernel and the core of revocable pins, which can be a module: the
 * key that is on while there are pins, and calls that the core survives.
 *
 * Must never decide anything: without the core, each function is called as ever.
 */
#include <linux/export.h>
#include <linux/pagemap.h>
#include <linux/pin_revoke_hooks.h>
#include <linux/srcu.h>
#include <linux/vmstat.h>

/* How long hooks stay on after the last pin: pins come and go in bursts. */
DEFINE_STATIC_KEY_DEFERRED_FALSE(pin_revoke_key, 2 * HZ);
EXPORT_SYMBOL_GPL(pin_revoke_key);

/* They sleep: in a hook somebody waits for a holder, or does all of a sync. */
DEFINE_STATIC_SRCU(pin_revoke_srcu);

static const struct pin_revoke_hooks __rcu *pin_revoke_hooks;

/**
 * pin_revoke_set_hooks - the core comes, or goes
 * @hooks: what it puts around functions; NULL: no task is in it when this returns
 */
void pin_revoke_set_hooks(const struct pin_revoke_hooks *hooks)
{
	rcu_assign_pointer(pin_revoke_hooks, hooks);
	if (!hooks)
		synchronize_srcu(&pin_revoke_srcu);
}
EXPORT_SYMBOL_GPL(pin_revoke_set_hooks);

/* Calls what stands around @orig, if it is there; has a type of its own each time. */
#define pin_revoke_call(name, orig, ...) ({				\
	const struct pin_revoke_hooks *hooks;				\
	typeof(orig(__VA_ARGS__)) ret;					\
	int idx = srcu_read_lock(&pin_revoke_srcu);			\
									\
	hooks = srcu_dereference(pin_revoke_hooks, &pin_revoke_srcu);	\
	count_vm_event(PIN_REVOKE_CALL);				\
	ret = hooks ? hooks->name(__VA_ARGS__, orig) : orig(__VA_ARGS__); \
	srcu_read_unlock(&pin_revoke_srcu, idx);			\
	ret;								\
})

int pin_revoke_do_writepages(struct address_space *mapping,
			     struct writeback_control *wbc,
			     typeof(do_writepages) *orig)
{
	return pin_revoke_call(do_writepages, orig, mapping, wbc);
}

int pin_revoke_sync_filesystem(struct super_block *sb,
			       typeof(sync_filesystem) *orig)
{
	return pin_revoke_call(sync_filesystem, orig, sb);
}

int pin_revoke_sync_inodes_sb(struct super_block *sb,
			      int (*orig)(struct super_block *sb))
{
	return pin_revoke_call(sync_inodes_sb, orig, sb);
}

int pin_revoke_ksys_sync(void *nothing, int (*orig)(void *nothing))
{
	return pin_revoke_call(ksys_sync, orig, nothing);
}

int pin_revoke_sync_file_range(struct file *file, loff_t offset, loff_t nbytes,
			       unsigned int flags,
			       typeof(sync_file_range) *orig)
{
	return pin_revoke_call(sync_file_range, orig, file, offset, nbytes, flags);
}

int pin_revoke_do_truncate(struct mnt_idmap *idmap, struct dentry *dentry,
			   loff_t length, unsigned int time_attrs,
			   struct file *filp, pin_revoke_truncate_t *orig)
{
	return pin_revoke_call(do_truncate, orig, idmap, dentry, length,
			       time_attrs, filp);
}

int pin_revoke_vfs_fallocate(struct file *file, int mode, loff_t offset,
			     loff_t len, typeof(vfs_fallocate) *orig)
{
	return pin_revoke_call(vfs_fallocate, orig, file, mode, offset, len);
}

loff_t pin_revoke_vfs_clone_file_range(struct file *file_in, loff_t pos_in,
				       struct file *file_out, loff_t pos_out,
				       loff_t len, unsigned int flags,
				       typeof(vfs_clone_file_range) *orig)
{
	return pin_revoke_call(vfs_clone_file_range, orig, file_in, pos_in,
			       file_out, pos_out, len, flags);
}

loff_t pin_revoke_vfs_dedupe_file_range_one(struct file *file_in, loff_t pos_in,
					    struct file *file_out,
					    loff_t pos_out, loff_t len,
					    unsigned int flags,
					    typeof(vfs_dedupe_file_range_one) *orig)
{
	return pin_revoke_call(vfs_dedupe_file_range_one, orig, file_in, pos_in,
			       file_out, pos_out, len, flags);
}

ssize_t pin_revoke_vfs_copy_file_range(struct file *file_in, loff_t pos_in,
				       struct file *file_out, loff_t pos_out,
				       size_t len, unsigned int flags,
				       typeof(vfs_copy_file_range) *orig)
{
	return pin_revoke_call(vfs_copy_file_range, orig, file_in, pos_in,
			       file_out, pos_out, len, flags);
}

int pin_revoke_contig_migrate(struct compact_control *cc, unsigned long start,
			      unsigned long end, pin_revoke_contig_t *orig)
{
	return pin_revoke_call(contig_migrate, orig, cc, start, end);
}

pgoff_t __pin_revoke_next_skipped(const struct address_space *mapping,
				  pgoff_t pos)
{
	const struct pin_revoke_hooks *hooks;
	pgoff_t next = ULONG_MAX;
	int idx;

	idx = srcu_read_lock(&pin_revoke_srcu);
	hooks = srcu_dereference(pin_revoke_hooks, &pin_revoke_srcu);
	if (hooks)
		next = hooks->next_skipped(mapping, pos);
	srcu_read_unlock(&pin_revoke_srcu, idx);
	return next;
}
EXPORT_SYMBOL_GPL(__pin_revoke_next_skipped);

bool __pin_revoke_skip(struct folio *folio, struct writeback_control *wbc)
{
	unsigned long nr = folio_nr_pages(folio);

	if (__pin_revoke_next_skipped(folio->mapping, folio->index) >=
	    folio_next_index(folio))
		return false;
	/* It stays dirty; the flusher looks after the inode again later. */
	wbc->pages_skipped += nr;
	count_vm_events(PIN_REVOKE_SKIP, nr);
	return true;
}
EXPORT_SYMBOL_GPL(__pin_revoke_skip);
