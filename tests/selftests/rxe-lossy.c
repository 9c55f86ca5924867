// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-lossy FILE
 *
 * Unreliable connections and datagrams into a memory region over FILE, between
 * two queue pairs of this process, while another process calls fsync on the
 * file. A message that meets a revoked region is dropped: no error, no half of
 * one, and the next one arrives. Prints TAP.
 *
 * Must never pause to make a race go one way.
 */
#include "rdma-pair.h"

#define UD_MSG		512U
#define GRH		40U
#define MIN_HITS	8
#define MIN_OPS		20

static bool op_uc_write(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, MSG);

	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE, .sg_list = &s, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)file_mem,
			     .rkey = file_rkey },
	}, *bad;

	fill(anon_mem, i, MSG);
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post send");
	return done(&a);
}

/*
 * Dropped or whole, and never an error. One receive buffer waits for whichever
 * message arrives; a dropped one does not use it up.
 */
static unsigned int arrived, next_round;
static bool waiting;

static bool collect(unsigned int sent, size_t head, size_t len)
{
	struct ibv_sge r = sge(file_mr, file_mem, head + len);
	enum ibv_wc_status status;

	if (waiting && poll_one(&b, &status)) {
		uint32_t first = *(uint32_t *)(file_mem + head);

		while (next_round < sent && first != next_round * SEED)
			next_round++;
		if (status != IBV_WC_SUCCESS ||
		    !same(file_mem + head, next_round++, len))
			return false;
		arrived++;
		waiting = false;
	}
	if (!waiting)
		recv_into(&r, 1);
	waiting = true;
	return true;
}

static bool unreliable(struct ibv_ah *ah, unsigned int i, size_t len)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, len);
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND, .sg_list = &s, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	if (ah) {
		wr.wr.ud.ah = ah;
		wr.wr.ud.remote_qpn = b.qp->qp_num;
		wr.wr.ud.remote_qkey = 0x1234;
	}
	fill(anon_mem, i, len);
	if (!collect(i, ah ? GRH : 0, len) || ibv_post_send(a.qp, &wr, &bad))
		return false;
	return done(&a) && collect(i, ah ? GRH : 0, len);
}

static bool op_uc_send(unsigned int i)
{
	return unreliable(NULL, i, MSG);
}

static bool op_ud_send(unsigned int i)
{
	static struct ibv_ah *ah;
	struct ibv_ah_attr attr = {
		.is_global = 1, .port_num = 1,
		.grh = { .dgid = gid, .sgid_index = gid_index, .hop_limit = 1 },
	};

	if (!ah)
		ah = ibv_create_ah(pd, &attr);
	if (!ah)
		err(1, "address handle");
	return unreliable(ah, i, UD_MSG);
}

static const struct {
	const char *name;
	bool (*op)(unsigned int i);
	enum ibv_qp_type type;
	bool srq;
} tests[] = {
	{ "UC WRITE", op_uc_write, IBV_QPT_UC, false },
	{ "UC SEND", op_uc_send, IBV_QPT_UC, false },
	{ "UC SEND, shared receive queue", op_uc_send, IBV_QPT_UC, true },
	{ "UD SEND", op_ud_send, IBV_QPT_UD, false },
	{ "UD SEND, shared receive queue", op_ud_send, IBV_QPT_UD, true },
};

static void test(size_t t)
{
	bool ok, sends = tests[t].op != op_uc_write;
	double limit = now() + LIMIT;
	unsigned int i = 0, met, stopped;
	unsigned long start;
	pid_t pid;

	pair_up(tests[t].type, tests[t].srq);
	waiting = false;
	arrived = 0;
	next_round = 0;
	start = hits();
	pid = start_fsync();
	do {
		ok = tests[t].op(i++);
		met = hits() - start;
	} while (ok && now() < limit && (i < MIN_OPS || met < MIN_HITS ||
					 (sends && arrived < MIN_HITS)));
	stop_fsync(pid);
	printf("# %s: %u operations met a revoked region %u times, %u messages arrived\n",
	       tests[t].name, i, met, arrived);

	/* Whatever was dropped: the next messages arrive. */
	stopped = i;
	if (sends) {
		ok = ok && arrived >= MIN_HITS && arrived < i;
		while (ok && next_round <= stopped && now() < limit)
			ok = tests[t].op(i++);
		ok = ok && next_round > stopped;
	}
	destroy(&a);
	destroy(&b);
	result(ok && met >= MIN_HITS, tests[t].name);
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: rxe-lossy FILE");
	set_up(argv[1]);
	for (size_t t = 0; t < ARRAY_SIZE(tests); t++)
		test(t);
	printf("1..%d\n", tap_n);
	return tap_failed;
}
