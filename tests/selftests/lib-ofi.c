// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: lib-ofi FILE ADDRESS
 *
 * <revoke/ofi.h>: libfabric's verbs provider has FILE registered in its cache, and
 * somebody else needs it. ADDRESS is that of the RDMA device. Prints TAP.
 */
#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <revoke/ofi.h>

#include "lib-cache.h"

static struct revoke_ofi *ofi;
static struct fi_info *info;
static struct fid_fabric *fabric;
static struct fid_domain *domain;

static void check_ofi(int ret, const char *what)
{
	if (ret)
		errx(1, "%s: %s", what, fi_strerror(-ret));
}

static void open_domain(const char *address)
{
	struct fi_info *hints = fi_allocinfo();

	if (!hints)
		errx(1, "no memory");
	hints->fabric_attr->prov_name = strdup("verbs");
	hints->ep_attr->type = FI_EP_MSG;
	hints->caps = FI_MSG | FI_RMA;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_ALLOCATED |
				      FI_MR_PROV_KEY | FI_MR_VIRT_ADDR;
	check_ofi(fi_getinfo(FI_VERSION(1, 17), address, NULL, FI_SOURCE, hints, &info),
		  "fi_getinfo");
	check_ofi(fi_fabric(info->fabric_attr, &fabric, NULL), "fi_fabric");
	check_ofi(fi_domain(fabric, info, &domain, NULL), "fi_domain");
	fi_freeinfo(hints);
}

/* Registers it, and closes that at once: it stays in the cache. */
static uint64_t cached(void)
{
	struct fid_mr *mr;
	uint64_t key;

	check_ofi(fi_mr_reg(domain, mem, SIZE, FI_SEND | FI_RECV, 0, 0, 0, &mr, NULL),
		  "fi_mr_reg");
	key = fi_mr_key(mr);
	check_ofi(fi_close(&mr->fid), "fi_close");
	return key;
}

static void asked(void)
{
	uint64_t key = cached(), id = pin();
	struct revoke_event event;
	int region = registered();
	pid_t admin;

	result(id && region >= 0 && cached() == key && registered() == region,
	       "closed, it stays registered, and is declared");
	admin = start_admin();
	event = hear(REVOKE_EVENT_RELEASE_SOON);
	result(event.pin.id == id && registered() == region && waits(admin),
	       "it is asked for");
	check_ofi(revoke_ofi_event(ofi, &event), "event");
	result(went_on(admin) && registered() < 0 && !pin(),
	       "answered: it is deregistered, who asked goes on");
}

static void taken(void)
{
	uint64_t key = cached(), again;
	struct revoke_event event;

	punch();
	event = hear(REVOKE_EVENT_REVOKED);
	again = cached();
	result(again != key, "taken: what is there now is registered instead");
	check_ofi(revoke_ofi_event(ofi, &event), "event");
	if (FI_VERSION_GE(fi_version(), FI_VERSION(2, 1)))
		result(registered() >= 0 && pin() > event.pin.id && cached() == again,
		       "that stays, the other is deregistered");
	else
		result(registered() < 0 && !pin() && cached() && pin() > event.pin.id,
		       "before libfabric 2.1: both are deregistered, and it is anew");
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: lib-ofi FILE ADDRESS");
	set_up(argv[1]);
	check_ofi(revoke_ofi_open(holder, &ofi), "revoke_ofi_open");
	open_domain(argv[2]);
	check_ofi(revoke_ofi_add_domain(ofi, domain), "revoke_ofi_add_domain");
	asked();
	taken();
	result(revoke_ofi_close(ofi) == -EBUSY, "in use it cannot be closed");
	revoke_ofi_del_domain(ofi, domain);
	check_ofi(fi_close(&domain->fid), "domain");
	check_ofi(fi_close(&fabric->fid), "fabric");
	result(registered() < 0 && !revoke_ofi_close(ofi) && !pin(),
	       "closed, nothing is left");
	fi_freeinfo(info);
	return done();
}
