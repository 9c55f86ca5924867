/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/edu_dma: what programs ask of it. One pin for each open file; the device has
 * one buffer, and makes one transfer at a time.
 *
 * An example; must never become an interface that others need.
 */
#ifndef EDU_DMA_H
#define EDU_DMA_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define EDU_DMA_MAX	2048

/**
 * struct edu_dma_pin - memory of the calling process to pin
 * @addr: first byte
 * @len: length in bytes
 */
struct edu_dma_pin {
	__u64 addr;
	__u64 len;
};

/**
 * struct edu_dma_copy - a transfer to begin
 * @offset: first byte, from the start of the pin
 * @len: length in bytes, at most EDU_DMA_MAX, within one page
 * @store: 1: out of the device's buffer into the pin; 0: into the buffer
 *
 * Errors: EAGAIN the pin is revoked, try again later; EFAULT it is gone for good;
 * EBUSY a transfer is under way; ERANGE not within the pin, or two pages; ENXIO
 * there is no pin, or no device any more.
 */
struct edu_dma_copy {
	__u64 offset;
	__u32 len;
	__u32 store;
};

#define EDU_DMA_IOC_PIN		_IOW(0xf7, 16, struct edu_dma_pin)
#define EDU_DMA_IOC_UNPIN	_IO(0xf7, 17)
#define EDU_DMA_IOC_START	_IOW(0xf7, 18, struct edu_dma_copy)
#define EDU_DMA_IOC_WAIT	_IO(0xf7, 19)	/* until no transfer is under way */

#endif /* EDU_DMA_H */
