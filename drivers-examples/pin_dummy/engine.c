// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device's DMA engine: a thread that writes the number of its pass into the
 * first bytes of each page, pass after pass. Whoever reads how many passes it has
 * finished, and cleans the pages then, must find at least that number on the disk.
 *
 * Must never touch a page but under the lock of the data path.
 */
#include <linux/delay.h>
#include <linux/highmem.h>
#include <linux/kthread.h>
#include <linux/sched.h>

#include "driver.h"

static bool dummy_engine_write(struct dummy *dummy, unsigned long page, u64 pass)
{
	struct page *to;

	spin_lock(&dummy->lock);
	to = dummy->open[page];
	if (to)
		memcpy_to_page(to, 0, (char *)&pass, sizeof(pass));
	spin_unlock(&dummy->lock);
	return to;
}

static int dummy_engine(void *arg)
{
	struct dummy *dummy = arg;
	unsigned long page = 0;
	u64 pass = 1;

	while (!kthread_should_stop()) {
		if (!dummy_engine_write(dummy, page, pass)) {
			if (dummy->flags & PIN_DUMMY_LAZY)
				pin_revoke_access(dummy->pin, page << PAGE_SHIFT, 1);
			usleep_range(500, 1000);
			continue;
		}
		if (++page < dummy->len >> PAGE_SHIFT)
			continue;
		spin_lock(&dummy->lock);
		dummy->seen.passes = pass++;
		spin_unlock(&dummy->lock);
		page = 0;
		/* Others want the processor, too. */
		usleep_range(200, 400);
	}
	return 0;
}

int dummy_engine_start(struct dummy *dummy)
{
	struct task_struct *engine = kthread_run(dummy_engine, dummy, "pin_dummy");

	if (IS_ERR(engine))
		return PTR_ERR(engine);
	dummy->engine = engine;
	return 0;
}

/* It may sleep for a moment, never for a callback. */
void dummy_engine_stop(struct dummy *dummy)
{
	if (!dummy->engine)
		return;
	kthread_stop(dummy->engine);
	dummy->engine = NULL;
}
