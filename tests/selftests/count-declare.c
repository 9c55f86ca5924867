// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: count-declare [DEVICE]
 *
 * What it costs to declare and undeclare 4 KiB, alone and in a batch, or, with an
 * RDMA device, to register and deregister them, in ticks of the processor's clock:
 * the mean, which has what works in the background in it. Under QEMU with
 * -icount shift=0 a tick is an instruction.
 *
 * Must never count a first time: that is for caches of all kinds.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <infiniband/verbs.h>
#include <revoke/revoke.h>
#include <x86intrin.h>

#define SIZE	4096
#define BATCH	64
#define TIMES	2048
#define WARM	256

static char *memory;
static struct ibv_pd *pd;
static struct revoke_ctx *ctx;
static struct revoke_range ranges[BATCH];

static void mr(void)
{
	struct ibv_mr *region = ibv_reg_mr(pd, memory, SIZE, IBV_ACCESS_LOCAL_WRITE);

	if (!region || ibv_dereg_mr(region))
		err(1, "memory region");
}

static void declare(unsigned int nr)
{
	if (revoke_declare(ctx, NULL, ranges, nr) || revoke_undeclare(ctx, ranges, nr))
		errx(1, "declare: %s", revoke_last_error(ctx));
}

static void one(void)
{
	declare(1);
}

static void many(void)
{
	declare(BATCH);
}

static void count(const char *what, void (*fn)(void), unsigned int each)
{
	unsigned long long ticks = 0;

	for (int i = -WARM; i < TIMES; i++) {
		if (!i)
			ticks = __rdtsc();
		fn();
	}
	ticks = __rdtsc() - ticks;
	printf("%s: %llu\n", what, ticks / TIMES / each);
}

static void open_device(const char *name)
{
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
	memory = mmap(NULL, SIZE * BATCH, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		err(1, "memory");
	memset(memory, 1, SIZE * BATCH);
	if (argc > 1) {
		open_device(argv[1]);
		count("ibv_reg_mr, ibv_dereg_mr", mr, 1);
		return 0;
	}
	if (revoke_open(NULL, &ctx))
		errx(1, "no context: %s", revoke_last_error(NULL));
	for (int i = 0; i < BATCH; i++)
		ranges[i] = (struct revoke_range){
			.size = sizeof(*ranges),
			.addr = (uintptr_t)memory + i * SIZE,
			.len = SIZE, .flags = REVOKE_RANGE_WRITE,
		};
	count("revoke_declare, revoke_undeclare", one, 1);
	count("the same, 64 in one call", many, BATCH);
	return 0;
}
