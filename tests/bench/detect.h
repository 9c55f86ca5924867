/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What may happen to a range of a file that somebody has registered, or beside it, by
 * that process or by another, for the programs that look who notices. Each time the
 * holder is a new process.
 *
 * Must never say that something was noticed: that is for those who include it.
 */
#ifndef BENCH_DETECT_H
#define BENCH_DETECT_H

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mempolicy.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <signal.h>
#include <unistd.h>

#define UNIT	(2ul << 20)		/* of hugetlbfs; the range is the second of four */
#define FILE_SIZE	(4 * UNIT)
#define TAKES	0x1			/* memory of the range is taken by it */
#define CLEANS	0x2			/* so it is where pages become dirty */
#define OTHER	0x4			/* done by another process */
#define MOVES	0x8			/* unless the page cannot be moved */

static const char *path;
static char *map;			/* the file's, of the holder */

static void must(bool done, const char *what)
{
	if (!done)
		err(1, "%s", what);
}

/* The holder has one descriptor, as a lease wants it; others open the file. */
static int open_file(int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	must(fd >= 0, path);
	return fd;
}

static void punch(int fd, off_t at)
{
	must(!fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, UNIT), "punch");
}

static void do_munmap(int fd)
{
	(void)fd;
	must(!munmap(map + UNIT, UNIT), "munmap");
}

static void do_munmap_beside(int fd)
{
	(void)fd;
	must(!munmap(map + 3 * UNIT, UNIT), "munmap");
}

static void do_punch(int fd)
{
	punch(fd, UNIT);
}

static void do_punch_beside(int fd)
{
	punch(fd, 3 * UNIT);
}

static void do_truncate(int fd)
{
	must(!ftruncate(fd, UNIT), "truncate");
}

static void do_truncate_beside(int fd)
{
	must(!ftruncate(fd, 3 * UNIT), "truncate");
}

static void do_fsync(int fd)
{
	must(!fsync(fd), "fsync");
}

static void do_fsync_beside(int fd)
{
	char other[256];

	(void)fd;
	snprintf(other, sizeof(other), "%s.other", path);
	fd = open(other, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && (!ftruncate(fd, UNIT)) && !fsync(fd) && !close(fd), other);
}

/* Pages of the range on the other node, and how many came there by do_migrate(). */
static long moved;

static long on_other_node(void **pages, const int *to)
{
	int status[UNIT / 4096] = { 0 };
	long nr = 0;

	must(syscall(SYS_move_pages, 0, UNIT / 4096, pages, to, status, MPOL_MF_MOVE) >= 0,
	     "move_pages");
	for (unsigned long i = 0; i < UNIT / 4096; i++)
		nr += status[i] == 1;
	return nr;
}

static void do_migrate(int fd)
{
	void *pages[UNIT / 4096];
	int to[UNIT / 4096];

	(void)fd;
	for (unsigned long i = 0; i < UNIT / 4096; i++) {
		pages[i] = map + UNIT + i * 4096;
		to[i] = 1;
	}
	/* What it says of pages that it could not move is not always true. */
	moved = -on_other_node(pages, NULL);
	on_other_node(pages, to);
	moved += on_other_node(pages, NULL);
}

static void do_read(int fd)
{
	char c;

	must(pread(fd, &c, 1, 3 * UNIT) == 1, "read");
}

static void do_fork(int fd)
{
	pid_t pid = fork();

	(void)fd;
	if (!pid)
		_exit(0);
	must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
}

static const struct op {
	const char *name;
	unsigned int flags;
	int open;			/* as another process does for it */
	void (*fn)(int fd);
} ops[] = {
	{ "munmap", TAKES, 0, do_munmap },
	{ "punch", TAKES, 0, do_punch },
	{ "truncate", TAKES, 0, do_truncate },
	{ "punch by another", TAKES | OTHER, O_RDWR, do_punch },
	{ "truncate by another", TAKES | OTHER, O_RDWR, do_truncate },
	{ "fsync", CLEANS, 0, do_fsync },
	{ "fsync by another", CLEANS | OTHER, O_RDONLY, do_fsync },
	{ "migrate", TAKES | MOVES, 0, do_migrate },
	{ "munmap beside", 0, 0, do_munmap_beside },
	{ "punch beside", 0, 0, do_punch_beside },
	{ "truncate behind, by another", OTHER, O_RDWR, do_truncate_beside },
	{ "fsync of another file", 0, 0, do_fsync_beside },
	{ "open and read by another", OTHER, O_RDONLY, do_read },
	{ "fork", 0, 0, do_fork },
};

#define NR_OPS	(sizeof(ops) / sizeof(*ops))

static int holder_map(void)
{
	int fd;

	/* Not emptied: some file systems write such a file when it is closed next. */
	must(!unlink(path) || errno == ENOENT, path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && !ftruncate(fd, FILE_SIZE), "truncate");
	map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(map != MAP_FAILED, "mmap");
	memset(map, 1, FILE_SIZE);
	return fd;
}

/* Is memory of the range taken by it, on such a file system? */
static bool takes(const struct op *op, const char *fs)
{
	bool dirty = strcmp(fs, "tmpfs") && strcmp(fs, "hugetlbfs");

	return (op->flags & TAKES) || (op->flags & CLEANS && dirty);
}

/* Those who include this: the holder, who ends if there can be no such range; */
static bool hold(int fd);
/* when it has been done, the holder; */
static long found(const struct op *op, int fd, bool taken);
/* and who has started it, with what found() has said. */
static const char *judge(const struct op *op, bool taken, long answer);

static void say(int fd, long value)
{
	must(write(fd, &value, sizeof(value)) == sizeof(value), "pipe");
}

static long hear(int fd)
{
	long value;

	must(read(fd, &value, sizeof(value)) == sizeof(value), "the other process");
	return value;
}

static void holder(const struct op *op, const char *fs, int to, int from)
{
	int fd;
	bool held;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = holder_map();
	held = hold(fd);
	say(to, held);
	if (held) {
		hear(from);
		if (!(op->flags & OTHER))
			op->fn(fd);
		say(to, 0);
		hear(from);
		say(to, found(op, fd, takes(op, fs)));
		hear(from);
	}
	_exit(0);
}

static void try(const char *way, const char *fs, const struct op *op)
{
	const char *outcome = "refused";
	int down[2], up[2];
	pid_t pid;

	must(!pipe2(down, O_CLOEXEC) && !pipe2(up, O_CLOEXEC), "pipe");
	pid = fork();
	must(pid >= 0, "fork");
	if (!pid)
		holder(op, fs, up[1], down[0]);
	close(up[1]);
	if (hear(up[0])) {
		say(down[1], 0);
		hear(up[0]);
		if (op->flags & OTHER) {
			int fd = open_file(op->open);

			op->fn(fd);
			close(fd);
		}
		say(down[1], 0);
		outcome = judge(op, takes(op, fs), hear(up[0]));
		say(down[1], 0);
	}
	must(waitpid(pid, NULL, 0) == pid, "the holder");
	close(up[0]);
	close(down[0]);
	close(down[1]);
	printf("B12\t%s\t%s\t%s\t%s\n", way, fs, op->name, outcome);
	fflush(stdout);
}

#endif /* BENCH_DETECT_H */
