/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * What rdma-file writes and raw-check looks for.
 *
 * Owns the layout of a slot in the file and of the state that the two programs
 * share. Must never know about verbs, file systems or librevoke.
 */
#ifndef RDMA_FILE_SLOT_H
#define RDMA_FILE_SLOT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SLOT_SIZE	4096
#define SLOT_MAGIC	0x31746f6c53617641ull
#define STATE_MAGIC	0x3165746174537641ull
#define MAX_BLOCKS	(1u << 20)

/*
 * The file is an array of blocks of two slots each. One RDMA WRITE fills one
 * slot; the CRC is last because a device writes upwards.
 */
struct slot {
	uint64_t magic;
	uint64_t run;		/* no slot of an older run can pass for ours */
	uint64_t seq;		/* never 0, never used twice in a run */
	uint32_t block;
	uint32_t slot;
	uint32_t payload[1015];
	uint32_t crc;
};

_Static_assert(sizeof(struct slot) == SLOT_SIZE, "a slot is one RDMA WRITE");

/*
 * Shared memory between the client, which writes, and raw-check, which
 * checks. Each word has one writer. A slot is locked, that is not written
 * again, from its completion until it was found on the disk:
 *
 *	client				raw-check
 *	------				---------
 *	post WRITE, seq = 7
 *	(the device writes memory)
 *	completion of seq 7
 *	completed = 7 (release) ------> completed == 7 (acquire): checked below
 *					fsync()
 *					read the disk: seq >= 7? CRC right?
 *	checked == 7 (acquire) <------- checked = 7 (release)
 *	post WRITE, seq = 9
 *
 * First arrow: the data was in memory before its completion could be seen, so
 * an fsync that begins after the acquire has to write it. A completion that
 * comes later is left for the next round, and the slot stays locked until
 * then: completed and checked differ. Second arrow: the disk was read before
 * the slot can change again, so what raw-check finds cannot be newer than
 * what it looks for, nor half of it.
 *
 * The client needs no third state for a write in flight. It keeps the last
 * sequence number it posted to a slot and may post again once that one was
 * checked.
 */
struct state {
	uint64_t magic;
	uint64_t run;
	uint64_t blocks;
	uint64_t offset;	/* of the first slot in the file, may be odd */
	_Atomic uint64_t stop;	/* raw-check has seen enough */
	struct state_slot {
		_Atomic uint64_t completed;	/* written by the client */
		_Atomic uint64_t checked;	/* written by raw-check */
	} slot[];
};

static inline size_t state_size(uint64_t blocks)
{
	return sizeof(struct state) + 2 * blocks * sizeof(struct state_slot);
}

enum slot_verdict {
	SLOT_WHOLE,	/* this sequence number or a later one, undamaged */
	SLOT_LOST,	/* still what was there before */
	SLOT_TORN,	/* neither the one nor the other */
};

void slot_fill(struct slot *s, uint64_t run, uint64_t index, uint64_t seq);
enum slot_verdict slot_check(const struct slot *s, uint64_t run,
			     uint64_t index, uint64_t seq);

#endif /* RDMA_FILE_SLOT_H */
