// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: into_file WAY FILE BLOCK-DEVICE alone|fsync
 *   WAY: pin (a region over the file; asked, it stops its peer), plain (never heard of
 *   that), odp, each (a region for each WRITE), write or uring (from a receive buffer,
 *   with write(2), or O_DIRECT with a fixed buffer of io_uring)
 *
 * B10: for SECONDS, RDMA WRITEs of 4 KiB by a peer in the same process go into FILE,
 * one slot after the other, with nobody else, or with another process that calls fsync
 * every second. What got there in each tenth of a second, the longest pause in each
 * second, what is not on the disk after a last fsync, and what that disk was told to
 * write. Exits with 77 if the kernel refuses to register such memory.
 *
 * Must never look for what it has lost while anything of the file may be dirty.
 */
#include <errno.h>
#include <liburing.h>
#include <poll.h>
#include <revoke/revoke.h>

#define PATH_MTU	IBV_MTU_4096
#define SIZE		4096ul
#include "../selftests/rdma-pair.h"
#include "bench.h"

#define SLOTS		8192u		/* 32 MiB */
#define WINDOW		16u
#define SECONDS		4
#define TICKS		10		/* of a second */

static struct ibv_mr *all, *source, *target;	/* the file; what is sent; what it goes to */
static struct ibv_mr *one[WINDOW];
static char *map, *buffers;
static uint64_t sent[SLOTS];		/* last number that has arrived in each */
static uint64_t head, tail;		/* posted, completed */
static struct revoke_ctx *holder;
static uint64_t request;		/* to be answered when nothing is in flight */
static bool paused;
static struct io_uring ring;
static const char *way;
static int direct;			/* descriptor that bypasses the cache */

static void must(bool good, const char *what)
{
	if (!good)
		err(1, "%s", what);
}

static bool is(const char *name)
{
	return !strcmp(way, name);
}

static bool through_buffer(void)
{
	return is("write") || is("uring");
}

static struct ibv_mr *reg(void *addr, size_t len, int more)
{
	return ibv_reg_mr(pd, addr, len, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			  more);
}

static void post(void)
{
	unsigned int at = head % WINDOW, slot = head % SLOTS;
	uint64_t *words = (uint64_t *)(buffers + at * SIZE);
	struct ibv_sge from = { .addr = (uintptr_t)words, .length = SIZE, .lkey = source->lkey };
	char *to = map + slot * SIZE;
	struct ibv_mr *mr = all;
	struct ibv_send_wr *bad, wr = {
		.opcode = IBV_WR_RDMA_WRITE, .send_flags = IBV_SEND_SIGNALED,
		.sg_list = &from, .num_sge = 1,
	};

	/* Numbers begin with one: what was never written is none. */
	words[0] = head + 1;
	words[SIZE / 8 - 1] = head + 1;
	if (through_buffer()) {
		to = buffers + (WINDOW + at) * SIZE;
		mr = target;
	} else if (is("each")) {
		one[at] = reg(to, SIZE, 0);
		mr = one[at];
		must(mr, "a region for a WRITE");
	}
	wr.wr.rdma.remote_addr = (uintptr_t)to;
	wr.wr.rdma.rkey = mr->rkey;
	must(!ibv_post_send(a.qp, &wr, &bad), "post");
	head++;
}

/* It has arrived: now it is to go into the file, if it is not there. */
static void arrived(void)
{
	unsigned int at = tail % WINDOW, slot = tail % SLOTS;
	char *from = buffers + (WINDOW + at) * SIZE;

	if (is("each")) {
		must(!ibv_dereg_mr(one[at]), "a region for a WRITE");
	} else if (is("write")) {
		must(pwrite(file_fd, from, SIZE, slot * SIZE) == (ssize_t)SIZE, "write");
	} else if (is("uring")) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

		io_uring_prep_write_fixed(sqe, direct, from, SIZE, slot * SIZE, 0);
	}
	sent[slot] = ++tail;
}

