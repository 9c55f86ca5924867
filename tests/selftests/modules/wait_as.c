// SPDX-License-Identifier: GPL-2.0-only
/*
 * Writes back a disk's page cache and waits for it, as somebody who may or may not
 * wait for the holders of pins there: inside a transaction, inside reclaim, as a
 * kernel thread. Tests take the time of it. A disk, because a file system would
 * look at the transaction that is none.
 *
 * Must never stay loaded: all is done when it would be.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/sched/mm.h>
#include <linux/workqueue.h>

static char *who;
module_param(who, charp, 0400);
MODULE_PARM_DESC(who, "anybody, transaction, reclaim, kthread");

static char *disk;
module_param(disk, charp, 0400);
MODULE_PARM_DESC(disk, "whose page cache is written");

static struct file *file;
static int result;

static void wait_as_kthread(struct work_struct *work)
{
	result = filemap_write_and_wait(file->f_mapping);
}

static DECLARE_WORK(wait_as_work, wait_as_kthread);

static int wait_as(void)
{
	unsigned int flags;
	int err;

	if (!strcmp(who, "kthread")) {
		schedule_work(&wait_as_work);
		flush_work(&wait_as_work);
		return result;
	}
	if (!strcmp(who, "transaction")) {
		current->journal_info = &result;
		err = filemap_write_and_wait(file->f_mapping);
		current->journal_info = NULL;
		return err;
	}
	if (!strcmp(who, "reclaim")) {
		flags = memalloc_noreclaim_save();
		err = filemap_write_and_wait(file->f_mapping);
		memalloc_noreclaim_restore(flags);
		return err;
	}
	return strcmp(who, "anybody") ? -EINVAL :
	       filemap_write_and_wait(file->f_mapping);
}

static int __init wait_as_init(void)
{
	int err;

	if (!who || !disk)
		return -EINVAL;
	file = filp_open(disk, O_RDWR, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	err = wait_as();
	fput(file);
	/* Nothing is left to unload. */
	return err ?: -ECANCELED;
}

module_init(wait_as_init);
MODULE_DESCRIPTION("Waits for writeback as somebody else");
MODULE_LICENSE("GPL");
