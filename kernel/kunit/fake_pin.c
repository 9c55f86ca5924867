// SPDX-License-Identifier: GPL-2.0-only
/*
 * See fake_pin.h. They are adopted pins to the core, which therefore neither
 * pins, nor charges, nor restores them.
 *
 * Must never leave one behind: its last reference takes the module's with it.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "fake_pin.h"

const struct address_space fake_files[FAKE_FILES];
static const char some_sb[2];
const struct super_block *const fake_sb[2] = {
	(const void *)&some_sb[0], (const void *)&some_sb[1],
};

static void fake_quiesce(void *priv, unsigned long start, unsigned long last,
			 enum pin_revoke_reason reason)
{
	struct fake_driver *driver = priv;

	driver->quiesces++;
}

static void fake_restore(void *priv, unsigned long first, struct page **pages,
			 unsigned long nr_pages)
{
	struct fake_driver *driver = priv;

	driver->restores++;
}

static const struct pin_revoke_ops fake_ops = {
	.quiesce = fake_quiesce,
	.restore = fake_restore,
	.owner = THIS_MODULE,
};

/* The holder is known by its memory. */
int fake_init(struct kunit *test)
{
	return kunit_attach_mm();
}

/* A pin that is away is back. */
void fake_restored(struct pin_revoke_pin *pin)
{
	const struct pinr_run all = { .nr = 1 };

	mutex_lock(&pin->lock);
	__pinr_pin_input(pin, PINR_START, PIN_REVOKE_REASON_UNSPEC);
	__pinr_pin_input(pin, PINR_COMMIT, PIN_REVOKE_REASON_UNSPEC);
	pinr_pages_come(pin, &all);
	mutex_unlock(&pin->lock);
}

/* An active pin, to be given to fake_release(). */
struct pin_revoke_pin *fake_pin(struct kunit *test, struct fake_driver *driver,
				unsigned int flags,
				const struct fake_seg *segs, unsigned int nr)
{
	struct pin_revoke_pin *pin = pinr_pin_new();
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, pin);
	pin->ops = &fake_ops;
	pin->priv = driver;
	pin->len = 1;
	pin->flags = flags;
	pin->adopted = true;
	pin->chunk = ULONG_MAX;
	pin->nr_chunks = 1;
	pin->wanted = pin->few;
	pin->present = pin->wanted + 1;
	pin->file = true;
	pin->holder = pinr_holder_get(current->mm);
	pin->segs = kvzalloc(struct_size(pin->segs, seg, nr), GFP_KERNEL);
	KUNIT_ASSERT_TRUE(test, pin->holder && pin->segs);
	for (i = 0; i < nr; i++) {
		struct pinr_seg *seg = &pin->segs->seg[i];

		seg->pin = pin;
		seg->node.start = segs[i].first;
		seg->node.last = segs[i].first + segs[i].nr - 1;
		seg->map = pinr_map_get(&fake_files[segs[i].file],
					fake_sb[segs[i].file / 2]);
		KUNIT_ASSERT_NOT_NULL(test, seg->map);
		pin->segs->nr++;
	}
	__module_get(THIS_MODULE);

	fake_restored(pin);
	return pin;
}

void fake_release(struct pin_revoke_pin *pin)
{
	mutex_lock(&pin->op_mutex);
	pinr_pin_input(pin, PINR_RELEASE, PIN_REVOKE_REASON_UNSPEC);
	pin->released = true;
	mutex_unlock(&pin->op_mutex);
	pinr_pin_put(pin);
}
