// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: pin bare|revoke MEMORY...
 *
 * B1: what it costs in the kernel to pin and to release, with a bare interval
 * notifier or with the core, for each MEMORY: anon, or a file's path.
 *
 * Must never count the system call.
 */
#include <string.h>

#include "modules/bench_pin.h"
#include "ranges.h"

static void time_pins(int fd, const char *way, const char *path)
{
	static uint64_t ticks[BENCH_MOST];
	bool anon = !strcmp(path, "anon");
	char series[64];
	struct bench_pin arg = {
		.flags = BENCH_PIN_WRITE | (anon ? BENCH_PIN_LONG : 0),
		.ticks = (uintptr_t)ticks,
	};

	snprintf(series, sizeof(series), "%s: %s", anon ? "anonymous" : "ext4",
		 strcmp(way, "bare") ? "pin_revoke_pin" : "bare");
	map_memory(path);
	arg.addr = (uintptr_t)memory;
	for (arg.len = 4096; arg.len <= LARGEST; arg.len *= 16) {
		arg.times = arg.len < LARGEST ? 64 : 16;
		/* The first round warms. */
		for (int i = 0; i < 2; i++)
			if (ioctl(fd, BENCH_PIN_TIME, &arg))
				err(1, "%s", series);
		bench_print("B1", series, arg.len, NAN, ticks, arg.times, 1);
	}
	munmap(memory - LARGEST, 3 * LARGEST);
}

int main(int argc, char **argv)
{
	char path[64];
	int fd;

	if (argc < 3)
		errx(2, "usage: pin bare|revoke MEMORY...");
	snprintf(path, sizeof(path), "/dev/bench_%s", argv[1]);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", path);
	for (int i = 2; i < argc; i++)
		time_pins(fd, argv[1], argv[i]);
	return 0;
}
