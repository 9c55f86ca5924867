/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * librevoke-ucx - what UCX keeps registered can be asked for.
 *
 * UCX is told that a range is gone, and is made to deregister what it has cached of
 * it. Must never answer: UCX shows to nobody what it has registered, so that it has
 * let go only the program can say, which knows what it had closed.
 *
 *	revoke_declare(ctx, "UCX", &range, 1);
 *	use the range: ucp_mem_map(), requests
 *	...
 *	while (revoke_next_event(ctx, &event) == 1) {
 *		if (event.pin.id != range.id || event.type == REVOKE_EVENT_CANCELLED)
 *			continue;
 *		complete the requests in the range, ucp_mem_unmap() its handles;
 *		if (!revoke_ucx_event(ucp, &event))
 *			revoke_undeclare(ctx, &range, 1);
 *	}
 *
 * A driver that was converted makes a region of memory which it could not pin for long
 * (files) a pin by itself. That has not to be declared, nor answered: who asked goes on
 * when UCX has deregistered it.
 *
 * What it cannot do: a region stays registered for as long as a handle or a request
 * uses any of it, and nobody is told of its end. UCX may have made one region of
 * several that overlap. It tells nobody what it registers, so ranges are declared by
 * the program. Until an event has been handled UCX goes on using what it has cached:
 * revoke_pin_valid() tells whether that is still this memory.
 *
 * UCX notices by itself what this process unmaps, by hooks that this leaves alone. A
 * program that keeps UCX from placing them (ucm_set_external_event()) tells UCX of all
 * of that itself, too: an event would come too late.
 *
 * Conventions are those of <revoke/revoke.h>.
 */
#ifndef REVOKE_UCX_H
#define REVOKE_UCX_H

#include <ucp/api/ucp.h>
#include <revoke/revoke.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * revoke_ucx_event - UCX's part in an event
 * @context: whose cache may hold what is asked for; if there are several, a call for
 *	each, and the answer after the last
 * @event: RELEASE_SOON, REVOKED or GONE of a range that UCX may have; any other
 *	type is ignored
 *
 * All of UCX in this process forgets the range, and @context deregisters what it has
 * forgotten, except what is in use. Keeps a page of its own registered there. May
 * sleep for as long as ucp_mem_map() does; from another thread than those that use
 * @context only if that was made with mt_workers_shared.
 *
 * Return: 0: if no handle was open in the range and no request was under way,
 * nothing of @context has it registered any more; -ENOMEM, -EIO ucp_mem_map() or
 * ucp_mem_unmap() has failed: then it may be registered, and there is nothing to
 * answer.
 */
int revoke_ucx_event(ucp_context_h context, const struct revoke_event *event);

#ifdef __cplusplus
}
#endif

#endif /* REVOKE_UCX_H */
