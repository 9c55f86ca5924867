// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: mr ROW SERIES WAY MEMORY [MOST]
 *   WAY: plain, odp, uffd, lease, declare	MEMORY: anon, huge, or a file's path
 *
 * B2: ibv_reg_mr and ibv_dereg_mr, up to MOST bytes, and with them what WAY does so
 * that somebody is told when the memory is taken. The device is rxe0, or what
 * BENCH_DEVICE says. Exits with 77 if the kernel refuses to register such memory.
 *
 * Must never count the set-up of a process: devices, contexts, faults.
 */
#include <errno.h>
#include <string.h>
#include <infiniband/verbs.h>

#include "ranges.h"

static struct ibv_pd *pd;
static int access_flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE;
static size_t len;

static bool refused(void)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, 4096, access_flags);

	return !mr || ibv_dereg_mr(mr);
}

static void plain(void)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, memory, len, access_flags);

	if (!mr || ibv_dereg_mr(mr))
		err(1, "memory region");
}

static void with_uffd(void)
{
	uffd_on(len);
	plain();
	uffd_off(len);
}

static void with_lease(void)
{
	lease_on();
	plain();
	lease_off();
}

/* The order that revoke_declare() asks for. */
static void with_declare(void)
{
	struct ibv_mr *mr;

	declare_on(len);
	mr = ibv_reg_mr(pd, memory, len, access_flags);
	if (!mr || !revoke_pin_valid(&range) || ibv_dereg_mr(mr))
		err(1, "memory region");
	declare_off();
}

static void open_device(void)
{
	const char *name = getenv("BENCH_DEVICE") ?: "rxe0";
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *device = NULL;

	for (; list && *list && !device; list++)
		if (!strcmp(ibv_get_device_name(*list), name))
			device = ibv_open_device(*list);
	pd = device ? ibv_alloc_pd(device) : NULL;
	if (!pd)
		err(1, "%s", name);
}

int main(int argc, char **argv)
{
	struct bench b = { .fn = plain };
	size_t most = LARGEST;

	if (argc < 5)
		errx(2, "usage: mr ROW SERIES WAY MEMORY [MOST]");
	b.row = argv[1];
	b.series = argv[2];
	if (argc > 5)
		most = strtoul(argv[5], NULL, 0);
	open_device();
	map_memory(argv[4]);
	if (!strcmp(argv[3], "odp")) {
		access_flags |= IBV_ACCESS_ON_DEMAND;
	} else if (!strcmp(argv[3], "uffd")) {
		uffd_open();
		b.fn = with_uffd;
	} else if (!strcmp(argv[3], "lease")) {
		b.fn = with_lease;
	} else if (!strcmp(argv[3], "declare")) {
		declare_open();
		b.fn = with_declare;
	} else if (strcmp(argv[3], "plain")) {
		errx(2, "no such way: %s", argv[3]);
	}
	if (refused()) {
		warn("%s", b.series);
		return 77;
	}
	for (len = 4096; len <= most; len *= 16) {
		b.x = len;
		b.times = len < LARGEST ? 64 : 16;
		bench(&b);
	}
	return 0;
}
