// SPDX-License-Identifier: GPL-2.0-only
/*
 * An administrator as a trigger: which pins a selection means, taking them, and
 * keeping them away for as long as somebody has the drain open.
 *
 * Must never wait for an answer: the request does, and forces at its deadline.
 */
#include <linux/anon_inodes.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "core.h"

static bool pinr_meant_by_file(const struct pinr_selection *sel,
			       struct pin_revoke_pin *pin)
{
	const struct pinr_scope *scope = &sel->scope;
	bool meant = false;
	unsigned int i;

	if (!scope->mapping && !scope->sb)
		return true;
	mutex_lock(&pin->lock);
	for (i = 0; pin->segs && i < pin->segs->nr && !meant; i++) {
		struct pinr_seg *seg = &pin->segs->seg[i];

		meant = seg->map && (!scope->sb || seg->map->sb == scope->sb) &&
			(!scope->mapping ||
			 (seg->map->mapping == scope->mapping &&
			  seg->node.start <= scope->last &&
			  seg->node.last >= scope->first));
	}
	mutex_unlock(&pin->lock);
	return meant;
}

/**
 * pinr_meant_by_memory - may it be meant, by where its pages are now
 * @sel: the selection; only memory and node in it are looked at
 * @pin: the pin; what is revoked or declared has no pages
 *
 * Context: may sleep; waits for ->map() and ->unmap() of the pin.
 * Return: true if nothing speaks against it.
 */
bool pinr_meant_by_memory(const struct pinr_selection *sel,
			  struct pin_revoke_pin *pin)
{
	bool meant = false;
	unsigned long i;

	if (!sel->nr_pfns && sel->node == NUMA_NO_NODE)
		return true;
	/* What is pinned stays so, and there, while this is held. */
	mutex_lock(&pin->op_mutex);
	for (i = 0; pin->pinned && pin->pages && i < pin->nr_pages && !meant; i++) {
		struct page *page = READ_ONCE(pin->pages[i]);

		meant = page &&
			(!sel->nr_pfns ||
			 page_to_pfn(page) - sel->pfn < sel->nr_pfns) &&
			(sel->node == NUMA_NO_NODE ||
			 page_to_nid(page) == sel->node);
	}
	mutex_unlock(&pin->op_mutex);
	return meant;
}

/**
 * pinr_meant_by_name - may it be meant, by what never changes
 * @sel: the selection; files and memory in it are not looked at
 * @pin: the pin
 *
 * Device "rxe0" means "rxe0 mr 5", too.
 *
 * Context: any.
 * Return: true if nothing speaks against it.
 */
bool pinr_meant_by_name(const struct pinr_selection *sel,
			struct pin_revoke_pin *pin)
{
	size_t len;

	if ((sel->pin && sel->pin != pin->id) ||
	    (sel->pid && sel->pid != pin->pid) ||
	    (sel->driver && strcmp(sel->driver, pin->driver)))
		return false;
	if (!sel->device)
		return true;
	len = strlen(sel->device);
	return !strncmp(sel->device, pin->name, len) &&
	       (!pin->name[len] || pin->name[len] == ' ');
}

/* All pins, or the one that is named, as pinr_index_list() */
static int pinr_candidates(const struct pinr_selection *sel,
			   struct pin_revoke_pin ***pins, unsigned int *nr)
{
	struct pinr_scope all = { .anon = true };

	if (!sel->pin)
		return pinr_index_list(&all, pins, nr);
	*pins = kvmalloc(sizeof(**pins), GFP_KERNEL);
	if (!*pins)
		return -ENOMEM;
	(*pins)[0] = pinr_pin_find(sel->pin);
	*nr = !!(*pins)[0];
	return 0;
}

/**
 * pinr_select - the pins that an administrator means
 * @sel: the selection; each of its members that is set must fit
 * @found: set to an array of them as from pinr_index_collect()
 * @nr: how many were found
 *
 * Context: may sleep; waits for ->map() and ->unmap() of the pins.
 * Return: 0, or -ENOMEM: nobody knows whether there are any.
 */
int pinr_select(const struct pinr_selection *sel, struct pin_revoke_pin ***found,
		unsigned int *nr)
{
	struct pin_revoke_pin **pins;
	unsigned int i, all;
	int err;

	err = pinr_candidates(sel, &pins, &all);
	if (err)
		return err;
	*nr = 0;
	for (i = 0; i < all; i++) {
		struct pin_revoke_pin *pin = pins[i];

		if (pinr_meant_by_name(sel, pin) &&
		    pinr_meant_by_file(sel, pin) &&
		    pinr_meant_by_memory(sel, pin))
			pins[(*nr)++] = pin;
		else
			pinr_pin_put(pin);
		cond_resched();
	}
	if (!*nr) {
		kvfree(pins);
		pins = NULL;
	}
	*found = pins;
	return 0;
}

/**
 * pinr_revoke - ask for pins, and see that they are taken
 * @pins: the pins
 * @nr: how many
 * @reason: one that takes what nobody answers for
 * @least_ms: as pinr_ask_pins()
 * @most_ms: as there; 0 takes them at once
 *
 * Context: may sleep.
 * Return: a request that takes what is not taken yet, 0 if all are.
 */
u64 pinr_revoke(struct pin_revoke_pin **pins, unsigned int nr,
		enum pin_revoke_reason reason, unsigned int least_ms,
		unsigned int most_ms)
{
	unsigned int i;
	u64 id = 0;

	if (most_ms) {
		id = pinr_ask_pins(pins, nr, reason, least_ms, most_ms);
		/* They may have joined an earlier command's request. */
		spin_lock(&pinr_lock);
		for (i = 0; i < nr && !id; i++)
			id = pinr_asked_for(pins[i], reason);
		spin_unlock(&pinr_lock);
	} else {
		for (i = 0; i < nr; i++)
			pinr_pin_input(pins[i], PINR_FORCE, reason);
	}
	return id;
}

struct pinr_drain {
	struct pin_revoke_pin **pins;
	unsigned int nr;
};

static int pinr_drain_release(struct inode *inode, struct file *file)
{
	struct pinr_drain *drain = file->private_data;

	pinr_hold(drain->pins, drain->nr, false);
	pinr_put_pins(drain->pins, drain->nr);
	kfree(drain);
	return 0;
}

static const struct file_operations pinr_drain_fops = {
	.owner = THIS_MODULE,
	.release = pinr_drain_release,
	.llseek = noop_llseek,
};

/**
 * pinr_drain_open - keep pins away until a file is closed
 * @pins: the pins, the caller's references and array go to the drain
 * @nr: how many
 *
 * They are not taken by this, only not restored any more. The file ends it
 * whatever becomes of the process that has it.
 *
 * Context: process context.
 * Return: a file that is not in any table yet, or ERR_PTR and @pins stay the
 * caller's.
 */
struct file *pinr_drain_open(struct pin_revoke_pin **pins, unsigned int nr)
{
	struct pinr_drain *drain = kmalloc(sizeof(*drain), GFP_KERNEL_ACCOUNT);
	struct file *file;

	if (!drain)
		return ERR_PTR(-ENOMEM);
	drain->pins = pins;
	drain->nr = nr;
	file = anon_inode_getfile("[pin-revoke-drain]", &pinr_drain_fops, drain,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file))
		kfree(drain);
	else
		pinr_hold(pins, nr, true);
	return file;
}
