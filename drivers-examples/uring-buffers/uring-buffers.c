// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * usage: uring-buffers PIPE BUFFERS
 *
 * Fixed buffers of io_uring that can be asked for: they are in BUFFERS, a file on a
 * tmpfs, and what comes from PIPE is read into one after the other. One that is asked
 * for is taken out of the ring's table. What is in flight still uses it, may finish for
 * half of the time, and is cancelled then. One ring does it all, events come by it, too.
 *
 * Must never call a buffer released before the completion of its tag has come: from
 * then on the kernel does not use it.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <poll.h>
#include <revoke/revoke.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define NR	2
#define SIZE	65536L
#define TICK_MS	20
/* Linux 6.1 tells of a release a second later. */
#define MORE_MS	1000

/* What a completion is about, and of which buffer; a tag is not 0. */
enum { EVENT, RECEIVED, RELEASED, CANCELLED };
#define DATA(what, i)	((__u64)(what) << 8 | (i))

static struct buffer {
	char *mem;
	struct revoke_range range;	/* declared, unless NONE */
	enum { NONE, REGISTERED, RELEASING } state;
	bool reading;
	uint64_t cancel_ns;		/* when, 0: not again */
} buffers[NR];

static struct io_uring ring;
static struct revoke_ctx *ctx;
static int from;

static void check(int ret, const char *what)
{
	if (ret < 0)
		errx(1, "%s: %s", what, strerror(-ret));
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

static struct io_uring_sqe *next_sqe(void)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);

	if (!sqe)
		errx(1, "the ring is full");
	return sqe;
}

/* The table's entry: memory with a tag, or nothing. */
static int update(int i, void *mem)
{
	struct iovec iov = { mem, mem ? SIZE : 0 };
	__u64 tag = mem ? DATA(RELEASED, i) : 0;

	return io_uring_register_buffers_update_tag(&ring, i, &iov, &tag, 1);
}

/* Out of the table, so that nothing new uses it. */
static void release(struct buffer *b, uint64_t until_ns)
{
	int i = b - buffers;

	if (b->state != REGISTERED)
		return;
	b->state = RELEASING;
	b->cancel_ns = until_ns;
	check(update(i, NULL), "unregister");
}

/* Declared first, registered then, checked last: see revoke_pin_valid(). */
static void acquire(struct buffer *b)
{
	b->range = (struct revoke_range){
		.size = sizeof(b->range), .addr = (uintptr_t)b->mem, .len = SIZE,
		.flags = REVOKE_RANGE_WRITE,
	};
	/* While somebody changes the file there may be nothing to have. */
	if (revoke_declare(ctx, "io_uring buffer", &b->range, 1))
		return;
	check(update(b - buffers, b->mem), "register");
	b->state = REGISTERED;
	puts("registered");
	if (!revoke_pin_valid(&b->range))
		release(b, now_ns());
}

static void asked(struct buffer *b, const struct revoke_event *event)
{
	printf("asked: %s\n", revoke_reason_name(event->reason));
	revoke_extend(ctx, event->request, event->pin.id, MORE_MS);
	release(b, event->deadline_ns - event->remaining_ns / 2);
}

static void handle(const struct revoke_event *event)
{
	for (struct buffer *b = buffers; b < buffers + NR; b++) {
		if (b->state == NONE || event->pin.id != b->range.id)
			continue;
		switch (event->type) {
		case REVOKE_EVENT_RELEASE_SOON:
			asked(b, event);
			break;
		case REVOKE_EVENT_REVOKED:
		case REVOKE_EVENT_GONE:
			printf("taken: %s\n", revoke_reason_name(event->reason));
			release(b, now_ns());
			break;
		}
	}
}

static void wait_for_events(void)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_poll_add(sqe, revoke_fd(ctx), POLLIN);
	io_uring_sqe_set_data64(sqe, DATA(EVENT, 0));
}

static void start_read(int i)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_read_fixed(sqe, from, buffers[i].mem, SIZE, -1, i);
	io_uring_sqe_set_data64(sqe, DATA(RECEIVED, i));
	buffers[i].reading = true;
}

static void cancel_read(int i)
{
	struct io_uring_sqe *sqe = next_sqe();

	io_uring_prep_cancel64(sqe, DATA(RECEIVED, i), 0);
	io_uring_sqe_set_data64(sqe, DATA(CANCELLED, i));
	buffers[i].cancel_ns = 0;
}

/* Return: false at the end of what is to be read. */
static bool complete(const struct io_uring_cqe *cqe)
{
	struct buffer *b = &buffers[cqe->user_data & 0xff];
	struct revoke_event event = { .size = sizeof(event) };

	switch (cqe->user_data >> 8) {
	case EVENT:
		while (revoke_next_event(ctx, &event) == 1)
			handle(&event);
		wait_for_events();
		break;
	case RECEIVED:
		b->reading = false;
		/* If the pages are not those that are mapped it is not here. */
		if (cqe->res > 0)
			printf("received: %.*s", cqe->res, b->mem);
		else if (cqe->res != -ECANCELED)
			return false;
		break;
	case RELEASED:
		/* Whoever waits for it goes on: that is the answer. */
		check(revoke_undeclare(ctx, &b->range, 1), "undeclare");
		b->state = NONE;
		puts("released");
		break;
	}
	return true;
}

static void tick(void)
{
	bool reading = false;
	int i;

	for (i = 0; i < NR; i++) {
		struct buffer *b = &buffers[i];

		if (b->state == NONE)
			acquire(b);
		if (b->state == RELEASING && b->reading && b->cancel_ns &&
		    now_ns() >= b->cancel_ns)
			cancel_read(i);
		reading |= b->reading;
	}
	for (i = 0; i < NR && !reading; i++) {
		reading = buffers[i].state == REGISTERED;
		if (reading)
			start_read(i);
	}
	io_uring_submit(&ring);
}

static char *map(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	void *mem;

	if (fd < 0 || ftruncate(fd, NR * SIZE))
		err(1, "%s", path);
	mem = mmap(NULL, NR * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	return mem;
}

int main(int argc, char **argv)
{
	struct __kernel_timespec often = { .tv_nsec = TICK_MS * 1000000LL };
	struct io_uring_cqe *cqe;
	bool more = true;
	char *mem;
	int ret;

	if (argc != 3)
		errx(2, "usage: uring-buffers PIPE BUFFERS");
	setlinebuf(stdout);
	check(revoke_open(NULL, &ctx), "revoke_open");
	check(io_uring_queue_init(8 * NR, &ring, 0), "io_uring");
	check(io_uring_register_buffers_sparse(&ring, NR), "a table of buffers");
	from = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (from < 0)
		err(1, "%s", argv[1]);
	mem = map(argv[2]);
	for (int i = 0; i < NR; i++)
		buffers[i].mem = mem + i * SIZE;
	wait_for_events();
	while (more) {
		tick();
		ret = io_uring_wait_cqe_timeout(&ring, &cqe, &often);
		if (ret != -ETIME && ret != -EINTR)
			check(ret, "wait");
		while (more && !io_uring_peek_cqe(&ring, &cqe)) {
			more = complete(cqe);
			io_uring_cqe_seen(&ring, cqe);
		}
	}
	io_uring_queue_exit(&ring);
	revoke_close(ctx);
	return 0;
}
