// SPDX-License-Identifier: GPL-2.0-only
/*
 * What kind of memory a range is: walks the VMAs of the current mm and records
 * for each part whether it is a shared, dirty-tracked mapping of a file.
 *
 * That record is made at pin time and used ever after, because a notifier does
 * not know its VMA. Must never keep a file or an inode: a pin does not make a
 * file system busy.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/file.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/slab.h>

#include "core.h"

static bool any_fs;
module_param(any_fs, bool, 0644);
MODULE_PARM_DESC(any_fs,
		 "allow writable pins on file systems that are not known to keep the promise");

/*
 * Write faults on it are tracked, so that cleaning it calls the notifier. Of a file
 * that was opened to read, a shared mapping is not VM_SHARED; nobody writes there,
 * but its pages are the file's, too.
 */
static bool pinr_vma_tracked(const struct vm_area_struct *vma)
{
	const struct inode *inode;

	if (!(vma->vm_flags & VM_MAYSHARE) || !vma->vm_file)
		return false;
	inode = vma->vm_file->f_mapping->host;
	if (S_ISBLK(inode->i_mode))
		return true;
	return S_ISREG(inode->i_mode) && inode->i_sb->s_magic != TMPFS_MAGIC &&
	       inode->i_sb->s_magic != HUGETLBFS_MAGIC;
}

/*
 * The proof: whoever cleans or unmaps a folio of these goes through its
 * writable PTE, and so through the notifier, first.
 *
 * Not so ext4 that journals data, with several blocks to a page: what is still
 * pinned when it is cleaned it writes again later, and a hole that is punched
 * beside it meanwhile takes blocks out of a transaction (ext4 warns of it). Parts
 * of what the device wrote were not on the disk.
 */
static bool pinr_fs_proven(const struct inode *inode)
{
	switch (inode->i_sb->s_magic) {
	case EXT4_SUPER_MAGIC:
		return i_blocksize(inode) == PAGE_SIZE ||
		       !pinr_journals_data(inode->i_mapping) ||
		       READ_ONCE(any_fs);
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
		return true;
	default:
		return READ_ONCE(any_fs);
	}
}

static int pinr_seg_fill(struct pin_revoke_pin *pin, struct pinr_seg *seg,
			 const struct vm_area_struct *vma)
{
	const struct inode *inode;
	unsigned long nr = (seg->end - seg->start) >> PAGE_SHIFT;

	/* Nobody is about to fault it in. */
	if (pin->declared && (pin->flags & PIN_REVOKE_WRITE) &&
	    !(vma->vm_flags & VM_WRITE))
		return -EFAULT;
	if (!pinr_vma_tracked(vma))
		return 0;
	inode = vma->vm_file->f_mapping->host;
	/* A declared range promises nothing. */
	if ((pin->flags & PIN_REVOKE_WRITE) && !pin->declared &&
	    !pinr_fs_proven(inode)) {
		pr_info_ratelimited("%s/%d: no writable pin on %s, see parameter any_fs\n",
				    pin->comm, pin->pid,
				    inode->i_sb->s_type->name);
		return -EOPNOTSUPP;
	}
	seg->map = pinr_map_get(vma->vm_file->f_mapping, inode->i_sb);
	if (!seg->map)
		return -ENOMEM;
	if (!pin->declared &&
	    (IS_DAX(inode) || (pin->flags & PIN_REVOKE_WRITE)))
		seg->file = get_file(vma->vm_file);
	seg->node.start = vma->vm_pgoff +
			  ((seg->start - vma->vm_start) >> PAGE_SHIFT);
	seg->node.last = seg->node.start + nr - 1;
	/* A lazy pin may come back without a page that would show it. */
	if (!pin->declared &&
	    seg->node.last >= DIV_ROUND_UP(i_size_read(inode), PAGE_SIZE))
		return -EFAULT;
	return 0;
}

/* Caller is the only one who walks: the pin is new, or it is the restore worker. */
static struct pinr_segs *pinr_segs_new(struct pin_revoke_pin *pin, unsigned int nr)
{
	struct pinr_segs *segs = (struct pinr_segs *)pin->one_seg;

	if (nr > 1 || segs->own)
		return kvzalloc(struct_size(segs, seg, nr), GFP_KERNEL_ACCOUNT);
	*segs = (struct pinr_segs) { .own = true };
	return segs;
}

