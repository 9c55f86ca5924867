// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver with a device that is not there: the shortest one that keeps the
 * contract of <linux/pin_revoke.h>, and watches that the core keeps its side.
 *
 * Its device is an array of pages behind a lock: whoever holds the lock and
 * finds the array accesses memory, as a device does between two doorbells.
 * ->quiesce() takes the array away under that lock. Must never allocate, sleep
 * or touch user memory under it.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "driver.h"

/* How often to pin again when the pages changed before they were adopted. */
#define ADOPT_TRIES	4

/* The core broke its promise: a bug, and what the tests look for. */
#define dummy_expect(dummy, what) \
	WARN(!READ_ONCE((dummy)->calling) || !(what), "pin_dummy: not " #what "\n")

static void dummy_begin_mapping(struct dummy *dummy)
{
	int running = atomic_inc_return(&dummy->mapping);

	dummy_expect(dummy, running == 1);
}

static int dummy_map(void *priv, unsigned long first, struct page **pages,
		     unsigned long nr_pages)
{
	struct dummy *dummy = priv;
	struct page **table = dummy->table + first;
	int err = dummy_fails(dummy);

	dummy_hold(dummy, DUMMY_MAP);
	if (err)
		return err;
	dummy_begin_mapping(dummy);
	dummy_expect(dummy, !memchr_inv(table, 0, nr_pages * sizeof(*table)));
	memcpy(table, pages, nr_pages * sizeof(*table));
	spin_lock(&dummy->lock);
	dummy->seen.maps++;
	spin_unlock(&dummy->lock);
	atomic_dec(&dummy->mapping);
	return 0;
}

static void dummy_unmap(void *priv, unsigned long first, unsigned long nr_pages)
{
	struct dummy *dummy = priv;
	struct page **table = dummy->table + first;
	struct page **open = dummy->open + first;

	dummy_hold(dummy, DUMMY_UNMAP);
	dummy_begin_mapping(dummy);
	dummy_expect(dummy, table[0] && table[nr_pages - 1]);
	spin_lock(&dummy->lock);
	if (dummy_ignores(dummy))
		memset(open, 0, nr_pages * sizeof(*open));
	dummy_expect(dummy, !memchr_inv(open, 0, nr_pages * sizeof(*open)));
	dummy->seen.unmaps++;
	spin_unlock(&dummy->lock);
	memset(table, 0, nr_pages * sizeof(*table));
	atomic_dec(&dummy->mapping);
}

/* Opens the gate: ->map() has done what can fail. */
static void dummy_restore(void *priv, unsigned long first, struct page **pages,
			  unsigned long nr_pages)
{
	struct dummy *dummy = priv;
	struct page **mapped = (dummy->adopted ?: dummy->table) + first;
	struct page **open = dummy->open + first;

	spin_lock(&dummy->lock);
	dummy_expect(dummy, !memchr_inv(open, 0, nr_pages * sizeof(*open)));
	dummy_expect(dummy, !memcmp(mapped, pages, nr_pages * sizeof(*pages)));
	memcpy(open, pages, nr_pages * sizeof(*open));
	dummy->live = true;
	dummy->seen.restores++;
	spin_unlock(&dummy->lock);
}

/* Closes it: when the lock was taken, no access is under way. */
static void dummy_quiesce(void *priv, unsigned long start, unsigned long last,
			  enum pin_revoke_reason reason)
{
	struct dummy *dummy = priv;

	dummy_crash(dummy);
	dummy_hold(dummy, DUMMY_QUIESCE);
	dummy_slow(dummy);
	spin_lock(&dummy->lock);
	dummy_expect(dummy, dummy->live);
	dummy_expect(dummy, start == dummy->addr &&
		     last == dummy->addr + dummy->len - 1);
	if (!dummy_ignores(dummy))
		memset(dummy->open, 0, dummy->nr * sizeof(*dummy->open));
	dummy->live = dummy_ignores(dummy);
	dummy->seen.quiesces++;
	dummy->seen.reason = reason;
	spin_unlock(&dummy->lock);
}

static void dummy_gone(void *priv)
{
	struct dummy *dummy = priv;

	spin_lock(&dummy->lock);
	dummy_expect(dummy, !dummy->live);
	dummy_expect(dummy, !dummy->seen.gones);
	dummy->seen.gones++;
	spin_unlock(&dummy->lock);
}

static void dummy_describe(void *priv, char *buf, size_t size)
{
	struct dummy *dummy = priv;

	scnprintf(buf, size, "dummy%s%s%s",
		  dummy->flags & PIN_DUMMY_WRITE ? " write" : "",
		  dummy->flags & PIN_DUMMY_LAZY ? " lazy" : "",
		  dummy->flags & PIN_DUMMY_ADOPT ? " adopt" : "");
}

/* FOLL_LONGTERM memory is not dirty-tracked: nobody else makes it dirty. */
static void dummy_put_adopted(struct dummy *dummy)
{
	unpin_user_pages_dirty_lock(dummy->adopted, dummy->nr_adopted,
				    dummy->flags & PIN_DUMMY_WRITE);
	atomic64_sub(dummy->nr_adopted, &dummy->mm->pinned_vm);
	mmdrop(dummy->mm);
	kvfree(dummy->adopted);
	dummy->adopted = NULL;
}

static void dummy_unpin(void *priv)
{
	struct dummy *dummy = priv;

	spin_lock(&dummy->lock);
	dummy_expect(dummy, !dummy->live);
	dummy_expect(dummy, dummy->adopted);
	dummy->seen.unpins++;
	spin_unlock(&dummy->lock);
	dummy_put_adopted(dummy);
}

static const struct pin_revoke_ops dummy_ops = {
	.map		= dummy_map,
	.restore	= dummy_restore,
	.quiesce	= dummy_quiesce,
	.unmap		= dummy_unmap,
	.gone		= dummy_gone,
	.describe	= dummy_describe,
	.owner		= THIS_MODULE,
};

static const struct pin_revoke_ops dummy_adopt_ops = {
	.restore	= dummy_restore,
	.quiesce	= dummy_quiesce,
	.unpin		= dummy_unpin,
	.gone		= dummy_gone,
	.describe	= dummy_describe,
	.owner		= THIS_MODULE,
};

/* What a driver without revocation does: pin for long, charge, keep. */
static int dummy_get_adopted(struct dummy *dummy, unsigned long addr)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
	unsigned int gup = FOLL_LONGTERM;
	unsigned long nr, done = 0, end;
	long ret = -EFAULT;

	if (!dummy->len ||
	    check_add_overflow(offset_in_page(addr), dummy->len, &end) ||
	    end > INT_MAX)
		return -EINVAL;
	nr = DIV_ROUND_UP(end, PAGE_SIZE);
	if (dummy->flags & PIN_DUMMY_WRITE)
		gup |= FOLL_WRITE;
	dummy->adopted = kvmalloc_array(nr, sizeof(*dummy->adopted),
					GFP_KERNEL_ACCOUNT);
	if (!dummy->adopted)
		return -ENOMEM;
	dummy->mm = current->mm;
	if (atomic64_add_return(nr, &dummy->mm->pinned_vm) > limit &&
	    !capable(CAP_IPC_LOCK)) {
		ret = -ENOMEM;
		goto err;
	}
	for (; done < nr; done += ret) {
		ret = pin_user_pages_fast((addr & PAGE_MASK) + done * PAGE_SIZE,
					  nr - done, gup, dummy->adopted + done);
		if (ret <= 0)
			goto err;
	}
	mmgrab(dummy->mm);
	dummy->nr_adopted = nr;
	return 0;

err:
	unpin_user_pages(dummy->adopted, done);
	atomic64_sub(nr, &dummy->mm->pinned_vm);
	kvfree(dummy->adopted);
	dummy->adopted = NULL;
	return ret ?: -EFAULT;
}

