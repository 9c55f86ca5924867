// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of a file's layout as a trigger: truncate, fallocate, clone, dedupe.
 * Asks the holders of the range before the file system locks the inode.
 *
 * Each function stands around one of the kernel's and calls the original. Must
 * never judge whether a call is right: the original does; what is asked for in
 * vain is restored.
 */
#include <linux/dcache.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/magic.h>

#include "core.h"

/* @len of 0: to the end. Ranges beyond what a file can have are cut. */
static struct pinr_frame pinr_range_frame(const struct inode *inode,
					  loff_t pos, loff_t len, bool readers)
{
	struct pinr_frame frame = {
		.scope = {
			.mapping = inode->i_mapping,
			.last = ULONG_MAX,
			.readers = readers,
		},
	};

	frame.scope.first = pos >> PAGE_SHIFT;
	if (len && len <= LLONG_MAX - pos)
		frame.scope.last = (pos + len - 1) >> PAGE_SHIFT;
	/* To find out what is pinned, fsdax unmaps all of the file. */
	if (readers && IS_DAX(inode)) {
		frame.scope.first = 0;
		frame.scope.last = ULONG_MAX;
	}
	return frame;
}

static void pinr_range_begin(struct pinr_frame *frames, unsigned int nr,
			     enum pin_revoke_reason reason)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		pinr_frame_begin(&frames[i]);
	pinr_frame_ask(frames, nr, reason);
}

static void pinr_range_end(struct pinr_frame *frames, unsigned int nr)
{
	while (nr--)
		pinr_frame_end(&frames[nr]);
}

/**
 * pinr_do_truncate - around do_truncate()
 * @idmap: as there
 * @dentry: as there; on overlayfs not the file that is mapped
 * @length: as there
 * @time_attrs: as there
 * @filp: as there
 * @orig: the original
 *
 * A file that grows keeps its pages.
 *
 * Return: as @orig.
 */
int pinr_do_truncate(struct mnt_idmap *idmap, struct dentry *dentry,
		     loff_t length, unsigned int time_attrs, struct file *filp,
		     int (*orig)(struct mnt_idmap *idmap, struct dentry *dentry,
				 loff_t length, unsigned int time_attrs,
				 struct file *filp))
{
	struct inode *inode = d_real_inode(dentry);
	struct pinr_frame frame;
	int err;

	if (!pinr_index_has(inode->i_mapping) || length < 0 ||
	    length >= i_size_read(inode))
		return orig(idmap, dentry, length, time_attrs, filp);

	frame = pinr_range_frame(inode, length, 0, true);
	pinr_range_begin(&frame, 1, PIN_REVOKE_REASON_TRUNCATE);
	err = orig(idmap, dentry, length, time_attrs, filp);
	pinr_range_end(&frame, 1);
	return err;
}

/**
 * pinr_vfs_fallocate - around vfs_fallocate()
 * @file: as there
 * @mode: as there
 * @offset: as there
 * @len: as there
 * @orig: the original
 *
 * Allocation alone changes no page.
 *
 * Return: as @orig.
 */
int pinr_vfs_fallocate(struct file *file, int mode, loff_t offset, loff_t len,
		       typeof(vfs_fallocate) *orig)
{
	struct inode *inode = file_inode(file);
	struct pinr_frame frame;
	int err;

	if (!(mode & ~FALLOC_FL_KEEP_SIZE) || offset < 0 || len <= 0 ||
	    !(file->f_mode & FMODE_WRITE) ||
	    !pinr_index_has(inode->i_mapping))
		return orig(file, mode, offset, len);

	/* What is behind the range moves. */
	if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE))
		frame = pinr_range_frame(inode, offset, 0, true);
	else
		frame = pinr_range_frame(inode, offset, len, true);
	pinr_range_begin(&frame, 1, PIN_REVOKE_REASON_FALLOCATE);
	err = orig(file, mode, offset, len);
	pinr_range_end(&frame, 1);
	return err;
}

/*
 * The source is cleaned, which leaves read pins alone (btrfs cleans all of it:
 * compression knows no ranges); the pages of the target go away.
 */