/* All that has arrived; true if there was anything. */
static bool reap(void)
{
	enum ibv_wc_status status;
	struct io_uring_cqe *cqe;
	unsigned int n = 0;

	while (poll_one(&a, &status)) {
		if (status != IBV_WC_SUCCESS)
			errx(1, "completed with %s", ibv_wc_status_str(status));
		arrived();
		n++;
	}
	if (n && is("uring")) {
		must(io_uring_submit_and_wait(&ring, n) == (int)n, "io_uring");
		for (unsigned int i = 0; i < n; i++) {
			must(!io_uring_wait_cqe(&ring, &cqe) && cqe->res == (int)SIZE,
			     "io_uring");
			io_uring_cqe_seen(&ring, cqe);
		}
	}
	return n;
}

static void events(void)
{
	struct revoke_event event = { .size = sizeof(event) };

	while (holder && revoke_next_event(holder, &event) == 1) {
		if (event.type == REVOKE_EVENT_RELEASE_SOON) {
			request = event.request;
			paused = true;
		} else if (event.type == REVOKE_EVENT_RESTORED ||
			   event.type == REVOKE_EVENT_CANCELLED) {
			paused = false;
		} else if (event.type != REVOKE_EVENT_REVOKED ||
			   (event.flags & PIN_REVOKE_EVENT_FLAGS_FORCED)) {
			errx(1, "unexpected: %s", revoke_event_name(event.type));
		}
	}
	if (request && head == tail) {
		if (revoke_ack(holder, request, 0, PIN_REVOKE_ACK_KIND_QUIESCED))
			errx(1, "answer: %s", revoke_last_error(holder));
		request = 0;
	}
}

static void wait_for_news(int ms)
{
	struct pollfd pfd[] = {
		{ .fd = channel->fd, .events = POLLIN },
		{ .fd = holder ? revoke_fd(holder) : -1, .events = POLLIN },
	};
	struct ibv_cq *cq;
	void *context;

	must(poll(pfd, 2, ms) >= 0 || errno == EINTR, "poll");
	if (pfd[0].revents) {
		must(!ibv_get_cq_event(channel, &cq, &context), "completion event");
		ibv_ack_cq_events(cq, 1);
		must(!ibv_req_notify_cq(a.cq, 0), "notify");
	}
}

static void stream(uint64_t *rates, double *pauses)
{
	double begun = now(), last = begun, at = begun;

	memset(rates, 0, SECONDS * TICKS * sizeof(*rates));
	memset(pauses, 0, SECONDS * sizeof(*pauses));
	must(!ibv_req_notify_cq(a.cq, 0), "notify");
	while (at < begun + SECONDS || head != tail) {
		unsigned int second = at - begun;
		uint64_t before = tail;

		while (at < begun + SECONDS && !paused && head - tail < WINDOW)
			post();
		if (!reap())
			wait_for_news(100);
		events();
		at = now();
		if (tail != before) {
			if (second < SECONDS) {
				rates[(unsigned int)((last - begun) * TICKS) % (SECONDS * TICKS)] +=
					tail - before;
				if (at - last > pauses[second])
					pauses[second] = at - last;
			}
			last = at;
		}
	}
}

static uint64_t bytes_written(const char *device)
{
	unsigned long long sectors;
	char name[64];
	FILE *f;

	snprintf(name, sizeof(name), "/sys/block/%s/stat", device);
	f = fopen(name, "r");
	must(f && fscanf(f, "%*u %*u %*u %*u %*u %*u %llu", &sectors) == 1, name);
	fclose(f);
	return sectors * 512;
}

static uint64_t lost(void)
{
	uint64_t n = 0;

	must(!fsync(file_fd), "fsync");
	for (unsigned int slot = 0; slot < SLOTS; slot++) {
		uint64_t *words = (uint64_t *)buffers;

		if (!sent[slot])
			continue;
		must(pread(direct, words, SIZE, slot * SIZE) == (ssize_t)SIZE, "read");
		n += words[0] != sent[slot] || words[SIZE / 8 - 1] != sent[slot];
	}
	return n * SIZE;
}

