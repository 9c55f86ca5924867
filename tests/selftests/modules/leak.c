// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leaks memory when loaded: guest-init waits until kmemleak suspects it, and so
 * knows that everything that leaked before was judged.
 *
 * Must never be loaded by a guest test of the suite.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/slab.h>

/* Not __init: that text is gone when kmemleak looks for its name. */
static noinline int leak(void)
{
	unsigned int i;

	/* Several: the stack may still hold the address of the last one. */
	for (i = 0; i < 8; i++)
		if (!kmalloc(64, GFP_KERNEL))
			return -ENOMEM;
	return 0;
}

static int __init leak_init(void)
{
	return leak();
}

static void __exit leak_exit(void)
{
}

module_init(leak_init);
module_exit(leak_exit);
MODULE_DESCRIPTION("Leaks when loaded, to test the leak detector");
MODULE_LICENSE("GPL");
