// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-holder: memory and files, and what writes them to the disk.
 *
 * Must never answer a request: its caller may be the one who waits for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "holder.h"

static struct region {
	char *addr;
	int fd;
} regions[SLOTS];

static const char zeroes[65536];

/* "REGION+OFFSET", or a plain number. */
char *place(const char *s)
{
	char *plus = s ? strchr(s, '+') : NULL;

	if (!plus)
		return (char *)(uintptr_t)number(s);
	return regions[slot(s)].addr + number(plus + 1);
}

int region_fd(const char *s)
{
	return regions[slot(s)].fd;
}

/* map REGION FILE|anon|memfd SIZE shared|private|ro [PLACE]: over what is there */
void do_map(char **arg)
{
	struct region *r = &regions[slot(arg[1])];
	bool ro = !strcmp(arg[4], "ro");
	char *at = place(arg[5]);
	int flags = !strcmp(arg[4], "private") ? MAP_PRIVATE : MAP_SHARED;
	size_t size = number(arg[3]);

	r->fd = -1;
	if (!strcmp(arg[2], "anon"))
		flags = MAP_PRIVATE | MAP_ANONYMOUS;
	else if (!strcmp(arg[2], "memfd"))
		r->fd = memfd_create("core-holder", MFD_CLOEXEC);
	else
		r->fd = open(arg[2], (ro ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if ((r->fd < 0 && !(flags & MAP_ANONYMOUS)) ||
	    (!strcmp(arg[2], "memfd") && ftruncate(r->fd, size))) {
		done(-1);
		return;
	}
	r->addr = mmap(at, size, PROT_READ | (ro ? 0 : PROT_WRITE),
		       flags | (at ? MAP_FIXED : 0), r->fd, 0);
	done(r->addr == MAP_FAILED ? -1 : 0);
}

/* unmap PLACE SIZE */
void do_unmap(char **arg)
{
	done(munmap(place(arg[1]), number(arg[2])));
}

/* protect PLACE SIZE none|ro|rw */
void do_protect(char **arg)
{
	int prot = !strcmp(arg[3], "none") ? PROT_NONE :
		   !strcmp(arg[3], "ro") ? PROT_READ : PROT_READ | PROT_WRITE;

	done(mprotect(place(arg[1]), number(arg[2]), prot));
}

static int uffd;

/* uffd PLACE SIZE: whoever misses a page there waits for uffd-end, or our end */
void do_uffd(char **arg)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { (uintptr_t)place(arg[1]), number(arg[2]) },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	done(uffd < 0 || ioctl(uffd, UFFDIO_API, &api) ||
	     ioctl(uffd, UFFDIO_REGISTER, &reg) ? -1 : 0);
}

/* uffd-end: whoever waits there goes on */
void do_uffd_end(char **arg)
{
	(void)arg;
	done(close(uffd));
}

/* drop PLACE SIZE [TIMES]: out of the page table, not out of the mapping */
void do_drop(char **arg)
{
	unsigned int times = arg[3] ? number(arg[3]) : 1;
	int err = 0;

	while (times-- && !err)
		err = madvise(place(arg[1]), number(arg[2]), MADV_DONTNEED);
	done(err);
}

/* pageout PLACE SIZE: as if memory were short */
void do_pageout(char **arg)
{
	done(madvise(place(arg[1]), number(arg[2]), MADV_PAGEOUT));
}

static int look_up(const char *file, uint64_t entry, uint64_t *what)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	ssize_t got = pread(fd, what, sizeof(*what), entry * sizeof(*what));

	close(fd);
	return got == sizeof(*what) ? 0 : -1;
}

/* dirty PLACE: is its page, as the kernel sees it */
void do_dirty(char **arg)
{
	uint64_t entry, flags;

	if (look_up("/proc/self/pagemap", (uintptr_t)place(arg[1]) / 4096, &entry) ||
	    look_up("/proc/kpageflags", entry & ((1ULL << 55) - 1), &flags))
		done(-1);
	else
		printf("ok %d\n", !!(flags & 1 << KPF_DIRTY));
}

/* touch PLACE SIZE VALUE: written by the processor */
void do_touch(char **arg)
{
	memset(place(arg[1]), number(arg[3]), number(arg[2]));
	ok();
}

/* look PLACE: one byte */
void do_look(char **arg)
{
	printf("ok %u\n", *(unsigned char *)place(arg[1]));
}

/* What do_timed() says that there is. */
static int run(char **arg)
{
	struct region *r = &regions[slot(arg[1])];

	if (!strcmp(arg[0], "fsync"))
		return fsync(r->fd);
	if (!strcmp(arg[0], "msync"))
		return msync(r->addr, number(arg[2]), MS_SYNC);
	if (!strcmp(arg[0], "syncfs"))
		return syncfs(r->fd);
	if (!strcmp(arg[0], "truncate"))
		return ftruncate(r->fd, number(arg[2]));
	if (!strcmp(arg[0], "punch"))
		return fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				 number(arg[2]), number(arg[3]));
	if (!strcmp(arg[0], "write"))
		return pwrite(r->fd, zeroes, number(arg[3]), number(arg[2])) < 0;
	if (!strcmp(arg[0], "write-sync")) {
		struct iovec iov = { (void *)zeroes, number(arg[3]) };

		return pwritev2(r->fd, &iov, 1, number(arg[2]), RWF_SYNC) < 0;
	}
	if (!strcmp(arg[0], "allocate"))
		return fallocate(r->fd, 0, number(arg[2]), number(arg[3]));
	if (!strcmp(arg[0], "start-writeback"))
		return sync_file_range(r->fd, number(arg[2]), number(arg[3]),
				       SYNC_FILE_RANGE_WRITE);
	if (!strcmp(arg[0], "write-from"))
		return write(r->fd, place(arg[2]), number(arg[3])) < 0;
	if (!strcmp(arg[0], "sync")) {
		sync();
		return 0;
	}
	errno = EINVAL;
	return -1;
}

/*
 * msync REGION SIZE, fsync REGION, syncfs REGION, sync, truncate REGION SIZE,
 * punch REGION OFFSET SIZE, write REGION OFFSET SIZE, write-sync REGION OFFSET SIZE,
 * allocate REGION OFFSET SIZE, start-writeback REGION OFFSET SIZE,
 * write-from REGION PLACE SIZE: how long it takes
 */
void do_timed(char **arg)
{
	double begun = now();

	if (run(arg))
		done(-1);
	else
		printf("ok ms=%d\n", (int)(now() - begun));
}

/*
 * repeat COMMAND of do_timed(): until there is another line, which it eats; after an
 * error it does not wait for that
 */
void do_repeat(char **arg)
{
	struct pollfd next = { .fd = STDIN_FILENO, .events = POLLIN };
	double longest = 0;
	char line[256];
	int times = 0;

	while (!poll(&next, 1, 0)) {
		double begun = now();

		if (run(arg + 1)) {
			done(-1);
			return;
		}
		begun = now() - begun;
		longest = begun > longest ? begun : longest;
		times++;
	}
	if (fgets(line, sizeof(line), stdin))
		printf("ok times=%d longest=%d\n", times, (int)longest);
}

static void *hammer(void *arg)
{
	struct region *r = arg;

	for (;;) {
		r->addr[0]++;
		fsync(r->fd);
	}
	return NULL;
}

/* hammer REGION: a thread writes its first byte and fsyncs, until the end */
void do_hammer(char **arg)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, hammer, &regions[slot(arg[1])]);
	done(errno ? -1 : 0);
}
