// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that goes offline as a trigger: asks the holders of pins with pages in
 * the block, waits, and takes what is left. Without that the kernel tries to
 * migrate pinned pages until somebody sends it a signal.
 *
 * Called with mem_hotplug_lock held for writing: must never wait for anything
 * but the answers, and these only for one grace.
 */
#include <linux/memory.h>
#include <linux/mm.h>

#include "core.h"

/* In flight from GOING_OFFLINE on; mem_hotplug_lock makes it one at a time. */
static struct pinr_frame pinr_offline;
static bool pinr_offlining;	/* mem_hotplug_lock */

/*
 * The array may be filled anew meanwhile: a page that is missed meets the
 * backstop, or is one of those that the restore must not take.
 */
static bool pinr_pin_in(struct pin_revoke_pin *pin, unsigned long first,
			unsigned long nr)
{
	unsigned long i;

	if (!READ_ONCE(pin->pinned) || !pin->pages)
		return false;
	for (i = 0; i < pin->nr_pages; i++) {
		struct page *page = READ_ONCE(pin->pages[i]);

		if (page && page_to_pfn(page) - first < nr)
			return true;
	}
	return false;
}

/* Asks for all that is pinned in these pages, and waits, both as any trigger. */
void pinr_memory_ask(unsigned long first, unsigned long nr_pfns)
{
	struct pinr_scope scope = { .anon = true };
	enum pin_revoke_reason reason = PIN_REVOKE_REASON_OFFLINE;
	struct pin_revoke_pin **pins;
	unsigned int i, nr, all;
	u64 id;

	pins = pinr_index_collect(&scope, &all);
	if (!pins)
		return;
	for (i = nr = 0; i < all; i++) {
		if (pinr_pin_in(pins[i], first, nr_pfns)) {
			swap(pins[nr], pins[i]);
			nr++;
		}
		cond_resched();
	}
	id = pinr_revoke(pins, nr, reason, 0, UINT_MAX);
	pinr_wait_pins(pins, nr, reason, id);
	pinr_put_pins(pins, all);
}

static int pinr_memory_notify(struct notifier_block *nb, unsigned long action,
			      void *arg)
{
	struct memory_notify *mem = arg;

	switch (action) {
	case MEM_GOING_OFFLINE:
		/* What is restored now may find itself in the block again. */
		pinr_offline.scope = (struct pinr_scope) { };
		pinr_frame_begin(&pinr_offline);
		pinr_offlining = true;
		pinr_memory_ask(mem->start_pfn, mem->nr_pages);
		break;
	case MEM_CANCEL_OFFLINE:
	case MEM_OFFLINE:
		/* The notifier may be younger than what is cancelled. */
		if (pinr_offlining)
			pinr_frame_end(&pinr_offline);
		pinr_offlining = false;
		break;
	}
	return NOTIFY_OK;
}

static struct notifier_block pinr_memory_nb = {
	.notifier_call = pinr_memory_notify,
};

int pinr_memory_init(void)
{
	return register_memory_notifier(&pinr_memory_nb);
}

/* No pin is left, but an offline may be under way: it waits for nobody here. */
void pinr_memory_exit(void)
{
	unregister_memory_notifier(&pinr_memory_nb);
	if (pinr_offlining)
		pinr_frame_end(&pinr_offline);
}
