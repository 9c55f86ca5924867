// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loading and unloading: the order in which the parts come up and go down.
 *
 * A module that pins, and every context, keeps this one loaded; at unload no
 * pin is left. What can be left is work that ends requests and wraps that are
 * still armed.
 */
#include <linux/module.h>

#include "core.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

struct pinr_stats pinr_stats;

#ifdef PIN_REVOKE_FAULT
unsigned int pinr_fault_mask;
module_param_named(fault, pinr_fault_mask, uint, 0600);
MODULE_PARM_DESC(fault, "break the core on purpose: 1 skip sync, 2 no quiesce");
#endif

static int __init pin_revoke_init(void)
{
	int err = -ENOMEM;

	/* Giving pages back must not depend on memory. */
	pinr_unpin_wq = alloc_workqueue("pin_revoke_unpin",
					WQ_UNBOUND | WQ_MEM_RECLAIM, 0);
	if (!pinr_unpin_wq)
		return err;
	pinr_prompt_wq = alloc_workqueue("pin_revoke_prompt", WQ_UNBOUND, 0);
	if (!pinr_prompt_wq)
		goto err_unpin;
	pinr_after_wq = alloc_workqueue("pin_revoke_after",
					WQ_UNBOUND, WQ_MAX_ACTIVE);
	if (!pinr_after_wq)
		goto err_prompt;
	err = pinr_pin_init();
	if (err)
		goto err_after;
	err = pinr_arm_init();
	if (err)
		goto err_pin;
	err = pinr_ctx_init();
	if (err)
		goto err_arm;
	err = pinr_memory_init();
	if (err)
		goto err_ctx;
	err = pinr_power_init();
	if (err)
		goto err_memory;
	err = pinr_pressure_init();
	if (err)
		goto err_power;
	err = pinr_sysctl_init();
	if (err)
		goto err_pressure;
	err = pinr_netlink_init();
	if (err)
		goto err_sysctl;
	return 0;

err_sysctl:
	pinr_sysctl_exit();
err_pressure:
	pinr_pressure_exit();
err_power:
	pinr_power_exit();
err_memory:
	pinr_memory_exit();
err_ctx:
	pinr_ctx_exit();
err_arm:
	pinr_arm_exit();
err_pin:
	pinr_pin_exit();
err_after:
	destroy_workqueue(pinr_after_wq);
err_prompt:
	destroy_workqueue(pinr_prompt_wq);
err_unpin:
	destroy_workqueue(pinr_unpin_wq);
	return err;
}

static void __exit pin_revoke_exit(void)
{
	pinr_netlink_exit();
	pinr_sysctl_exit();
	pinr_pressure_exit();
	pinr_power_exit();
	pinr_memory_exit();
	pinr_ctx_exit();
	/* Nobody enters from a wrap any more, nobody opens a request. */
	pinr_arm_exit();
	destroy_workqueue(pinr_after_wq);
	destroy_workqueue(pinr_prompt_wq);
	destroy_workqueue(pinr_unpin_wq);
	pinr_pin_exit();
	pinr_user_exit();
	/* Maps are freed by RCU. */
	rcu_barrier();
}

module_init(pin_revoke_init);
module_exit(pin_revoke_exit);

MODULE_DESCRIPTION("Revocable long-term pins");
MODULE_LICENSE("GPL");
