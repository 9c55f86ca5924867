// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-ops FILE ops|rnr|error|gone
 *
 * Every kind of reliable RDMA operation against a memory region over FILE, between two
 * queue pairs of this process, while another process calls fsync on the file
 * and so takes the region away again and again. Prints TAP.
 *
 * An operation only counts as tested when it met a revoked region often enough.
 * Must never pause to make a race go one way.
 */
#include "rdma-pair.h"

#define MIN_HITS	8
#define MIN_OPS		20
#define ATOMIC_WRITE	(1ULL << 40)	/* older headers have no name for it */

/* Rdma and atomic operations go from *list to @remote of the other side. */
static bool run(enum ibv_wr_opcode opcode, struct ibv_sge *list, int n,
		char *remote, uint32_t rkey, uint64_t add, uint64_t swap)
{
	struct ibv_send_wr wr = {
		.opcode = opcode, .sg_list = list, .num_sge = n,
		.send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	if (opcode == IBV_WR_ATOMIC_FETCH_AND_ADD ||
	    opcode == IBV_WR_ATOMIC_CMP_AND_SWP) {
		wr.wr.atomic.remote_addr = (uintptr_t)remote;
		wr.wr.atomic.rkey = rkey;
		wr.wr.atomic.compare_add = add;
		wr.wr.atomic.swap = swap;
	} else {
		wr.wr.rdma.remote_addr = (uintptr_t)remote;
		wr.wr.rdma.rkey = rkey;
	}
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post send");
	return done(&a);
}

static bool op_write(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, MSG);

	fill(anon_mem, i, MSG);
	return run(IBV_WR_RDMA_WRITE, &s, 1, file_mem, file_rkey, 0, 0) &&
	       same(file_mem, i, MSG);
}

static bool op_write_imm(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, MSG);

	fill(anon_mem, i, MSG);
	recv_into(NULL, 0);
	return run(IBV_WR_RDMA_WRITE_WITH_IMM, &s, 1, file_mem, file_rkey, 0,
		   0) && done(&b) && same(file_mem, i, MSG);
}

static bool op_read(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, MSG);

	fill(file_mem, i, MSG);
	return run(IBV_WR_RDMA_READ, &s, 1, file_mem, file_rkey, 0, 0) &&
	       same(anon_mem, i, MSG);
}

/* The receive buffer has two halves: the second one is in the file. */
static bool op_send(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, MSG);
	struct ibv_sge r[] = {
		sge(anon_mr, anon_mem + MSG, MSG / 2 + 512),
		sge(file_mr, file_mem, MSG / 2 - 512),
	};

	fill(anon_mem, i, MSG);
	recv_into(r, 2);
	return run(IBV_WR_SEND, &s, 1, NULL, 0, 0, 0) && done(&b) &&
	       !memcmp(anon_mem + MSG, anon_mem, r[0].length) &&
	       !memcmp(file_mem, anon_mem + r[0].length, r[1].length);
}

static bool op_send_short(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, 512);
	struct ibv_sge r = sge(file_mr, file_mem, 512);

	fill(anon_mem, i, 512);
	recv_into(&r, 1);
	return run(IBV_WR_SEND, &s, 1, NULL, 0, 0, 0) && done(&b) &&
	       same(file_mem, i, 512);
}

/* Once and only once: each round finds what the one before has left. */
static bool op_fetch_add(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, 8);

	if (!i)
		memset(file_mem, 0, 8);
	return run(IBV_WR_ATOMIC_FETCH_AND_ADD, &s, 1, file_mem, file_rkey, 1,
		   0) && *(uint64_t *)anon_mem == i;
}

static bool op_cmp_swap(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, 8);

	if (!i)
		memset(file_mem, 0, 8);
	return run(IBV_WR_ATOMIC_CMP_AND_SWP, &s, 1, file_mem, file_rkey, i,
		   i + 1) && *(uint64_t *)anon_mem == i;
}

static bool op_atomic_write(unsigned int i)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(a.qp);
	uint64_t value = i * 0x9e3779b97f4a7c15u;

	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_atomic_write(qpx, file_rkey, (uintptr_t)file_mem, &value);
	if (ibv_wr_complete(qpx))
		err(1, "post atomic write");
	return done(&a) && *(uint64_t *)file_mem == value;
}

static bool has_atomic_write(void)
{
	struct ibv_device_attr_ex attr;

	if (ibv_query_device_ex(ctx, NULL, &attr))
		errx(1, "cannot query the device");
	return attr.device_cap_flags_ex & ATOMIC_WRITE;
}

