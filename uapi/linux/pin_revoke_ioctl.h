/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/*
 * The fast path of a context: ranges are declared and undeclared by ioctl(2) on the
 * descriptor that OPEN handed out, for programs that do so for each registration.
 *
 * What it means, who may, limits and errors are those of the commands declare and
 * undeclare of the family; an error's text is written to where @text points. Only the
 * process that opened the context may: -EPERM for a child that inherited it.
 */
#ifndef _UAPI_LINUX_PIN_REVOKE_IOCTL_H
#define _UAPI_LINUX_PIN_REVOKE_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PIN_REVOKE_TEXT_LEN	80

/**
 * struct pin_revoke_range - a range that a driver uses which knows nothing of this
 * @addr: first byte
 * @len: length in bytes
 * @flags: enum pin_revoke_range_flags
 * @word: out: which word, of 8 bytes, of the mapping of the context's descriptor
 *	changes when the range is taken
 * @id: out: the pin that stands for it; UNDECLARE reads it, and nothing else
 * @generation: out: what the word is until then
 */
struct pin_revoke_range {
	__u64 addr;
	__u64 len;
	__u32 flags;
	__u32 word;
	__u64 id;
	__u64 generation;
};

/**
 * struct pin_revoke_ranges - argument of both calls
 * @size: sizeof(struct pin_revoke_ranges); what a newer one has more must be 0
 * @nr: how many ranges, 1 to PIN_REVOKE_MAX_RANGES
 * @ranges: address of an array of struct pin_revoke_range
 * @name: address of what the process calls them, at most 63 bytes and a 0; or 0
 * @text: address of PIN_REVOKE_TEXT_LEN bytes for the text of an error; or 0
 */
struct pin_revoke_ranges {
	__u32 size;
	__u32 nr;
	__u64 ranges;
	__u64 name;
	__u64 text;
};

#define PIN_REVOKE_IOC_MAGIC		0xBD

/* All or none. */
#define PIN_REVOKE_IOC_DECLARE		_IO(PIN_REVOKE_IOC_MAGIC, 0)
/* At the first that is not one of the context, the rest stays. @name must be 0. */
#define PIN_REVOKE_IOC_UNDECLARE	_IO(PIN_REVOKE_IOC_MAGIC, 1)

#endif /* _UAPI_LINUX_PIN_REVOKE_IOCTL_H */
