// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: detect_odp FS FILE
 *
 * B12, of a region with on-demand paging: who is told is the device. It has when, after
 * what was done, it writes where the file is then, or fails if there is nothing.
 *
 * Must never look at a file through the file system to see what is on the disk, but
 * after an fsync and directly.
 */
#define SIZE	4096ul
#include "../selftests/rdma-pair.h"
#include "detect.h"

/* A page of @byte, from the device into the first of the range. */
static bool device_writes(int byte)
{
	struct ibv_sge from = sge(anon_mr, anon_mem, SIZE);
	struct ibv_send_wr *bad, wr = {
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.sg_list = &from,
		.num_sge = 1,
		.wr.rdma = { .remote_addr = (uintptr_t)map + UNIT, .rkey = file_mr->rkey },
	};

	memset(anon_mem, byte, SIZE);
	must(!ibv_post_send(a.qp, &wr, &bad), "post");
	return done(&a);
}

static bool hold(int fd)
{
	(void)fd;
	open_device();
	anon_mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(anon_mem != MAP_FAILED, "mmap");
	anon_mr = ibv_reg_mr(pd, anon_mem, SIZE, ACCESS);
	must(anon_mr, "memory region");
	file_access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE;
	file_mr = ibv_reg_mr(pd, map + UNIT, UNIT, file_access | IBV_ACCESS_ON_DEMAND);
	if (!file_mr)
		return false;
	pair_up(IBV_QPT_RC, false);
	return device_writes(2) && map[UNIT] == 2;
}

static int on_disk(void)
{
	static char page[SIZE] __attribute__((aligned(SIZE)));
	int fd = open_file(O_RDONLY | O_DIRECT);

	must(pread(fd, page, SIZE, UNIT) == SIZE && !close(fd), "read");
	return *page;
}

static long found(const struct op *op, int fd, bool taken)
{
	bool written = device_writes(3);

	if (op->fn == do_munmap || op->fn == do_truncate)
		return !written;
	if (op->flags & CLEANS && taken)
		return written && !fsync(fd) && on_disk() == 3;
	return written && map[UNIT] == 3;
}

static const char *judge(const struct op *op, bool taken, long answer)
{
	(void)op;
	if (taken)
		return answer ? "told" : "missed";
	return answer ? "quiet" : "false";
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: detect_odp FS FILE");
	path = argv[2];
	for (unsigned int i = 0; i < NR_OPS; i++)
		try("on-demand paging", argv[1], &ops[i]);
	return 0;
}