/**
 * pinr_segs_walk - record what a pin's range is made of
 * @pin: the pin
 *
 * Context: process context, current->mm is the holder's; takes mmap_lock.
 * Return: one seg for each VMA, or ERR_PTR: -EFAULT a hole; -EOPNOTSUPP a
 * writable pin on a file system that is not proven; -ENOMEM.
 */
struct pinr_segs *pinr_segs_walk(struct pin_revoke_pin *pin)
{
	struct vm_area_struct *vma, *first;
	struct pinr_segs *segs;
	unsigned int nr = 1, i;
	int err = 0;

	mmap_read_lock(current->mm);
	/* The notifier's order, see pinr_teach_order(). */
	might_lock(&pin->lock);
	first = vma_lookup(current->mm, pin->start);
	for (vma = first; vma && vma->vm_end < pin->end; nr++)
		vma = vma_lookup(current->mm, vma->vm_end);
	if (!vma) {
		segs = ERR_PTR(-EFAULT);
		goto out;
	}
	segs = pinr_segs_new(pin, nr);
	if (!segs) {
		segs = ERR_PTR(-ENOMEM);
		goto out;
	}
	for (i = 0; i < nr && !err; i++) {
		vma = i ? vma_lookup(current->mm, vma->vm_end) : first;
		segs->seg[i] = (struct pinr_seg) {
			.pin = pin,
			.start = max(vma->vm_start, pin->start),
			.end = min(vma->vm_end, pin->end),
		};
		segs->nr++;
		err = pinr_seg_fill(pin, &segs->seg[i], vma);
	}
	if (err) {
		pinr_segs_free(segs);
		segs = ERR_PTR(err);
	}
out:
	mmap_read_unlock(current->mm);
	return segs;
}

/* Must be unhooked from the index. @segs may be NULL. */
void pinr_segs_free(struct pinr_segs *segs)
{
	unsigned int i;

	if (!segs)
		return;
	for (i = 0; i < segs->nr; i++) {
		if (segs->seg[i].file)
			fput(segs->seg[i].file);
		if (segs->seg[i].map)
			pinr_map_put(segs->seg[i].map);
	}
	if (segs->own)
		segs->own = false;
	else
		kvfree(segs);
}

/* What a writable pin makes writable is a file's: as for write(2), no freeze meanwhile. */
static struct super_block *pinr_seg_writes(struct pinr_seg *seg)
{
	struct inode *inode = seg->file ? file_inode(seg->file) : NULL;

	return inode && S_ISREG(inode->i_mode) &&
	       (seg->pin->flags & PIN_REVOKE_WRITE) ? inode->i_sb : NULL;
}

/**
 * pinr_seg_lock - keep freeze and truncate away while pages of a file are pinned
 * @seg: a fresh seg
 *
 * A freeze would have our write faults wait for the thaw, and everybody who needs
 * the locks that we have then.
 *
 * Truncate unmaps the pages of a DAX file, once, and waits under i_rwsem until nobody
 * uses them; for that it lets page faults in. Since a mapping counts as a user, too,
 * a fault of ours in that moment would be waited for, but never asked to go:
 *
 *   truncate                              here
 *   i_rwsem, unmap, ->invalidate()
 *   the page is pinned: wait
 *                                         unpin, wake
 *                                         pin again: fault, mapped
 *   the page is in use: wait for ever
 *
 * Behind the lock every truncate starts with the unmapping, and finds the pin
 * ACTIVE or has read_retry() fail.
 *
 * Context: process context, no locks. The restore worker does not wait.
 * Return: 0, also if there is nothing to lock; -EBUSY; -EINTR.
 */
int pinr_seg_lock(struct pinr_seg *seg)
{
	struct inode *inode = seg->file ? file_inode(seg->file) : NULL;
	struct super_block *sb = pinr_seg_writes(seg);
	bool worker = current->flags & PF_KTHREAD;
	int err = 0;

	if (sb && !worker)
		sb_start_write(sb);
	else if (sb && !sb_start_write_trylock(sb))
		return -EBUSY;
	if (inode && IS_DAX(inode)) {
		if (!worker)
			err = down_read_killable(&inode->i_rwsem);
		else
			err = inode_trylock_shared(inode) ? 0 : -EBUSY;
	}
	if (err && sb)
		sb_end_write(sb);
	return err;
}

void pinr_seg_unlock(struct pinr_seg *seg)
{
	struct super_block *sb = pinr_seg_writes(seg);

	if (!seg->file)
		return;
	if (IS_DAX(file_inode(seg->file)))
		inode_unlock_shared(file_inode(seg->file));
	if (sb)
		sb_end_write(sb);
	fput(seg->file);
	seg->file = NULL;
}

