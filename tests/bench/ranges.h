/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What somebody can do to be told when the memory of a registration is taken: ours,
 * and what Linux has already. Each can be switched on for a range, and off.
 *
 * Must never share more of the work between ranges than an application would.
 */
#ifndef BENCH_RANGES_H
#define BENCH_RANGES_H

#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <revoke/revoke.h>

#include "bench.h"

#define LARGEST	(16ul << 20)

static char *memory;
static int memory_fd = -1;
static int uffd = -1;
static struct revoke_ctx *ctx;
static struct revoke_range range = { .size = sizeof(range), .flags = REVOKE_RANGE_WRITE };

/*
 * As much of what @path says, a file or anon or huge, as the largest range needs, and
 * one range before and after, as if it were a part of somebody's heap.
 */
static inline void map_memory(const char *path)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	bool huge = !strcmp(path, "huge");
	bool anon = huge || !strcmp(path, "anon");

	if (!anon) {
		flags = MAP_SHARED;
		memory_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (memory_fd < 0 || ftruncate(memory_fd, 3 * LARGEST))
			err(1, "%s", path);
	}
	memory = mmap(NULL, 3 * LARGEST, PROT_READ | PROT_WRITE, flags, memory_fd, 0);
	if (memory == MAP_FAILED)
		err(1, "memory");
	if (anon && madvise(memory, 3 * LARGEST, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE))
		err(1, "madvise");
	memset(memory, 1, 3 * LARGEST);
	/* Huge pages are aligned, and so is what registers them. */
	memory += LARGEST;
	if (huge)
		memory += -(uintptr_t)memory & ((2ul << 20) - 1);
}

static inline void uffd_open(void)
{
	struct uffdio_api api = {
		.api = UFFD_API,
		.features = UFFD_FEATURE_EVENT_UNMAP | UFFD_FEATURE_EVENT_REMOVE |
			    UFFD_FEATURE_EVENT_REMAP,
	};

	uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		err(1, "userfaultfd");
}

static inline void uffd_on(size_t len)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)memory, .len = len },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	if (ioctl(uffd, UFFDIO_REGISTER, &reg))
		err(1, "userfaultfd, register");
}

static inline void uffd_off(size_t len)
{
	struct uffdio_range reg = { .start = (uintptr_t)memory, .len = len };

	if (ioctl(uffd, UFFDIO_UNREGISTER, &reg))
		err(1, "userfaultfd, unregister");
}

static inline void lease_on(void)
{
	if (fcntl(memory_fd, F_SETLEASE, F_WRLCK))
		err(1, "lease");
}

static inline void lease_off(void)
{
	if (fcntl(memory_fd, F_SETLEASE, F_UNLCK))
		err(1, "end of a lease");
}

static inline void declare_open(void)
{
	if (revoke_open(NULL, &ctx))
		errx(1, "no context: %s", revoke_last_error(NULL));
}

static inline void declare_on(size_t len)
{
	range.addr = (uintptr_t)memory;
	range.len = len;
	if (revoke_declare(ctx, NULL, &range, 1))
		errx(1, "declare: %s", revoke_last_error(ctx));
}

static inline void declare_off(void)
{
	if (revoke_undeclare(ctx, &range, 1))
		errx(1, "undeclare: %s", revoke_last_error(ctx));
}

#endif /* BENCH_RANGES_H */
