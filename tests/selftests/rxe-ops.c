// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-ops FILE ops|error|gone
 *
 * Every kind of RDMA operation against a memory region over FILE, between two
 * queue pairs of this process, while another process calls fsync on the file
 * and so takes the region away again and again. Prints TAP.
 *
 * An operation only counts as tested when it met a revoked region often enough.
 * Must never pause to make a race go one way.
 */
#include <err.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rdma-pair.h"

#define HITS		"/sys/module/rdma_rxe/parameters/revoked_hits"
#define UD_MSG		512U
#define GRH		40U
#define MIN_HITS	8
#define MIN_OPS		20
#define ATOMIC_WRITE	(1ULL << 40)	/* older headers have no name for it */

static int tap_n, tap_failed;

static void result(bool ok, const char *what)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tap_n, what);
	tap_failed |= !ok;
}

static unsigned long hits(void)
{
	unsigned long n;
	FILE *f = fopen(HITS, "r");

	if (!f || fscanf(f, "%lu", &n) != 1)
		err(1, "%s", HITS);
	fclose(f);
	return n;
}

static void recv_into(struct ibv_sge *list, int n)
{
	struct ibv_recv_wr wr = { .sg_list = list, .num_sge = n }, *bad;

	if (b.srq ? ibv_post_srq_recv(b.srq, &wr, &bad) :
		    ibv_post_recv(b.qp, &wr, &bad))
		err(1, "post receive");
}

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

static bool op_uc_write(unsigned int i)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, MSG);

	fill(anon_mem, i, MSG);
	return run(IBV_WR_RDMA_WRITE, &s, 1, file_mem, file_rkey, 0, 0);
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

/*
 * Calls fsync for as long as its parent lives. Faster than this it would be a
 * storm, against which the core holds off restores for up to a second.
 */
static pid_t start_fsync(const char *path)
{
	const struct timespec pace = { .tv_nsec = 250000000 };
	pid_t pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = open(path, O_RDWR);
	while (fd >= 0 && !fsync(fd))
		nanosleep(&pace, NULL);
	err(1, "fsync %s", path);
}

static void stop_fsync(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static const struct {
	const char *name;
	bool (*op)(unsigned int i);
	enum ibv_qp_type type;
	bool srq, window;
} tests[] = {
	{ "WRITE", op_write, IBV_QPT_RC, false, false },
	{ "WRITE with immediate", op_write_imm, IBV_QPT_RC, false, false },
	{ "WRITE with immediate, shared receive queue", op_write_imm,
	  IBV_QPT_RC, true, false },
	{ "WRITE through a memory window", op_write, IBV_QPT_RC, false, true },
	{ "READ", op_read, IBV_QPT_RC, false, false },
	{ "READ through a memory window", op_read, IBV_QPT_RC, false, true },
	{ "SEND", op_send, IBV_QPT_RC, false, false },
	{ "SEND, shared receive queue", op_send, IBV_QPT_RC, true, false },
	{ "short SEND", op_send_short, IBV_QPT_RC, false, false },
	{ "short SEND, shared receive queue", op_send_short, IBV_QPT_RC, true,
	  false },
	{ "fetch and add", op_fetch_add, IBV_QPT_RC, false, false },
	{ "compare and swap", op_cmp_swap, IBV_QPT_RC, false, false },
	{ "atomic WRITE", op_atomic_write, IBV_QPT_RC, false, false },
	{ "SEND from the file", op_local_send, IBV_QPT_RC, false, false },
	{ "READ into the file", op_local_read, IBV_QPT_RC, false, false },
	{ "atomic result into the file", op_local_atomic, IBV_QPT_RC, false,
	  false },
	{ "file to file", op_file_to_file, IBV_QPT_RC, false, false },
	{ "UC WRITE", op_uc_write, IBV_QPT_UC, false, false },
	{ "UC SEND", op_uc_send, IBV_QPT_UC, false, false },
	{ "UC SEND, shared receive queue", op_uc_send, IBV_QPT_UC, true, false },
	{ "UD SEND", op_ud_send, IBV_QPT_UD, false, false },
	{ "UD SEND, shared receive queue", op_ud_send, IBV_QPT_UD, true, false },
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

static void test_ops(const char *path)
{
	for (size_t t = 0; t < ARRAY_SIZE(tests); t++) {
		struct ibv_mw *mw = NULL;
		double limit = now() + LIMIT;
		unsigned int i = 0, met;
		unsigned long start;
		bool lossy, ok = true;
		pid_t pid;

		if (tests[t].op == op_atomic_write && !has_atomic_write()) {
			printf("ok %d - %s # SKIP the driver has none\n",
			       ++tap_n, tests[t].name);
			continue;
		}
		pair_up(tests[t].type, tests[t].srq);
		lossy = tests[t].op == op_uc_send || tests[t].op == op_ud_send;
		file_rkey = file_mr->rkey;
		if (tests[t].window)
			mw = bind_window();
		waiting = false;
		arrived = 0;
		next_round = 0;
		start = hits();
		pid = start_fsync(path);
		do {
			ok = tests[t].op(i++);
			met = hits() - start;
		} while (ok && now() < limit &&
			 (i < MIN_OPS || met < MIN_HITS ||
			  (lossy && arrived < MIN_HITS)));
		stop_fsync(pid);

		printf("# %s: %u operations met a revoked region %u times",
		       tests[t].name, i, met);
		/* Whatever was dropped: the next messages arrive. */
		if (lossy) {
			unsigned int stopped = i;

			printf(", %u messages arrived", arrived);
			ok = ok && arrived >= MIN_HITS && arrived < i;
			while (ok && next_round <= stopped && now() < limit)
				ok = tests[t].op(i++);
			ok = ok && next_round > stopped;
		}
		printf("\n");
		if (mw)
			ibv_dealloc_mw(mw);
		destroy(&a);
		destroy(&b);
		result(ok && met >= MIN_HITS, tests[t].name);
	}
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
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3)
		errx(2, "usage: rxe-ops FILE ops|error|gone");
	printf("TAP version 13\n");
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || posix_fallocate(fd, 0, SIZE))
		err(1, "%s", argv[1]);
	file_mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	anon_mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (file_mem == MAP_FAILED || anon_mem == MAP_FAILED)
		err(1, "mmap");

	open_device();
	anon_mr = ibv_reg_mr(pd, anon_mem, SIZE, ACCESS);
	file_mr = ibv_reg_mr(pd, file_mem, SIZE, ACCESS);
	if (!anon_mr || !file_mr)
		err(1, "register memory");

	if (!strcmp(mode, "ops")) {
		test_ops(argv[1]);
	} else if (!strcmp(mode, "error")) {
		pid_t pid = start_fsync(argv[1]);

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
