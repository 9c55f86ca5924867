/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the driver share: driver.c is what a driver needs, bind.c how
 * its device comes and goes, engine.c a device that never rests, knobs.c what
 * tests do to them.
 *
 * Must never be seen by programs: theirs is pin_dummy.h.
 */
#ifndef DUMMY_DRIVER_H
#define DUMMY_DRIVER_H

#include <linux/mutex.h>
#include <linux/pin_revoke.h>
#include <linux/spinlock.h>

#include "pin_dummy.h"

/* One open file. */
struct dummy {
	const struct device *dev;	/* a key */
	struct mutex ioctl_lock;	/* one call at a time; no callback takes it */
	struct pin_revoke_pin *pin;
	struct task_struct *engine;
	unsigned long addr;
	size_t len;
	u32 flags;			/* PIN_DUMMY_* */

	bool calling;			/* the core may call us */
	atomic_t mapping;		/* ->map() or ->unmap() is running */
	unsigned long nr;		/* of pages */
	struct page **table;		/* each from ->map() to ->unmap() */
	struct page **adopted;		/* what the driver has pinned itself */
	unsigned long nr_adopted;
	struct mm_struct *mm;		/* that these are charged to */

	spinlock_t lock;		/* the data path; protects what follows */
	bool live;			/* from ->restore() to ->quiesce() */
	struct page **open;		/* those among them that are there */
	struct pin_dummy_state seen;
};

/* driver.c */
extern const struct file_operations dummy_fops;

/* bind.c */
bool dummy_begin(void);
void dummy_end(void);

/* engine.c */
int dummy_engine_start(struct dummy *dummy);
void dummy_engine_stop(struct dummy *dummy);

/* knobs.c */
enum dummy_point {
	DUMMY_NOWHERE,
	DUMMY_ADOPT,		/* pinned, not registered yet */
	DUMMY_MAP,		/* the core has pinned, ->restore() is to come */
	DUMMY_QUIESCE,		/* told to stop, has not yet */
	DUMMY_UNMAP,		/* stopped, the core is about to unpin */
	DUMMY_NR_POINTS,
};

void dummy_hold(struct dummy *dummy, enum dummy_point point);
void dummy_crash(struct dummy *dummy);
void dummy_slow(struct dummy *dummy);
int dummy_fails(struct dummy *dummy);
bool dummy_ignores(struct dummy *dummy);

#endif /* DUMMY_DRIVER_H */
