// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Revocable memory regions for rdma_rxe.
 *
 * Owns the lock between an access and a revoke; what an access that came too late
 * means for its queue pair is in rxe_revoke_qp.c. Must never sleep in the data path
 * (it runs in softirq context on older kernels) and never pin or unpin by itself.
 */
#include <linux/module.h>
#include <rdma/ib_umem_revocable.h>

#include "rxe.h"
#include "rxe_loc.h"
#include "rxe_compat.h"

static const char * const access_modes[] = { "wait", "error" };
static int revoked_access;

static int revoked_access_set(const char *val, const struct kernel_param *kp)
{
	int mode = sysfs_match_string(access_modes, val);

	if (mode < 0)
		return mode;
	WRITE_ONCE(revoked_access, mode);
	return 0;
}

static int revoked_access_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%s\n", access_modes[READ_ONCE(revoked_access)]);
}

static const struct kernel_param_ops revoked_access_ops = {
	.set = revoked_access_set,
	.get = revoked_access_get,
};

module_param_cb(revoked_access, &revoked_access_ops, NULL, 0644);
MODULE_PARM_DESC(revoked_access,
		 "Accesses to a revoked region wait for its restore (wait, the default) or fail (error)");

/* Tests and administrators see from it that a region was wanted meanwhile. */
static atomic_long_t revoked_hits;

static int revoked_hits_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%ld\n", atomic_long_read(&revoked_hits));
}

static const struct kernel_param_ops revoked_hits_ops = {
	.get = revoked_hits_get,
};

module_param_cb(revoked_hits, &revoked_hits_ops, NULL, 0444);
MODULE_PARM_DESC(revoked_hits, "Accesses that found their region revoked");

static void rxe_revoke_set_state(struct rxe_mr *mr, int state)
{
	write_lock_bh(&mr->revoke->lock);
	WRITE_ONCE(mr->revoke->state, state);
	write_unlock_bh(&mr->revoke->lock);
}

static void rxe_revoke_restore(void *priv, unsigned long first,
			       struct sg_table *sgt)
{
	struct rxe_mr *mr = priv;
	struct sg_page_iter iter;
	unsigned long i = first;
	int err = 0;

	/* Nobody looks at the pages of a chunk that is not live. */
	if (sgt)
		for_each_sgtable_page(sgt, &iter, 0)
			err = err ?: rxe_mr_set_page(mr, i++, sg_page_iter_page(&iter));
	write_lock_bh(&mr->revoke->lock);
	if (sgt && !err)
		__set_bit(first / PIN_REVOKE_CHUNK, mr->revoke->live);
	/* GONE is for ever: of the chunk that failed there are old pages. */
	if (err)
		WRITE_ONCE(mr->revoke->state, RXE_REVOKE_GONE);
	else if (mr->revoke->state != RXE_REVOKE_GONE)
		WRITE_ONCE(mr->revoke->state, RXE_REVOKE_LIVE);
	write_unlock_bh(&mr->revoke->lock);
	rxe_revoke_kick(mr->elem.pool->rxe);
}

static void rxe_revoke_quiesce(void *priv, unsigned long start,
			       unsigned long last, enum pin_revoke_reason reason)
{
	struct rxe_mr *mr = priv;

	/*
	 * A reader that has bottom halves off overtakes a waiting writer: turn
	 * away who comes from now on, then wait for who is inside.
	 */
	cmpxchg(&mr->revoke->state, RXE_REVOKE_LIVE, RXE_REVOKE_REVOKED);
	write_lock_bh(&mr->revoke->lock);
	bitmap_zero(mr->revoke->live, mr->revoke->nr_chunks);
	write_unlock_bh(&mr->revoke->lock);
}

static void rxe_revoke_gone(void *priv)
{
	struct rxe_mr *mr = priv;

	rxe_revoke_set_state(mr, RXE_REVOKE_GONE);
	rxe_revoke_kick(mr->elem.pool->rxe);
}

static void rxe_revoke_describe(void *priv, char *buf, size_t size)
{
	struct rxe_mr *mr = priv;

	scnprintf(buf, size, "lkey %#x", mr->lkey);
}

static const struct ib_umem_revocable_ops rxe_revoke_ops = {
	.restore	= rxe_revoke_restore,
	.quiesce	= rxe_revoke_quiesce,
	.gone		= rxe_revoke_gone,
	.describe	= rxe_revoke_describe,
	.flags		= PIN_REVOKE_LAZY,
};

/**
 * rxe_revoke_init_user - make a user region of memory that can be taken back
 * @rxe: the device
 * @start: user address of the memory
 * @length: its length
 * @access: IB access flags
 * @mr: the region, initialised by rxe_mr_init()
 *
 * Context: Process context. What an error leaves behind is freed with @mr.
 * Return: 0 or -errno.
 */
int rxe_revoke_init_user(struct rxe_dev *rxe, u64 start, u64 length, int access,
			 struct rxe_mr *mr)
{
	u64 pages = DIV_ROUND_UP(offset_in_page(start) + length, PAGE_SIZE);
	struct ib_umem_revocable *region;
	int err;

	/* Bad user input must not get as far as the page allocator's warning. */
	if (pages > RXE_MR_MAX_PAGES)
		return -ENOMEM;
	err = rxe_mr_alloc_pages(mr, pages);
	if (err)
		return err;

