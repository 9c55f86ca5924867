/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * What umem_revocable.c asks of the RDMA core and does not ask by its name, because
 * the same file is built for kernels where the answer is found otherwise.
 */
#ifndef UMEM_REVOCABLE_H
#define UMEM_REVOCABLE_H

#include <linux/dma-mapping.h>
#include <rdma/ib_verbs.h>

static inline bool ib_bounces_dma(const struct ib_device *device)
{
	return device->cc_dma_bounce;
}

#endif /* UMEM_REVOCABLE_H */
