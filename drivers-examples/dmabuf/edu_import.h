/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/edu_import: what programs ask of it. One dma-buf for each open file.
 *
 * An example; must never become an interface that others need.
 */
#ifndef EDU_IMPORT_H
#define EDU_IMPORT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define EDU_IMPORT_MAX	2048

/**
 * struct edu_import_copy - a transfer, there and back before the call returns
 * @offset: first byte in the dma-buf
 * @len: length in bytes, at most EDU_IMPORT_MAX, within one page
 * @store: 1: out of the device's buffer into the dma-buf; 0: into the buffer
 *
 * Errors: ESTALE it was wanted back: import it again; EIO the device did not stop;
 * ERANGE not within the dma-buf, or two pages; ENXIO nothing is imported.
 */
struct edu_import_copy {
	__u64 offset;
	__u32 len;
	__u32 store;
};

#define EDU_IMPORT_IOC_IMPORT	_IOW(0xf7, 32, __s32)	/* a dma-buf's descriptor */
#define EDU_IMPORT_IOC_COPY	_IOW(0xf7, 33, struct edu_import_copy)

#endif /* EDU_IMPORT_H */
