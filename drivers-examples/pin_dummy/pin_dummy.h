/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * /dev/pin_dummy: what programs ask of it. One pin for each open file.
 *
 * For tests and for reading; must never become an interface that others need.
 */
#ifndef PIN_DUMMY_H
#define PIN_DUMMY_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PIN_DUMMY_WRITE	0x1	/* the device may write */
#define PIN_DUMMY_LAZY	0x2	/* a forced pin comes back on its next access */
#define PIN_DUMMY_ADOPT	0x4	/* the driver pins, for long, and registers */
#define PIN_DUMMY_ENGINE 0x8	/* the device writes all the time: whole pages only */
#define PIN_DUMMY_KNOBS	0x10	/* obeys the module's parameters, see knobs.c */
#define PIN_DUMMY_FLAGS	0x1f

/**
 * struct pin_dummy_pin - memory of the calling process to pin
 * @addr: first byte
 * @len: length in bytes
 * @from: with PIN_DUMMY_ADOPT: adopt the pages of this address; they must be
 *	those of @addr, or the answer is EAGAIN
 * @flags: PIN_DUMMY_*
 * @zero: must be 0
 */
struct pin_dummy_pin {
	__u64 addr;
	__u64 len;
	__u64 from;
	__u32 flags;
	__u32 zero;
};

/**
 * struct pin_dummy_dma - let the device write
 * @offset: first byte, from the start of the pin
 * @len: how many
 * @done: set to how many were written before an error
 * @from: address of what to write, a page at most; if 0, @value into each
 * @value: see @from
 * @zero: must be 0
 *
 * Errors: EAGAIN the pin is revoked, try again later; EFAULT it is gone for
 * good; EACCES it is for reading; ERANGE beyond its end; ENXIO there is none.
 */
struct pin_dummy_dma {
	__u64 offset;
	__u64 len;
	__u64 done;
	__u64 from;
	__u8 value;
	__u8 zero[7];
};

/**
 * struct pin_dummy_state - what the driver has seen of its pin
 * @live: the device may access the pages
 * @reason: of the last quiesce, enum pin_revoke_reason
 * @maps: calls of ->map() that succeeded
 * @restores: calls of ->restore()
 * @quiesces: calls of ->quiesce()
 * @unmaps: calls of ->unmap()
 * @unpins: calls of ->unpin()
 * @gones: calls of ->gone()
 * @passes: of PIN_DUMMY_ENGINE that are finished: each page begins with this
 *	number, or a later one
 */
struct pin_dummy_state {
	__u32 live;
	__u32 reason;
	__u32 maps;
	__u32 restores;
	__u32 quiesces;
	__u32 unmaps;
	__u32 unpins;
	__u32 gones;
	__u64 passes;
};

#define PIN_DUMMY_IOC_PIN	_IOW(0xf7, 0, struct pin_dummy_pin)
#define PIN_DUMMY_IOC_UNPIN	_IO(0xf7, 1)
#define PIN_DUMMY_IOC_DMA	_IOWR(0xf7, 2, struct pin_dummy_dma)
#define PIN_DUMMY_IOC_STATE	_IOR(0xf7, 3, struct pin_dummy_state)

#endif /* PIN_DUMMY_H */