static struct pin_revoke_pin *dummy_adopt(struct dummy *dummy,
					  unsigned long from,
					  unsigned int flags)
{
	struct pin_revoke_pin *pin;
	unsigned int tries = 0;
	int err;

	do {
		err = dummy_get_adopted(dummy, from ?: dummy->addr);
		if (err)
			return ERR_PTR(err);
		dummy_hold(dummy, DUMMY_ADOPT);
		/* Each try is another pin, and can go. */
		memset(&dummy->seen, 0, sizeof(dummy->seen));
		pin = pin_revoke_register(&dummy_adopt_ops, dummy, dummy->addr,
					  dummy->len, dummy->adopted, flags);
		if (IS_ERR(pin))
			dummy_put_adopted(dummy);
	} while (pin == ERR_PTR(-EAGAIN) && ++tries < ADOPT_TRIES);
	return pin;
}

static void dummy_free_tables(struct dummy *dummy)
{
	kvfree(dummy->table);
	kvfree(dummy->open);
	dummy->table = NULL;
	dummy->open = NULL;
}

static int dummy_alloc_tables(struct dummy *dummy)
{
	unsigned long end;

	if (check_add_overflow(offset_in_page(dummy->addr), dummy->len, &end) ||
	    !dummy->len)
		return -EINVAL;
	dummy->nr = DIV_ROUND_UP(end, PAGE_SIZE);
	dummy->table = kvcalloc(dummy->nr, sizeof(*dummy->table),
				GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	dummy->open = kvcalloc(dummy->nr, sizeof(*dummy->open),
			       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (dummy->table && dummy->open)
		return 0;
	dummy_free_tables(dummy);
	return -ENOMEM;
}

static int dummy_ioctl_unpin(struct dummy *dummy)
{
	if (!dummy->pin)
		return -ENXIO;
	dummy_engine_stop(dummy);
	pin_revoke_release(dummy->pin);
	WRITE_ONCE(dummy->calling, false);
	WARN(memchr_inv(dummy->table, 0, dummy->nr * sizeof(*dummy->table)) ||
	     dummy->adopted || dummy->live,
	     "pin_dummy: released, and yet it has pages\n");
	dummy_free_tables(dummy);
	dummy->pin = NULL;
	return 0;
}

static int dummy_ioctl_pin(struct dummy *dummy, void __user *uarg)
{
	struct pin_revoke_pin *pin;
	struct pin_dummy_pin arg;
	unsigned int flags = 0;
	int err = 0;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (arg.zero || arg.flags & ~PIN_DUMMY_FLAGS)
		return -EINVAL;
	if (arg.flags & PIN_DUMMY_ENGINE &&
	    (!(arg.flags & PIN_DUMMY_WRITE) || !PAGE_ALIGNED(arg.addr | arg.len)))
		return -EINVAL;
	if (dummy->pin)
		return -EBUSY;
	if (arg.flags & PIN_DUMMY_WRITE)
		flags |= PIN_REVOKE_WRITE;
	if (arg.flags & PIN_DUMMY_LAZY)
		flags |= PIN_REVOKE_LAZY;

	/* All that a callback needs: the first can come before we get the pin. */
	dummy->addr = arg.addr;
	dummy->len = arg.len;
	dummy->flags = arg.flags;
	memset(&dummy->seen, 0, sizeof(dummy->seen));
	err = dummy_alloc_tables(dummy);
	if (err)
		return err;
	WRITE_ONCE(dummy->calling, true);
	if (!dummy_begin())
		pin = ERR_PTR(-ENODEV);
	else if (arg.flags & PIN_DUMMY_ADOPT)
		pin = dummy_adopt(dummy, arg.from, flags);
	else
		pin = pin_revoke_pin(&dummy_ops, dummy, arg.addr, arg.len, flags);
	dummy_end();
	if (IS_ERR(pin)) {
		WRITE_ONCE(dummy->calling, false);
		dummy_free_tables(dummy);
		return PTR_ERR(pin);
	}
	dummy->pin = pin;
	if (arg.flags & PIN_DUMMY_ENGINE)
		err = dummy_engine_start(dummy);
	if (err)
		dummy_ioctl_unpin(dummy);
	return err;
}

/* One access of the device: never crosses a page. */
static int dummy_access(struct dummy *dummy, size_t pos, size_t len,
			const char *data, u8 value)
{
	struct page *page;
	int err = 0;

	spin_lock(&dummy->lock);
	page = dummy->open[pos >> PAGE_SHIFT];
	if (page && data)
		memcpy_to_page(page, offset_in_page(pos), data, len);
	else if (page)
		memset_page(page, offset_in_page(pos), value, len);
	else
		err = dummy->seen.gones ? -EFAULT : -EAGAIN;
	spin_unlock(&dummy->lock);
	return err;
}

static int dummy_ioctl_dma(struct dummy *dummy, void __user *uarg)
{
	struct pin_dummy_dma arg;
	char *data = NULL;
	size_t end;
	int err = 0;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (memchr_inv(arg.zero, 0, sizeof(arg.zero)))
		return -EINVAL;
	if (!dummy->pin)
		return -ENXIO;
	if (!(dummy->flags & PIN_DUMMY_WRITE))
		return -EACCES;
	if (check_add_overflow(arg.offset, arg.len, &end) || end > dummy->len)
		return -ERANGE;
	if (arg.from) {
		if (arg.len > PAGE_SIZE)
			return -EINVAL;
		data = memdup_user(u64_to_user_ptr(arg.from), arg.len);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}

	for (arg.done = 0; arg.done < arg.len && !err;) {
		size_t pos = offset_in_page(dummy->addr) + arg.offset + arg.done;
		size_t len = min_t(size_t, arg.len - arg.done,
				   PAGE_SIZE - offset_in_page(pos));

		err = dummy_access(dummy, pos, len,
				   data ? data + arg.done : NULL, arg.value);
		if (!err)
			arg.done += len;
		cond_resched();
	}
	if (err == -EAGAIN && (dummy->flags & PIN_DUMMY_LAZY))
		pin_revoke_access(dummy->pin, arg.offset + arg.done, 1);
	kfree(data);
	if (copy_to_user(uarg, &arg, sizeof(arg)))
		return -EFAULT;
	return err;
}

static int dummy_ioctl_state(struct dummy *dummy, void __user *uarg)
{
	struct pin_dummy_state seen;

	spin_lock(&dummy->lock);
	seen = dummy->seen;
	seen.live = dummy->live;
	spin_unlock(&dummy->lock);
	return copy_to_user(uarg, &seen, sizeof(seen)) ? -EFAULT : 0;
}

static long dummy_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dummy *dummy = file->private_data;
	void __user *uarg = (void __user *)arg;
	long ret;

	ret = mutex_lock_interruptible(&dummy->ioctl_lock);
	if (ret)
		return ret;
	switch (cmd) {
	case PIN_DUMMY_IOC_PIN:
		ret = dummy_ioctl_pin(dummy, uarg);
		break;
	case PIN_DUMMY_IOC_UNPIN:
		ret = dummy_ioctl_unpin(dummy);
		break;
	case PIN_DUMMY_IOC_DMA:
		ret = dummy_ioctl_dma(dummy, uarg);
		break;
	case PIN_DUMMY_IOC_STATE:
		ret = dummy_ioctl_state(dummy, uarg);
		break;
	default:
		ret = -ENOTTY;
	}
	mutex_unlock(&dummy->ioctl_lock);
	return ret;
}

static int dummy_open(struct inode *inode, struct file *file)
{
	struct dummy *dummy = kzalloc(sizeof(*dummy), GFP_KERNEL_ACCOUNT);
	struct miscdevice *misc = file->private_data;

	if (!dummy)
		return -ENOMEM;
	dummy->dev = misc->parent;
	mutex_init(&dummy->ioctl_lock);
	spin_lock_init(&dummy->lock);
	file->private_data = dummy;
	return 0;
}

static int dummy_release(struct inode *inode, struct file *file)
{
	struct dummy *dummy = file->private_data;

	dummy_ioctl_unpin(dummy);
	kfree(dummy);
	return 0;
}

const struct file_operations dummy_fops = {
	.owner		= THIS_MODULE,
	.open		= dummy_open,
	.release	= dummy_release,
	.unlocked_ioctl	= dummy_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

MODULE_DESCRIPTION("Example and test driver for revocable pins");
MODULE_LICENSE("GPL");
