// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-peer listen FILE | rxe-peer ADDRESS
 *
 * Two ends in two machines: the first has a region over FILE and a driver that lets it
 * be taken, the second has ordinary memory and may have any driver. Each kind of
 * reliable operation that both have goes from each end to the other, while FILE is
 * synced all the time, and then with the region taken before, inside and after each
 * packet, with many and few retries. The first end prints TAP.
 *
 * Must never leave to chance whether a packet finds the region away.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>

#include "rdma-pair.h"
#include "rdma-gate.h"

#define BIT(n)		(1U << (n))
#define PORT		"7471"
#define ROUNDS		4
#define FEW		(4 * 1024)	/* packets of a message */
#define TRIES		3	/* of a peer with few retries, on a busy machine */
#define ATOMIC_WRITE	(1ULL << 40)	/* older headers have no name for it */

enum kind { WRITE, WRITE_IMM, READ, SEND, SEND_IMM, FADD, CAS, AWRITE, FLUSH, NR_KINDS };

static const struct {
	const char *name;
	enum ibv_wr_opcode opcode;
} kinds[NR_KINDS] = {
	[WRITE]		= { "WRITE", IBV_WR_RDMA_WRITE },
	[WRITE_IMM]	= { "WRITE with immediate", IBV_WR_RDMA_WRITE_WITH_IMM },
	[READ]		= { "READ", IBV_WR_RDMA_READ },
	[SEND]		= { "SEND", IBV_WR_SEND },
	[SEND_IMM]	= { "SEND with immediate", IBV_WR_SEND_WITH_IMM },
	[FADD]		= { "fetch and add", IBV_WR_ATOMIC_FETCH_AND_ADD },
	[CAS]		= { "compare and swap", IBV_WR_ATOMIC_CMP_AND_SWP },
	[AWRITE]	= { "atomic WRITE" },
	[FLUSH]		= { "WRITE and FLUSH" },
};

/* What an end tells the other. */
struct hello {
	uint64_t addr;
	union ibv_gid gid;
	uint32_t qpn, rkey, kinds;
};

static struct hello mine, theirs;
static bool first;		/* this end has the file */
static struct ibv_mr *mr;
static char *mem;
static int peer;
static unsigned int len = MSG;

static void swap_with_peer(const void *out, void *in, size_t size)
{
	if (send(peer, out, size, MSG_NOSIGNAL) != (ssize_t)size ||
	    recv(peer, in, size, MSG_WAITALL) != (ssize_t)size)
		errx(1, "the other end has gone");
}

/* Both are here. Return: what the other says. */
static bool meet(bool say)
{
	char out = say, in;

	swap_with_peer(&out, &in, 1);
	return in;
}

static void talk_to(const char *address)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM,
				  .ai_flags = address ? 0 : AI_PASSIVE }, *info;
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;
	double limit = now() + 2 * LIMIT;

	if (fd < 0 || getaddrinfo(address, PORT, &hints, &info))
		errx(1, "no network");
	if (address) {
		/* The other machine may not be there yet. */
		while (connect(fd, info->ai_addr, info->ai_addrlen)) {
			if (now() > limit)
				err(1, "%s", address);
			close(fd);
			fd = socket(AF_INET, SOCK_STREAM, 0);
		}
		peer = fd;
	} else {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		if (bind(fd, info->ai_addr, info->ai_addrlen) || listen(fd, 1))
			err(1, "listen");
		peer = accept(fd, NULL, NULL);
	}
	setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static uint32_t my_kinds(void)
{
	struct ibv_device_attr_ex attr;
	uint32_t all = BIT(NR_KINDS) - 1;

	if (ibv_query_device_ex(ctx, NULL, &attr))
		errx(1, "cannot query the device");
	if (!(attr.device_cap_flags_ex & ATOMIC_WRITE))
		all &= ~BIT(AWRITE);
#ifndef HAVE_IBV_FLUSH
	all &= ~BIT(FLUSH);
#endif
	return all;
}

static void connect_ends(void)
{
	create(&a, IBV_QPT_RC, false);
	b = a;	/* what receives is the other end's */
	mine.qpn = a.qp->qp_num;
	swap_with_peer(&mine, &theirs, sizeof(mine));
	gid = theirs.gid;
	connect_to(&a, theirs.qpn);
	meet(true);
}

