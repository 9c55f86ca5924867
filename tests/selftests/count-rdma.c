// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: count-rdma FILE
 *
 * What an RDMA WRITE, a READ and a SEND of several sizes cost over soft-RoCE between
 * two queue pairs of this process, from one half of FILE to the other: from the post
 * until the completion has been heard of, in ticks of the processor's clock, the
 * median. Under QEMU with -icount shift=0 a tick is an instruction, of both ends.
 *
 * Must never be used while somebody revokes: it is the price of quiet.
 */
#include <stdint.h>
#include <x86intrin.h>

#define HALF	(1UL << 20)
#define SIZE	(2 * HALF)
#include "rdma-pair.h"

#define TIMES	61
#define WARM	10

/* Asleep meanwhile: who polls is counted for as long as he is let. */
static void wait_for(struct end *e)
{
	enum ibv_wc_status status;
	struct ibv_cq *cq;
	void *context;

	if (ibv_req_notify_cq(e->cq, 0))
		err(1, "notify");
	while (!poll_one(e, &status)) {
		if (ibv_get_cq_event(channel, &cq, &context))
			err(1, "completion event");
		ibv_ack_cq_events(cq, 1);
		if (ibv_req_notify_cq(e->cq, 0))
			err(1, "notify");
	}
	if (status != IBV_WC_SUCCESS)
		errx(1, "completed with %s", ibv_wc_status_str(status));
}

static void operation(enum ibv_wr_opcode opcode, size_t len)
{
	struct ibv_sge mine = sge(file_mr, file_mem, len);
	struct ibv_sge theirs = sge(file_mr, file_mem + HALF, len);
	struct ibv_send_wr *bad, wr = {
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &mine,
		.num_sge = 1,
		.wr.rdma = { .remote_addr = theirs.addr, .rkey = file_mr->rkey },
	};

	if (opcode == IBV_WR_SEND)
		recv_into(&theirs, 1);
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post");
	wait_for(&a);
	if (opcode == IBV_WR_SEND)
		wait_for(&b);
}

static int compare(const void *one, const void *other)
{
	unsigned long long x = *(const unsigned long long *)one;
	unsigned long long y = *(const unsigned long long *)other;

	return (x > y) - (x < y);
}

static void count(const char *what, enum ibv_wr_opcode opcode)
{
	unsigned long long ticks[TIMES];

	for (size_t len = 4096; len <= HALF; len *= 16) {
		for (int i = -WARM; i < TIMES; i++) {
			unsigned long long at = __rdtsc();

			operation(opcode, len);
			if (i >= 0)
				ticks[i] = __rdtsc() - at;
		}
		qsort(ticks, TIMES, sizeof(*ticks), compare);
		printf("%s %zu: %llu\n", what, len, ticks[TIMES / 2]);
	}
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: count-rdma FILE");
	set_up(argv[1]);
	/* Of ordinary pages, none of which is a first time. */
	memset(file_mem, 1, SIZE);
	channel = ibv_create_comp_channel(ctx);
	if (!channel)
		err(1, "completion channel");
	pair_up(IBV_QPT_RC, false);
	count("WRITE", IBV_WR_RDMA_WRITE);
	count("READ", IBV_WR_RDMA_READ);
	count("SEND", IBV_WR_SEND);
	return 0;
}
