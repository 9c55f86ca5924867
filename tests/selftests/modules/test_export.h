/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/test_export: a dma-buf that can be wanted back. For tests alone.
 */
#ifndef TEST_EXPORT_H
#define TEST_EXPORT_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define TEST_EXPORT_SIZE	65536

#define TEST_EXPORT_IOC_NEW	_IO(0xf8, 0)	/* returns a descriptor of a new one */
/* It is wanted back: returns when all importers were told; of the argument's descriptor */
#define TEST_EXPORT_IOC_WANT	_IOW(0xf8, 1, __s32)
/*
 * Waits until no device uses it, as an exporter does before it moves it: all fences have
 * signalled, nothing is mapped. ETIMEDOUT after 30 s.
 */
#define TEST_EXPORT_IOC_WAIT	_IOW(0xf8, 2, __s32)

#endif /* TEST_EXPORT_H */
