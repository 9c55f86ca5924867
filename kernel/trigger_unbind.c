// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device or driver that goes away as a trigger: the holders of its pins are
 * asked, what is left is taken, and none of them comes back.
 *
 * Must never leave a device running, whatever cuts the wait short.
 */
#include <linux/module.h>

#include "core.h"

static bool pinr_unbind_means(struct pin_revoke_pin *pin, struct module *owner,
			      bool (*mine)(void *priv, const void *data),
			      const void *data)
{
	bool means;

	/* Until it is released, the driver's part of it is there. */
	mutex_lock(&pin->op_mutex);
	means = !pin->released && pin->ops->owner == owner &&
		(!mine || mine(pin->priv, data));
	mutex_unlock(&pin->op_mutex);
	return means;
}

/**
 * pin_revoke_unbind - pins have to go because their device does
 * @owner: the driver, THIS_MODULE
 * @mine: is the pin with this @priv one of the device; NULL: all of @owner
 * @data: passed to it
 *
 * For ->remove() of a driver, after it has stopped taking new pins, before it
 * releases those that are left. Asks the holders, waits the grace that the
 * policy has for driver-unbind, takes what is left. On return ->quiesce() and
 * ->gone() have run for each pin, and none is restored any more; each is still
 * to be released. A caller that is killed does not wait: all is taken at once.
 * Without memory nobody is asked: pin_revoke_release() stops the device.
 *
 * Context: process context; @mine runs below what pin_revoke_release() locks.
 */
void pin_revoke_unbind(struct module *owner,
		       bool (*mine)(void *priv, const void *data),
		       const void *data)
{
	enum pin_revoke_reason reason = PIN_REVOKE_REASON_DRIVER_UNBIND;
	struct pinr_scope all = { .anon = true };
	struct pin_revoke_pin **pins;
	unsigned int i, nr, found;
	u64 id;

	might_sleep();
	pins = pinr_index_collect(&all, &found);
	for (i = nr = 0; i < found; i++) {
		if (pinr_unbind_means(pins[i], owner, mine, data)) {
			swap(pins[nr], pins[i]);
			nr++;
		}
	}
	/* Who answers early does not get it back while others are waited for. */
	pinr_hold(pins, nr, true);
	id = pinr_revoke(pins, nr, reason, 0, UINT_MAX);
	pinr_wait_pins(pins, nr, reason, id);
	for (i = 0; i < nr; i++) {
		mutex_lock(&pins[i]->lock);
		__pinr_pin_input(pins[i], PINR_FORCE, reason);
		__pinr_pin_input(pins[i], PINR_LOST, reason);
		mutex_unlock(&pins[i]->lock);
	}
	pinr_hold(pins, nr, false);
	pinr_put_pins(pins, found);
}
EXPORT_SYMBOL_GPL(pin_revoke_unbind);
