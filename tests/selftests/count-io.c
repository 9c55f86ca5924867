// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: count-fsync FILE TIMES
 *
 * Overwrites the first page of FILE and calls fsync, TIMES times, and prints what one
 * fsync costs in ticks of the processor's clock: median, least, most. Under QEMU with
 * -icount shift=0 a tick is an instruction.
 *
 * Must never count more than the system call.
 */
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <x86intrin.h>

static int compare(const void *a, const void *b)
{
	unsigned long long x = *(const unsigned long long *)a;
	unsigned long long y = *(const unsigned long long *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	static const char page[4096];
	unsigned long long *ticks;
	long times;
	int fd;

	times = argc == 3 ? strtol(argv[2], NULL, 0) : 0;
	if (times <= 0)
		errx(2, "usage: count-fsync FILE TIMES");
	fd = open(argv[1], O_RDWR | O_CREAT, 0600);
	ticks = calloc(times, sizeof(*ticks));
	if (fd < 0 || !ticks)
		err(1, "%s", argv[1]);
	for (long i = 0; i < times; i++) {
		if (pwrite(fd, page, sizeof(page), 0) != sizeof(page))
			err(1, "write");
		ticks[i] = __rdtsc();
		if (fsync(fd))
			err(1, "fsync");
		ticks[i] = __rdtsc() - ticks[i];
	}
	qsort(ticks, times, sizeof(*ticks), compare);
	printf("%llu %llu %llu\n", ticks[times / 2], ticks[0], ticks[times - 1]);
	return 0;
}
