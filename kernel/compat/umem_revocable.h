/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What the RDMA core of an older kernel calls differently or does not have.
 *
 * Owns the version differences of kernel/ib. Features are probed, kernel
 * version numbers are never compared.
 */
#ifndef PIN_REVOKE_COMPAT_UMEM_REVOCABLE_H
#define PIN_REVOKE_COMPAT_UMEM_REVOCABLE_H

#include <linux/dma-mapping.h>
#include <rdma/ib_verbs.h>

/* Both came together: bounce buffers cannot serve memory that the CPU polls. */
#ifdef DMA_ATTR_REQUIRE_COHERENT
static inline bool ib_bounces_dma(const struct ib_device *device)
{
	return device->cc_dma_bounce;
}
#else
#define DMA_ATTR_REQUIRE_COHERENT 0
static inline bool ib_bounces_dma(const struct ib_device *device)
{
	return false;
}
#endif

#endif /* PIN_REVOKE_COMPAT_UMEM_REVOCABLE_H */
