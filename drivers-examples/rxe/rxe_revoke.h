/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Revocable memory regions for rdma_rxe.
 *
 * Owns what the patched files of the stock driver call. An access to a region
 * is enclosed in rxe_revoke_enter() and rxe_revoke_leave(), for the copy of one
 * packet and no longer; it must never sleep in between. For a region that is
 * not revocable all of this does nothing.
 */
#ifndef RXE_REVOKE_H
#define RXE_REVOKE_H

#include <linux/spinlock.h>
#include <linux/types.h>

struct ib_umem_revocable;
struct rxe_dev;
struct rxe_mr;
struct rxe_pkt_info;
struct rxe_qp;

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

/**
 * struct rxe_revoke_qp - what a queue pair remembers about revoked regions
 * @parked: the requester waits for a region of its own. Its peer is not to
 *	blame: a timeout meanwhile does not count as a retry.
 * @srq_wqe: the receive WQE of a refused packet is in qp->resp.srq_wqe and has
 *	already left the shared receive queue
 * @retry_ms: the region that refused the current packet may be back by then
 * @wait_ms: how long the peer was last told to wait; 0: not yet
 * @wait_psn: with which packet
 */
struct rxe_revoke_qp {
	bool parked;
	bool srq_wqe;
	unsigned int retry_ms;
	unsigned int wait_ms;
	u32 wait_psn;
};

int rxe_revoke_init_user(struct rxe_dev *rxe, u64 start, u64 length, int access,
			 struct rxe_mr *mr);
void rxe_revoke_cleanup(struct rxe_mr *mr);
int rxe_revoke_enter(struct rxe_mr *mr, u64 iova, unsigned int length);
void rxe_revoke_want(struct rxe_mr *mr, u64 iova, unsigned int length);
void rxe_revoke_leave(struct rxe_mr *mr);

void rxe_revoke_kick(struct rxe_dev *rxe);
int rxe_revoke_refuse(struct rxe_qp *qp, int ret);
int rxe_revoke_park_read(struct rxe_qp *qp);
u8 rxe_revoke_undo(struct rxe_qp *qp, struct rxe_pkt_info *pkt);
bool rxe_revoke_reuse_srq_wqe(struct rxe_qp *qp);
void rxe_revoke_qp_reset(struct rxe_qp *qp);
void rxe_revoke_qp_destroy(struct rxe_qp *qp);

#endif /* RXE_REVOKE_H */
