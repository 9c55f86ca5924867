// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture: all that wants the pages of the file, at random.
 *
 * Must never drop data without void_begin() and void_end() around it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torture.h"

struct range {
	uint64_t first, len;
};

static struct range random_range(uint64_t *random)
{
	struct range r = { .first = random_next(random) % FILE_SIZE };

	r.len = 1 + random_next(random) % (FILE_SIZE / 16);
	if (r.len > FILE_SIZE - r.first)
		r.len = FILE_SIZE - r.first;
	return r;
}

static int drop(uint64_t *random, int mode)
{
	struct range r = random_range(random);
	int ret;

	void_begin(r.first, r.first + r.len);
	ret = fallocate(t.file, mode, r.first, r.len);
	void_end(r.first, r.first + r.len);
	return ret;
}

static int do_punch(uint64_t *random)
{
	return drop(random, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
}

static int do_zero(uint64_t *random)
{
	return drop(random, FALLOC_FL_ZERO_RANGE);
}

static int do_allocate(uint64_t *random)
{
	struct range r = random_range(random);

	return fallocate(t.file, 0, r.first, r.len);
}

/* Only the last region: what is cut off must be pinned anew. */
static int do_truncate(uint64_t *random)
{
	uint64_t first = FILE_SIZE - 1 - random_next(random) % REGION_SIZE;
	int ret;

	void_begin(first, FILE_SIZE);
	ret = ftruncate(t.file, first) || ftruncate(t.file, FILE_SIZE) ? -1 : 0;
	void_end(first, FILE_SIZE);
	return ret;
}

/* Only there, too: what comes after it moves by a page. */
static int shift(uint64_t *random, int mode)
{
	uint64_t region = FILE_SIZE - REGION_SIZE;
	uint64_t first = region + random_next(random) % (REGION_SIZE / PAGE - 1) * PAGE;
	int ret;

	void_begin(first, FILE_SIZE);
	ret = fallocate(t.file, mode, first, PAGE);
	if (!ret && ftruncate(t.file, FILE_SIZE))
		die("ftruncate");
	void_end(first, FILE_SIZE);
	return ret;
}

static int do_collapse(uint64_t *random)
{
	return shift(random, FALLOC_FL_COLLAPSE_RANGE);
}

static int do_insert(uint64_t *random)
{
	return shift(random, FALLOC_FL_INSERT_RANGE);
}

/* The next write to either of them is to a new place. */
static int do_reflink(uint64_t *random)
{
	uint64_t first = random_next(random) % (FILE_SIZE / PAGE);
	uint64_t pages = 1 + random_next(random) % (FILE_SIZE / PAGE - first);
	struct file_clone_range range = {
		.src_fd = t.file,
		.src_offset = first * PAGE,
		.src_length = pages * PAGE,
		.dest_offset = first * PAGE,
	};

	return ioctl(t.clone, FICLONERANGE, &range);
}

/* All of a region's mapping goes, and is there again. */
static int do_remap(uint64_t *random)
{
	uint64_t first = random_next(random) % REGIONS * REGION_SIZE;
	char *at = t.map + first;

	if (mmap(at, REGION_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED ||
	    mmap(at, REGION_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		 t.file, first) == MAP_FAILED)
		die("mmap");
	return 0;
}

static int advise(uint64_t *random, int advice)
{
	char *at = t.map + random_next(random) % REGIONS * REGION_SIZE;

	return madvise(at, REGION_SIZE, advice);
}

static int do_dontneed(uint64_t *random)
{
	return advise(random, MADV_DONTNEED);
}

static int do_pageout(uint64_t *random)
{
	return advise(random, MADV_PAGEOUT);
}

static int do_start_writeback(uint64_t *random)
{
	struct range r = random_range(random);

	return sync_file_range(t.file, r.first, r.len, SYNC_FILE_RANGE_WRITE);
}

static int do_msync(uint64_t *random)
{
	char *at = t.map + random_next(random) % REGIONS * REGION_SIZE;

	return msync(at, REGION_SIZE, MS_SYNC);
}

/* What cannot be reclaimed is an answer, too. */
static int tell(const char *path, const char *what)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret = fd < 0 ? -1 : write(fd, what, strlen(what)) < 0 && errno != EAGAIN;

	close(fd);
	return ret ? -1 : 0;
}

static int do_drop_caches(uint64_t *random)
{
	return tell("/proc/sys/vm/drop_caches", random_next(random) & 1 ? "1" : "3");
}

static int do_compact(uint64_t *random)
{
	(void)random;
	return tell("/proc/sys/vm/compact_memory", "1");
}

static int do_reclaim(uint64_t *random)
{
	(void)random;
	return t.reclaim ? tell(t.reclaim, "512K") : 0;
}

static int do_fork(uint64_t *random)
{
	pid_t pid = fork();

	if (!pid) {
		usleep(random_next(random) % 5000);
		_exit(0);
	}
	return pid < 0 || waitpid(pid, NULL, 0) != pid ? -1 : 0;
}

static const struct {
	const char *name;
	int often;
	int (*run)(uint64_t *random);
} troubles[] = {
	{ "allocate", 8, do_allocate },
	{ "collapse", 1, do_collapse },
	{ "compact", 1, do_compact },
	{ "dontneed", 8, do_dontneed },
	{ "drop_caches", 1, do_drop_caches },
	{ "fork", 4, do_fork },
	{ "insert", 1, do_insert },
	{ "msync", 4, do_msync },
	{ "pageout", 8, do_pageout },
	{ "punch", 8, do_punch },
	{ "reclaim", 4, do_reclaim },
	{ "reflink", 4, do_reflink },
	{ "remap", 4, do_remap },
	{ "start_writeback", 8, do_start_writeback },
	{ "truncate", 2, do_truncate },
	{ "zero", 4, do_zero },
};

#define NR_TROUBLES	(sizeof(troubles) / sizeof(*troubles))

static unsigned long done[NR_TROUBLES], unknown[NR_TROUBLES];

static size_t choose(uint64_t *random)
{
	int sum = 0, point;
	size_t i = 0;

	for (size_t n = 0; n < NR_TROUBLES; n++)
		sum += troubles[n].often;
	for (point = random_next(random) % sum; point >= troubles[i].often; i++)
		point -= troubles[i].often;
	return i;
}

void *trouble(void *random)
{
	while (!t.stop) {
		size_t i = choose(random);

		if (!troubles[i].run(random))
			done[i]++;
		else if (errno == EOPNOTSUPP)
			unknown[i]++;
		else
			die(troubles[i].name);
		usleep(random_next(random) % 4000);
	}
	return NULL;
}

void trouble_print(void)
{
	for (size_t i = 0; i < NR_TROUBLES; i++)
		printf(", %lu %s", done[i], troubles[i].name);
	for (size_t i = 0; i < NR_TROUBLES; i++)
		if (unknown[i])
			printf(", %s is not known", troubles[i].name);
}
