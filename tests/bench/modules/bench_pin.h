/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /dev/bench_bare and /dev/bench_revoke: pins of one kind or the other, for
 * benchmarks. In a module it is the device, too: bench_pin() and bench_unpin() are
 * what the two differ in.
 *
 * Must never become an interface that anything else needs.
 */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define BENCH_PIN_WRITE	0x1
#define BENCH_PIN_LONG	0x2	/* bare pins: memory that is no file wants it */

/**
 * struct bench_pin - memory of the calling process
 * @addr: first byte, of a page
 * @len: in bytes, whole pages
 * @flags: BENCH_PIN_*
 * @times: TIME: how often; HOLD: how many, each @stride behind the one before
 * @stride: HOLD: in bytes
 * @ticks: TIME: address of an array, of what each time took
 */
struct bench_pin {
	__u64 addr;
	__u64 len;
	__u32 flags;
	__u32 times;
	__u64 stride;
	__u64 ticks;
};

#define BENCH_PIN_TIME	_IOW(0xf8, 0, struct bench_pin)	/* pin and release, @times */
#define BENCH_PIN_HOLD	_IOW(0xf8, 1, struct bench_pin)	/* until the file is closed */

#ifdef __KERNEL__
#include <linux/fs.h>
#include <linux/list.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/timex.h>
#include <linux/uaccess.h>

/* What each kind of pin begins with. */
struct bench_held {
	struct list_head list;
};

static struct bench_held *bench_pin(unsigned long addr, size_t len, unsigned int flags);
static void bench_unpin(struct bench_held *held);

static long bench_time(const struct bench_pin *arg)
{
	u64 __user *to = u64_to_user_ptr(arg->ticks);
	unsigned int i;

	for (i = 0; i < arg->times; i++) {
		cycles_t at = get_cycles();
		struct bench_held *held = bench_pin(arg->addr, arg->len, arg->flags);

		if (IS_ERR(held))
			return PTR_ERR(held);
		bench_unpin(held);
		if (put_user((u64)(get_cycles() - at), to + i))
			return -EFAULT;
	}
	return 0;
}

static long bench_hold(struct list_head *all, const struct bench_pin *arg)
{
	struct bench_held *held;
	unsigned int i;

	for (i = 0; i < arg->times; i++) {
		held = bench_pin(arg->addr + i * arg->stride, arg->len, arg->flags);
		if (IS_ERR(held))
			return PTR_ERR(held);
		list_add(&held->list, all);
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int bench_open(struct inode *inode, struct file *file)
{
	struct list_head *all = kmalloc(sizeof(*all), GFP_KERNEL);

	if (!all)
		return -ENOMEM;
	INIT_LIST_HEAD(all);
	file->private_data = all;
	return 0;
}

static int bench_close(struct inode *inode, struct file *file)
{
	struct list_head *all = file->private_data;
	struct bench_held *held, *next;

	list_for_each_entry_safe(held, next, all, list) {
		bench_unpin(held);
		cond_resched();
	}
	kfree(all);
	return 0;
}

static long bench_ioctl(struct file *file, unsigned int cmd, unsigned long user)
{
	struct bench_pin arg;

	if (copy_from_user(&arg, (void __user *)user, sizeof(arg)))
		return -EFAULT;
	switch (cmd) {
	case BENCH_PIN_TIME:
		return bench_time(&arg);
	case BENCH_PIN_HOLD:
		return bench_hold(file->private_data, &arg);
	}
	return -ENOTTY;
}

static const struct file_operations bench_fops = {
	.owner = THIS_MODULE,
	.open = bench_open,
	.release = bench_close,
	.unlocked_ioctl = bench_ioctl,
};

static struct miscdevice bench_device = {
	.minor = MISC_DYNAMIC_MINOR,
	.name = KBUILD_MODNAME,
	.fops = &bench_fops,
};

module_misc_device(bench_device);
MODULE_LICENSE("GPL");
#endif /* __KERNEL__ */

#endif /* BENCH_PIN_H */
