/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * librevoke-verbs - a memory region and its pin as one object.
 *
 * On a driver that was converted (rdma_rxe) the region can be taken and comes back
 * under the same keys; on any other the range is declared, and the region is
 * deregistered when it is asked for. Must never post, or wait for peers: what uses
 * the region is the caller's.
 *
 *	struct revoke_mr *mr;
 *
 *	revoke_mr_reg(ctx, pd, buf, len, IBV_ACCESS_LOCAL_WRITE, &mr);
 *	...
 *	while (revoke_next_event(ctx, &event) == 1) {
 *		if (event.type == REVOKE_EVENT_RELEASE_SOON) {
 *			stop posting, tell the peers;
 *			revoke_drain_cq(cq, completed, arg, 500);
 *		}
 *		revoke_mr_event(mr, &event);
 *		if (mr->state == REVOKE_MR_USABLE)
 *			go on;
 *	}
 *
 * Conventions are those of <revoke/revoke.h>. Calls on one region must not overlap,
 * nor be made while it is posted; those on different regions may.
 */
#ifndef REVOKE_VERBS_H
#define REVOKE_VERBS_H

#include <infiniband/verbs.h>
#include <revoke/revoke.h>

#ifdef __cplusplus
extern "C" {
#endif

enum revoke_mr_state {
	REVOKE_MR_USABLE,
	REVOKE_MR_AWAY,		/* until an event brings it back, keys stay */
	REVOKE_MR_ENDED,	/* deregistered: drop it, register again */
};

/**
 * struct revoke_mr - made by revoke_mr_reg(), to be read only
 * @mr: for its keys; NULL once @state is REVOKE_MR_ENDED
 * @ctx: the context it belongs to
 * @range: the pin: its id, and for revoke_pin_valid()
 * @state: enum revoke_mr_state, changed by revoke_mr_event() alone
 * @revocable: the driver can give it back; else it is a declared range
 */
struct revoke_mr {
	struct ibv_mr *mr;
	struct revoke_ctx *ctx;
	struct revoke_range range;
	uint32_t state;
	bool revocable;
};

/**
 * revoke_mr_reg - register memory, and be asked for it
 * @ctx: the context that hears of it; no other does
 * @pd: protection domain
 * @addr: first byte
 * @length: in bytes
 * @access: enum ibv_access_flags, not IBV_ACCESS_ON_DEMAND, which pins nothing
 * @mr: the region, for revoke_mr_dereg()
 *
 * Registrations of exactly the same range must not overlap in time. May sleep for as
 * long as ibv_reg_mr() does.
 *
 * Return: 0; -EAGAIN the range is being changed all the time; what ibv_reg_mr() gives
 * as errno, or as revoke_declare().
 */
int revoke_mr_reg(struct revoke_ctx *ctx, struct ibv_pd *pd, void *addr,
		  size_t length, int access, struct revoke_mr **mr);

/**
 * revoke_mr_dereg - deregister it, if it still is registered, and drop it
 * @mr: may be NULL; before revoke_close() of its context
 *
 * Whoever waits for the range goes on.
 *
 * Return: 0; what ibv_dereg_mr() gives (-EBUSY memory windows are bound): then
 * nothing has happened.
 */
int revoke_mr_dereg(struct revoke_mr *mr);

/**
 * revoke_mr_event - the region's part in an event
 * @mr: the region
 * @event: any event of its context; one for another pin is ignored
 *
 * RELEASE_SOON is answered: nobody may be using the region any more, see
 * revoke_drain_cq(). With a driver that can, the answer is QUIESCED and the region is
 * away until RESTORED; else it is deregistered and ended. A region that was forced is
 * asked back. Sets @mr->state.
 *
 * Return: 0, or a negative errno: of ibv_dereg_mr(), then nobody was answered and
 * whoever waits does so until the deadline; or of the library.
 */
int revoke_mr_event(struct revoke_mr *mr, const struct revoke_event *event);

/**
 * revoke_drain_cq - take completions until nothing is in flight
 * @cq: completion queue; nobody else may poll it meanwhile
 * @fn: is given each completion, also those that failed, as ibv_poll_cq() does;
 *	returns how many work requests it still waits for
 * @arg: for @fn
 * @timeout_ms: how long, in milliseconds; less than the event's remaining time
 *
 * The caller knows that something is in flight: if nothing is, it waits in vain.
 * Spins, as ibv_poll_cq() wants it: latency is what whoever asked pays for.
 *
 * Return: 0; -ETIME; -EIO the queue has failed.
 */
int revoke_drain_cq(struct ibv_cq *cq,
		    unsigned int (*fn)(const struct ibv_wc *wc, void *arg),
		    void *arg, unsigned int timeout_ms);

#ifdef __cplusplus
}
#endif

#endif /* REVOKE_VERBS_H */
