/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations of rxe-packets: a table of them, and for each how it is made ready,
 * posted and seen to have arrived. Included once: all is static, as in rdma-pair.h.
 *
 * Must never know when the region is taken.
 */
#ifndef RXE_PACKETS_OP_H
#define RXE_PACKETS_OP_H

#include "../rdma-pair.h"

#define MTU		1024U
#define LEN		(3 * MTU + 512)	/* first, two in the middle, last */
#define GRH		40U
#define ATOMIC_WRITE	(1ULL << 40)	/* older headers have no name for it */

enum kind { WRITE, WRITE_IMM, READ, SEND, SEND_IMM, SEND_INV, FADD, CAS, AWRITE, FLUSH, PERSIST };

static const enum ibv_wr_opcode opcodes[] = {
	IBV_WR_RDMA_WRITE, IBV_WR_RDMA_WRITE_WITH_IMM, IBV_WR_RDMA_READ, IBV_WR_SEND,
	IBV_WR_SEND_WITH_IMM, IBV_WR_SEND_WITH_INV, IBV_WR_ATOMIC_FETCH_AND_ADD,
	IBV_WR_ATOMIC_CMP_AND_SWP,
};

/* @accesses: to the region; it is the requester's if @local */
static const struct op {
	const char *name;
	enum kind kind;
	unsigned int len, accesses;
	bool local, srq, window;
	enum ibv_qp_type type;
} ops[] = {
	{ "WRITE", WRITE, LEN, 4, .type = IBV_QPT_RC },
	{ "short WRITE", WRITE, 512, 1, .type = IBV_QPT_RC },
	{ "WRITE with immediate", WRITE_IMM, LEN, 4, .type = IBV_QPT_RC },
	{ "WRITE with immediate, shared receive queue", WRITE_IMM, LEN, 4, .srq = true,
	  .type = IBV_QPT_RC },
	{ "WRITE through a memory window", WRITE, LEN, 4, .window = true,
	  .type = IBV_QPT_RC },
	{ "READ", READ, LEN, 4, .type = IBV_QPT_RC },
	{ "short READ", READ, 512, 1, .type = IBV_QPT_RC },
	{ "READ through a memory window", READ, LEN, 4, .window = true,
	  .type = IBV_QPT_RC },
	{ "SEND", SEND, LEN, 4, .type = IBV_QPT_RC },
	{ "short SEND", SEND, 512, 1, .type = IBV_QPT_RC },
	{ "SEND, shared receive queue", SEND, LEN, 4, .srq = true, .type = IBV_QPT_RC },
	{ "SEND with immediate", SEND_IMM, LEN, 4, .type = IBV_QPT_RC },
	{ "SEND with invalidate", SEND_INV, LEN, 4, .window = true, .type = IBV_QPT_RC },
	{ "fetch and add", FADD, 8, 1, .type = IBV_QPT_RC },
	{ "compare and swap", CAS, 8, 1, .type = IBV_QPT_RC },
	{ "atomic WRITE", AWRITE, 8, 1, .type = IBV_QPT_RC },
	{ "WRITE and FLUSH", FLUSH, LEN, 4, .type = IBV_QPT_RC },
	{ "WRITE and persistent FLUSH", PERSIST, LEN, 5, .type = IBV_QPT_RC },
	{ "WRITE from the file", WRITE, LEN, 4, .local = true, .type = IBV_QPT_RC },
	{ "SEND from the file", SEND, LEN, 4, .local = true, .type = IBV_QPT_RC },
	{ "READ into the file", READ, LEN, 4, .local = true, .type = IBV_QPT_RC },
	{ "atomic result into the file", FADD, 8, 1, .local = true, .type = IBV_QPT_RC },
	{ "UC WRITE", WRITE, LEN, 4, .type = IBV_QPT_UC },
	{ "UC SEND", SEND, LEN, 4, .type = IBV_QPT_UC },
	{ "UC SEND, shared receive queue", SEND, LEN, 4, .srq = true, .type = IBV_QPT_UC },
	{ "UC SEND from the file", SEND, LEN, 4, .local = true, .type = IBV_QPT_UC },
	{ "UD SEND", SEND, 512, 2, .type = IBV_QPT_UD },
	{ "UD SEND, shared receive queue", SEND, 512, 2, .srq = true, .type = IBV_QPT_UD },
	{ "UD SEND from the file", SEND, 512, 1, .local = true, .type = IBV_QPT_UD },
};

static const struct op *op;
static unsigned int serial;	/* of the data */
static struct ibv_mw *mw;
static uint32_t window_rkey;

static bool sends(void)
{
	return op->kind == SEND || op->kind == SEND_IMM || op->kind == SEND_INV;
}

static bool completes_twice(void) { return sends() || op->kind == WRITE_IMM; }
static bool persistent;		/* the file is in memory that survives */
static bool atomic(void) { return op->kind >= FADD && op->kind <= AWRITE; }
static unsigned int grh(void) { return op->type == IBV_QPT_UD ? GRH : 0; }

static void begin(void)
{
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_BIND_MW, .send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	file_mr = ibv_reg_mr(pd, file_mem, SIZE, file_access);
	if (!file_mr)
		err(1, "register");
	file_rkey = file_mr->rkey;
	pair_up(op->type, op->srq);
	if (!op->window)
		return;
	mw = ibv_alloc_mw(pd, IBV_MW_TYPE_2);
	if (!mw)
		err(1, "memory window");
	window_rkey = ibv_inc_rkey(mw->rkey);
	wr.bind_mw.mw = mw;
	wr.bind_mw.rkey = window_rkey;
	wr.bind_mw.bind_info = (struct ibv_mw_bind_info){
		.mr = file_mr, .addr = (uintptr_t)file_mem, .length = SIZE,
		.mw_access_flags = IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ,
	};
	if (ibv_post_send(b.qp, &wr, &bad) || !done(&b))
		errx(1, "cannot bind the window");
	file_rkey = window_rkey;
}

