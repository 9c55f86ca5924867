// SPDX-License-Identifier: GPL-2.0-only
/*
 * Short memory as a trigger: a shrinker that asks holders whether they can do
 * without some pins. Who does not answer keeps them.
 *
 * Runs inside reclaim: must never allocate, wait, or take a pin there. A work
 * asks.
 */
#include <linux/mm.h>
#include <linux/shrinker.h>

#include "core.h"

/* Reclaim comes often, holders need not hear of it more than that. */
#define PINR_PRESSURE_MS	5000
/* A pin that has just come back is in use. */
#define PINR_PRESSURE_SERVED_MS	1000

static unsigned long pinr_pressure_next;	/* jiffies */
static atomic_long_t pinr_pressure_want;	/* pages */

static void pinr_pressure_work(struct work_struct *work)
{
	enum pin_revoke_reason reason = PIN_REVOKE_REASON_PRESSURE;
	long want = atomic_long_xchg(&pinr_pressure_want, 0);
	struct pinr_scope scope = { .anon = true };
	struct pin_revoke_pin **pins;
	unsigned int i, nr, all;
	ktime_t since;

	pins = pinr_index_collect(&scope, &all);
	if (!pins)
		return;
	since = ktime_sub_ms(ktime_get(), PINR_PRESSURE_SERVED_MS);
	for (i = nr = 0; i < all && want > 0; i++) {
		/* No memory of ours is free when an import ends. */
		if (READ_ONCE(pins[i]->state) != PIN_REVOKE_STATE_ACTIVE ||
		    pins[i]->imported ||
		    ktime_after(READ_ONCE(pins[i]->restored_at), since))
			continue;
		want -= READ_ONCE(pins[i]->nr_present);
		swap(pins[nr], pins[i]);
		nr++;
	}
	if (nr)
		pinr_ask_pins(pins, nr, reason, 0, UINT_MAX);
	pinr_put_pins(pins, all);
}

static DECLARE_WORK(pinr_pressure, pinr_pressure_work);

static unsigned long pinr_pressure_count(struct shrinker *shrinker,
					 struct shrink_control *sc)
{
	if (time_before(jiffies, READ_ONCE(pinr_pressure_next)))
		return SHRINK_EMPTY;
	return atomic64_read(&pinr_stats.pinned_pages) ?: SHRINK_EMPTY;
}

/* Nothing is free when it returns: what is given comes back on its own. */
static unsigned long pinr_pressure_scan(struct shrinker *shrinker,
					struct shrink_control *sc)
{
	WRITE_ONCE(pinr_pressure_next,
		   jiffies + msecs_to_jiffies(PINR_PRESSURE_MS));
	atomic_long_add(sc->nr_to_scan, &pinr_pressure_want);
	queue_work(pinr_prompt_wq, &pinr_pressure);
	return SHRINK_STOP;
}

static struct shrinker *pinr_shrinker;

int pinr_pressure_init(void)
{
	pinr_pressure_next = jiffies;
	pinr_shrinker = shrinker_alloc(0, "pin-revoke");
	if (!pinr_shrinker)
		return -ENOMEM;
	pinr_shrinker->count_objects = pinr_pressure_count;
	pinr_shrinker->scan_objects = pinr_pressure_scan;
	pinr_shrinker->seeks = DEFAULT_SEEKS;
	shrinker_register(pinr_shrinker);
	return 0;
}

/* Before the queue goes. */
void pinr_pressure_exit(void)
{
	shrinker_free(pinr_shrinker);
	cancel_work_sync(&pinr_pressure);
}
