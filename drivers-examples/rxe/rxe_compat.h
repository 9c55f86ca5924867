/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Where the stock drivers differ that rxe_revoke.c is built into.
 *
 * Owns the names by which rxe_revoke.c calls them. What a driver has is probed;
 * must never compare kernel versions, nor do what a patch can do better.
 */
#ifndef RXE_COMPAT_H
#define RXE_COMPAT_H

#include "rxe.h"
#include "rxe_loc.h"

#ifdef RXE_BUF_PER_MAP
/*
 * The driver of old: kernel addresses in two levels of arrays, and tasklets, one
 * for requests and one for their responses.
 */
#define RXE_MR_MAX_PAGES \
	(KMALLOC_MAX_SIZE / sizeof(struct rxe_map *) * RXE_BUF_PER_MAP)

int rxe_mr_alloc(struct rxe_mr *mr, int num_buf);

static inline int rxe_mr_alloc_pages(struct rxe_mr *mr, int num_pages)
{
	return rxe_mr_alloc(mr, num_pages);
}

static inline int rxe_mr_set_page(struct rxe_mr *mr, unsigned long i,
				  struct page *page)
{
	struct rxe_phys_buf *buf =
		&mr->map[i / RXE_BUF_PER_MAP]->buf[i % RXE_BUF_PER_MAP];

	buf->addr = (uintptr_t)page_address(page);
	buf->size = PAGE_SIZE;
	return 0;
}

static inline void rxe_mr_set_user(struct rxe_mr *mr, u64 start, int access)
{
	mr->page_shift = PAGE_SHIFT;
	mr->page_mask = PAGE_SIZE - 1;
	mr->offset = offset_in_page(start);
	mr->access = access;
	mr->type = IB_MR_TYPE_USER;
}

static inline void rxe_sched_recv(struct rxe_qp *qp)
{
	rxe_sched_task(&qp->resp.task);
}

static inline void rxe_sched_send(struct rxe_qp *qp)
{
	rxe_sched_task(&qp->req.task);
	rxe_sched_task(&qp->comp.task);
}
#else
#define RXE_MR_MAX_PAGES (KMALLOC_MAX_SIZE / sizeof(struct rxe_mr_page))

int alloc_mr_page_info(struct rxe_mr *mr, int num_pages);

static inline int rxe_mr_alloc_pages(struct rxe_mr *mr, int num_pages)
{
	int err = alloc_mr_page_info(mr, num_pages);

	if (!err)
		mr->nbuf = num_pages;
	return err;
}

static inline int rxe_mr_set_page(struct rxe_mr *mr, unsigned long i,
				  struct page *page)
{
	if (mr->access & IB_ACCESS_FLUSH_PERSISTENT &&
	    region_intersects(page_to_phys(page), PAGE_SIZE, IORESOURCE_MEM,
			      IORES_DESC_PERSISTENT_MEMORY) != REGION_INTERSECTS)
		return -EINVAL;
	mr->page_info[i] = (struct rxe_mr_page) { .page = page };
	return 0;
}

static inline void rxe_mr_set_user(struct rxe_mr *mr, u64 start, int access)
{
	mr->ibmr.type = IB_MR_TYPE_USER;
}

static inline void rxe_sched_recv(struct rxe_qp *qp)
{
	rxe_sched_task(&qp->recv_task);
}

static inline void rxe_sched_send(struct rxe_qp *qp)
{
	rxe_sched_task(&qp->send_task);
}
#endif

#endif /* RXE_COMPAT_H */
