/* SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB */
/*
 * Revocable memory regions for siw.
 *
 * Owns what the patched files of the stock driver call. An access to the pages of
 * a region is enclosed in siw_revoke_enter() and siw_revoke_leave(), for one copy
 * and no longer; it must never sleep in between. For a region that is not
 * revocable all of this does nothing.
 */
#ifndef SIW_REVOKE_H
#define SIW_REVOKE_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct ib_device;
struct page;
struct siw_mem;
struct siw_qp;
struct siw_umem;
struct sock;

/**
 * struct siw_revoke_qp - work of a queue pair that met a revoked region
 * @resume: goes on with both
 * @sk: its received data stays in this socket; changed under the socket's lock
 * @sq: held by who processes the send queue. The next one can be woken while the
 *	one before is still on his way out.
 * @parked: the send queue waits; changed under @sq
 */
struct siw_revoke_qp {
	struct work_struct resume;
	struct sock *sk;
	struct mutex sq;	/* one at a time, and the next after him */
	bool parked;
};

enum siw_revoke_side {
	SIW_REVOKE_RX,
	SIW_REVOKE_TX,
};

struct siw_umem *siw_revoke_umem_get(struct ib_device *base_dev, u64 start,
				     u64 len, int rights);
void siw_revoke_release(struct siw_umem *umem);
void siw_revoke_free(struct siw_umem *umem);

bool siw_revocable(struct siw_mem *mem);
int siw_revoke_enter(struct siw_qp *qp, enum siw_revoke_side side,
		     struct siw_umem *umem, u64 addr, unsigned int len);
void siw_revoke_leave(struct siw_umem *umem);
struct page *siw_revoke_copy(struct siw_qp *qp, struct siw_umem *umem, u64 addr,
			     unsigned int len);
void siw_revoke_put_copies(struct page **pages, unsigned long copies);

void siw_revoke_qp_init(struct siw_qp *qp);
void siw_revoke_qp_destroy(struct siw_qp *qp);
void siw_revoke_sq_lock(struct siw_qp *qp);
void siw_revoke_sq_unlock(struct siw_qp *qp);
bool siw_revoke_rx_parked(struct siw_qp *qp);

#endif /* SIW_REVOKE_H */
