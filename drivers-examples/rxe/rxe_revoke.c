// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Revocable memory regions for rdma_rxe.
 *
 * Owns the lock between an access and a revoke, and what happens to work that
 * meets a revoked region: it is refused with an RNR NAK as long as nothing of
 * it was executed, and parked otherwise. Must never sleep in the data path (it
 * runs in softirq context on older kernels) and never pin or unpin by itself.
 */
#include <linux/module.h>
#include <rdma/ib_umem_revocable.h>

#include "rxe.h"
#include "rxe_loc.h"
#include "rxe_queue.h"
#include "rxe_compat.h"

/* What the retries of a peer are to cover in all, if they can. */
#define RXE_REVOKE_BUDGET_MS	1000u

/**
 * struct rxe_revoke_mr - the revocable side of a memory region
 * @lock: read for the access of one packet, written to change @state
 * @state: may the pages be accessed
 * @region: the pinned memory
 * @live: chunks whose pages may be accessed; as @state
 * @nr_chunks: of the region
 */
struct rxe_revoke_mr {
	rwlock_t lock;
	enum {
		RXE_REVOKE_REVOKED,
		RXE_REVOKE_LIVE,
		RXE_REVOKE_GONE,
	} state;
	struct ib_umem_revocable *region;
	unsigned long *live;
	unsigned long nr_chunks;
};

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

/*
 * Schedules what may be parked. A queue pair in the pool's array holds the
 * reference of its creator, so the array's lock keeps all of them alive.
 *
 * What is parked stays at the head of its queue, and was there before it saw
 * the region revoked: either this sees it there, or it sees the state that was
 * changed before. A task that is still running now runs once more.
 */
static void rxe_revoke_kick(struct rxe_mr *mr)
{
	struct rxe_dev *rxe = mr->elem.pool->rxe;
	struct rxe_pool_elem *elem;
	unsigned long index;
	struct rxe_qp *qp;

	/* Pairs with rxe_revoke_enter()'s. */
	smp_mb();
	xa_lock(&rxe->qp_pool.xa);
	xa_for_each(&rxe->qp_pool.xa, index, elem) {
		qp = elem->obj;
		if (!skb_queue_empty_lockless(&qp->req_pkts))
			rxe_sched_recv(qp);
		if (!queue_empty(qp->sq.queue, QUEUE_TYPE_FROM_CLIENT))
			rxe_sched_send(qp);
	}
	xa_unlock(&rxe->qp_pool.xa);
}

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
	if (sgt)
		__set_bit(first / PIN_REVOKE_CHUNK, mr->revoke->live);
	WRITE_ONCE(mr->revoke->state, err ? RXE_REVOKE_GONE : RXE_REVOKE_LIVE);
	write_unlock_bh(&mr->revoke->lock);
	rxe_revoke_kick(mr);
}

static void rxe_revoke_quiesce(void *priv, unsigned long start,
			       unsigned long last, enum pin_revoke_reason reason)
{
	struct rxe_mr *mr = priv;

	/*
	 * A reader that has bottom halves off overtakes a waiting writer: turn
	 * away who comes from now on, then wait for who is inside.
	 */
	WRITE_ONCE(mr->revoke->state, RXE_REVOKE_REVOKED);
	write_lock_bh(&mr->revoke->lock);
	bitmap_zero(mr->revoke->live, mr->revoke->nr_chunks);
	write_unlock_bh(&mr->revoke->lock);
}

static void rxe_revoke_gone(void *priv)
{
	struct rxe_mr *mr = priv;

	rxe_revoke_set_state(mr, RXE_REVOKE_GONE);
	rxe_revoke_kick(mr);
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
	rxe_revoke_kick(mr);
}

