// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-hole FILE
 *
 * A region over FILE on persistent memory that promises persistence, for reading. Where
 * holes were punched, zeroes come back that are not persistent: the region is gone, for
 * the chunk that has the holes and for the next one, which has none. Nobody may read
 * what was in the pages before. Prints TAP.
 *
 * Must never write through RDMA: then there would be no hole.
 */
#ifdef HAVE_IBV_FLUSH
#include "rdma-pair.h"

#define CHUNK		(2UL << 20)
#define PAGE		4096UL

static enum ibv_wc_status read_file(char *mem, struct ibv_mr *mr, size_t at)
{
	struct ibv_sge s = sge(anon_mr, anon_mem, 1024);
	enum ibv_wc_status status = IBV_WC_GENERAL_ERR;
	double limit = now() + LIMIT;
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_RDMA_READ, .sg_list = &s, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)mem + at, .rkey = mr->rkey },
	}, *bad;

	memset(anon_mem, 0, 1024);
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post");
	while (!poll_one(&a, &status) && now() < limit)
		;
	printf("# %s, %#x\n", ibv_wc_status_str(status), (unsigned char)*anon_mem);
	return status;
}

static void punch(size_t at)
{
	if (fallocate(file_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, PAGE))
		err(1, "punch");
}

int main(int argc, char **argv)
{
	struct ibv_mr *mr;
	char *mem;

	if (argc != 2)
		errx(2, "usage: rxe-hole FILE");
	set_up(argv[1]);
	if (ibv_dereg_mr(file_mr) || posix_fallocate(file_fd, 0, 2 * CHUNK))
		err(1, "%s", argv[1]);
	mem = mmap(NULL, 2 * CHUNK, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	memset(mem, 0x5e, 2 * CHUNK);
	mr = ibv_reg_mr(pd, mem, 2 * CHUNK,
			IBV_ACCESS_REMOTE_READ | IBV_ACCESS_FLUSH_PERSISTENT);
	if (!mr)
		err(1, "register");
	pair_up(IBV_QPT_RC, false);
	result(read_file(mem, mr, CHUNK - 512) == IBV_WC_SUCCESS && *anon_mem == 0x5e,
	       "a READ of two chunks");
	/* The first page says that the region is gone, the last is the one that is read. */
	punch(0);
	punch(CHUNK - PAGE);
	result(read_file(mem, mr, CHUNK - 512) == IBV_WC_REM_ACCESS_ERR && !*anon_mem,
	       "nobody reads what was where a hole is now");
	destroy(&a);
	destroy(&b);
	pair_up(IBV_QPT_RC, false);
	punch(2 * PAGE);
	result(read_file(mem, mr, CHUNK) == IBV_WC_REM_ACCESS_ERR,
	       "the region is gone for ever");
	destroy(&a);
	destroy(&b);
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
