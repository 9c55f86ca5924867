// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: LD_PRELOAD=file-memory.so FILE_MEMORY=FILE PROGRAM...
 *
 * What PROGRAM allocates of more than a page, or aligned to pages, lies in FILE,
 * mapped shared: so programs that never heard of files register them as their
 * buffers. Nothing there is used twice, what is freed is only forgotten.
 *
 * Must never be used by a program that runs for long.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE	4096UL
#define SIZE	(8UL << 20)

/* glibc's own */
typeof(malloc) __libc_malloc;
typeof(calloc) __libc_calloc;
typeof(realloc) __libc_realloc;
typeof(aligned_alloc) __libc_memalign;
typeof(free) __libc_free;

/* In its first page: how much is taken, by all processes that have it. */
static char *arena;

static void arena_open(void)
{
	const char *path = getenv("FILE_MEMORY");
	void *mem;
	int fd;

	if (arena || !path)
		return;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, SIZE))
		err(1, "%s", path);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		err(1, "%s", path);
	close(fd);
	arena = mem;
	*(atomic_size_t *)arena = PAGE;
}

static int inside(void *p)
{
	return arena && (char *)p >= arena && (char *)p < arena + SIZE;
}

static void *take(size_t align, size_t size)
{
	size_t at;

	arena_open();
	if (!arena || align > PAGE)
		return __libc_memalign(align, size);
	at = atomic_fetch_add((atomic_size_t *)arena, (size + PAGE - 1) & ~(PAGE - 1));
	if (size > SIZE || at + size > SIZE)
		errx(1, "more memory than the file has");
	return arena + at;
}

void *malloc(size_t size)
{
	return size > PAGE ? take(16, size) : __libc_malloc(size);
}

void *calloc(size_t nr, size_t size)
{
	size_t all;

	if (__builtin_mul_overflow(nr, size, &all) || all <= PAGE)
		return __libc_calloc(nr, size);
	/* The file may have been another program's. */
	return memset(take(16, all), 0, all);
}

void *realloc(void *p, size_t size)
{
	void *bigger;

	if (!inside(p))
		return __libc_realloc(p, size);
	bigger = malloc(size);
	/* The size of the old one is not known, there is memory behind it. */
	return bigger ? memmove(bigger, p, size) : NULL;
}

void free(void *p)
{
	if (!inside(p))
		__libc_free(p);
}

void *memalign(size_t align, size_t size)
{
	return size > PAGE || align >= PAGE ? take(align, size) : __libc_memalign(align, size);
}

void *aligned_alloc(size_t align, size_t size)
{
	return memalign(align, size);
}

void *valloc(size_t size)
{
	return memalign(PAGE, size);
}

int posix_memalign(void **p, size_t align, size_t size)
{
	void *mem = memalign(align, size);

	if (mem)
		*p = mem;
	return mem ? 0 : ENOMEM;
}