	mr->revoke = kzalloc(sizeof(*mr->revoke), GFP_KERNEL);
	if (!mr->revoke)
		return -ENOMEM;
	rwlock_init(&mr->revoke->lock);
	mr->revoke->nr_chunks = DIV_ROUND_UP(pages, PIN_REVOKE_CHUNK);
	mr->revoke->live = bitmap_zalloc(mr->revoke->nr_chunks, GFP_KERNEL);
	if (!mr->revoke->live)
		return -ENOMEM;

	region = ib_umem_get_revocable(&rxe->ib_dev, start, length, access,
				       &rxe_revoke_ops, mr);
	if (IS_ERR(region))
		return PTR_ERR(region);
	mr->revoke->region = region;
	mr->umem = &region->umem;

	/* The first restore found pages that do not suit the access flags. */
	if (mr->revoke->state == RXE_REVOKE_GONE)
		return -EINVAL;

	rxe_mr_set_user(mr, start, access);
	mr->state = RXE_MR_STATE_VALID;
	return 0;
}

/**
 * rxe_revoke_cleanup - free the revocable side of a region that nobody uses
 * @mr: any region
 *
 * Context: Process context.
 */
void rxe_revoke_cleanup(struct rxe_mr *mr)
{
	if (!mr->revoke)
		return;
	if (mr->revoke->region)
		ib_umem_release_revocable(mr->revoke->region);
	mr->umem = NULL;
	bitmap_free(mr->revoke->live);
	kfree(mr->revoke);
	/* Work that waits for the region has to hear that its key is gone. */
	rxe_revoke_kick(mr->elem.pool->rxe);
}

/* Return: the pages are there. For as long as the caller has the lock. */
static __always_inline bool rxe_revoke_live(struct rxe_mr *mr, u64 iova,
					    unsigned int length)
{
	struct rxe_revoke_mr *revoke = mr->revoke;
	u64 offset = iova - mr->ibmr.iova +
		     offset_in_page(revoke->region->umem.address);
	unsigned long at = (offset >> PAGE_SHIFT) / PIN_REVOKE_CHUNK;
	unsigned long last = ((offset + max(length, 1u) - 1) >> PAGE_SHIFT) /
			     PIN_REVOKE_CHUNK;

	if (READ_ONCE(revoke->state) != RXE_REVOKE_LIVE)
		return false;
	for (; at <= last; at++)
		if (!test_bit(at, revoke->live))
			return false;
	return true;
}

/* All that an access costs as long as nobody revokes. */
static __always_inline bool rxe_revoke_try(struct rxe_mr *mr, u64 iova,
					   unsigned int length)
{
	struct rxe_revoke_mr *revoke = mr->revoke;

	if (READ_ONCE(revoke->state) != RXE_REVOKE_LIVE)
		return false;
	read_lock(&revoke->lock);
	if (likely(rxe_revoke_live(mr, iova, length)))
		return true;
	read_unlock(&revoke->lock);
	return false;
}

static noinline int rxe_revoke_meet(struct rxe_mr *mr, u64 iova, unsigned int length)
{
	struct rxe_revoke_mr *revoke = mr->revoke;

	do {
		if (rxe_revoke_try(mr, iova, length))
			return 0;
		/* Who parks now is found by rxe_revoke_kick(), or sees this. */
		smp_mb();
	} while (rxe_revoke_live(mr, iova, length));

	if (READ_ONCE(revoke->state) == RXE_REVOKE_GONE)
		return -EFAULT;

	atomic_long_inc(&revoked_hits);
	/* Not under the lock: it nests inside the core's. */
	pin_revoke_access(revoke->region->pin, iova - mr->ibmr.iova, max(length, 1u));
	if (READ_ONCE(revoked_access))
		return -EFAULT;
	return max(pin_revoke_retry_ms(revoke->region->pin), 1U);
}

/**
 * rxe_revoke_enter - begin the access of one packet to a region
 * @mr: any region
 * @iova: first byte
 * @length: how many; within the region
 *
 * Context: Any but hard interrupt. On success nothing may sleep until
 * rxe_revoke_leave(). Readers leave bottom halves on: one that interrupts another
 * passes a waiting writer, which has them off.
 * Return: 0, or -EFAULT if the region is gone, or a positive number: it is
 * revoked and may be back in that many milliseconds.
 */
int rxe_revoke_enter(struct rxe_mr *mr, u64 iova, unsigned int length)
{
	if (!mr->revoke || likely(rxe_revoke_try(mr, iova, length)))
		return 0;
	return rxe_revoke_meet(mr, iova, length);
}

/**
 * rxe_revoke_want - more will be accessed than what was refused
 * @mr: a region that rxe_revoke_enter() has refused
 * @iova: first byte
 * @length: how many; within the region
 */
void rxe_revoke_want(struct rxe_mr *mr, u64 iova, unsigned int length)
{
	pin_revoke_access(mr->revoke->region->pin, iova - mr->ibmr.iova, length);
}

/**
 * rxe_revoke_leave - end what rxe_revoke_enter() has begun
 * @mr: the same region
 */
void rxe_revoke_leave(struct rxe_mr *mr)
{
	if (mr->revoke)
		read_unlock(&mr->revoke->lock);
}

/* One that the stock module has not: DKMS does not replace a module by its equal. */
MODULE_VERSION("pin-revoke");
