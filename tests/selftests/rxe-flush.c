// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-flush FILE
 *
 * A FLUSH of a region over FILE on persistent memory, of which every chunk is away, by a
 * peer that does not retry: what comes back is what one refusal has asked for. Prints TAP.
 *
 * Must never flush before all has gone: what is still on its way out is no proof.
 */
#ifdef HAVE_IBV_FLUSH
#include "rdma-pair.h"

#define CHUNKS		8UL
#define LENGTH		(CHUNKS * 2 * MIB)

static struct ibv_mr *mr;
static char *mem;

static bool wait_pinned(unsigned long mib)
{
	double limit = now() + LIMIT;

	while (pinned() != mib) {
		if (now() > limit) {
			printf("# %lu MiB are there\n", pinned());
			return false;
		}
	}
	return true;
}

/* Return: how a FLUSH of all of the region ends, all of which fsync has taken */
static enum ibv_wc_status flush(void)
{
	enum ibv_wc_status status = IBV_WC_GENERAL_ERR;
	double limit = now() + LIMIT;
	struct ibv_qp_ex *qpx;

	rnr_retry = 0;
	pair_up(IBV_QPT_RC, false);
	if (fsync(file_fd))
		err(1, "fsync");
	if (!wait_pinned(0))
		errx(1, "fsync has not taken it");
	qpx = ibv_qp_to_qp_ex(a.qp);
	ibv_wr_start(qpx);
	qpx->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_flush(qpx, mr->rkey, (uintptr_t)mem, LENGTH, IBV_FLUSH_PERSISTENT,
		     IBV_FLUSH_RANGE);
	if (ibv_wr_complete(qpx))
		err(1, "post");
	while (!poll_one(&a, &status) && now() < limit)
		;
	printf("# %s\n", ibv_wc_status_str(status));
	destroy(&a);
	destroy(&b);
	return status;
}

int main(int argc, char **argv)
{
	enum ibv_wc_status status;

	if (argc != 2)
		errx(2, "usage: rxe-flush FILE");
	file_access |= IBV_ACCESS_FLUSH_PERSISTENT;
	more_ops = IBV_QP_EX_WITH_FLUSH;
	set_up(argv[1]);
	if (ibv_dereg_mr(file_mr) || posix_fallocate(file_fd, 0, LENGTH))
		err(1, "%s", argv[1]);
	mem = mmap(NULL, LENGTH, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	memset(mem, 0x5e, LENGTH);
	mr = ibv_reg_mr(pd, mem, LENGTH, file_access);
	if (!mr)
		err(1, "register");

	status = flush();
	result(status == IBV_WC_RNR_RETRY_EXC_ERR && wait_pinned(LENGTH / MIB),
	       "a FLUSH that is refused once brings all of it back");
	result(!ibv_dereg_mr(mr), "it can be deregistered");
	printf("1..%d\n", tap_n);
	return tap_failed;
}
#else
#include <stdio.h>

int main(void)
{
	printf("1..0 # SKIP no persistence\n");
	return 0;
}
#endif
