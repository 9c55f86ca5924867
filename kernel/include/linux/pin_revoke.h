/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Revocable long-term pins: what a driver sees.
 *
 * Owns the contract between the core and a driver that pins user memory. The
 * words are those of the uapi specification (pin-revoke.yaml). Nothing here
 * may depend on a kernel version.
 */
#ifndef _LINUX_PIN_REVOKE_H
#define _LINUX_PIN_REVOKE_H

#include <linux/bits.h>
#include <linux/sizes.h>
#include <linux/types.h>
#include <uapi/linux/pin_revoke.h>

struct module;
struct page;
struct pin_revoke_pin;

/**
 * DOC: driver contract
 *
 * A pin is one range of user memory and the callbacks of the driver whose
 * device accesses it. The driver promises to stop its device whenever it is
 * told to, in bounded time; for that promise the pin is allowed where
 * FOLL_LONGTERM is not: on shared file mappings and on fsdax.
 *
 * The first pinning and every later one take the same road, so that a driver
 * has a single way to make its device see the pages:
 *
 *   pin_revoke_pin()      ->map(), ->restore()          the device may access
 *   something needs them  ->quiesce()                   the device has stopped
 *   unpin worker          ->unmap(), pages unpinned
 *   hold-off, re-pin      ->map(), ->restore()          the device may access
 *   pin_revoke_release()  ->quiesce(), ->unmap(), pages unpinned
 *
 * - ->quiesce() and ->restore() run under the pin's lock, which is taken
 *   below folio locks, i_mmap locks and memory reclaim. They must not take
 *   mmap_lock or a folio lock, must not allocate with GFP_KERNEL, must not
 *   wait for user space, for I/O, or for anything that does one of these.
 *   They may sleep for a bounded time: PIN_REVOKE_QUIESCE_MS, and what takes longer
 *   is counted (`revokectl stat show`), its driver named in the log. lockdep is
 *   primed for this, folio locks excepted: with PROVE_LOCKING the first call that
 *   breaks the rule is reported, whether or not it could have deadlocked.
 * - When ->quiesce() returns, the device does not access the pages any more
 *   and what it has written is visible to the CPU: posted writes are flushed
 *   and dma_sync_*_for_cpu() is done. The later ->unmap() runs after the file
 *   system has cleaned the pages and must therefore not copy anything back
 *   (DMA_ATTR_SKIP_CPU_SYNC).
 * - ->quiesce() stops all of the pin. It is called once for what ->restore() let
 *   the device access since the last time, by pin_revoke_release() at the latest.
 * - Without PIN_REVOKE_LAZY ->map(), ->restore() and ->unmap() are about all pages.
 *   With it, about whole chunks: ->map() and ->restore() about those that come, and
 *   ->unmap() about any that are there.
 * - ->map() and ->unmap() run without that lock, may sleep and allocate, and
 *   never run at the same time for one pin.
 * - A key that was handed out for the pin stays allocated until
 *   pin_revoke_release(): a revoked key must not be used for something else.
 * - No callback runs after pin_revoke_release() has returned.
 * - A driver or device that goes away calls pin_revoke_unbind() when it lets
 *   nobody pin any more: the holders are asked, and when it returns no device
 *   accesses the pages. The pins are released as ever.
 * - Memory of another device (a dma-buf) has no pages here: pin_revoke_import(). When
 *   its owner wants it back, the driver calls pin_revoke_wanted(), and gives it back
 *   in ->unpin().
 */

/**
 * struct pin_revoke_ops - callbacks of the driver that pins
 * @map: make the pages addressable for the device (DMA mapping); @first is the
 *	place of the first of them in the pin. Not for adopted pins. Optional.
 * @restore: let the device access the pages. Cannot fail: whatever can, is
 *	done in @map. Optional for adopted pins, mandatory otherwise. With no pages:
 *	a lazy pin is back, and what is accessed will follow.
 * @quiesce: stop the device. Mandatory.
 * @unmap: undo @map. Also undoes it when the pages changed before @restore.
 * @unpin: adopted pins only, mandatory there: unpin the pages. Dirty-tracked
 *	file pages are unpinned without making them dirty.
 * @gone: the pin does not come back, its range or its device is gone; accesses
 *	can be answered with an error.
 *	Same rules as @quiesce. Optional.
 * @describe: name of the pin for people, e.g. device and key. Context: atomic.
 *	Optional.
 * @owner: the driver, THIS_MODULE
 */
struct pin_revoke_ops {
	int (*map)(void *priv, unsigned long first, struct page **pages,
		   unsigned long nr_pages);
	void (*restore)(void *priv, unsigned long first, struct page **pages,
			unsigned long nr_pages);
	void (*quiesce)(void *priv, unsigned long start, unsigned long last,
			enum pin_revoke_reason reason);
	void (*unmap)(void *priv, unsigned long first, unsigned long nr_pages);
	void (*unpin)(void *priv);
	void (*gone)(void *priv);
	void (*describe)(void *priv, char *buf, size_t size);
	struct module *owner;
};

/*
 * How long ->quiesce() may take, ms: as long as whoever needs the pages waits for the
 * holder, if nothing else is said.
 */
#define PIN_REVOKE_QUIESCE_MS	1000U

/* Flags of pin_revoke_pin() and pin_revoke_register(). */
#define PIN_REVOKE_WRITE	BIT(0)	/* the device may write */
/*
 * The driver sees the accesses of its device and calls pin_revoke_access() for one
 * that finds no pages. What was taken then comes back where it is accessed, in
 * chunks, and not before: an fsync makes nothing dirty again that no device touched.
 * ->restore() is called for each chunk, also while others are in use.
 */
#define PIN_REVOKE_LAZY		BIT(1)

/* Pages of a chunk of a lazy pin, counted from the pin's first page. */
#define PIN_REVOKE_CHUNK	(SZ_2M / PAGE_SIZE)

struct pin_revoke_pin *pin_revoke_pin(const struct pin_revoke_ops *ops,
				      void *priv, unsigned long addr,
				      size_t len, unsigned int flags);
struct pin_revoke_pin *pin_revoke_register(const struct pin_revoke_ops *ops,
					   void *priv, unsigned long addr,
					   size_t len, struct page **pages,
					   unsigned int flags);
struct pin_revoke_pin *pin_revoke_import(const struct pin_revoke_ops *ops,
					 void *priv, size_t len,
					 unsigned int flags);
void pin_revoke_wanted(struct pin_revoke_pin *pin, unsigned int most_ms);
void pin_revoke_release(struct pin_revoke_pin *pin);
void pin_revoke_access(struct pin_revoke_pin *pin, unsigned long offset,
		       size_t len);
unsigned int pin_revoke_retry_ms(struct pin_revoke_pin *pin);
void pin_revoke_unbind(struct module *owner,
		       bool (*mine)(void *priv, const void *data),
		       const void *data);
bool pin_revoke_needed(unsigned long addr, size_t len);

#endif /* _LINUX_PIN_REVOKE_H */
