/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * librevoke-ofi - what libfabric keeps registered can be asked for.
 *
 * Is libfabric's memory monitor: what its cache of registrations holds is declared,
 * and an event makes the cache deregister it. Must never answer before that: being
 * told, libfabric only unlinks a region, and deregisters it some time later.
 *
 *	revoke_ofi_open(ctx, &ofi);
 *	fi_domain(fabric, info, &domain, NULL);
 *	revoke_ofi_add_domain(ofi, domain);
 *	...
 *	while (revoke_next_event(ctx, &event) == 1) {
 *		if (event.type == REVOKE_EVENT_RELEASE_SOON)
 *			finish what uses event.pin, fi_close() its regions;
 *		revoke_ofi_event(ofi, &event);
 *	}
 *	...
 *	fi_close(&domain->fid);
 *	revoke_ofi_close(ofi);
 *
 * What it cannot do: libfabric registers first and tells of it then; what changes
 * between is not noticed. A region that is still open when its range is asked for is
 * deregistered when it is closed, and nobody is told of that. Memory that is not
 * FI_HMEM_SYSTEM, and providers without a cache, are not seen at all.
 *
 * Conventions are those of <revoke/revoke.h>. Calls may be made from any thread, except
 * that those about domains and revoke_ofi_close() must not overlap others; none in a
 * callback of libfabric.
 */
#ifndef REVOKE_OFI_H
#define REVOKE_OFI_H

#include <rdma/fi_domain.h>
#include <revoke/revoke.h>

#ifdef __cplusplus
extern "C" {
#endif

struct revoke_ofi;

/**
 * revoke_ofi_open - be the memory monitor of this process' libfabric
 * @ctx: the context that hears of it; no other does
 * @ofi: for the other calls
 *
 * Before the first domain is opened, by whomever.
 *
 * Return: 0; -EBUSY there is another (Open MPI imports one), or libfabric uses its
 * own already; -ENOSYS it is too old; or another negative errno.
 */
int revoke_ofi_open(struct revoke_ctx *ctx, struct revoke_ofi **ofi);

/**
 * revoke_ofi_add_domain - one whose cache may hold what is asked for
 * @ofi: the monitor
 * @domain: until revoke_ofi_del_domain(); its fi_mr_reg() takes FI_SEND | FI_RECV
 *
 * Keeps a page of its own registered there. Layered providers (ofi_rxm) cache in a
 * domain that they do not show: it does not reach that.
 *
 * Return: 0; -EOPNOTSUPP libfabric does not use this monitor (no domain with a cache
 * is open, or FI_MR_CACHE_MONITOR names another); -ENOMEM; or what fi_mr_reg() gives.
 */
int revoke_ofi_add_domain(struct revoke_ofi *ofi, struct fid_domain *domain);

/**
 * revoke_ofi_del_domain - it is about to be closed
 * @ofi: the monitor
 * @domain: one that was added, or not
 */
void revoke_ofi_del_domain(struct revoke_ofi *ofi, struct fid_domain *domain);

/**
 * revoke_ofi_event - libfabric's part in an event
 * @ofi: the monitor
 * @event: any event of its context; one for another pin is ignored
 *
 * Nobody may have a region of the range open, nor use it. The cache drops it, each
 * domain is made to deregister what it has dropped, and then the range is undeclared:
 * that is the answer. May sleep for as long as fi_mr_reg() does.
 *
 * Return: 0, or a negative errno of a domain: then nobody was answered and whoever
 * waits does so until the deadline.
 */
int revoke_ofi_event(struct revoke_ofi *ofi, const struct revoke_event *event);

/**
 * revoke_ofi_close - libfabric has another monitor, or none, from now on
 * @ofi: may be NULL; before revoke_close() of its context
 *
 * Return: 0; -EBUSY a domain is still open: then nothing has happened.
 */
int revoke_ofi_close(struct revoke_ofi *ofi);

#ifdef __cplusplus
}
#endif

#endif /* REVOKE_OFI_H */
