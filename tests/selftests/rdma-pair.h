/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the rxe-*.c share: two queue pairs of one process that talk to each other
 * over soft-RoCE, a region over a file and an ordinary one, and somebody who
 * calls fsync on the file. Included once in each program: all is static.
 *
 * Must never judge: the tests do.
 */
#ifndef RDMA_PAIR_H
#define RDMA_PAIR_H

#include <err.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MSG		(64UL << 10)	/* 64 packets */
#ifndef SIZE
#define SIZE		(4 * MSG)
#endif
#define MIB		(1UL << 20)
#define SEED		2654435761u
#define HITS		"/sys/module/rdma_rxe/parameters/revoked_hits"
#define LIMIT		60		/* seconds for one kind of operation */
#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define ACCESS		(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
			 IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_ATOMIC | \
			 IBV_ACCESS_MW_BIND)

/* One end of a connection. */
struct end {
	struct ibv_qp *qp;
	struct ibv_cq *cq;
	struct ibv_srq *srq;
};

static struct ibv_context *ctx;
static struct ibv_pd *pd;
static struct ibv_comp_channel *channel;	/* of queues that are waited for */
static union ibv_gid gid;
static int gid_index;
static char *file_mem, *anon_mem;
static struct ibv_mr *file_mr, *anon_mr;
static struct end a, b;		/* a asks, b responds */
static uint8_t ack_timeout = 14;	/* a code; 0: waits for ever */
static int file_access = ACCESS;
static uint64_t more_ops;	/* of a reliable queue pair */
static uint8_t retry_cnt = 7;	/* 7: for ever, with soft-RoCE */
static uint8_t rnr_retry = 7;	/* 7: for ever */
static uint32_t file_rkey;	/* the region's, or that of a window of it */
static int file_fd;
static int tap_n, tap_failed;

static inline void result(bool ok, const char *what)
{
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tap_n, what);
	tap_failed |= !ok;
}

/* Accesses that met a revoked region, of all that there were. */
static inline unsigned long hits(void)
{
	unsigned long n;
	FILE *f = fopen(HITS, "r");

	if (!f || fscanf(f, "%lu", &n) != 1)
		err(1, "%s", HITS);
	fclose(f);
	return n;
}

/* What the core has pinned, in MiB. */
static inline unsigned long pinned(void)
{
	FILE *f = popen("revokectl -j stat show | tr , '\\n' | sed -n 's/.*\"pinned_bytes\"://p'",
			"r");
	unsigned long n;

	if (!f || fscanf(f, "%lu", &n) != 1)
		errx(1, "revokectl");
	pclose(f);
	return n / MIB;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void open_device(void)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_gid_entry entries[16];
	ssize_t n;

	if (!list || !list[0])
		errx(1, "no RDMA device");
	ctx = ibv_open_device(list[0]);
	if (!ctx)
		err(1, "open device");
	pd = ibv_alloc_pd(ctx);
	if (!pd)
		err(1, "protection domain");
	n = ibv_query_gid_table(ctx, entries, ARRAY_SIZE(entries), 0);
	if (n < 1)
		errx(1, "no GID");
	/* The last is the IPv4 one, if the interface has an address. */
	gid = entries[n - 1].gid;
	gid_index = entries[n - 1].gid_index;
}

static void create(struct end *e, enum ibv_qp_type type, bool srq)
{
	struct ibv_srq_init_attr srq_attr = {
		.attr = { .max_wr = 16, .max_sge = 2 },
	};
	struct ibv_qp_init_attr_ex init = {
		.qp_type = type,
		.cap = { .max_send_wr = 64, .max_recv_wr = 64,
			 .max_send_sge = 2, .max_recv_sge = 2 },
		.comp_mask = IBV_QP_INIT_ATTR_PD,
		.pd = pd,
	};

	memset(e, 0, sizeof(*e));
	e->cq = ibv_create_cq(ctx, 256, NULL, channel, 0);
	if (!e->cq)
		err(1, "completion queue");
	if (srq) {
		e->srq = ibv_create_srq(pd, &srq_attr);
		if (!e->srq)
			err(1, "shared receive queue");
	}
	init.send_cq = e->cq;
	init.recv_cq = e->cq;
	init.srq = e->srq;
	if (type == IBV_QPT_RC) {
		init.comp_mask |= IBV_QP_INIT_ATTR_SEND_OPS_FLAGS;
		init.send_ops_flags = IBV_QP_EX_WITH_ATOMIC_WRITE |
				      IBV_QP_EX_WITH_RDMA_WRITE |
				      IBV_QP_EX_WITH_BIND_MW | more_ops;
	}
	e->qp = ibv_create_qp_ex(ctx, &init);
	if (!e->qp)
		err(1, "queue pair");
}

static void modify(struct ibv_qp *qp, enum ibv_qp_state state,
		   struct ibv_qp_attr *attr, int mask)
{
	int ret;

	attr->qp_state = state;
	ret = ibv_modify_qp(qp, attr, mask | IBV_QP_STATE);
	if (ret)
		errx(1, "queue pair to state %d: %s", state, strerror(ret));
}

