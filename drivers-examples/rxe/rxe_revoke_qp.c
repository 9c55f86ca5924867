// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * What happens to the work of a queue pair that meets a revoked region.
 *
 * Owns that it is refused with an RNR NAK as long as nothing of it was executed,
 * and parked otherwise, and what has to be put back for that. Must never sleep in
 * the data path (it runs in softirq context on older kernels).
 */
#include "rxe.h"
#include "rxe_loc.h"
#include "rxe_queue.h"
#include "rxe_compat.h"

/* What the retries of a peer are to cover in all, if they can. */
#define RXE_REVOKE_BUDGET_MS	1000u

/**
 * rxe_revoke_kick - schedule what may be parked
 * @rxe: the device
 *
 * A queue pair in the pool's array holds the reference of its creator, so the
 * array's lock keeps all of them alive.
 *
 * What is parked stays at the head of its queue, and was there before it saw
 * the region revoked: either this sees it there, or it sees the state that was
 * changed before. A task that is still running now runs once more.
 */
void rxe_revoke_kick(struct rxe_dev *rxe)
{
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
