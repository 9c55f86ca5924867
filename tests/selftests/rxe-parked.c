// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-parked FILE
 *
 * Takes away what others wait for: queue pairs are destroyed or fail, and a region
 * is deregistered or moves, while work waits for a region over FILE that fsync has
 * taken.
 * No timer of the peer helps out: what nobody wakes up hangs. Prints TAP.
 *
 * Must never pause to make a race go one way.
 */
#include <errno.h>
#include <rdma/ib_user_verbs.h>

#include "rdma-pair.h"

#define MIN_CAUGHT	5
#define RACES		60
#define AT_ONCE		10	/* seconds: the driver gives up after 50 */

static void post(enum ibv_wr_opcode opcode, struct ibv_mr *mr, char *local,
		 size_t len, char *remote, uint32_t rkey)
{
	struct ibv_sge list = sge(mr, local, len);
	struct ibv_send_wr wr = {
		.opcode = opcode, .sg_list = &list, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)remote,
			     .rkey = rkey },
	}, *bad;

	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post send");
}

static void read_from_file(void)
{
	post(IBV_WR_RDMA_READ, anon_mr, anon_mem, SIZE, file_mem, file_rkey);
}

static void read_into_file(void)
{
	post(IBV_WR_RDMA_READ, file_mr, file_mem, SIZE, anon_mem, anon_mr->rkey);
}

static void write_from_file(void)
{
	post(IBV_WR_RDMA_WRITE, file_mr, file_mem, SIZE, anon_mem, anon_mr->rkey);
}

/* One operation after the other, until one has met the region revoked. */
static bool caught(void (*op)(void))
{
	double limit = now() + LIMIT;
	enum ibv_wc_status status;
	unsigned long start;

	do {
		start = hits();
		op();
		while (!poll_one(&a, &status)) {
			if (hits() != start)
				return !poll_one(&a, &status);
			if (now() > limit)
				errx(1, "nothing completes");
		}
	} while (status == IBV_WC_SUCCESS);
	errx(1, "completed with %s", ibv_wc_status_str(status));
}

static bool still_works(unsigned int round)
{
	fill(file_mem, round, SIZE);
	write_from_file();
	return done(&a) && same(anon_mem, round, SIZE);
}

static bool destroy_parked(void (*op)(void), unsigned int round)
{
	double took;

	while (!caught(op))
		;
	took = -now();
	destroy(&b);
	destroy(&a);
	took += now();
	if (took > AT_ONCE)
		printf("# took %.0f s\n", took);
	pair_up(IBV_QPT_RC, false);
	return took <= AT_ONCE && still_works(round);
}

/* Both ends fail; whose work it was hears of it, unless it was done just before. */
static bool fail_parked(void (*op)(void), unsigned int round)
{
	enum ibv_wc_status status = IBV_WC_SUCCESS;
	struct ibv_qp_attr attr = {};
	double limit = now() + LIMIT;

	while (status == IBV_WC_SUCCESS && now() < limit) {
		while (!caught(op))
			;
		modify(b.qp, IBV_QPS_ERR, &attr, 0);
		modify(a.qp, IBV_QPS_ERR, &attr, 0);
		while (!poll_one(&a, &status) && now() < limit)
			;
		destroy(&b);
		destroy(&a);
		pair_up(IBV_QPT_RC, false);
	}
	if (status != IBV_WC_WR_FLUSH_ERR)
		printf("# %s\n", ibv_wc_status_str(status));
	return status == IBV_WC_WR_FLUSH_ERR && still_works(round);
}

static bool deregister_parked(void (*op)(void), unsigned int round)
{
	enum ibv_wc_status status = IBV_WC_SUCCESS;
	double limit = now() + LIMIT;
	bool hangs = false;

	while (status == IBV_WC_SUCCESS && !hangs) {
		while (!caught(op))
			;
		if (ibv_dereg_mr(file_mr))
			err(1, "deregister");
		while (!hangs && !poll_one(&a, &status))
			hangs = now() > limit;
		file_mr = ibv_reg_mr(pd, file_mem, SIZE, ACCESS);
		if (!file_mr)
			err(1, "register again");
		file_rkey = file_mr->rkey;
	}
	destroy(&a);
	destroy(&b);
	pair_up(IBV_QPT_RC, false);
	return !hangs && still_works(round);
}

/*
 * A receive buffer that left its queue for a message that was refused, from its second
 * packet on if @begun: it comes back once, and not again when its queue pair is used
 * anew and refuses something else.
 */
