/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Ordinary user memory for an RDMA driver that can let go of it.
 *
 * Owns the contract between a driver and ib_umem_get_revocable(), the sibling
 * of ib_umem_dmabuf_get_pinned_revocable_and_lock(). Must not name anything
 * that depends on a kernel version.
 */
#ifndef IB_UMEM_REVOCABLE_H
#define IB_UMEM_REVOCABLE_H

#include <linux/container_of.h>
#include <linux/pin_revoke.h>
#include <rdma/ib_umem.h>

/**
 * struct ib_umem_revocable_ops - callbacks of the driver that owns the region
 * @restore: let the device access pages of the region: @sgt holds them, DMA mapped,
 *	@first is the place of the first in the region. With PIN_REVOKE_LAZY called
 *	for each chunk, and with NULL when the region is back without pages; else
 *	once for all. Called for the first time before ib_umem_get_revocable()
 *	returns. Must not allocate, cannot fail.
 * @quiesce: stop the device: it accesses nothing of the region any more when
 *	this returns, and posted writes are flushed. The caller does the
 *	dma_sync for the CPU. The region's keys stay allocated.
 * @gone: the range is gone for good: answer accesses with an error. Optional.
 * @describe: add the name of the region, e.g. its keys, to the device's.
 * @flags: PIN_REVOKE_LAZY if the driver calls pin_revoke_access() for each
 *	access that finds the region revoked.
 *
 * Context: @restore, @quiesce and @gone run under the pin's lock and obey the
 * rules of struct pin_revoke_ops; @describe is atomic. None of them runs after
 * ib_umem_release_revocable() has returned.
 */
struct ib_umem_revocable_ops {
	void (*restore)(void *priv, unsigned long first, struct sg_table *sgt);
	void (*quiesce)(void *priv, unsigned long start, unsigned long last,
			enum pin_revoke_reason reason);
	void (*gone)(void *priv);
	void (*describe)(void *priv, char *buf, size_t size);
	unsigned int flags;
};

/**
 * struct ib_umem_revocable - user memory that can be taken back
 * @umem: what the rest of the driver sees. Without a scatter list.
 * @pin: handle for pin_revoke_access() and pin_revoke_retry_ms()
 * @pin_ops: callbacks of the helper, in the name of the driver
 * @ops: callbacks of the driver
 * @priv: their first argument
 * @dma_attrs: how the region is mapped; older kernels have no place in @umem
 * @parts: what comes and goes together: a chunk, or all
 * @nr_parts: how many
 */
struct ib_umem_revocable {
	struct ib_umem umem;
	struct pin_revoke_pin *pin;
	struct pin_revoke_ops pin_ops;
	const struct ib_umem_revocable_ops *ops;
	void *priv;
	unsigned long dma_attrs;
	struct ib_umem_revocable_part *parts;
	unsigned long nr_parts;
};

static inline struct ib_umem_revocable *
to_ib_umem_revocable(struct ib_umem *umem)
{
	return container_of(umem, struct ib_umem_revocable, umem);
}

struct ib_umem_revocable *
ib_umem_get_revocable(struct ib_device *device, unsigned long addr, size_t size,
		      int access, const struct ib_umem_revocable_ops *ops,
		      void *priv);
void ib_umem_release_revocable(struct ib_umem_revocable *revocable);

#endif /* IB_UMEM_REVOCABLE_H */
