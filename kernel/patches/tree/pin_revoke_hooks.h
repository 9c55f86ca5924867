/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where the kernel calls those who know about revocable pins.
 *
 * Each hook stands around one function: it asks the holders of what the function
 * is about to clean, cut or move, waits for them for a bounded time, and calls it.
 * While nothing is pinned revocably a hook is a NOP and a direct call.
 *
 * Must never be needed for a promise to hold: that is what the notifiers of the
 * pins are for.
 */
#ifndef _LINUX_PIN_REVOKE_HOOKS_H
#define _LINUX_PIN_REVOKE_HOOKS_H

#include <linux/fs.h>
#include <linux/jump_label_ratelimit.h>
#include <linux/mm.h>
#include <linux/writeback.h>

typedef int pin_revoke_truncate_t(struct mnt_idmap *idmap,
				  struct dentry *dentry, loff_t length,
				  unsigned int time_attrs, struct file *filp);
struct compact_control;
typedef int pin_revoke_contig_t(struct compact_control *cc, unsigned long start,
				unsigned long end);

/*
 * What the core puts around functions: each is like the one of its name, which is
 * @orig. And next_skipped, the first page of a mapping, from @pos on, that background
 * writeback leaves out because its holder is being asked; ULONG_MAX if there is none.
 */
struct pin_revoke_hooks {
	pgoff_t (*next_skipped)(const struct address_space *mapping, pgoff_t pos);
	int (*do_writepages)(struct address_space *mapping,
			     struct writeback_control *wbc,
			     typeof(do_writepages) *orig);
	int (*sync_filesystem)(struct super_block *sb,
			       typeof(sync_filesystem) *orig);
	int (*sync_inodes_sb)(struct super_block *sb,
			      int (*orig)(struct super_block *sb));
	int (*ksys_sync)(void *nothing, int (*orig)(void *nothing));
	int (*sync_file_range)(struct file *file, loff_t offset, loff_t nbytes,
			       unsigned int flags,
			       typeof(sync_file_range) *orig);
	int (*do_truncate)(struct mnt_idmap *idmap, struct dentry *dentry,
			   loff_t length, unsigned int time_attrs,
			   struct file *filp, pin_revoke_truncate_t *orig);
	int (*vfs_fallocate)(struct file *file, int mode, loff_t offset,
			     loff_t len, typeof(vfs_fallocate) *orig);
	loff_t (*vfs_clone_file_range)(struct file *file_in, loff_t pos_in,
				       struct file *file_out, loff_t pos_out,
				       loff_t len, unsigned int flags,
				       typeof(vfs_clone_file_range) *orig);
	loff_t (*vfs_dedupe_file_range_one)(struct file *file_in, loff_t pos_in,
					    struct file *file_out, loff_t pos_out,
					    loff_t len, unsigned int flags,
					    typeof(vfs_dedupe_file_range_one) *orig);
	ssize_t (*vfs_copy_file_range)(struct file *file_in, loff_t pos_in,
				       struct file *file_out, loff_t pos_out,
				       size_t len, unsigned int flags,
				       typeof(vfs_copy_file_range) *orig);
	int (*contig_migrate)(struct compact_control *cc, unsigned long start,
			      unsigned long end, pin_revoke_contig_t *orig);
};

#ifdef CONFIG_PIN_REVOKE_HOOKS
extern struct static_key_false_deferred pin_revoke_key;

#define pin_revoke_on()	static_branch_unlikely(&pin_revoke_key.key)
#else
#define pin_revoke_on()	false
#endif

void pin_revoke_set_hooks(const struct pin_revoke_hooks *hooks);

/* For pin_revoke_around() alone. */
int pin_revoke_do_writepages(struct address_space *mapping,
			     struct writeback_control *wbc,
			     typeof(do_writepages) *orig);
int pin_revoke_sync_filesystem(struct super_block *sb,
			       typeof(sync_filesystem) *orig);
int pin_revoke_sync_inodes_sb(struct super_block *sb,
			      int (*orig)(struct super_block *sb));
int pin_revoke_ksys_sync(void *nothing, int (*orig)(void *nothing));
int pin_revoke_sync_file_range(struct file *file, loff_t offset, loff_t nbytes,
			       unsigned int flags,
			       typeof(sync_file_range) *orig);
int pin_revoke_do_truncate(struct mnt_idmap *idmap, struct dentry *dentry,
			   loff_t length, unsigned int time_attrs,
			   struct file *filp, pin_revoke_truncate_t *orig);
int pin_revoke_vfs_fallocate(struct file *file, int mode, loff_t offset,
			     loff_t len, typeof(vfs_fallocate) *orig);
loff_t pin_revoke_vfs_clone_file_range(struct file *file_in, loff_t pos_in,
				       struct file *file_out, loff_t pos_out,
				       loff_t len, unsigned int flags,
				       typeof(vfs_clone_file_range) *orig);
loff_t pin_revoke_vfs_dedupe_file_range_one(struct file *file_in, loff_t pos_in,
					    struct file *file_out,
					    loff_t pos_out, loff_t len,
					    unsigned int flags,
					    typeof(vfs_dedupe_file_range_one) *orig);
ssize_t pin_revoke_vfs_copy_file_range(struct file *file_in, loff_t pos_in,
				       struct file *file_out, loff_t pos_out,
				       size_t len, unsigned int flags,
				       typeof(vfs_copy_file_range) *orig);
int pin_revoke_contig_migrate(struct compact_control *cc, unsigned long start,
			      unsigned long end, pin_revoke_contig_t *orig);
pgoff_t __pin_revoke_next_skipped(const struct address_space *mapping,
				  pgoff_t pos);
bool __pin_revoke_skip(struct folio *folio, struct writeback_control *wbc);

/* Calls @orig, or while there are pins what stands around it. */
#define pin_revoke_around(name, orig, ...)				\
	(pin_revoke_on() ? pin_revoke_##name(__VA_ARGS__, orig) :	\
			   orig(__VA_ARGS__))

/**
 * pin_revoke_skip - does this pass of writeback leave the folio out
 * @folio: dirty and locked
 * @wbc: the pass
 *
 * Only where somebody is being asked to release it, and is given time.
 *
 * Return: true if it has to stay dirty.
 */
static inline bool pin_revoke_skip(struct folio *folio,
				   struct writeback_control *wbc)
{
	return pin_revoke_on() && wbc->skip_pinned &&
	       folio_maybe_dma_pinned(folio) && __pin_revoke_skip(folio, wbc);
}

/**
 * pin_revoke_next_skipped - where do neighbours of a folio have to end
 * @mapping: the mapping
 * @pos: first page that is looked at
 *
 * Return: the first page that is left out, or ULONG_MAX.
 */
static inline pgoff_t pin_revoke_next_skipped(const struct address_space *mapping,
					      pgoff_t pos)
{
	return pin_revoke_on() ? __pin_revoke_next_skipped(mapping, pos) : ULONG_MAX;
}

#endif /* _LINUX_PIN_REVOKE_HOOKS_H */