static bool srq_flushed(bool begun)
{
	enum ibv_wc_status status = IBV_WC_SUCCESS;
	struct ibv_qp_attr attr = {};
	double limit = now() + LIMIT;
	bool ok;

	while (status == IBV_WC_SUCCESS && now() < limit) {
		struct ibv_sge to[] = {
			sge(anon_mr, anon_mem + MSG, 1024), sge(file_mr, file_mem, 1024),
		};
		unsigned long start;

		pair_up(IBV_QPT_RC, true);
		recv_into(&to[!begun], 1 + begun);
		if (fsync(file_fd))
			err(1, "fsync");
		start = hits();
		post(IBV_WR_SEND, anon_mr, anon_mem, begun ? 2048 : 512, NULL, 0);
		while (hits() == start && now() < limit)
			;
		modify(b.qp, IBV_QPS_ERR, &attr, 0);
		while (!poll_one(&b, &status) && now() < limit)
			;
		destroy(&a);
		if (status == IBV_WC_SUCCESS)
			destroy(&b);
	}
	if (status != IBV_WC_WR_FLUSH_ERR)
		return false;

	modify(b.qp, IBV_QPS_RESET, &attr, 0);
	create(&a, IBV_QPT_RC, false);
	connect_to(&a, b.qp->qp_num);
	connect_to(&b, a.qp->qp_num);
	post(IBV_WR_RDMA_WRITE, anon_mr, anon_mem, 512, anon_mem, ~anon_mr->rkey);
	while (!poll_one(&a, &status) && now() < limit)
		;
	ok = status == IBV_WC_REM_ACCESS_ERR && !poll_one(&b, &status);
	if (!ok)
		printf("# %s\n", ibv_wc_status_str(status));
	destroy(&a);
	destroy(&b);
	return ok;
}

/*
 * A long WRITE asks for an acknowledgment now and then, or else it runs into the
 * window's end. Here the packet that asks is the first that has to wait.
 */
#define BEFORE_ASKING	(65 * 1024UL)	/* RXE_MAX_PKT_PER_ACK + 1 packets */

static bool ack_asked_again(void)
{
	struct ibv_sge list[] = {
		sge(anon_mr, anon_mem, BEFORE_ASKING),
		sge(file_mr, file_mem, SIZE - BEFORE_ASKING),
	};
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_WRITE, .sg_list = list, .num_sge = 2,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)anon_mem,
			     .rkey = anon_mr->rkey },
	}, *bad;
	unsigned long start;
	bool ok;

	pair_up(IBV_QPT_RC, false);
	fill(file_mem, 1, SIZE - BEFORE_ASKING);
	if (fsync(file_fd))
		err(1, "fsync");
	start = hits();
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post send");
	ok = done(&a) && hits() != start &&
	     same(anon_mem + BEFORE_ASKING, 1, SIZE - BEFORE_ASKING);
	destroy(&a);
	destroy(&b);
	return ok;
}

/* Kernels can more than rdma-core's provider for this device: ask them. */
static bool rereg(struct ibv_mr *mr, uint32_t what, struct ibv_pd *to, int access)
{
	struct ib_uverbs_rereg_mr_resp resp;
	struct {
		struct ib_uverbs_cmd_hdr hdr;
		struct ib_uverbs_rereg_mr cmd;
	} req = {
		.hdr = { .command = IB_USER_VERBS_CMD_REREG_MR,
			 .in_words = sizeof(req) / 4,
			 .out_words = sizeof(resp) / 4 },
		.cmd = { .response = (uintptr_t)&resp,
			 .mr_handle = mr->handle, .flags = what,
			 .start = (uintptr_t)file_mem, .length = SIZE,
			 .hca_va = (uintptr_t)file_mem,
			 .pd_handle = to->handle, .access_flags = access },
	};

	return write(ctx->cmd_fd, &req, sizeof(req)) == sizeof(req);
}

/* What was registered for reading is not guarded against cleaning. */
static bool stays_read_only(void)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, file_mem, SIZE, 0);

	if (!mr)
		err(1, "register for reading");
	return !rereg(mr, IBV_REREG_MR_CHANGE_ACCESS, pd, ACCESS) &&
	       !rereg(mr, IBV_REREG_MR_CHANGE_TRANSLATION, pd, 0) &&
	       !ibv_dereg_mr(mr);
}

/* The region comes back though the protection domain it began in is gone. */
static void test_new_domain(void)
{
	static const char what[] = "a revoked region moves to another domain";
	struct ibv_pd *old = ibv_alloc_pd(ctx);
	struct ibv_mr *mr = old ? ibv_reg_mr(old, file_mem, SIZE, ACCESS) : NULL;
	bool ok;

	if (!mr || fsync(file_fd))
		err(1, "a region in another domain");
	if (!rereg(mr, IBV_REREG_MR_CHANGE_PD, pd, 0)) {
		if (errno != EOPNOTSUPP)
			err(1, "another domain");
		printf("ok %d - %s # SKIP the driver cannot\n", ++tap_n, what);
		return;
	}
	pair_up(IBV_QPT_RC, false);
	ok = !ibv_dealloc_pd(old);
	fill(anon_mem, 1, SIZE);
	post(IBV_WR_RDMA_WRITE, anon_mr, anon_mem, SIZE, file_mem, mr->rkey);
	ok = ok && done(&a) && same(file_mem, 1, SIZE) && !ibv_dereg_mr(mr);
	destroy(&a);
	destroy(&b);
	result(ok, what);
}

