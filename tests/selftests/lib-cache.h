/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lib-ofi and lib-ucx share: a file in memory that a library keeps registered,
 * the pin that stands for it, somebody who needs it, and what is heard of that.
 * Included once in each program: all is static.
 *
 * Must never believe the library that something is deregistered: the kernel's list of
 * regions tells. Nor fork: libraries empty their caches for that.
 */
#ifndef LIB_CACHE_H
#define LIB_CACHE_H

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <revoke/revoke.h>

#define SIZE		327680		/* of no other region */
#define LIMIT_MS	60000

static int tap_n, tap_failed;
static struct revoke_ctx *holder;
static char *mem;
static int file;

static void result(bool good, const char *what)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++tap_n, what);
	tap_failed |= !good;
}

static void check(int ret, const char *what)
{
	if (ret)
		errx(1, "%s: %s", what, strerror(-ret));
}

static void set_up(const char *path)
{
	setlinebuf(stdout);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, SIZE))
		err(1, "%s", path);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	check(revoke_open(NULL, &holder), "revoke_open");
}

static int done(void)
{
	revoke_close(holder);
	printf("1..%d\n", tap_n);
	return tap_failed;
}

static void punch(void)
{
	if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE))
		err(1, "punch");
}

/* The kernel's number of the region of this size, -1 if there is none. */
static int registered(void)
{
	FILE *out = popen("rdma resource show mr | grep 'mrlen 327680' | grep -o 'mrn [0-9]*'",
			  "r");
	int id = -1, another;

	if (!out)
		errx(1, "rdma resource");
	if (fscanf(out, " mrn %d", &id) == 1 && fscanf(out, " mrn %d", &another) == 1)
		errx(1, "registered twice: %d, %d", id, another);
	pclose(out);
	return id;
}

static int find(const struct revoke_pin *pin, void *arg)
{
	uint64_t *id = arg;

	if (pin->pid == (uint32_t)getpid() && pin->addr == (uintptr_t)mem)
		*id = pin->id;
	return 0;
}

/* What stands for it: the region itself, or what is declared; 0 if nothing does. */
static uint64_t pin(void)
{
	uint64_t id = 0;
	int ret;

	do {
		ret = revoke_pin_list(holder, find, &id);
	} while (ret == -EAGAIN);
	check(ret, "list");
	return id;
}

static pid_t start_admin(void)
{
	char id[24], *args[] = { "revokectl", "pin", "revoke", id, "wait", NULL };
	pid_t pid;

	snprintf(id, sizeof(id), "%llu", (unsigned long long)pin());
	if (posix_spawnp(&pid, args[0], NULL, NULL, args, environ))
		errx(1, "revokectl");
	return pid;
}

static bool waits(pid_t pid)
{
	return !waitpid(pid, NULL, WNOHANG);
}

static bool went_on(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && !status;
}

static struct revoke_event hear(uint32_t type)
{
	struct revoke_event event = { .size = sizeof(event) };

	do {
		if (revoke_wait_event(holder, &event, LIMIT_MS) != 1)
			errx(1, "no %s", revoke_event_name(type));
		printf("# %s %s\n", revoke_event_name(event.type),
		       revoke_reason_name(event.reason));
	} while (event.type != type);
	return event;
}

#endif /* LIB_CACHE_H */
