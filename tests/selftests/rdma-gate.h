/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A region of rdma-pair.h is taken at a chosen packet: what the rxe-*.c that use the gate
 * of modules/rxe_gate.c share. Included once in each program, after rdma-pair.h.
 *
 * Must never pause to make a race go one way.
 */
#ifndef RDMA_GATE_H
#define RDMA_GATE_H

#include <linux/fs.h>
#include <pthread.h>
#include <sys/ioctl.h>

#define GATE		"/sys/module/rdma_rxe/parameters/gate"

static int root_fd;
static bool frozen;

static void gate(const char *word, unsigned int n)
{
	FILE *f = fopen(GATE, "w");

	if (!f || fprintf(f, "%s %u", word, n) < 0 || fclose(f))
		err(1, "%s", GATE);
}

static void gate_open(void)
{
	FILE *f = fopen(GATE, "w");

	if (!f || fputs("open", f) < 0 || fclose(f))
		err(1, "%s", GATE);
}

static unsigned int seen(unsigned int *left)
{
	unsigned int n;
	FILE *f = fopen(GATE, "r");

	if (!f || fscanf(f, "%u %u", &n, left) != 2)
		err(1, "%s", GATE);
	fclose(f);
	return n;
}

static bool reached(unsigned int n)
{
	double limit = now() + LIMIT;
	unsigned int left;

	while (seen(&left) < n) {
		if (now() > limit) {
			printf("# only %u accesses\n", seen(&left));
			return false;
		}
	}
	return true;
}

static void freeze(void)
{
	if (ioctl(root_fd, FIFREEZE, 0))
		err(1, "freeze");
	frozen = true;
}

static void thaw(void)
{
	if (frozen && ioctl(root_fd, FITHAW, 0))
		err(1, "thaw");
	frozen = false;
}

/* Whatever ends this program: others want to use both. */
static void restore_world(void)
{
	thaw();
	gate_open();
}

static void use_gate(const char *path)
{
	root_fd = open(path, O_RDONLY);
	if (root_fd < 0 || atexit(restore_world))
		err(1, "%s", path);
}

/* A packet has found the region away. */
static bool met(unsigned long start)
{
	double limit = now() + LIMIT;

	while (hits() == start)
		if (now() > limit)
			return false;
	return true;
}

/* Takes what somebody is inside of. */
struct taker {
	unsigned int n, left;
	bool ok;
	pthread_t thread;
};

static void *take(void *arg)
{
	struct taker *taker = arg;

	taker->ok = reached(taker->n);
	if (madvise(file_mem, SIZE, MADV_DONTNEED))
		err(1, "drop the mapping");
	seen(&taker->left);
	return NULL;
}

/* The mapping goes while packet @n is being copied. */
static void take_inside(struct taker *taker, unsigned int n)
{
	*taker = (struct taker){ .n = n + 1 };
	gate("inside", n + 1);
	if (pthread_create(&taker->thread, NULL, take, taker))
		errx(1, "thread");
}

/* Return: it went as soon as that packet was out. */
static bool taken(struct taker *taker)
{
	pthread_join(taker->thread, NULL);
	gate_open();
	if (!taker->ok || !taker->left)
		printf("# the packet was %s when its pages were taken\n",
		       taker->ok ? "still being copied" : "not there");
	return taker->ok && taker->left;
}

#endif /* RDMA_GATE_H */
