/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What stands for your device in these examples: /dev/pin_dummy, which pins the
 * beginning of a file and writes to it by DMA. With RDMA that would be
 * ibv_reg_mr() and ibv_post_send(). Must never know about librevoke.
 */
#ifndef EXAMPLES_DEVICE_H
#define EXAMPLES_DEVICE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "../../drivers-examples/pin_dummy/pin_dummy.h"

#define BUFFER_SIZE 65536

struct device {
	int fd;
	int file;
	uintptr_t buffer;
};

static inline void check(int failed, const char *what)
{
	if (failed) {
		perror(what);
		exit(1);
	}
}

/* Maps the file and lets the device have it. */
static inline void device_open(struct device *dev, const char *path)
{
	struct pin_dummy_pin pin = { .len = BUFFER_SIZE, .flags = PIN_DUMMY_WRITE };
	void *map;

	dev->file = open(path, O_RDWR | O_CLOEXEC);
	check(dev->file < 0, path);
	map = mmap(NULL, BUFFER_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
		   dev->file, 0);
	check(map == MAP_FAILED, "mmap");
	dev->buffer = (uintptr_t)map;
	dev->fd = open("/dev/pin_dummy", O_RDWR | O_CLOEXEC);
	check(dev->fd < 0, "/dev/pin_dummy");
	pin.addr = dev->buffer;
	check(ioctl(dev->fd, PIN_DUMMY_IOC_PIN, &pin), "pin");
}

/* It fails while the pin is revoked: then somebody has not stopped in time. */
static inline void device_write(struct device *dev)
{
	struct pin_dummy_dma dma = { .len = BUFFER_SIZE, .value = 0x5a };

	if (ioctl(dev->fd, PIN_DUMMY_IOC_DMA, &dma))
		perror("DMA");
}

#endif /* EXAMPLES_DEVICE_H */
