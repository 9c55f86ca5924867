// SPDX-License-Identifier: GPL-2.0-only
/*
 * A real kernel warning, when loaded: tests/vm/check-splats-test.sh shows with
 * it that a guest run whose tests all passed fails all the same.
 *
 * Must never be loaded by a guest test of the suite.
 */
#include <linux/init.h>
#include <linux/module.h>

static int __init splat_init(void)
{
	WARN(1, "splat: on purpose\n");
	return 0;
}

static void __exit splat_exit(void)
{
}

module_init(splat_init);
module_exit(splat_exit);
MODULE_DESCRIPTION("Warns when loaded, to test the tests");
MODULE_LICENSE("GPL");