static bool pinr_remap_begin(struct pinr_frame *frames,
			     const struct inode *from, loff_t from_pos,
			     const struct inode *to, loff_t to_pos, loff_t len)
{
	if (from_pos < 0 || to_pos < 0 || len < 0 ||
	    (!pinr_index_has(from->i_mapping) && !pinr_index_has(to->i_mapping)))
		return false;
	if (from->i_sb->s_magic == BTRFS_SUPER_MAGIC)
		frames[0] = pinr_range_frame(from, 0, 0, false);
	else
		frames[0] = pinr_range_frame(from, from_pos, len, false);
	frames[1] = pinr_range_frame(to, to_pos, len, true);
	pinr_range_begin(frames, 2, PIN_REVOKE_REASON_REMAP);
	return true;
}

/**
 * pinr_vfs_clone_file_range - around vfs_clone_file_range()
 * @file_in: as there
 * @pos_in: as there
 * @file_out: as there
 * @pos_out: as there
 * @len: as there; 0 is to the end
 * @flags: as there
 * @orig: the original
 *
 * Return: as @orig.
 */
loff_t pinr_vfs_clone_file_range(struct file *file_in, loff_t pos_in,
				 struct file *file_out, loff_t pos_out,
				 loff_t len, unsigned int flags,
				 typeof(vfs_clone_file_range) *orig)
{
	struct pinr_frame frames[PINR_MAX_FRAMES];
	loff_t ret;

	if (!(file_out->f_mode & FMODE_WRITE) ||
	    !pinr_remap_begin(frames, file_inode(file_in), pos_in,
			      file_inode(file_out), pos_out, len))
		return orig(file_in, pos_in, file_out, pos_out, len, flags);
	ret = orig(file_in, pos_in, file_out, pos_out, len, flags);
	pinr_range_end(frames, 2);
	return ret;
}

/**
 * pinr_vfs_dedupe_file_range_one - around vfs_dedupe_file_range_one()
 * @file_in: as there
 * @pos_in: as there
 * @file_out: as there
 * @pos_out: as there
 * @len: as there
 * @flags: as there
 * @orig: the original
 *
 * Return: as @orig.
 */
loff_t pinr_vfs_dedupe_file_range_one(struct file *file_in, loff_t pos_in,
				      struct file *file_out, loff_t pos_out,
				      loff_t len, unsigned int flags,
				      typeof(vfs_dedupe_file_range_one) *orig)
{
	struct pinr_frame frames[PINR_MAX_FRAMES];
	loff_t ret;

	/* To dedupe nothing changes nothing; only for a clone it means all. */
	if (!len || !pinr_remap_begin(frames, file_inode(file_in), pos_in,
				      file_inode(file_out), pos_out, len))
		return orig(file_in, pos_in, file_out, pos_out, len, flags);
	ret = orig(file_in, pos_in, file_out, pos_out, len, flags);
	pinr_range_end(frames, 2);
	return ret;
}

/**
 * pinr_vfs_copy_file_range - around vfs_copy_file_range()
 * @file_in: as there
 * @pos_in: as there
 * @file_out: as there
 * @pos_out: as there
 * @len: as there
 * @flags: as there
 * @orig: the original
 *
 * Where the file system cannot clone, a copy reads and writes the page cache and
 * disturbs no pin.
 *
 * Return: as @orig.
 */
ssize_t pinr_vfs_copy_file_range(struct file *file_in, loff_t pos_in,
				 struct file *file_out, loff_t pos_out,
				 size_t len, unsigned int flags,
				 typeof(vfs_copy_file_range) *orig)
{
	struct pinr_frame frames[PINR_MAX_FRAMES];
	ssize_t ret;

	if (!len || len > LLONG_MAX || !file_in->f_op->remap_file_range ||
	    !(file_out->f_mode & FMODE_WRITE) ||
	    !pinr_remap_begin(frames, file_inode(file_in), pos_in,
			      file_inode(file_out), pos_out, len))
		return orig(file_in, pos_in, file_out, pos_out, len, flags);
	ret = orig(file_in, pos_in, file_out, pos_out, len, flags);
	pinr_range_end(frames, 2);
	return ret;
}
