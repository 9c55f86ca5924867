// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: core-cycles FILE CYCLES
 *
 * Four threads, each with 64 KiB of FILE: pin with /dev/pin_dummy, let the device
 * write, fsync, unpin, again, CYCLES times. In every second round the pin is dropped
 * before fsync. The driver comes and goes meanwhile: a thread waits until it is
 * there, and after every 100 cycles all of them fsync until it is another one.
 * The device's last values are CYCLES % 256 in each; prints how often a thread
 * found no driver.
 *
 * Must never keep the driver in use while it does something else.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../drivers-examples/pin_dummy/pin_dummy.h"

#define THREADS	4
#define PART	65536UL
#define DRIVER	"/dev/pin_dummy"

static int file;
static char *memory;
static unsigned long cycles;
static atomic_ulong absent;
static pthread_barrier_t all_closed;

static int open_driver(void)
{
	const struct timespec ms = { .tv_nsec = 1000000 };
	int fd;

	while ((fd = open(DRIVER, O_RDWR | O_CLOEXEC)) < 0) {
		if (errno != ENOENT && errno != ENXIO && errno != ENODEV)
			err(1, DRIVER);
		atomic_fetch_add(&absent, 1);
		nanosleep(&ms, NULL);
	}
	return fd;
}

/* A pin that was taken comes back: the device tries until all is written. */
static void device_writes(int fd, unsigned char value)
{
	struct pin_dummy_dma dma = { .value = value };

	while (dma.offset < PART) {
		dma.len = PART - dma.offset;
		if (ioctl(fd, PIN_DUMMY_IOC_DMA, &dma) && errno != EAGAIN)
			err(1, "dma");
		dma.offset += dma.done;
	}
}

static ino_t driver(void)
{
	struct stat st;

	return stat(DRIVER, &st) ? 0 : st.st_ino;
}

static void fsync_until_reloaded(void)
{
	ino_t old = driver();

	pthread_barrier_wait(&all_closed);
	while (old && driver() == old)
		if (fsync(file))
			err(1, "fsync");
}

static void *cycle(void *arg)
{
	struct pin_dummy_pin pin = {
		.addr = (uintptr_t)memory + (uintptr_t)arg * PART,
		.len = PART,
		.flags = PIN_DUMMY_WRITE,
	};

	for (unsigned long n = 1; n <= cycles; n++) {
		int fd = open_driver();

		if (ioctl(fd, PIN_DUMMY_IOC_PIN, &pin))
			err(1, "pin");
		device_writes(fd, n);
		if (n % 2)
			close(fd);
		if (fsync(file))
			err(1, "fsync");
		if (!(n % 2))
			close(fd);
		if (!(n % 100))
			fsync_until_reloaded();
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread[THREADS];

	if (argc != 3)
		errx(2, "usage: core-cycles FILE CYCLES");
	file = open(argv[1], O_RDWR);
	if (file < 0)
		err(1, "%s", argv[1]);
	memory = mmap(NULL, THREADS * PART, PROT_READ | PROT_WRITE, MAP_SHARED,
		      file, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
	pthread_barrier_init(&all_closed, NULL, THREADS);
	cycles = strtoul(argv[2], NULL, 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, cycle, (void *)i))
			errx(1, "no thread");
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	printf("absent %lu\n", atomic_load(&absent));
	return 0;
}