static pid_t syncs(void)
{
	const struct timespec second = { .tv_sec = 1 };
	pid_t pid = fork();

	must(pid >= 0, "fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		nanosleep(&second, NULL);
		must(!fsync(file_fd), "fsync");
	}
}

static void set_up_file(const char *path)
{
	static char zeroes[1 << 20];
	struct iovec iov;

	file_fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	must(file_fd >= 0, path);
	/* Each block has its place before. */
	for (unsigned long i = 0; i < SLOTS * SIZE; i += sizeof(zeroes))
		must(write(file_fd, zeroes, sizeof(zeroes)) == sizeof(zeroes), path);
	direct = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	must(!fsync(file_fd) && direct >= 0, path);
	map = mmap(NULL, SLOTS * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file_fd, 0);
	buffers = mmap(NULL, 2 * WINDOW * SIZE, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	must(map != MAP_FAILED && buffers != MAP_FAILED, "mmap");
	if (is("uring")) {
		iov = (struct iovec){ buffers + WINDOW * SIZE, WINDOW * SIZE };
		must(!io_uring_queue_init(2 * WINDOW, &ring, 0) &&
		     !io_uring_register_buffers(&ring, &iov, 1), "io_uring");
	}
}

static void set_up_regions(void)
{
	if (is("pin") && revoke_open(NULL, &holder))
		errx(1, "no context: %s", revoke_last_error(NULL));
	open_device();
	channel = ibv_create_comp_channel(ctx);
	must(channel, "completion channel");
	source = reg(buffers, WINDOW * SIZE, 0);
	target = reg(buffers + WINDOW * SIZE, WINDOW * SIZE, 0);
	must(source && target, "memory region");
	if (!through_buffer() && !is("each")) {
		all = reg(map, SLOTS * SIZE, is("odp") ? IBV_ACCESS_ON_DEMAND : 0);
		if (!all) {
			warn("%s", way);
			exit(77);
		}
	}
	file_access = IBV_ACCESS_REMOTE_WRITE;
	pair_up(IBV_QPT_RC, false);
}

int main(int argc, char **argv)
{
	static const char * const ways[][2] = {
		{ "pin", "our region over the file" }, { "plain", "a plain region over the file" },
		{ "odp", "on-demand paging" }, { "each", "our region for each WRITE" },
		{ "write", "a receive buffer and write(2)" },
		{ "uring", "a receive buffer and io_uring, O_DIRECT" },
	};
	uint64_t rates[SECONDS * TICKS], value;
	double pauses[SECONDS];
	const char *name = NULL;
	char series[128];
	pid_t pid = 0;

	for (int i = 0; argc == 5 && i < 6; i++)
		if (!strcmp(argv[1], ways[i][0]))
			name = ways[i][1];
	if (!name)
		errx(2, "usage: into_file WAY FILE BLOCK-DEVICE alone|fsync");
	way = argv[1];
	set_up_file(argv[2]);
	set_up_regions();
	if (!strcmp(argv[4], "fsync"))
		pid = syncs();
	value = bytes_written(argv[3]);
	stream(rates, pauses);
	if (pid)
		must(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid, "who calls fsync");

#define PRINT(what, ticks, times, per) do { \
	snprintf(series, sizeof(series), "%s: %s%s", what, name, \
		 pid ? ", fsync every second" : ""); \
	bench_print("B10", series, 0, NAN, ticks, times, per); \
} while (0)
	/* The last one is not a whole one. */
	PRINT("KiB in a tenth of a second", rates, SECONDS * TICKS - 1, 1 / 4.);
	for (int i = 0; i < SECONDS; i++)
		rates[i] = pauses[i] * 1e6;
	PRINT("longest pause in a second, us", rates, SECONDS, 1);
	rates[0] = tail * SIZE / SECONDS >> 10;
	PRINT("KiB a second", rates, 1, 1);
	rates[0] = lost();
	PRINT("bytes lost", rates, 1, 1);
	rates[0] = bytes_written(argv[3]) - value;
	PRINT("bytes to the disk for each byte", rates, 1, (double)tail * SIZE);
	return 0;
}