#ifdef HAVE_IBV_FLUSH
/* Refused with the WRITE before it, the FLUSH has to come again, too. */
static bool op_flush(unsigned int i)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(a.qp);

	fill(anon_mem, i, MSG);
	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_rdma_write(qpx, file_rkey, (uintptr_t)file_mem);
	ibv_wr_set_sge(qpx, anon_mr->lkey, (uintptr_t)anon_mem, MSG);
	ibv_wr_flush(qpx, file_rkey, (uintptr_t)file_mem, MSG,
		     IBV_FLUSH_GLOBAL, i & 1 ? IBV_FLUSH_MR : IBV_FLUSH_RANGE);
	return !ibv_wr_complete(qpx) && done(&a) && done(&a) &&
	       same(file_mem, i, MSG);
}
#else
#define op_flush NULL
#endif

static bool op_local_send(unsigned int i)
{
	struct ibv_sge s[] = {
		sge(anon_mr, anon_mem, 512),
		sge(file_mr, file_mem, MSG - 512),
	};
	struct ibv_sge r = sge(anon_mr, anon_mem + MSG, MSG);

	fill(anon_mem, i, 512);
	fill(file_mem, i + 1, MSG - 512);
	recv_into(&r, 1);
	return run(IBV_WR_SEND, s, 2, NULL, 0, 0, 0) && done(&b) &&
	       same(anon_mem + MSG, i, 512) &&
	       same(anon_mem + MSG + 512, i + 1, MSG - 512);
}

static bool op_local_read(unsigned int i)
{
	struct ibv_sge s = sge(file_mr, file_mem, MSG);

	fill(anon_mem, i, MSG);
	return run(IBV_WR_RDMA_READ, &s, 1, anon_mem, anon_mr->rkey, 0, 0) &&
	       same(file_mem, i, MSG);
}

static bool op_local_atomic(unsigned int i)
{
	struct ibv_sge s = sge(file_mr, file_mem, 8);

	if (!i)
		memset(anon_mem, 0, 8);
	return run(IBV_WR_ATOMIC_FETCH_AND_ADD, &s, 1, anon_mem, anon_mr->rkey,
		   1, 0) && *(uint64_t *)file_mem == i;
}

/* Both ends in the file, so that everything waits for everything. */
static bool op_file_to_file(unsigned int i)
{
	struct ibv_sge s = sge(file_mr, file_mem, MSG);

	fill(file_mem, i, MSG);
	return run(i & 1 ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE, &s, 1,
		   file_mem + MSG, file_rkey, 0, 0) &&
	       !memcmp(file_mem, file_mem + MSG, MSG);
}

static const struct {
	const char *name;
	bool (*op)(unsigned int i);
	bool srq, window;
} tests[] = {
	{ "WRITE", op_write, false, false },
	{ "WRITE with immediate", op_write_imm, false, false },
	{ "WRITE with immediate, shared receive queue", op_write_imm, true, false },
	{ "WRITE through a memory window", op_write, false, true },
	{ "READ", op_read, false, false },
	{ "READ through a memory window", op_read, false, true },
	{ "SEND", op_send, false, false },
	{ "SEND, shared receive queue", op_send, true, false },
	{ "short SEND", op_send_short, false, false },
	{ "short SEND, shared receive queue", op_send_short, true, false },
	{ "fetch and add", op_fetch_add, false, false },
	{ "compare and swap", op_cmp_swap, false, false },
	{ "atomic WRITE", op_atomic_write, false, false },
	{ "WRITE and FLUSH", op_flush, false, false },
	{ "SEND from the file", op_local_send, false, false },
	{ "READ into the file", op_local_read, false, false },
	{ "atomic result into the file", op_local_atomic, false, false },
	{ "file to file", op_file_to_file, false, false },
};

/* A type 2 window belongs to a queue pair: it is bound by the responder's. */
static struct ibv_mw *bind_window(void)
{
	struct ibv_mw *mw = ibv_alloc_mw(pd, IBV_MW_TYPE_2);
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_BIND_MW, .send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	if (!mw)
		err(1, "memory window");
	wr.bind_mw.mw = mw;
	wr.bind_mw.rkey = ibv_inc_rkey(mw->rkey);
	wr.bind_mw.bind_info = (struct ibv_mw_bind_info){
		.mr = file_mr, .addr = (uintptr_t)file_mem, .length = SIZE,
		.mw_access_flags = IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ,
	};
	if (ibv_post_send(b.qp, &wr, &bad) || !done(&b))
		errx(1, "cannot bind the window");
	file_rkey = wr.bind_mw.rkey;
	return mw;
}

