// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: count-io fsync|kick FILE TIMES FOLIOS
 *	  count-io read|write FILE TIMES BUFFER
 *
 * Does that to FILE, TIMES times, and prints what one call costs in ticks of the
 * processor's clock: median, least, most. Under QEMU with -icount shift=0 a tick is an
 * instruction.
 *   fsync, kick	FOLIOS pages, none beside another, are dirty; the latter writes
 *			them as background writeback would, in the caller
 *   read, write	64 KiB with O_DIRECT, to or from what the file BUFFER has there
 *
 * Must never count more than the system call.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <x86intrin.h>

#define PAGE	4096UL
#define LEN	65536UL

static int compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a;
	unsigned long long y = *(const unsigned long long *)b;

	return (x > y) - (x < y);
}

static void dirty(int fd, long folios)
{
	static const char page[PAGE];

	for (long i = 0; i < folios; i++)
		if (pwrite(fd, page, PAGE, 2 * i * PAGE) != PAGE)
			err(1, "write");
}

static void *map(const char *name)
{
	int fd = open(name, O_RDWR);
	void *mem = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd < 0 || mem == MAP_FAILED)
		err(1, "%s", name);
	memset(mem, 1, LEN);
	return mem;
}

int main(int argc, char **argv)
{
	long times = argc == 5 ? strtol(argv[3], NULL, 0) : 0;
	unsigned long long *ticks = calloc(times, sizeof(*ticks));
	const char *what = argv[1];
	void *mem = NULL;
	bool direct;
	int fd;

	if (times <= 0 || !ticks)
		errx(2, "usage: count-io fsync|kick|read|write FILE TIMES FOLIOS|BUFFER");
	direct = *what == 'r' || *what == 'w';
	if (direct)
		mem = map(argv[4]);
	fd = open(argv[2], O_RDWR | O_CREAT | (direct ? O_DIRECT : 0), 0600);
	if (fd < 0)
		err(1, "%s", argv[2]);
	for (long i = 0; i < times; i++) {
		long bad;

		if (!direct)
			dirty(fd, strtol(argv[4], NULL, 0));
		ticks[i] = __rdtsc();
		switch (*what) {
		case 'f':
			bad = fsync(fd);
			break;
		case 'k':
			bad = sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
			break;
		case 'r':
			bad = pread(fd, mem, LEN, 0) - LEN;
			break;
		default:
			bad = pwrite(fd, mem, LEN, 0) - LEN;
			break;
		}
		ticks[i] = __rdtsc() - ticks[i];
		if (bad)
			err(1, "%s", what);
		/* Nothing of it is in the way of the next. */
		if (*what == 'k' && fsync(fd))
			err(1, "fsync");
	}
	qsort(ticks, times, sizeof(*ticks), compare);
	printf("%llu %llu %llu\n", ticks[times / 2], ticks[0], ticks[times - 1]);
	return 0;
}
