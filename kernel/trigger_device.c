// SPDX-License-Identifier: GPL-2.0-only
/*
 * The device that owns memory as a trigger: what a driver has imported from another
 * one (a dma-buf) is a pin without an address and without pages of ours. Its holder is
 * asked when the owner wants it back.
 *
 * Must never wait: whoever wants it back holds locks that the holder may need to
 * answer. The request takes it.
 */
#include <linux/module.h>

#include "core.h"

/**
 * pin_revoke_import - make revocable what another device has lent
 * @ops: callbacks of the driver; ->unpin() gives it back
 * @priv: passed to them
 * @len: its length in bytes
 * @flags: PIN_REVOKE_WRITE
 *
 * The calling process is the holder. For what is wanted back in a moment, too: the
 * driver says so with pin_revoke_wanted(). Nothing is charged: the owner did. Such a
 * pin is not restored; after ->unpin() the driver imports and calls this again.
 *
 * Context: process context; no lock that the callbacks take, dma_resv_lock neither.
 * Return: the pin, or ERR_PTR: as pin_revoke_pin().
 */
struct pin_revoke_pin *pin_revoke_import(const struct pin_revoke_ops *ops,
					 void *priv, size_t len,
					 unsigned int flags)
{
	struct pinr_run none = { };
	struct pin_revoke_pin *pin;

	if (WARN_ON_ONCE(!ops->quiesce || !ops->unpin) || (flags & PIN_REVOKE_LAZY))
		return ERR_PTR(-EINVAL);
	pin = pinr_new(ops, priv, 0, len, flags, true, true, NULL);
	if (IS_ERR(pin))
		return pin;
	pinr_publish(pin);
	mutex_lock(&pin->lock);
	__pinr_pin_input(pin, PINR_START, PIN_REVOKE_REASON_UNSPEC);
	pin->pinned = true;
	__pinr_pin_input(pin, PINR_COMMIT, PIN_REVOKE_REASON_UNSPEC);
	pinr_pages_come(pin, &none);
	mutex_unlock(&pin->lock);
	return pin;
}
EXPORT_SYMBOL_GPL(pin_revoke_import);

/**
 * pin_revoke_wanted - its owner wants imported memory back
 * @pin: what pin_revoke_import() returned; not released meanwhile
 * @most_ms: the longest that he can wait; UINT_MAX: the policy's time, 0: not at all
 *
 * For ->invalidate_mappings() of a dma-buf. Waits for nobody: ->quiesce() has run when
 * this returns if nobody is there to be asked, or @most_ms is 0; else it runs when the
 * holder has answered, PIN_REVOKE_MAX_DELAY_MS from now at the latest. Until then the
 * driver has to keep a fence in the buffer. ->unpin() follows, from a worker.
 *
 * Context: may sleep, allocates; dma_resv_lock may be held.
 */
void pin_revoke_wanted(struct pin_revoke_pin *pin, unsigned int most_ms)
{
	might_sleep();
	pinr_revoke(&pin, 1, PIN_REVOKE_REASON_DEVICE, 0, most_ms);
}
EXPORT_SYMBOL_GPL(pin_revoke_wanted);
