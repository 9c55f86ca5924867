// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke-ucx: makes UCX forget a range, and deregister what it has forgotten.
 *
 * Must never answer for it: see <revoke/ucx.h>.
 */
#include <errno.h>
#include <ucm/api/ucm.h>
#include <ucp/api/ucp.h>
#include <revoke/ucx.h>

#define REVOKE_EXPORT __attribute__((visibility("default")))
/* Whole pages, however large: libibverbs may keep what is registered from a child. */
#define MAX_PAGE 65536

static char page[MAX_PAGE] __attribute__((aligned(MAX_PAGE)));

/*
 * Registering anything that is not cached makes a context deregister what it has
 * forgotten; so the page is forgotten, too.
 */
static ucs_status_t flush(ucp_context_h context)
{
	ucp_mem_map_params_t params = {
		.field_mask = UCP_MEM_MAP_PARAM_FIELD_ADDRESS |
			      UCP_MEM_MAP_PARAM_FIELD_LENGTH,
		.address = page, .length = 1,
	};
	ucs_status_t status;
	ucp_mem_h mem;

	ucm_vm_munmap(page, sizeof(page));
	status = ucp_mem_map(context, &params, &mem);
	return status == UCS_OK ? ucp_mem_unmap(context, mem) : status;
}

REVOKE_EXPORT int revoke_ucx_event(ucp_context_h context, const struct revoke_event *event)
{
	ucs_status_t status = UCS_OK;
	int saved = errno;

	switch (event->type) {
	case REVOKE_EVENT_RELEASE_SOON:
	case REVOKE_EVENT_REVOKED:
	case REVOKE_EVENT_GONE:
		ucm_vm_munmap((void *)(uintptr_t)event->pin.addr, event->pin.len);
		status = flush(context);
		break;
	}
	errno = saved;
	if (status == UCS_OK)
		return 0;
	return status == UCS_ERR_NO_MEMORY ? -ENOMEM : -EIO;
}