/* Takes the region as often as it comes back, for as long as there is @work. */
static bool under_fire(bool (*work)(void))
{
	const struct timespec pace = { .tv_nsec = 1000000 };
	pid_t parent = getpid(), pid = fork();
	bool ok;

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent && !fsync(file_fd))
			nanosleep(&pace, NULL);
		_exit(1);
	}
	ok = work();
	stop_fsync(pid);
	return ok;
}

/* A region goes while packets and fsync are on their way to it, and it to them. */
static bool deregister_races(void)
{
	enum ibv_wc_status status;

	for (unsigned int i = 0; i < RACES; i++) {
		struct ibv_mr *mr = ibv_reg_mr(pd, file_mem, SIZE, ACCESS);
		double limit = now() + LIMIT;

		if (!mr)
			err(1, "register");
		post(i & 1 ? IBV_WR_RDMA_READ : IBV_WR_RDMA_WRITE, anon_mr, anon_mem,
		     SIZE, file_mem, mr->rkey);
		if (ibv_dereg_mr(mr))
			err(1, "deregister");
		while (!poll_one(&a, &status)) {
			if (now() > limit) {
				printf("# %s: nothing completes\n", i & 1 ? "READ" : "WRITE");
				return false;
			}
		}
		if (status == IBV_WC_SUCCESS)
			continue;
		destroy(&a);
		destroy(&b);
		pair_up(IBV_QPT_RC, false);
	}
	return true;
}

static bool rereg_races(void)
{
	struct ibv_pd *other = ibv_alloc_pd(ctx);

	for (unsigned int i = 0; i < 2 * RACES; i++) {
		/* It is wanted now and then, or else nothing takes it. */
		if (i % 8 == 0 && !still_works(i))
			return false;
		if (!rereg(file_mr, IBV_REREG_MR_CHANGE_PD, i & 1 ? pd : other, 0))
			return false;
	}
	return still_works(1) && !ibv_dealloc_pd(other);
}

static void test_races(void)
{
	static const char * const what[] = {
		"regions are deregistered while they are taken",
		"a region changes its domain while it is taken",
	};

	/*
	 * An error ends the responder's queue pair: it is said once. A requester that is
	 * about to send again drops it, and only the end of its tries tells.
	 */
	ack_timeout = 16;
	retry_cnt = 6;
	pair_up(IBV_QPT_RC, false);
	result(under_fire(deregister_races) && still_works(1), what[0]);
	destroy(&a);
	destroy(&b);
	retry_cnt = 7;
	if (!rereg(file_mr, IBV_REREG_MR_CHANGE_PD, pd, 0) && errno == EOPNOTSUPP) {
		printf("ok %d - %s # SKIP the driver cannot\n", ++tap_n, what[1]);
		return;
	}
	pair_up(IBV_QPT_RC, false);
	result(under_fire(rereg_races), what[1]);
	destroy(&a);
	destroy(&b);
}

static const struct {
	const char *name;
	bool (*test)(void (*op)(void), unsigned int round);
	void (*op)(void);
} tests[] = {
	{ "a READ from the file that has begun can be destroyed",
	  destroy_parked, read_from_file },
	{ "a READ into the file can be destroyed",
	  destroy_parked, read_into_file },
	{ "a WRITE from the file can be destroyed",
	  destroy_parked, write_from_file },
	{ "a READ from the file that has begun fails with its queue pair",
	  fail_parked, read_from_file },
	{ "a READ into the file fails with its queue pair",
	  fail_parked, read_into_file },
	{ "a WRITE from the file fails with its queue pair",
	  fail_parked, write_from_file },
	{ "a WRITE from the file fails when its key is freed",
	  deregister_parked, write_from_file },
	{ "a READ into the file fails when its key is freed",
	  deregister_parked, read_into_file },
};

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc != 2)
		errx(2, "usage: rxe-parked FILE");
	ack_timeout = 0;
	set_up(argv[1]);
	pair_up(IBV_QPT_RC, false);
	pid = start_fsync();

	for (unsigned int t = 0; t < ARRAY_SIZE(tests); t++) {
		unsigned int i = 0;

		while (i < MIN_CAUGHT && tests[t].test(tests[t].op, i))
			i++;
		result(i == MIN_CAUGHT, tests[t].name);
	}

	stop_fsync(pid);
	destroy(&a);
	destroy(&b);

	result(ack_asked_again(), "a WRITE that waits still asks for its acks");
	result(srq_flushed(false),
	       "a refused message gives its buffer back when its queue pair fails");
	result(srq_flushed(true),
	       "a message that has begun gives its buffer back when its queue pair fails");
	result(stays_read_only(), "what cannot be registered anew is refused");
	test_new_domain();
	test_races();
	printf("1..%d\n", tap_n);
	return tap_failed;
}
