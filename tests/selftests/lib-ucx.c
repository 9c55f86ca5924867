// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: lib-ucx FILE declared|revocable hooks|external
 *
 * <revoke/ucx.h>: UCX has FILE registered, in its cache or in use, and somebody else
 * needs it. The driver was converted, or the range is declared; UCX has hooks to see
 * what is unmapped, or was told that others see to that. Prints TAP.
 */
#include <ucm/api/ucm.h>
#include <revoke/ucx.h>

#include "lib-cache.h"

static struct revoke_range range = { .size = sizeof(range), .flags = REVOKE_RANGE_WRITE };
static bool revocable;
static ucp_context_h ucp;

static void check_ucx(ucs_status_t status, const char *what)
{
	if (status != UCS_OK)
		errx(1, "%s: %s", what, ucs_status_string(status));
}

static ucp_mem_h map_at(void *addr, size_t len)
{
	ucp_mem_map_params_t params = {
		.field_mask = UCP_MEM_MAP_PARAM_FIELD_ADDRESS |
			      UCP_MEM_MAP_PARAM_FIELD_LENGTH,
		.address = addr, .length = len,
	};
	ucp_mem_h handle;

	check_ucx(ucp_mem_map(ucp, &params, &handle), "ucp_mem_map");
	return handle;
}

static ucp_mem_h map(void)
{
	return map_at(mem, SIZE);
}

static void unmap(ucp_mem_h handle)
{
	check_ucx(ucp_mem_unmap(ucp, handle), "ucp_mem_unmap");
}

static void complete(ucp_worker_h worker, ucs_status_ptr_t request, const char *what)
{
	ucs_status_t status = UCS_PTR_STATUS(request);

	if (UCS_PTR_IS_PTR(request)) {
		while ((status = ucp_request_check_status(request)) == UCS_INPROGRESS)
			ucp_worker_progress(worker);
		ucp_request_free(request);
	}
	check_ucx(status, what);
}

/* UCX writes what is there to itself, and registers it for that. Return: it arrived. */
static bool put(void)
{
	ucp_worker_params_t worker_params = {};
	ucp_ep_params_t ep_params = { .field_mask = UCP_EP_PARAM_FIELD_REMOTE_ADDRESS };
	ucp_request_param_t request = {};
	char *to = calloc(2, SIZE);
	ucp_address_t *address;
	ucp_worker_h worker;
	ucp_mem_h handle;
	ucp_rkey_h key;
	void *packed;
	size_t len;
	ucp_ep_h ep;
	bool same;

	if (!to)
		errx(1, "no memory");
	memset(mem, 'x', SIZE);
	check_ucx(ucp_worker_create(ucp, &worker_params, &worker), "worker");
	check_ucx(ucp_worker_get_address(worker, &address, &len), "address");
	ep_params.address = address;
	check_ucx(ucp_ep_create(worker, &ep_params, &ep), "endpoint");
	handle = map_at(to, 2 * SIZE);
	check_ucx(ucp_rkey_pack(ucp, handle, &packed, &len), "pack");
	check_ucx(ucp_ep_rkey_unpack(ep, packed, &key), "unpack");
	complete(worker, ucp_put_nbx(ep, mem, SIZE, (uintptr_t)to, key, &request), "put");
	complete(worker, ucp_ep_flush_nbx(ep, &request), "flush");
	same = !memcmp(mem, to, SIZE);
	ucp_rkey_destroy(key);
	ucp_rkey_buffer_release(packed);
	unmap(handle);
	complete(worker, ucp_ep_close_nbx(ep, &request), "close");
	ucp_worker_release_address(worker, address);
	ucp_worker_destroy(worker);
	free(to);
	return same;
}

static void declare(void)
{
	if (!revocable)
		check(revoke_declare(holder, "UCX", &range, 1), "declare");
}

static void undeclare(void)
{
	if (!revocable)
		check(revoke_undeclare(holder, &range, 1), "undeclare");
}

static void cached(void)
{
	struct revoke_event event;
	pid_t admin;
	int id;

	declare();
	unmap(map());
	id = registered();
	unmap(map());
	result(id >= 0 && registered() == id && pin(), "closed, it stays registered");
	ucm_vm_munmap(mem, SIZE);
	result(registered() == id, "UCX is told: it stays registered");
	result(put() && registered() > id, "and a request registers it anew");
	admin = start_admin();
	event = hear(REVOKE_EVENT_RELEASE_SOON);
	result(registered() >= 0 && waits(admin), "it is asked for");
	check(revoke_ucx_event(ucp, &event), "event");
	result(registered() < 0, "with the event it is deregistered");
	undeclare();
	result(went_on(admin) && !pin(), "who asked goes on");
}

static void in_use(void)
{
	struct revoke_event event;
	ucp_mem_h handle;
	pid_t admin;

	declare();
	handle = map();
	admin = start_admin();
	event = hear(REVOKE_EVENT_RELEASE_SOON);
	check(revoke_ucx_event(ucp, &event), "event");
	result(registered() >= 0 && waits(admin),
	       "in use: it stays registered, the event answers nothing");
	unmap(handle);
	result(registered() < 0, "in use: closed, it is deregistered");
	undeclare();
	result(went_on(admin) && !pin(), "in use: who asked goes on");
}

/* Of a declared range: the driver writes to where nobody reads it. */
static void punched(void)
{
	struct revoke_event event;
	int id;

	declare();
	unmap(map());
	id = registered();
	punch();
	result(!revoke_pin_valid(&range) && registered() == id,
	       "taken: it is not valid, UCX knows nothing of it");
	event = hear(REVOKE_EVENT_REVOKED);
	check(revoke_ucx_event(ucp, &event), "event");
	result(registered() < 0, "taken: with the event it is deregistered");
	undeclare();
	declare();
	unmap(map());
	result(registered() > id && revoke_pin_valid(&range),
	       "taken: what is there now is registered");
	undeclare();
}

int main(int argc, char **argv)
{
	ucp_params_t params = {
		.field_mask = UCP_PARAM_FIELD_FEATURES, .features = UCP_FEATURE_RMA,
	};

	if (argc != 4)
		errx(2, "usage: lib-ucx FILE declared|revocable hooks|external");
	revocable = !strcmp(argv[2], "revocable");
	set_up(argv[1]);
	range.addr = (uintptr_t)mem;
	range.len = SIZE;
	/*
	 * Over soft-RoCE, from where it is; of its GIDs the link's, as UCX gets no
	 * answer by UD from an IPv4 address.
	 */
	if (setenv("UCX_TLS", "rc_verbs,ud_verbs:aux", 1) ||
	    setenv("UCX_IB_GID_INDEX", "0", 1) || setenv("UCX_ZCOPY_THRESH", "1", 1))
		err(1, "setenv");
	if (!strcmp(argv[3], "external"))
		ucm_set_external_event(UCM_EVENT_VM_UNMAPPED);
	check_ucx(ucp_init(&params, NULL, &ucp), "ucp_init");
	cached();
	in_use();
	if (!revocable)
		punched();
	unmap(map());
	ucp_cleanup(ucp);
	result(registered() < 0 && !pin(), "without UCX nothing is left");
	return done();
}
