// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a test does to the driver, by module parameters: holds its callbacks at a
 * point, makes them slow or fail, and makes the device ignore what it is told. Only
 * pins with PIN_DUMMY_KNOBS obey.
 *
 * Must never be what a driver does: ->quiesce() waits for user space here, so that
 * a test can look at who else waits meanwhile.
 */
#include <linux/delay.h>
#include <linux/module.h>
#include <linux/string.h>
#include <linux/wait.h>

#include "driver.h"

/* Less than what the kernel takes for a hung task. */
#define HOLD_MAX	(40 * HZ)

static const char * const points[DUMMY_NR_POINTS] = {
	[DUMMY_NOWHERE]	= "nowhere",
	[DUMMY_ADOPT]	= "adopt",
	[DUMMY_MAP]	= "map",
	[DUMMY_QUIESCE]	= "quiesce",
	[DUMMY_UNMAP]	= "unmap",
};

static DECLARE_WAIT_QUEUE_HEAD(released);
static int hold_at;
static atomic_t nr_held;

static int hold_set(const char *val, const struct kernel_param *kp)
{
	int point = sysfs_match_string(points, val);

	if (point < 0)
		return point;
	WRITE_ONCE(hold_at, point);
	wake_up_all(&released);
	return 0;
}

static int hold_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", points[READ_ONCE(hold_at)]);
}

static const struct kernel_param_ops hold_ops = {
	.set = hold_set,
	.get = hold_get,
};
module_param_cb(hold, &hold_ops, NULL, 0600);
MODULE_PARM_DESC(hold, "where to wait: nowhere (releases), adopt, map, quiesce, unmap");

static int held_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read(&nr_held));
}

static const struct kernel_param_ops held_ops = {
	.get = held_get,
};
module_param_cb(held, &held_ops, NULL, 0400);
MODULE_PARM_DESC(held, "how many wait");

static unsigned int slow_ms;
module_param(slow_ms, uint, 0600);
MODULE_PARM_DESC(slow_ms, "how long a device takes to stop");

static unsigned int fail_map;
module_param(fail_map, uint, 0600);
MODULE_PARM_DESC(fail_map, "errno that ->map() returns");

static bool crash;
module_param(crash, bool, 0600);
MODULE_PARM_DESC(crash, "->quiesce() is an oops");

static bool ignore;
module_param(ignore, bool, 0600);
MODULE_PARM_DESC(ignore, "the device writes until ->unmap()");

/* The end of whoever calls, with all that he holds. */
void dummy_crash(struct dummy *dummy)
{
	if (dummy->flags & PIN_DUMMY_KNOBS && READ_ONCE(crash))
		WRITE_ONCE(*(int *)NULL, 0);
}

/* Context: may sleep, as long as the test likes. */
void dummy_hold(struct dummy *dummy, enum dummy_point point)
{
	if (!(dummy->flags & PIN_DUMMY_KNOBS) || READ_ONCE(hold_at) != point)
		return;
	atomic_inc(&nr_held);
	WARN(!wait_event_timeout(released, READ_ONCE(hold_at) != point, HOLD_MAX),
	     "pin_dummy: held at %s and forgotten\n", points[point]);
	atomic_dec(&nr_held);
}

void dummy_slow(struct dummy *dummy)
{
	if (dummy->flags & PIN_DUMMY_KNOBS && READ_ONCE(slow_ms))
		msleep(READ_ONCE(slow_ms));
}

int dummy_fails(struct dummy *dummy)
{
	return dummy->flags & PIN_DUMMY_KNOBS ? -(int)READ_ONCE(fail_map) : 0;
}

bool dummy_ignores(struct dummy *dummy)
{
	return dummy->flags & PIN_DUMMY_KNOBS && READ_ONCE(ignore);
}
