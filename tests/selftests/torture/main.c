// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture FILE DISK SECONDS SEED [RECLAIM [checkpoint|cpu|box=DISK]...] - does fsync
 * mean it, whatever else happens to the file? Says what it did; exit status: 0 nothing
 * lost or torn, 1 something was, 2 no verdict. With cpu there is no device, and no pin:
 * what is lost then, the file system has lost. With a box, for after a power cut:
 * torture check DISK FILE - is all there that the box on DISK says?
 *
 * Must never read the file: only the disk, past the file system.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../../drivers-examples/rdma-file/extents.h"
#include "torture.h"

struct torture t;

/* xorshift: the same seed, the same numbers. */
uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

void die(const char *what)
{
	fprintf(stderr, "torture: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void prepare(const char *file, const char *disk)
{
	static const char zeroes[PAGE];
	char clone[4096];

	t.file = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (t.file < 0)
		die(file);
	snprintf(clone, sizeof(clone), "%s.clone", file);
	t.clone = open(clone, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (t.clone < 0)
		die(clone);
	t.disk = open(disk, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (t.disk < 0)
		die(disk);
	for (int i = 0; i < FILE_SIZE / PAGE; i++)
		if (write(t.file, zeroes, PAGE) != PAGE)
			die("write");
	if (fsync(t.file))
		die("fsync");
	if (extents_check_disk(t.file, t.disk))
		exit(2);
	t.map = mmap(NULL, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, t.file, 0);
	if (t.map == MAP_FAILED)
		die("mmap");
}

int main(int argc, char **argv)
{
	static void *(*const threads[])(void *) = { device, device, listen, trouble };
	enum { NR = sizeof(threads) / sizeof(*threads) };
	uint64_t random[NR + 1];
	pthread_t thread[NR];
	time_t end;

	if (argc == 4 && !strcmp(argv[1], "check"))
		return box_check(argv[2], argv[3]);
	if (argc < 5) {
		fprintf(stderr, "usage: torture FILE DISK SECONDS SEED [RECLAIM [checkpoint|cpu|box=DISK]...]\n"
				"       torture check DISK FILE\n");
		return 2;
	}
	t.run = strtoull(argv[4], NULL, 0);
	t.reclaim = argc > 5 && *argv[5] ? argv[5] : NULL;
	for (int i = 6; i < argc; i++) {
		t.checkpoint |= !strcmp(argv[i], "checkpoint");
		t.cpu |= !strcmp(argv[i], "cpu");
	}
	prepare(argv[1], argv[2]);
	for (int i = 6; i < argc; i++)
		if (!strncmp(argv[i], "box=", 4))
			box_open(argv[i] + 4);
	device_begin();
	for (int i = 0; i <= NR; i++)
		random[i] = (t.run * (NR + 1) + i + 1) * 0x9e3779b97f4a7c15ull | 1;
	end = time(NULL) + strtoul(argv[3], NULL, 0);
	for (int i = 0; i < NR; i++) {
		errno = pthread_create(&thread[i], NULL, threads[i], &random[i]);
		if (errno)
			die("pthread_create");
	}
	while (time(NULL) < end)
		judge(&random[NR]);
	t.stop = true;
	for (int i = 0; i < NR; i++)
		pthread_join(thread[i], NULL);
	judge(&random[NR]);

	printf("seed %llu:", (unsigned long long)t.run);
	device_print();
	trouble_print();
	return judge_print();
}
