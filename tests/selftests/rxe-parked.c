// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-parked FILE
 *
 * Takes away what others wait for: queue pairs are destroyed, and a region is
 * deregistered, while work waits for a region over FILE that fsync has taken.
 * No timer of the peer helps out: what nobody wakes up hangs. Prints TAP.
 *
 * Must never pause to make a race go one way.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rdma-pair.h"

#define HITS		"/sys/module/rdma_rxe/parameters/revoked_hits"
#define MIN_CAUGHT	5
#define AT_ONCE		10	/* seconds: the driver gives up after 50 */

static unsigned long hits(void)
{
	unsigned long n;
	FILE *f = fopen(HITS, "r");

	if (!f || fscanf(f, "%lu", &n) != 1)
		err(1, "%s", HITS);
	fclose(f);
	return n;
}

static void post(enum ibv_wr_opcode opcode, struct ibv_mr *mr, char *local,
		 char *remote, uint32_t rkey)
{
	struct ibv_sge list = sge(mr, local, SIZE);
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
	post(IBV_WR_RDMA_READ, anon_mr, anon_mem, file_mem, file_rkey);
}

static void read_into_file(void)
{
	post(IBV_WR_RDMA_READ, file_mr, file_mem, anon_mem, anon_mr->rkey);
}

static void write_from_file(void)
{
	post(IBV_WR_RDMA_WRITE, file_mr, file_mem, anon_mem, anon_mr->rkey);
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

static pid_t start_fsync(int fd)
{
	const struct timespec pace = { .tv_nsec = 250000000 };
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	while (!fsync(fd))
		nanosleep(&pace, NULL);
	err(1, "fsync");
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
	{ "a WRITE from the file fails when its key is freed",
	  deregister_parked, write_from_file },
	{ "a READ into the file fails when its key is freed",
	  deregister_parked, read_into_file },
};

int main(int argc, char **argv)
{
	bool failed = false;
	pid_t pid;
	int fd;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 2)
		errx(2, "usage: rxe-parked FILE");
	printf("TAP version 13\n");
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	if (fd < 0 || posix_fallocate(fd, 0, SIZE))
		err(1, "%s", argv[1]);
	file_mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	anon_mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (file_mem == MAP_FAILED || anon_mem == MAP_FAILED)
		err(1, "mmap");

	ack_timeout = 0;
	open_device();
	anon_mr = ibv_reg_mr(pd, anon_mem, SIZE, ACCESS);
	file_mr = ibv_reg_mr(pd, file_mem, SIZE, ACCESS);
	if (!anon_mr || !file_mr)
		err(1, "register memory");
	file_rkey = file_mr->rkey;
	pair_up(IBV_QPT_RC, false);
	pid = start_fsync(fd);

	for (unsigned int t = 0; t < ARRAY_SIZE(tests); t++) {
		unsigned int i = 0;

		while (i < MIN_CAUGHT && tests[t].test(tests[t].op, i))
			i++;
		failed |= i < MIN_CAUGHT;
		printf("%sok %u - %s\n", i < MIN_CAUGHT ? "not " : "", t + 1,
		       tests[t].name);
	}

	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	printf("1..%zu\n", ARRAY_SIZE(tests));
	return failed;
}
