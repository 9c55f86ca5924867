// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: scale bare|revoke FILE NUMBER
 *
 * B9: what changes when there are NUMBER pins of one page each in a process, on the
 * same 64 MiB of FILE: memory of a pin, making one more, a list of all, an fsync of
 * something else, and one munmap that takes all of them.
 *
 * Must never run out of memory: NUMBER times 1.5 KiB is needed.
 */
#include <string.h>

#include "modules/bench_pin.h"
#include "ranges.h"

#define AREA	(64ul << 20)

static int device, elsewhere;
static const char *way;

static void print(const char *what, unsigned long nr, uint64_t *ticks, unsigned int times,
		  double per)
{
	char series[128];

	snprintf(series, sizeof(series), "%s: %s", what,
		 strcmp(way, "bare") ? "pin_revoke_pin" : "bare");
	bench_print("B9", series, nr, NAN, ticks, times, per);
}

/* Of memory that the kernel has for itself. */
static uint64_t kernel_bytes(void)
{
	static const char * const names[] = { "Slab:", "VmallocUsed:" };
	char line[128];
	uint64_t sum = 0;
	FILE *f;

	f = fopen("/proc/sys/vm/stat_refresh", "r");
	if (!f || (fgets(line, sizeof(line), f) && 0) || fclose(f))
		err(1, "stat_refresh");
	f = fopen("/proc/meminfo", "r");
	if (!f)
		err(1, "meminfo");
	while (fgets(line, sizeof(line), f))
		for (int i = 0; i < 2; i++)
			if (!strncmp(line, names[i], strlen(names[i])))
				sum += strtoull(line + strlen(names[i]), NULL, 10) << 10;
	fclose(f);
	return sum;
}

static void hold(const char *area, unsigned long nr)
{
	struct bench_pin arg = { .len = 4096, .flags = BENCH_PIN_WRITE, .stride = 4096 };

	/* Once round the file, and again. */
	while (nr) {
		arg.addr = (uintptr_t)area;
		arg.times = nr < AREA / 4096 ? nr : AREA / 4096;
		if (ioctl(device, BENCH_PIN_HOLD, &arg))
			err(1, "%lu more pins", nr);
		nr -= arg.times;
	}
}

static int see(const struct revoke_pin *pin, void *count)
{
	(void)pin;
	++*(unsigned long *)count;
	return 0;
}

static void scale(int fd, unsigned long nr)
{
	char *area = mmap(NULL, AREA, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	uint64_t ticks[64], bytes;
	struct bench_pin one = {
		.addr = (uintptr_t)area, .len = 4096, .flags = BENCH_PIN_WRITE,
		.times = 64, .ticks = (uintptr_t)ticks,
	};
	unsigned long seen = 0;

	if (area == MAP_FAILED)
		err(1, "memory");
	memset(area, 1, AREA);
	/* What a first pin sets up, and what the file's pages need. */
	hold(area, 100);
	bytes = kernel_bytes();
	hold(area, nr - 100);
	bytes = kernel_bytes() - bytes;
	print("bytes of kernel memory for each", nr, &bytes, 1, nr - 100);

	if (ioctl(device, BENCH_PIN_TIME, &one))
		err(1, "one more");
	print("pin and release of one more", nr, ticks, 64, 1);
	for (int i = 0; i < 64; i++) {
		if (pwrite(elsewhere, "", 1, 0) != 1)
			err(1, "write");
		ticks[i] = __rdtsc();
		if (fsync(elsewhere))
			err(1, "fsync");
		ticks[i] = __rdtsc() - ticks[i];
	}
	print("fsync of a page of another file", nr, ticks, 64, 1);
	if (strcmp(way, "bare")) {
		*ticks = __rdtsc();
		if (revoke_pin_list(ctx, see, &seen))
			errx(1, "list: %s", revoke_last_error(ctx));
		*ticks = __rdtsc() - *ticks;
		if (seen != nr)
			errx(1, "%lu pins of %lu in the list", seen, nr);
		print("list of all, each", nr, ticks, 1, nr);
	}
	*ticks = __rdtsc();
	if (munmap(area, AREA))
		err(1, "munmap");
	*ticks = __rdtsc() - *ticks;
	print("one munmap that takes all, each", nr, ticks, 1, nr);
}

int main(int argc, char **argv)
{
	char path[256];
	int fd;

	if (argc != 4)
		errx(2, "usage: scale bare|revoke FILE NUMBER");
	way = argv[1];
	if (strcmp(way, "bare"))
		declare_open();
	fd = open(argv[2], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	snprintf(path, sizeof(path), "%s.elsewhere", argv[2]);
	elsewhere = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, AREA) || elsewhere < 0)
		err(1, "%s", argv[2]);
	snprintf(path, sizeof(path), "/dev/bench_%s", way);
	device = open(path, O_RDWR | O_CLOEXEC);
	if (device < 0)
		err(1, "%s", path);
	scale(fd, strtoul(argv[3], NULL, 0));
	return 0;
}