static void begin(size_t t, struct ibv_mw **mw)
{
	pair_up(IBV_QPT_RC, tests[t].srq);
	file_rkey = file_mr->rkey;
	*mw = tests[t].window ? bind_window() : NULL;
}

static void end(struct ibv_mw *mw)
{
	if (mw)
		ibv_dealloc_mw(mw);
	destroy(&a);
	destroy(&b);
}

static bool absent(size_t t)
{
	return !tests[t].op ||
	       (tests[t].op == op_atomic_write && !has_atomic_write());
}

static void test_ops(void)
{
	for (size_t t = 0; t < ARRAY_SIZE(tests); t++) {
		double limit = now() + LIMIT;
		unsigned int i = 0, met;
		unsigned long start;
		struct ibv_mw *mw;
		bool ok = true;
		pid_t pid;

		if (absent(t)) {
			printf("ok %d - %s # SKIP there is none\n",
			       ++tap_n, tests[t].name);
			continue;
		}
		begin(t, &mw);
		start = hits();
		pid = start_fsync();
		do {
			ok = tests[t].op(i++);
			met = hits() - start;
		} while (ok && now() < limit &&
			 (i < MIN_OPS || met < MIN_HITS));
		stop_fsync(pid);
		printf("# %s: %u operations met a revoked region %u times\n",
		       tests[t].name, i, met);
		end(mw);
		result(ok && met >= MIN_HITS, tests[t].name);
	}
}

/* One revocation for each operation, which makes it wait. */
static bool survives(size_t t, unsigned int rounds)
{
	struct ibv_mw *mw;
	bool ok = true;

	begin(t, &mw);
	for (unsigned int i = 0; ok && i < rounds; i++) {
		unsigned long start = hits();

		/* It stays revoked until the operation wants it. */
		if (fsync(file_fd))
			err(1, "fsync");
		ok = tests[t].op(i) && hits() != start;
		if (!ok)
			printf("# %s, round %u\n", tests[t].name, i);
	}
	end(mw);
	return ok;
}

/*
 * A peer that has few retries. The journal's commit takes the region, too: that is
 * rare, but the only retry of a peer does not survive it, so it has @tries.
 */
static void test_rnr(unsigned int retries, unsigned int rounds,
		     unsigned int tries)
{
	char what[80];
	bool ok = true;

	rnr_retry = retries;
	for (size_t t = 0; t < ARRAY_SIZE(tests); t++) {
		unsigned int n = 0;

		if (absent(t))
			continue;
		while (n < tries && !survives(t, rounds))
			n++;
		ok = ok && n < tries;
	}
	snprintf(what, sizeof(what),
		 "every operation survives with rnr_retry %u", retries);
	result(ok, what);
}

/* What an access that cannot succeed is answered with. */
static void test_refused(const char *what)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, MSG);
	enum ibv_wc_status status = IBV_WC_SUCCESS;
	double limit = now() + LIMIT;
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE, .sg_list = &s, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)file_mem,
			     .rkey = file_mr->rkey },
	}, *bad;

	while (status == IBV_WC_SUCCESS && now() < limit) {
		if (ibv_post_send(a.qp, &wr, &bad))
			err(1, "post send");
		while (!poll_one(&a, &status) && now() < limit)
			;
	}
	printf("# %s\n", ibv_wc_status_str(status));
	result(status == IBV_WC_REM_ACCESS_ERR, what);
}

int main(int argc, char **argv)
{
	const char *mode = argc == 3 ? argv[2] : "";
	pid_t pid;

	if (argc != 3)
		errx(2, "usage: rxe-ops FILE ops|rnr|error|gone");
#ifdef HAVE_IBV_FLUSH
	file_access |= IBV_ACCESS_FLUSH_GLOBAL;
	more_ops = IBV_QP_EX_WITH_FLUSH;
#endif
	set_up(argv[1]);

	if (!strcmp(mode, "ops")) {
		test_ops();
	} else if (!strcmp(mode, "rnr")) {
		test_rnr(6, 3, 1);
		test_rnr(1, 1, 3);
	} else if (!strcmp(mode, "error")) {
		pid = start_fsync();
		pair_up(IBV_QPT_RC, false);
		test_refused("an access to a revoked region fails");
		stop_fsync(pid);
	} else if (!strcmp(mode, "gone")) {
		pair_up(IBV_QPT_RC, false);
		munmap(file_mem, SIZE);
		test_refused("an access to a region that is gone fails");
	} else {
		errx(2, "unknown mode %s", mode);
	}
	result(!ibv_dereg_mr(file_mr), "the region can be deregistered");
	printf("1..%d\n", tap_n);
	return tap_failed;
}