static bool atomic(enum kind kind) { return kind >= FADD && kind <= AWRITE; }
static bool sends(enum kind kind) { return kind == SEND || kind == SEND_IMM; }

static void post_ex(enum kind kind, uint64_t value)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(a.qp);

	ibv_wr_start(qpx);
	if (kind == AWRITE) {
		qpx->wr_flags = IBV_SEND_SIGNALED;
		ibv_wr_atomic_write(qpx, theirs.rkey, theirs.addr, &value);
	} else {
#ifdef HAVE_IBV_FLUSH
		qpx->wr_flags = 0;	/* they stay from the round before */
		ibv_wr_rdma_write(qpx, theirs.rkey, theirs.addr);
		ibv_wr_set_sge(qpx, mr->lkey, (uintptr_t)mem, len);
		qpx->wr_flags = IBV_SEND_SIGNALED;
		ibv_wr_flush(qpx, theirs.rkey, theirs.addr, len, IBV_FLUSH_GLOBAL,
			     IBV_FLUSH_RANGE);
#endif
	}
	if (ibv_wr_complete(qpx))
		err(1, "post");
}

static void post(enum kind kind, unsigned int i)
{
	struct ibv_sge s = sge(mr, mem, atomic(kind) ? 8 : len);
	struct ibv_send_wr wr = {
		.opcode = kinds[kind].opcode, .sg_list = &s, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	if (kind == AWRITE || kind == FLUSH) {
		post_ex(kind, i + 1);
		return;
	}
	if (atomic(kind)) {
		wr.wr.atomic.remote_addr = theirs.addr;
		wr.wr.atomic.rkey = theirs.rkey;
		wr.wr.atomic.compare_add = kind == FADD ? 1 : i;
		wr.wr.atomic.swap = i + 1;
	} else {
		wr.wr.rdma.remote_addr = theirs.addr;
		wr.wr.rdma.rkey = theirs.rkey;
	}
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post");
}

/* Before one operation that this end asks for, or answers. */
static void prepare(enum kind kind, bool ask, unsigned int i)
{
	struct ibv_sge r = sge(mr, mem, len);

	if (atomic(kind))
		*(uint64_t *)mem = ask ? 0 : i;
	else
		fill(mem, ask == (kind != READ) ? i : i + 1, len);
	if (!ask && (sends(kind) || kind == WRITE_IMM))
		recv_into(&r, sends(kind));
}

/*
 * A driver without our patch forgets the address of these two when it sends them again,
 * for whatever reason, and asks for address 0. Nothing is executed there.
 */
static bool may_forget(enum kind kind, bool ask)
{
	return ask != first && (kind == AWRITE || kind == FLUSH);
}

static bool arrived(enum kind kind, bool ask, unsigned int i, bool forgotten)
{
	uint64_t value = ask ? kind == AWRITE ? 0 : i : i + !forgotten;

	return atomic(kind) ? *(uint64_t *)mem == value : same(mem, i, len);
}

static bool finish(enum kind kind, bool ask, unsigned int i, bool ok)
{
	enum ibv_wc_status status = IBV_WC_SUCCESS;
	double limit = now() + LIMIT;
	bool forgotten;

	if (ask || sends(kind) || kind == WRITE_IMM)
		while (!poll_one(&a, &status) && now() < limit)
			;
	if (now() >= limit) {
		printf("# nothing completes\n");
		ok = false;
	}
	forgotten = ask && may_forget(kind, ask) && status == IBV_WC_REM_ACCESS_ERR;
	forgotten = meet(forgotten) || forgotten;
	if (status != IBV_WC_SUCCESS && !forgotten) {
		printf("# completed with %s\n", ibv_wc_status_str(status));
		ok = false;
	}
	ok = meet(ok) && ok && arrived(kind, ask, i, forgotten);
	return meet(ok) && ok;
}

/* One after the other, and each is likely to begin with the region away. */
static bool synced(enum kind kind, bool ask, unsigned int rounds)
{
	unsigned long start = first ? hits() : 0, n;
	bool ok = true;

	connect_ends();
	for (unsigned int i = 1; ok && i < 2 * rounds; i += 2) {
		prepare(kind, ask, i);
		if (first && fsync(file_fd))
			err(1, "fsync");
		meet(true);
		if (ask)
			post(kind, i);
		ok = finish(kind, ask, i, true);
	}
	destroy(&a);
	n = first ? hits() - start : rounds;
	if (first)
		printf("# met a revoked region %lu times\n", n);
	return ok && n;
}

/* The region is taken before packet @n, or inside of it; it is a new one each time. */
static bool at(enum kind kind, bool ask, bool inside, unsigned int n)
{
	unsigned int accesses = atomic(kind) ? 1 : FEW / 1024, i = 2 * n + 1;
	struct taker taker;
	unsigned long start;
	bool ok = true;

	if (first) {
		if (ibv_dereg_mr(mr))
			err(1, "deregister");
		mr = ibv_reg_mr(pd, mem, SIZE, file_access);
		if (!mr)
			err(1, "register");
		mine.rkey = mr->rkey;
	}
	connect_ends();
	prepare(kind, ask, i);
	if (first && inside)
		take_inside(&taker, n);
	else if (first)
		gate("before", n);
	meet(true);
	if (ask)
		post(kind, i);
	if (first && inside) {
		ok = taken(&taker);
	} else if (first) {
		ok = reached(n);
		start = hits();
		freeze();
		gate_open();
		ok = ok && (n == accesses || met(start));
		thaw();
	}
	ok = finish(kind, ask, i, ok);
	destroy(&a);
	return ok;
}

static bool positions(enum kind kind, bool ask)
{
	unsigned int accesses = atomic(kind) ? 1 : FEW / 1024;

	/* The number of retries matters where one is refused. */
	for (unsigned int n = 0; n < (rnr_retry == 7 ? 2 * accesses + 1 : accesses); n++) {
		unsigned int tries = rnr_retry == 7 ? 1 : TRIES;

		while (tries && !at(kind, ask, n > accesses, n % (accesses + 1)))
			tries--;
		if (!tries) {
			printf("# %s packet %u\n", n > accesses ? "inside" : "before",
			       n % (accesses + 1));
			return false;
		}
	}
	return true;
}

static void test(enum kind kind, bool ask, bool always)
{
	bool ok = always ? synced(kind, ask, ROUNDS) : positions(kind, ask);
	char what[100];

	snprintf(what, sizeof(what), "rnr_retry %u: %s %s the file%s", rnr_retry,
		 kinds[kind].name, ask == first ? "from" : "to",
		 always ? ", always synced" : "");
	if (first)
		result(ok, what);
}

int main(int argc, char **argv)
{
	static const unsigned int retries[] = { 7, 7, 6, 1 };

	first = argc == 3 && !strcmp(argv[1], "listen");
	if (!first && argc != 2)
		errx(2, "usage: rxe-peer listen FILE | rxe-peer ADDRESS");
#ifdef HAVE_IBV_FLUSH
	file_access |= IBV_ACCESS_FLUSH_GLOBAL;
	more_ops = IBV_QP_EX_WITH_FLUSH;
#endif
	if (first) {
		set_up(argv[2]);
		use_gate(argv[2]);
		mem = file_mem;
		mr = file_mr;
	} else {
		open_device();
		mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mr = mem == MAP_FAILED ? NULL : ibv_reg_mr(pd, mem, SIZE, file_access);
		if (!mr)
			err(1, "register memory");
	}
	talk_to(first ? NULL : argv[1]);
	mine = (struct hello){ .addr = (uintptr_t)mem, .gid = gid, .rkey = mr->rkey,
			       .kinds = my_kinds() };
	swap_with_peer(&mine, &theirs, sizeof(mine));

	ack_timeout = 20;	/* 4 s: a READ is not to be asked for again meanwhile */
	for (unsigned int n = 0; n < ARRAY_SIZE(retries); n++) {
		bool always = !n;
		pid_t pid = 0;

		rnr_retry = retries[n];
		len = always ? MSG : FEW;
		if (first && always)
			pid = start_fsync();
		for (enum kind kind = 0; kind < NR_KINDS; kind++) {
			if (!(mine.kinds & theirs.kinds & BIT(kind)))
				continue;
			if (!always || kind < AWRITE)
				test(kind, !first, always);
			/* Its value comes from no memory. */
			if (kind != AWRITE)
				test(kind, first, always);
		}
		if (pid)
			stop_fsync(pid);
	}
	if (first)
		printf("1..%d\n", tap_n);
	return tap_failed;
}
