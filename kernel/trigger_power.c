// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sleep as a trigger: before the processes are frozen, all holders are asked,
 * and what is left is taken. A device that sleeps does not access memory, and
 * what its memory becomes in an image on disk nobody could tell it.
 *
 * Must never let a pin come back before the machine is awake.
 */
#include <linux/suspend.h>

#include "core.h"

/* Between PREPARE and POST; the notifier chain has one of these at a time. */
static struct pin_revoke_pin **pinr_asleep;
static unsigned int pinr_nr_asleep;

/* Return: 0, or -ENOMEM: what to stop is not known, the machine must stay awake. */
static int pinr_power_sleep(void)
{
	enum pin_revoke_reason reason = PIN_REVOKE_REASON_SUSPEND;
	struct pinr_scope all = { .anon = true };
	int err;
	u64 id;

	err = pinr_index_list(&all, &pinr_asleep, &pinr_nr_asleep);
	if (err)
		return err;
	pinr_hold(pinr_asleep, pinr_nr_asleep, true);
	id = pinr_revoke(pinr_asleep, pinr_nr_asleep, reason, 0, UINT_MAX);
	pinr_wait_pins(pinr_asleep, pinr_nr_asleep, reason, id);
	return 0;
}

static void pinr_power_wake(void)
{
	pinr_hold(pinr_asleep, pinr_nr_asleep, false);
	pinr_put_pins(pinr_asleep, pinr_nr_asleep);
	pinr_asleep = NULL;
	pinr_nr_asleep = 0;
}

static int pinr_power_notify(struct notifier_block *nb, unsigned long action,
			     void *arg)
{
	switch (action) {
	case PM_SUSPEND_PREPARE:
	case PM_HIBERNATION_PREPARE:
	case PM_RESTORE_PREPARE:
		return notifier_from_errno(pinr_power_sleep());
	case PM_POST_SUSPEND:
	case PM_POST_HIBERNATION:
	case PM_POST_RESTORE:
		pinr_power_wake();
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block pinr_power_nb = {
	.notifier_call = pinr_power_notify,
};

int pinr_power_init(void)
{
	return register_pm_notifier(&pinr_power_nb);
}

/* A pin that sleeps keeps the module loaded: there is none. */
void pinr_power_exit(void)
{
	unregister_pm_notifier(&pinr_power_nb);
}
