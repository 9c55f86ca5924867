// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: ops ROW STATE WAY DIRECTORY
 *   WAY: none, bare, revoke: so is another file of DIRECTORY pinned by this process;
 *   other: revoke, by another process
 *
 * B7, B8: what calls that have nothing to do with a pin cost, on files of DIRECTORY
 * and on anonymous memory.
 *
 * Must never touch what is pinned.
 */
#include <string.h>
#include <sys/wait.h>

#include "modules/bench_pin.h"
#include "ranges.h"

#define SOME	(64ul << 10)
#define MANY	(1ul << 20)

static int fd, direct;
static char *shared, *some, *gone;

/* Until this process, or the child that it is then, ends. */
static void pin_other(const char *way)
{
	struct bench_pin arg = {
		.addr = (uintptr_t)memory, .len = MANY, .flags = BENCH_PIN_WRITE, .times = 1,
	};
	char path[64];
	int dev;

	snprintf(path, sizeof(path), "/dev/bench_%s", way);
	dev = open(path, O_RDWR | O_CLOEXEC);
	if (dev < 0 || ioctl(dev, BENCH_PIN_HOLD, &arg))
		err(1, "%s", path);
}

/* A child that holds it, until we end. */
static void pin_in_child(void)
{
	int ready[2], end[2];
	char c;

	if (pipe2(ready, O_CLOEXEC) || pipe2(end, O_CLOEXEC))
		err(1, "pipe");
	switch (fork()) {
	case -1:
		err(1, "fork");
	case 0:
		close(end[1]);
		pin_other("revoke");
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		_exit(read(end[0], &c, 1) != 0);
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		errx(1, "the other process could not pin");
}

static void must(bool done, const char *what)
{
	if (!done)
		err(1, "%s", what);
}

static void dirty_shared(void)
{
	memset(shared, 1, MANY);
}

static void do_fsync(void)
{
	must(!fsync(fd), "fsync");
}

static void map_gone(void)
{
	gone = mmap(NULL, SOME, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	must(gone != MAP_FAILED, "mmap");
}

static void do_munmap(void)
{
	must(!munmap(gone, SOME), "munmap");
}

static void fill_direct(void)
{
	must(pwrite(direct, some, SOME, 0) == (ssize_t)SOME, "write");
}

static void do_truncate(void)
{
	must(!ftruncate(direct, 0), "truncate");
}

static void do_read(void)
{
	must(pread(direct, some, SOME, 0) == (ssize_t)SOME, "read");
}

static void do_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	must(pid > 0 && waitpid(pid, NULL, 0) == pid, "fork");
}

static void drop_some(void)
{
	must(!madvise(some, SOME, MADV_DONTNEED), "madvise");
}

static void do_fault(void)
{
	for (unsigned long i = 0; i < SOME; i += 4096)
		__atomic_store_n(some + i, 1, __ATOMIC_RELAXED);
}

static const struct op {
	const char *name;
	void (*before)(void);
	void (*fn)(void);
} ops[] = {
	{ "fsync of 256 dirty pages", dirty_shared, do_fsync },
	{ "munmap of 16 pages", map_gone, do_munmap },
	{ "truncate of 64 KiB", fill_direct, do_truncate },
	{ "fork, exit and wait", NULL, do_fork },
	{ "16 page faults", drop_some, do_fault },
	{ "O_DIRECT write of 64 KiB", NULL, fill_direct },
	{ "O_DIRECT read of 64 KiB", NULL, do_read },
};

static int open_in(const char *dir, const char *name, int flags)
{
	char path[256];
	int file;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | flags, 0600);
	must(file >= 0, path);
	return file;
}

int main(int argc, char **argv)
{
	char other[256], series[128];

	if (argc != 5)
		errx(2, "usage: ops ROW STATE WAY DIRECTORY");
	snprintf(other, sizeof(other), "%s/other", argv[4]);
	map_memory(other);
	if (!strcmp(argv[3], "other"))
		pin_in_child();
	else if (strcmp(argv[3], "none"))
		pin_other(argv[3]);

	fd = open_in(argv[4], "ops", 0);
	direct = open_in(argv[4], "direct", O_DIRECT);
	must(!ftruncate(fd, MANY), "truncate");
	shared = mmap(NULL, MANY, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	some = mmap(NULL, SOME, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED && some != MAP_FAILED, "mmap");
	must(!madvise(some, SOME, MADV_NOHUGEPAGE), "madvise");
	for (unsigned int i = 0; i < sizeof(ops) / sizeof(*ops); i++) {
		snprintf(series, sizeof(series), "%s: %s", ops[i].name, argv[2]);
		bench(&(struct bench){
			.row = argv[1], .series = series, .times = 128,
			.before = ops[i].before, .fn = ops[i].fn,
		});
	}
	return 0;
}
