// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Fills a slot and judges one that was read from the disk.
 *
 * Must never do I/O: what it is given is what was written or read.
 */
#include <string.h>

#include "slot.h"

#define CRC32C_POLY_REVERSED	0x82f63b78

static uint32_t crc32c_table[256];

static __attribute__((constructor)) void crc32c_init(void)
{
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t crc = i;

		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? CRC32C_POLY_REVERSED : 0);
		crc32c_table[i] = crc;
	}
}

static uint32_t crc32c(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t crc = ~0u;

	while (len--)
		crc = crc >> 8 ^ crc32c_table[(crc ^ *p++) & 0xff];
	return ~crc;
}

void slot_fill(struct slot *s, uint64_t run, uint64_t index, uint64_t seq)
{
	uint32_t word = (seq * 0x9e3779b97f4a7c15ull) >> 32;

	s->magic = SLOT_MAGIC;
	s->run = run;
	s->seq = seq;
	s->block = index / 2;
	s->slot = index % 2;
	for (size_t i = 0; i < sizeof(s->payload) / sizeof(*s->payload); i++)
		s->payload[i] = word + i;
	s->crc = crc32c(s, offsetof(struct slot, crc));
}

static bool slot_is_zero(const struct slot *s)
{
	const char *p = (const char *)s;

	return !*p && !memcmp(p, p + 1, sizeof(*s) - 1);
}

enum slot_verdict slot_check(const struct slot *s, uint64_t run,
			     uint64_t index, uint64_t seq)
{
	/* The file began as zeroes: nothing has arrived here yet. */
	if (slot_is_zero(s))
		return SLOT_LOST;
	if (s->crc != crc32c(s, offsetof(struct slot, crc)))
		return SLOT_TORN;
	if (s->magic != SLOT_MAGIC || s->run != run ||
	    s->block != index / 2 || s->slot != index % 2)
		return SLOT_LOST;
	return s->seq >= seq ? SLOT_WHOLE : SLOT_LOST;
}
