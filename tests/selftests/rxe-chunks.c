// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-chunks FILE DISK
 *
 * A region of 8 MiB over FILE comes back in chunks of 2 MiB, where packets want it: the
 * others stay away, are not written again by the next fsync, and packets for them wait
 * until it is their turn. DISK is the name of the disk of FILE. Prints TAP.
 *
 * Must never take "not back" for granted before what was accessed is.
 */
#include "rdma-pair.h"

#define BIG		(8 * MIB)
#define CHUNK		(2 * MIB)

static char *big, *local;
static struct ibv_mr *big_mr, *local_mr;
static const char *disk;
static unsigned int serial;

/* In KiB */
static unsigned long written(void)
{
	unsigned long n;
	char path[80];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/block/%s/stat", disk);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%*u %*u %*u %*u %*u %*u %lu", &n) != 1)
		err(1, "%s", path);
	fclose(f);
	return n / 2;
}

/* Return: KiB that it wrote */
static unsigned long sync_file(void)
{
	unsigned long before = written();

	if (fsync(file_fd))
		err(1, "fsync");
	before = written() - before;
	printf("# %lu KiB written\n", before);
	return before;
}

static bool rdma(enum ibv_wr_opcode opcode, unsigned long at, size_t len)
{
	struct ibv_sge s = sge(local_mr, local, len);
	struct ibv_send_wr wr = {
		.opcode = opcode, .sg_list = &s, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = (uintptr_t)big + at, .rkey = big_mr->rkey },
	}, *bad;

	if (opcode == IBV_WR_RDMA_WRITE)
		fill(local, ++serial, len);
	else
		memset(local, 0, len);
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post");
	return done(&a) && !memcmp(local, big + at, len);
}

static bool rdma_write(unsigned long at, size_t len)
{
	return rdma(IBV_WR_RDMA_WRITE, at, len);
}

int main(int argc, char **argv)
{
	unsigned long start;

	if (argc != 3)
		errx(2, "usage: rxe-chunks FILE DISK");
	disk = argv[2];
	set_up(argv[1]);
	if (ibv_dereg_mr(file_mr) || posix_fallocate(file_fd, 0, BIG))
		err(1, "%s", argv[1]);
	big = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);
	local = mmap(NULL, BIG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (big == MAP_FAILED || local == MAP_FAILED)
		err(1, "mmap");
	big_mr = ibv_reg_mr(pd, big, BIG, ACCESS);
	local_mr = ibv_reg_mr(pd, local, BIG, ACCESS);
	if (!big_mr || !local_mr)
		err(1, "register memory");
	pair_up(IBV_QPT_RC, false);

	result(pinned() == BIG / MIB, "first, all is there");
	result(rdma_write(0, BIG), "a WRITE to all of it");
	result(sync_file() >= BIG / 1024, "all is written to the disk");

	start = hits();
	result(rdma_write(3 * MIB, 4096) && hits() != start, "one chunk is wanted");
	result(pinned() == 2, "and not more than that comes back");
	start = hits();
	result(rdma_write(2 * MIB, CHUNK) && hits() == start, "nobody waits for it any more");
	result(rdma(IBV_WR_RDMA_READ, 7 * MIB, 4096) && hits() != start,
	       "who wants another one does");
	result(pinned() == 4, "that comes back, too");
	start = hits();
	result(rdma_write(6 * MIB - 4096, 8192) && hits() != start,
	       "packets in a chunk that is away, beside one that is there");
	result(pinned() == 6, "three are there");
	/* Pinning for writing makes dirty, whether a device wrote or not. */
	result(sync_file() <= 3 * CHUNK / 1024 + 1024, "only these are written");

	result(rdma_write(4 * MIB - 512, 1024), "one packet into two chunks");
	result(pinned() == 4, "both come back");
	result(sync_file() <= 2 * CHUNK / 1024 + 1024, "only these two are written");
	result(rdma(IBV_WR_RDMA_READ, 0, BIG), "a READ of all of it");
	result(pinned() == BIG / MIB, "all is there again");
	destroy(&a);
	destroy(&b);
	result(!ibv_dereg_mr(big_mr) && !pinned(), "the region can be deregistered");
	printf("1..%d\n", tap_n);
	return tap_failed;
}
