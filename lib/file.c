// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: parts of files that a driver uses, wherever they are mapped.
 *
 * To the kernel a declared range is memory of the process. So each part gets a
 * mapping of its own, which nobody touches: it costs no page. Must never leave one
 * behind when a call fails, nor in a child of fork().
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <unistd.h>
#include <sys/mman.h>
#include "internal.h"

static uint64_t in_page(uint64_t at)
{
	return at & (sysconf(_SC_PAGESIZE) - 1);
}

static void unmap(const struct revoke_range *range)
{
	uint64_t skip = in_page(range->addr);

	munmap((void *)(uintptr_t)(range->addr - skip), range->len + skip);
}

/* Its offset becomes an address. */
static int map(int fd, struct revoke_range *range)
{
	int prot = range->flags & REVOKE_RANGE_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
	uint64_t skip = in_page(range->addr), end;
	void *memory;

	if (!range->len || __builtin_add_overflow(range->addr, range->len, &end) ||
	    end > INT64_MAX)
		return -EINVAL;
	memory = mmap(NULL, range->len + skip, prot, MAP_SHARED, fd, range->addr - skip);
	if (memory == MAP_FAILED)
		return -errno;
	madvise(memory, range->len + skip, MADV_DONTFORK);
	range->addr = (uintptr_t)memory + skip;
	return 0;
}

REVOKE_EXPORT int revoke_declare_file(struct revoke_ctx *ctx, const char *name, int fd,
				      struct revoke_range *ranges, size_t nr)
{
	uint64_t offset[PIN_REVOKE_MAX_RANGES];
	int err = revoke_enter_ranges(ctx, ranges, nr);
	int saved = errno;
	size_t done;

	if (!err && nr > PIN_REVOKE_MAX_RANGES)
		err = -E2BIG;
	if (err)
		return err;
	for (done = 0; !err && done < nr; done += !err) {
		struct revoke_range *range = revoke_range_at(ranges, done);

		offset[done] = range->addr;
		err = map(fd, range);
	}
	if (!err)
		err = revoke_declare(ctx, name, ranges, nr);
	while (err && done--) {
		unmap(revoke_range_at(ranges, done));
		revoke_range_at(ranges, done)->addr = offset[done];
	}
	errno = saved;
	return err;
}

REVOKE_EXPORT int revoke_undeclare_file(struct revoke_ctx *ctx,
					const struct revoke_range *ranges, size_t nr)
{
	int err = revoke_enter_ranges(ctx, ranges, nr);
	int saved = errno;
	size_t i;

	for (i = 0; !err && i < nr; i++) {
		const struct revoke_range *range = revoke_range_at(ranges, i);

		err = revoke_undeclare(ctx, range, 1);
		if (!err)
			unmap(range);
	}
	errno = saved;
	return err;
}