/* Caller has the lock. Return: the pages are there. */
static bool rxe_revoke_live(struct rxe_mr *mr, u64 offset, unsigned int length)
{
	struct rxe_revoke_mr *revoke = mr->revoke;
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

/**
 * rxe_revoke_enter - begin the access of one packet to a region
 * @mr: any region
 * @iova: first byte
 * @length: how many; within the region
 *
 * Context: Any but hard interrupt. On success bottom halves are off and nothing
 * may sleep until rxe_revoke_leave().
 * Return: 0, or -EFAULT if the region is gone, or a positive number: it is
 * revoked and may be back in that many milliseconds.
 */
int rxe_revoke_enter(struct rxe_mr *mr, u64 iova, unsigned int length)
{
	struct rxe_revoke_mr *revoke = mr->revoke;
	u64 offset;

	if (!revoke)
		return 0;

	offset = iova - mr->ibmr.iova + offset_in_page(revoke->region->umem.address);
	do {
		if (READ_ONCE(revoke->state) == RXE_REVOKE_LIVE) {
			read_lock_bh(&revoke->lock);
			if (rxe_revoke_live(mr, offset, length))
				return 0;
			read_unlock_bh(&revoke->lock);
		}
		/* Who parks now is found by rxe_revoke_kick(), or sees this. */
		smp_mb();
	} while (rxe_revoke_live(mr, offset, length));

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
 * rxe_revoke_leave - end what rxe_revoke_enter() has begun
 * @mr: the same region
 */
void rxe_revoke_leave(struct rxe_mr *mr)
{
	if (mr->revoke)
		read_unlock_bh(&mr->revoke->lock);
}

/**
 * rxe_revoke_refuse - the region of a request could not be entered
 * @qp: queue pair of the request
 * @ret: what rxe_revoke_enter() returned
 *
 * Return: the responder's next state.
 */
int rxe_revoke_refuse(struct rxe_qp *qp, int ret)
{
	if (ret < 0)
		return RESPST_ERR_RKEY_VIOLATION;
	qp->revoke.retry_ms = ret;
	return RESPST_ERR_REVOKED;
}

/**
 * rxe_revoke_park_read - a READ whose response has begun waits for its region
 * @qp: queue pair; the request is the head of its queue
 *
 * The peer's timer sends everything again meanwhile. One copy of a request is
 * enough: each further one would be answered, too.
 *
 * Return: the responder's next state.
 */
int rxe_revoke_park_read(struct rxe_qp *qp)
{
	u32 last_psn = qp->resp.res->last_psn;
	struct sk_buff_head again;
	struct sk_buff *skb, *next;
	unsigned long flags;

	__skb_queue_head_init(&again);
	spin_lock_irqsave(&qp->req_pkts.lock, flags);
	skb_queue_walk_safe(&qp->req_pkts, skb, next) {
		u32 psn = SKB_TO_PKT(skb)->psn;

		if (skb_queue_is_first(&qp->req_pkts, skb))
			continue;
		if (psn_compare(psn, last_psn) > 0) {
			last_psn = psn;
			continue;
		}
		__skb_unlink(skb, &qp->req_pkts);
		__skb_queue_tail(&again, skb);
	}
	spin_unlock_irqrestore(&qp->req_pkts.lock, flags);

	while ((skb = __skb_dequeue(&again))) {
		rxe_put(qp);
		kfree_skb(skb);
		ib_device_put(qp->ibqp.device);
	}
	return RESPST_EXIT;
}

/*
 * How long the peer is to wait before it sends a refused packet again. Its
 * retries may be few, and only it knows how many: programs give both ends the
 * same number. Each wait is twice as long as the one before; all that a number
 * allows add up to RXE_REVOKE_BUDGET_MS. With 7 there is no end to them. 0 is
 * what a queue pair has that only receives: nothing is known. Who is told to wait
 * longer than a region is there, under a storm of syncs, finds it revoked each
 * time, for ever.
 */
static unsigned int rxe_revoke_wait_ms(struct rxe_qp *qp, u32 psn)
{
	unsigned int ms = qp->revoke.retry_ms;
	unsigned int tries = qp->attr.rnr_retry;

	if (tries == 7 || !tries)
		return ms;
	if (qp->revoke.wait_ms && qp->revoke.wait_psn == psn)
		ms = max(ms, 2 * qp->revoke.wait_ms);
	else
		ms = max(ms, RXE_REVOKE_BUDGET_MS / (BIT(tries) - 1));
	qp->revoke.wait_ms = min(ms, RXE_REVOKE_BUDGET_MS);
	qp->revoke.wait_psn = psn;
	return ms;
}

/* Shortest time code of an RNR NAK that is not shorter than this. */
static u8 rxe_revoke_rnr_timer(unsigned int ms)
{
	/* IBA table 45, in units of 10 us; code 0 is the longest, 655.36 ms. */
	static const u16 time[] = {
		0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192,
		256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192,
		12288, 16384, 24576, 32768, 49152,
	};
	u8 code;

	for (code = 1; code < ARRAY_SIZE(time); code++)
		if (time[code] >= ms * 100)
			return code;
	return 0;
}

/**
 * rxe_revoke_undo - forget a request packet of which nothing was executed
 * @qp: queue pair of the packet
 * @pkt: the refused packet
 *
 * Return: the time code for the RNR NAK of a reliable connection. For the
 * other types the message is dropped.
 */
u8 rxe_revoke_undo(struct rxe_qp *qp, struct rxe_pkt_info *pkt)
{
	bool rc = qp_type(qp) == IB_QPT_RC;

	if (qp->resp.res) {
		free_rd_atomic_resource(qp->resp.res);
		qp->resp.res = NULL;
		qp->resp.res_head = (qp->resp.res_head ?:
				     qp->attr.max_dest_rd_atomic) - 1;
	}
	if (pkt->mask & RXE_READ_MASK)
		qp->resp.msn--;

	/*
	 * A message that begins again begins with its receive WQE: that of a
	 * receive queue is still there, that of a shared one is kept for it.
	 */
	if (qp->resp.wqe && (!rc || (pkt->mask & RXE_RWR_MASK))) {
		qp->revoke.srq_wqe = !!qp->srq;
		qp->resp.wqe = NULL;
	}

	if (rc) {
		/* The NAK covers what follows: drop that without another. */
		qp->resp.sent_psn_nak = 1;
	} else {
		qp->resp.drop_msg = 1;
		qp->resp.opcode = -1;
	}
	return rxe_revoke_rnr_timer(rxe_revoke_wait_ms(qp, pkt->psn));
}

/**
 * rxe_revoke_reuse_srq_wqe - take the receive WQE of a refused packet again
 * @qp: queue pair with a shared receive queue
 *
 * Return: true if there was one; it is qp->resp.wqe now.
 */
bool rxe_revoke_reuse_srq_wqe(struct rxe_qp *qp)
{
	struct rxe_recv_wqe *wqe = &qp->resp.srq_wqe.wqe;

	if (!qp->revoke.srq_wqe)
		return false;
	qp->revoke.srq_wqe = false;
	wqe->dma.resid = wqe->dma.length;
	wqe->dma.cur_sge = 0;
	wqe->dma.sge_offset = 0;
	qp->resp.wqe = wqe;
	return true;
}

/**
 * rxe_revoke_qp_reset - forget parked and refused requests
 * @qp: queue pair whose tasks are disabled and whose queues are empty
 */
void rxe_revoke_qp_reset(struct rxe_qp *qp)
{
	qp->resp.res = NULL;
	qp->revoke.srq_wqe = false;
	qp->revoke.wait_ms = 0;
}

/**
 * rxe_revoke_qp_destroy - drop what is parked
 * @qp: queue pair that is about to be destroyed
 *
 * A parked packet refers to its queue pair, which waits for the last reference
 * then, and which no restore would find.
 */
void rxe_revoke_qp_destroy(struct rxe_qp *qp)
{
	unsigned long flags;

	spin_lock_irqsave(&qp->state_lock, flags);
	qp->valid = 0;
	spin_unlock_irqrestore(&qp->state_lock, flags);
	rxe_sched_recv(qp);
	rxe_sched_send(qp);
}

/* One that the stock module has not: DKMS does not replace a module by its equal. */
MODULE_VERSION("pin-revoke");