static void connect_to(struct end *e, uint32_t remote)
{
	enum ibv_qp_type type = e->qp->qp_type;
	bool rc = type == IBV_QPT_RC, ud = type == IBV_QPT_UD;
	struct ibv_qp_attr attr = {
		.port_num = 1,
		.qp_access_flags = rc ? file_access & ~IBV_ACCESS_MW_BIND :
					IBV_ACCESS_REMOTE_WRITE,
		.qkey = 0x1234,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = remote,
		.max_dest_rd_atomic = 4,
		.max_rd_atomic = 4,
		.min_rnr_timer = 12,
		.timeout = ack_timeout,
		.retry_cnt = retry_cnt,
		.rnr_retry = rnr_retry,
		.ah_attr = { .is_global = 1, .port_num = 1,
			     .grh = { .dgid = gid, .sgid_index = gid_index,
				      .hop_limit = 1 } },
	};

	modify(e->qp, IBV_QPS_INIT, &attr, IBV_QP_PKEY_INDEX | IBV_QP_PORT |
	       (ud ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS));
	modify(e->qp, IBV_QPS_RTR, &attr, ud ? 0 :
	       IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN | IBV_QP_RQ_PSN |
	       (rc ? IBV_QP_MAX_DEST_RD_ATOMIC | IBV_QP_MIN_RNR_TIMER : 0));
	modify(e->qp, IBV_QPS_RTS, &attr, IBV_QP_SQ_PSN |
	       (rc ? IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
		     IBV_QP_MAX_QP_RD_ATOMIC : 0));
}

/* The device, and both regions. */
static inline void set_up(const char *path)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n");
	file_fd = open(path, O_RDWR | O_CREAT, 0600);
	if (file_fd < 0 || posix_fallocate(file_fd, 0, SIZE))
		err(1, "%s", path);
	file_mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			file_fd, 0);
	anon_mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (file_mem == MAP_FAILED || anon_mem == MAP_FAILED)
		err(1, "mmap");

	open_device();
	anon_mr = ibv_reg_mr(pd, anon_mem, SIZE, ACCESS);
	file_mr = ibv_reg_mr(pd, file_mem, SIZE, file_access);
	if (!anon_mr || !file_mr)
		err(1, "register memory");
	file_rkey = file_mr->rkey;
}

/*
 * Calls fsync for as long as its parent lives. Faster than this it would be a
 * storm, against which the core holds off restores for up to a second.
 */
static inline pid_t start_fsync(void)
{
	const struct timespec pace = { .tv_nsec = 250000000 };
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!fsync(file_fd))
		nanosleep(&pace, NULL);
	err(1, "fsync");
}

static inline void stop_fsync(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static inline void pair_up(enum ibv_qp_type type, bool srq)
{
	create(&a, type, false);
	create(&b, type, srq);
	connect_to(&a, b.qp->qp_num);
	connect_to(&b, a.qp->qp_num);
}

static inline void destroy(struct end *e)
{
	ibv_destroy_qp(e->qp);
	if (e->srq)
		ibv_destroy_srq(e->srq);
	ibv_destroy_cq(e->cq);
}

/* True if something completed; its status is in *status. */
static bool poll_one(struct end *e, enum ibv_wc_status *status)
{
	struct ibv_wc wc;
	int n = ibv_poll_cq(e->cq, 1, &wc);

	if (n < 0)
		errx(1, "poll");
	if (n)
		*status = wc.status;
	return n;
}

static inline bool done(struct end *e)
{
	enum ibv_wc_status status;
	double limit = now() + LIMIT;

	while (!poll_one(e, &status)) {
		if (now() > limit) {
			printf("# nothing completes\n");
			return false;
		}
	}
	if (status != IBV_WC_SUCCESS)
		printf("# completed with %s\n", ibv_wc_status_str(status));
	return status == IBV_WC_SUCCESS;
}

static struct ibv_sge sge(struct ibv_mr *mr, char *mem, size_t len)
{
	return (struct ibv_sge){
		.addr = (uintptr_t)mem, .length = len, .lkey = mr->lkey,
	};
}

static inline void recv_into(struct ibv_sge *list, int n)
{
	struct ibv_recv_wr wr = { .sg_list = list, .num_sge = n }, *bad;

	if (b.srq ? ibv_post_srq_recv(b.srq, &wr, &bad) :
		    ibv_post_recv(b.qp, &wr, &bad))
		err(1, "post receive");
}

/* A message that differs in every word from that of every other round. */
static inline void fill(char *mem, unsigned int round, size_t len)
{
	uint32_t *p = (uint32_t *)mem;

	for (size_t i = 0; i < len / 4; i++)
		p[i] = round * SEED + i;
}

static inline bool same(const char *mem, unsigned int round, size_t len)
{
	const uint32_t *p = (const uint32_t *)mem;

	for (size_t i = 0; i < len / 4; i++) {
		if (p[i] != round * SEED + (uint32_t)i) {
			printf("# round %u: wrong at %zu\n", round, i * 4);
			return false;
		}
	}
	return true;
}

#endif /* RDMA_PAIR_H */
