// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a driver without pin-revoke would do: pins pages of a process for
 * writing, and keeps them until it is unloaded. For the control runs of tests
 * that show what such a pin blocks.
 *
 * Must never be told of anything.
 */
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pid.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>

static int pid;
module_param(pid, int, 0400);
MODULE_PARM_DESC(pid, "process whose memory it is");

static ulong addr;
module_param(addr, ulong, 0400);
MODULE_PARM_DESC(addr, "first page");

static int nr;
module_param(nr, int, 0400);
MODULE_PARM_DESC(nr, "how many pages");

static struct page **pages;
static struct mm_struct *mm;
static int pinned;

static void plain_pin(struct work_struct *work)
{
	kthread_use_mm(mm);
	pinned = pin_user_pages_fast(addr, nr, FOLL_WRITE, pages);
	kthread_unuse_mm(mm);
}

static DECLARE_WORK(plain_pin_work, plain_pin);

static void plain_unpin(void)
{
	if (pinned > 0)
		unpin_user_pages(pages, pinned);
	kvfree(pages);
}

static int __init plain_pin_init(void)
{
	struct pid *of = find_get_pid(pid);
	struct task_struct *task = get_pid_task(of, PIDTYPE_PID);

	put_pid(of);
	if (!task)
		return -ESRCH;
	mm = get_task_mm(task);
	put_task_struct(task);
	if (!mm)
		return -ESRCH;
	pages = kvcalloc(nr, sizeof(*pages), GFP_KERNEL);
	if (pages) {
		schedule_work(&plain_pin_work);
		flush_work(&plain_pin_work);
	}
	mmput(mm);
	if (pinned == nr)
		return 0;
	plain_unpin();
	return pinned < 0 ? pinned : -ENOMEM;
}

static void __exit plain_pin_exit(void)
{
	plain_unpin();
}

module_init(plain_pin_init);
module_exit(plain_pin_exit);

MODULE_DESCRIPTION("A plain pin, for control runs of tests");
MODULE_LICENSE("GPL");
