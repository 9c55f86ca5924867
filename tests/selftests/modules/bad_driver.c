// SPDX-License-Identifier: GPL-2.0-only
/*
 * A driver that breaks a rule of ->quiesce() where nothing can deadlock: one
 * pin, nobody else about. tests/vm/rules-test.sh shows that lockdep reports it
 * all the same.
 *
 * Must never be loaded by a guest test of the suite.
 */
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mmap_lock.h>
#include <linux/module.h>
#include <linux/pagemap.h>
#include <linux/pin_revoke.h>
#include <linux/slab.h>

static char *rule;
module_param(rule, charp, 0400);
MODULE_PARM_DESC(rule, "to break: none, alloc, mmap, wait");

static char *pinned;
module_param(pinned, charp, 0400);
MODULE_PARM_DESC(pinned, "file to map and pin one page of");

static char *dirty;
module_param(dirty, charp, 0400);
MODULE_PARM_DESC(dirty, "another file, with something to write");

static void bad_restore(void *priv, unsigned long first, struct page **pages,
			unsigned long nr_pages)
{
}

static void bad_quiesce(void *priv, unsigned long start, unsigned long last,
			enum pin_revoke_reason reason)
{
	struct file *file = priv;

	if (!strcmp(rule, "alloc")) {
		kfree(kmalloc(64, GFP_KERNEL));
	} else if (!strcmp(rule, "mmap")) {
		mmap_read_lock(current->mm);
		mmap_read_unlock(current->mm);
	} else if (!strcmp(rule, "wait")) {
		/* It has no pins; had it, this would wait for their holders. */
		filemap_fdatawrite(file->f_mapping);
	}
}

static const struct pin_revoke_ops bad_ops = {
	.restore	= bad_restore,
	.quiesce	= bad_quiesce,
	.owner		= THIS_MODULE,
};

static int bad_pin(struct file *map, struct file *priv)
{
	unsigned long addr = vm_mmap(map, 0, PAGE_SIZE, PROT_READ | PROT_WRITE,
				     MAP_SHARED, 0);
	struct pin_revoke_pin *pin;

	if (IS_ERR_VALUE(addr))
		return addr;
	pin = pin_revoke_pin(&bad_ops, priv, addr, PAGE_SIZE, PIN_REVOKE_WRITE);
	if (!IS_ERR(pin))
		pin_revoke_release(pin);
	vm_munmap(addr, PAGE_SIZE);
	return PTR_ERR_OR_ZERO(pin);
}

static int __init bad_init(void)
{
	struct file *map, *priv;
	int err;

	if (!rule || !pinned || !dirty)
		return -EINVAL;
	map = filp_open(pinned, O_RDWR, 0);
	if (IS_ERR(map))
		return PTR_ERR(map);
	priv = filp_open(dirty, O_RDWR, 0);
	err = PTR_ERR_OR_ZERO(priv);
	if (!err) {
		err = bad_pin(map, priv);
		fput(priv);
	}
	fput(map);
	return err;
}

static void __exit bad_exit(void)
{
}

module_init(bad_init);
module_exit(bad_exit);
MODULE_DESCRIPTION("Breaks the rules of a driver, to test what must notice");
MODULE_LICENSE("GPL");