/**
 * pinr_seg_lock_dio - keep direct writes away while pages are made writable
 * @seg: a fresh seg
 *
 * A direct write drops the pages it goes around, before and after. A write fault
 * makes them dirty, though nobody has written: the second time they stay, and go
 * to the disk when the next writeback comes:
 *
 *   direct write                          here
 *   drops the page, ->invalidate()
 *   writes to the disk ...
 *                                         fault: reads what is there, dirty
 *   ... until here; cannot drop the page
 *                                         fsync: writes what was there
 *
 * For a few pages at a time: all who write the file wait.
 *
 * Context: process context, no locks but pinr_seg_lock().
 * Return: 0, also if there is nothing to lock; -EINTR.
 */
int pinr_seg_lock_dio(struct pinr_seg *seg)
{
	struct inode *inode = seg->file ? file_inode(seg->file) : NULL;

	if (!inode || IS_DAX(inode))
		return 0;
	if (down_write_killable(&inode->i_rwsem))
		return -EINTR;
	inode_dio_wait(inode);
	return 0;
}

void pinr_seg_unlock_dio(struct pinr_seg *seg)
{
	if (seg->file && !IS_DAX(file_inode(seg->file)))
		inode_unlock(file_inode(seg->file));
}

static int pinr_settle_file(struct file *file, pgoff_t first, pgoff_t last,
			    bool write)
{
	struct address_space *mapping = file->f_mapping;
	loff_t from = (loff_t)first << PAGE_SHIFT;
	loff_t to = ((loff_t)(last + 1) << PAGE_SHIFT) - 1;

	/* Do not even begin; pinr_seg_lock() sees what freezes later. */
	if (mapping->host->i_sb->s_writers.frozen != SB_UNFROZEN)
		return -EBUSY;
	if (write)
		filemap_fdatawrite_range(mapping, from, to);
	filemap_fdatawait_range_keep_errors(mapping, from, to);
	return 0;
}

/**
 * pinr_settle - make pages ready to be pinned again
 * @pin: the pin; they are not pinned
 * @run: the pages
 * @write: clean the range first: background writeback was put off for it
 *
 * Waits for folios that are under writeback: a write fault does not do that on
 * ext4 and xfs, and a device that writes into a folio in flight tears it.
 *
 * Context: process context, current->mm is the holder's; takes mmap_lock and
 * waits for I/O.
 * Return: 0, or -EBUSY: the file system is frozen, try later.
 */
int pinr_settle(struct pin_revoke_pin *pin, const struct pinr_run *run,
		bool write)
{
	unsigned long addr = pin->start + (run->first << PAGE_SHIFT);
	unsigned long stop = addr + (run->nr << PAGE_SHIFT);
	unsigned long end;
	int err = 0;

	for (; addr < stop && !err; addr = end) {
		struct vm_area_struct *vma;
		struct file *file = NULL;
		pgoff_t first = 0;

		mmap_read_lock(current->mm);
		vma = vma_lookup(current->mm, addr);
		end = vma ? min(vma->vm_end, stop) : stop;
		if (vma && pinr_vma_tracked(vma)) {
			file = get_file(vma->vm_file);
			first = vma->vm_pgoff +
				((addr - vma->vm_start) >> PAGE_SHIFT);
		}
		mmap_read_unlock(current->mm);
		if (!file)
			continue;
		err = pinr_settle_file(file, first,
				       first + ((end - addr) >> PAGE_SHIFT) - 1,
				       write);
		fput(file);
	}
	return err;
}

/**
 * pin_revoke_needed - does this range want a revocable pin
 * @addr: first byte, in the memory of the calling process
 * @len: length in bytes
 *
 * For drivers that keep their own road for ordinary memory. A hint: the range
 * may change before it is pinned.
 *
 * Context: process context; takes mmap_lock.
 * Return: true if a part of the range is a shared mapping of a file whose
 * pages FOLL_LONGTERM must not pin.
 */
bool pin_revoke_needed(unsigned long addr, size_t len)
{
	unsigned long end;
	bool needed = false;

	if (!current->mm || check_add_overflow(addr, len, &end))
		return false;
	mmap_read_lock(current->mm);
	while (addr < end && !needed) {
		struct vm_area_struct *vma = vma_lookup(current->mm, addr);

		if (!vma)
			break;
		needed = pinr_vma_tracked(vma);
		addr = vma->vm_end;
	}
	mmap_read_unlock(current->mm);
	return needed;
}
EXPORT_SYMBOL_GPL(pin_revoke_needed);
