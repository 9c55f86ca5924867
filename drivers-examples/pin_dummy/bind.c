// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device comes and goes: as a platform device, so that an administrator can
 * unbind it from its driver as any other, with pins on it.
 *
 * Must never let anybody pin once pin_revoke_unbind() was called.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/platform_device.h>
#include <linux/rwsem.h>

#include "driver.h"

static DECLARE_RWSEM(dummy_bind);
static bool dummy_bound;	/* dummy_bind */

static struct miscdevice dummy_dev = {
	.name	= "pin_dummy",
	.fops	= &dummy_fops,
};

/* Whoever is about to pin. Return: false: there is no device any more. */
bool dummy_begin(void)
{
	down_read(&dummy_bind);
	return dummy_bound;
}

void dummy_end(void)
{
	up_read(&dummy_bind);
}

static bool dummy_is_on(void *priv, const void *dev)
{
	const struct dummy *dummy = priv;

	return dummy->dev == dev;
}

static void dummy_bind_set(bool bound)
{
	down_write(&dummy_bind);
	dummy_bound = bound;
	up_write(&dummy_bind);
}

static void dummy_remove(void *dev)
{
	misc_deregister(&dummy_dev);
	dummy_bind_set(false);
	/* Open files keep what is left of their pins, and release it. */
	pin_revoke_unbind(THIS_MODULE, dummy_is_on, dev);
}

static int dummy_probe(struct platform_device *pdev)
{
	int err;

	dummy_dev.minor = MISC_DYNAMIC_MINOR;
	dummy_dev.parent = &pdev->dev;
	/* Whoever opens it may pin at once. */
	dummy_bind_set(true);
	err = misc_register(&dummy_dev);
	if (err) {
		dummy_bind_set(false);
		return err;
	}
	return devm_add_action_or_reset(&pdev->dev, dummy_remove, &pdev->dev);
}

static struct platform_driver dummy_driver = {
	.driver.name	= "pin_dummy",
	.probe		= dummy_probe,
};

static struct platform_device *dummy_pdev;

static int __init dummy_init(void)
{
	int err = platform_driver_register(&dummy_driver);

	if (err)
		return err;
	dummy_pdev = platform_device_register_simple("pin_dummy",
						     PLATFORM_DEVID_NONE,
						     NULL, 0);
	if (IS_ERR(dummy_pdev)) {
		platform_driver_unregister(&dummy_driver);
		return PTR_ERR(dummy_pdev);
	}
	return 0;
}

static void __exit dummy_exit(void)
{
	platform_device_unregister(dummy_pdev);
	platform_driver_unregister(&dummy_driver);
}

module_init(dummy_init);
module_exit(dummy_exit);