static void end(void)
{
	if (mw)
		ibv_dealloc_mw(mw);
	mw = NULL;
	destroy(&a);
	destroy(&b);
	if (ibv_dereg_mr(file_mr))
		err(1, "deregister");
}

static char *target(void) { return op->local ? anon_mem : file_mem; }
static char *here(void) { return op->local ? file_mem : anon_mem; }
static char *source(void) { return op->kind == READ ? target() : here(); }
static char *destination(void) { return op->kind == READ ? here() : target(); }

/* What is there before, so that what has arrived can be told from it. */
static void prepare(void)
{
	struct ibv_sge r = sge(op->local ? anon_mr : file_mr, target(), grh() + op->len);

	serial += 2;
	if (atomic()) {
		*(uint64_t *)target() = serial;
		*(uint64_t *)here() = 0;
	} else {
		fill(source(), serial, op->len);
		fill(destination(), serial - 1, grh() + op->len);
	}
	if (completes_twice())
		recv_into(&r, sends());
}

static void post_ex(void)
{
	struct ibv_qp_ex *qpx = ibv_qp_to_qp_ex(a.qp);
	uint64_t value = serial + 1;

	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	if (op->kind == AWRITE) {
		ibv_wr_atomic_write(qpx, file_rkey, (uintptr_t)target(), &value);
	} else {
#ifdef HAVE_IBV_FLUSH
		qpx->wr_flags = 0;
		ibv_wr_rdma_write(qpx, file_rkey, (uintptr_t)target());
		ibv_wr_set_sge(qpx, anon_mr->lkey, (uintptr_t)here(), op->len);
		qpx->wr_flags = IBV_SEND_SIGNALED;
		ibv_wr_flush(qpx, file_rkey, (uintptr_t)target(), op->len,
			     op->kind == FLUSH ? IBV_FLUSH_GLOBAL : IBV_FLUSH_PERSISTENT,
			     IBV_FLUSH_RANGE);
#endif
	}
	if (ibv_wr_complete(qpx))
		err(1, "post");
}

static void post(void)
{
	static struct ibv_ah *ah;
	struct ibv_ah_attr attr = {
		.is_global = 1, .port_num = 1,
		.grh = { .dgid = gid, .sgid_index = gid_index, .hop_limit = 1 },
	};
	struct ibv_sge s = sge(op->local ? file_mr : anon_mr, here(), op->len);
	uint32_t rkey = op->local ? anon_mr->rkey : file_rkey;
	struct ibv_send_wr wr = {
		.sg_list = &s, .num_sge = 1, .send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	if (op->kind >= AWRITE) {
		post_ex();
		return;
	}
	wr.opcode = opcodes[op->kind];
	if (atomic()) {
		wr.wr.atomic.remote_addr = (uintptr_t)target();
		wr.wr.atomic.rkey = rkey;
		wr.wr.atomic.compare_add = op->kind == FADD ? 1 : serial;
		wr.wr.atomic.swap = serial + 1;
	} else if (op->type == IBV_QPT_UD) {
		if (!ah)
			ah = ibv_create_ah(pd, &attr);
		if (!ah)
			err(1, "address handle");
		wr.wr.ud.ah = ah;
		wr.wr.ud.remote_qpn = b.qp->qp_num;
		wr.wr.ud.remote_qkey = 0x1234;
	} else if (op->kind == SEND_INV) {
		wr.invalidate_rkey = window_rkey;
	} else {
		wr.wr.rdma.remote_addr = (uintptr_t)target();
		wr.wr.rdma.rkey = rkey;
	}
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post");
}

/* All that was posted, and arrived as it should. */
static bool arrived(void)
{
	if (atomic())
		return *(uint64_t *)target() == serial + 1 &&
		       (op->kind == AWRITE || *(uint64_t *)here() == serial);
	return same(destination() + grh(), serial, op->len);
}

static bool complete(void)
{
	return done(&a) && (!completes_twice() || done(&b)) && arrived();
}

/* A message is lost, and does not use up its buffer; one that is sent later arrives. */
static bool lost(void)
{
	double limit = now() + LIMIT;
	enum ibv_wc_status status;

	if (!done(&a))
		return false;
	while (now() < limit) {
		post();
		if (!done(&a))
			return false;
		if (completes_twice() ? poll_one(&b, &status) :
		    !memcmp(destination(), source(), op->len))
			return (!completes_twice() || status == IBV_WC_SUCCESS) && arrived();
	}
	printf("# nothing arrives\n");
	return false;
}

static bool absent(void)
{
	struct ibv_device_attr_ex attr;

#ifndef HAVE_IBV_FLUSH
	if (op->kind == FLUSH)
		return true;
#endif
	if (op->kind == PERSIST ? !persistent : persistent)
		return true;
	if (ibv_query_device_ex(ctx, NULL, &attr))
		errx(1, "cannot query the device");
	return op->kind == AWRITE && !(attr.device_cap_flags_ex & ATOMIC_WRITE);
}

#endif /* RXE_PACKETS_OP_H */
