// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: edu-rounds canary FILE ROUNDS | fsync FILE BYTE | hold FILE
 * Lets QEMU's edu device write into a page of FILE, and has the page taken while it
 * does.
 *   canary	FILE is truncated; whoever gets the page next fills it, and must find
 *		it unchanged when the device has done what it was told to
 *   fsync	FILE is synced; BYTE is to be on the disk afterwards, in all of its
 *		first page, the second half of it written after the pin came back
 *   hold	it is pinned until this is killed
 *
 * Must never wait for anything but the device.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../drivers-examples/edu-dma/edu_dma.h"

#define PAGE		4096
#define CHUNK		(256 * PAGE)
#define CHUNKS		16
#define CANARY		0xc5
#define BACK_SECONDS	30

static int edu(void)
{
	int fd = open("/dev/edu_dma", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "/dev/edu_dma");
	return fd;
}

static void *map(size_t size, int fd)
{
	void *addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

	if (addr == MAP_FAILED)
		err(1, "mmap");
	madvise(addr, size, MADV_NOHUGEPAGE);
	return addr;
}

static void pin(int edu, void *addr)
{
	struct edu_dma_pin arg = { .addr = (uintptr_t)addr, .len = PAGE };

	if (ioctl(edu, EDU_DMA_IOC_PIN, &arg))
		err(1, "pin");
}

static void wait_idle(int edu)
{
	if (ioctl(edu, EDU_DMA_IOC_WAIT))
		err(1, "wait");
}

/* A pin that is away comes back by itself, and each transfer ends. */
static void start(int edu, unsigned int offset, int store)
{
	struct edu_dma_copy arg = {
		.offset = offset, .len = EDU_DMA_MAX, .store = store,
	};
	time_t until = time(NULL) + BACK_SECONDS;

	while (ioctl(edu, EDU_DMA_IOC_START, &arg)) {
		if ((errno != EAGAIN && errno != EBUSY) || time(NULL) > until)
			err(1, "start");
		sched_yield();
	}
}

/* The device's buffer is full of @byte, as far as a store takes it. */
static void load(int byte)
{
	unsigned char *page = map(PAGE, -1);
	int fd = edu();

	memset(page, byte, PAGE);
	pin(fd, page);
	start(fd, 0, 0);
	wait_idle(fd);
	close(fd);
	munmap(page, PAGE);
}

static uint64_t frame(const void *addr)
{
	static int pagemap = -1;
	uint64_t entry;

	if (pagemap < 0)
		pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	if (pread(pagemap, &entry, sizeof(entry),
		  (uintptr_t)addr / PAGE * sizeof(entry)) != sizeof(entry))
		err(1, "pagemap");
	return entry & ((1ULL << 55) - 1);
}

/* Free pages wait on the list of the processor that freed them. */
static void on_processor(int nr)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(nr, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

/* The page that is @target now, full of canaries; NULL if somebody else has it. */
static unsigned char *catch(uint64_t target, unsigned char *chunks[CHUNKS])
{
	unsigned int i, at;

	for (i = 0; i < CHUNKS; i++) {
		on_processor(i & 1);
		chunks[i] = map(CHUNK, -1);
		memset(chunks[i], CANARY, CHUNK);
		for (at = 0; at < CHUNK; at += PAGE)
			if (frame(chunks[i] + at) == target)
				return chunks[i] + at;
	}
	return NULL;
}

static int canary(const char *name, unsigned int rounds)
{
	unsigned int n, i, found = 0, hit = 0;
	int fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		err(1, "%s", name);
	load(0x11);
	for (n = 0; n < rounds; n++) {
		unsigned char *chunks[CHUNKS] = { }, *page, *caught;
		int dev = edu();
		uint64_t target;

		if (ftruncate(fd, PAGE))
			err(1, "ftruncate");
		page = map(PAGE, fd);
		pin(dev, page);
		target = frame(page);
		start(dev, 0, 1);
		if (ftruncate(fd, 0))
			err(1, "ftruncate to 0");
		caught = catch(target, chunks);
		wait_idle(dev);
		for (i = 0; caught && i < PAGE; i++) {
			if (caught[i] != CANARY) {
				hit++;
				break;
			}
		}
		found += !!caught;
		for (i = 0; i < CHUNKS; i++)
			if (chunks[i])
				munmap(chunks[i], CHUNK);
		munmap(page, PAGE);
		close(dev);
	}
	printf("rounds=%u found=%u hit=%u\n", rounds, found, hit);
	/* A quarter of them is enough to have seen it, and half is usual. */
	return hit || found < rounds / 4;
}

static int sync_file(const char *name, int byte)
{
	int fd = open(name, O_RDWR | O_CLOEXEC), dev = edu();
	unsigned int half;

	if (fd < 0)
		err(1, "%s", name);
	load(byte);
	pin(dev, map(PAGE, fd));
	for (half = 0; half < 2; half++) {
		start(dev, half * EDU_DMA_MAX, 1);
		if (fsync(fd))
			err(1, "fsync");
	}
	return 0;
}

static int hold(const char *name)
{
	int fd = open(name, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(1, "%s", name);
	pin(edu(), map(PAGE, fd));
	puts("mapped");
	fflush(stdout);
	return pause();
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "canary"))
		return canary(argv[2], strtoul(argv[3], NULL, 0));
	if (argc == 4 && !strcmp(argv[1], "fsync"))
		return sync_file(argv[2], strtoul(argv[3], NULL, 0));
	if (argc == 3 && !strcmp(argv[1], "hold"))
		return hold(argv[2]);
	errx(2, "usage: edu-rounds canary FILE ROUNDS | fsync FILE BYTE | hold FILE");
}
