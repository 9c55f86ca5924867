/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * torture: what its files share. device.c is the pins and who writes through them,
 * trouble.c all that wants their pages, judge.c what must be on the disk, box.c the
 * same for a power cut.
 *
 * The file is regions, one pin each, of slots that cross a page each; two slots
 * make a block. One lock protects what is known about slots:
 *
 *	DMA				fsync and judge
 *	busy, completed = 0
 *	(the device writes)		holds a completed slot of each block
 *	completed = seq			fsync returned 0
 *	the other slot of the block	read the disk: completed is there?
 *	(or the same, if not held)	lets go of it
 *
 * Must never judge what was punched or cut off meanwhile: see void_range().
 */
#ifndef TORTURE_H
#define TORTURE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../../drivers-examples/rdma-file/slot.h"

#define PAGE		4096
#define REGIONS		6
#define REGION_SLOTS	16
#define SLOTS		(REGIONS * REGION_SLOTS)
#define REGION_SIZE	((REGION_SLOTS + 1) * PAGE)
#define FILE_SIZE	(REGIONS * REGION_SIZE)
#define SHIFT		1236	/* of the first slot in its region */

struct slot_state {
	uint64_t completed;	/* 0: nothing that must be on the disk */
	unsigned int voids;	/* how often the range was taken away */
	unsigned int closed;	/* it is being taken away */
	bool busy;		/* a DMA is under way */
	bool held;		/* is being judged: not written */
};

struct torture {
	int file, disk;
	int clone;		/* shares some of the file's blocks */
	const char *reclaim;	/* memory.reclaim of our group */
	bool checkpoint;	/* what is synced is in ext4's journal */
	bool cpu;		/* writes, no device does */
	uint64_t run;		/* seed, and name of the run in each slot */
	char *map;
	_Atomic bool stop;
};

extern struct torture t;

/* main.c */
uint64_t random_next(uint64_t *state);
void die(const char *what);

/* device.c */
void device_begin(void);
void *device(void *random);
void *listen(void *random);
void slots_hold(uint64_t *wanted);
bool slots_release(unsigned int nr, uint64_t wanted);
void slots_promise(void);
void void_begin(uint64_t first, uint64_t end);
void void_end(uint64_t first, uint64_t end);
uint64_t slot_offset(unsigned int nr);
void device_print(void);

/* box.c */
void box_open(const char *path);
void box_set(unsigned int slot, uint64_t seq);
void box_write(void);
int box_check(const char *path, const char *file);

/* trouble.c */
void *trouble(void *random);
void trouble_print(void);

/* judge.c */
void judge(uint64_t *random);
int judge_print(void);

#endif /* TORTURE_H */
