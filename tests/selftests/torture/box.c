// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture: the black box, for whoever looks after the power was cut. One page, on the
 * same disk as the file system but not in it: what must be in which slot.
 *
 *	judge				device, trouble
 *	fsync returned 0
 *	the box has the slot
 *					the box has it no more
 *					(the slot is overwritten, or cut off)
 *
 * Each step is over before the next one begins: a disk that keeps the order in which
 * writes ended can be stopped anywhere. Must never flush: that would do fsync's work.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "torture.h"

#define BOX_MAGIC	0x31786f4276417641ull

static struct box {
	uint64_t magic, run;
	uint64_t wanted[SLOTS];
} box __attribute__((aligned(PAGE)));
static char page[PAGE] __attribute__((aligned(PAGE)));
static int disk = -1;
static bool changed;

_Static_assert(sizeof(box) <= PAGE, "the box is written at once");

void box_open(const char *path)
{
	disk = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (disk < 0)
		die(path);
	box = (struct box){ .magic = BOX_MAGIC, .run = t.run };
	changed = true;
	box_write();
}

/* Caller holds the lock of the slots, as for box_write(). */
void box_set(unsigned int slot, uint64_t seq)
{
	changed |= box.wanted[slot] != seq;
	box.wanted[slot] = seq;
}

void box_write(void)
{
	if (disk < 0 || !changed)
		return;
	memcpy(page, &box, sizeof(box));
	if (pwrite(disk, page, PAGE, 0) != PAGE)
		die("the box");
	changed = false;
}

/* Returns an exit status, as main(). */
int box_check(const char *path, const char *file)
{
	unsigned int lost = 0, torn = 0, there = 0;
	struct slot slot;
	int fd = -1;

	disk = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (disk < 0 || pread(disk, page, PAGE, 0) != PAGE)
		die(path);
	memcpy(&box, page, sizeof(box));
	/* The power went before it was there, and nothing had been promised. */
	if (box.magic != BOX_MAGIC)
		memset(&box, 0, sizeof(box));
	for (unsigned int i = 0; i < SLOTS; i++) {
		enum slot_verdict verdict;

		if (!box.wanted[i])
			continue;
		if (fd < 0)
			fd = open(file, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			die(file);
		if (pread(fd, &slot, sizeof(slot), slot_offset(i)) != sizeof(slot))
			memset(&slot, 0, sizeof(slot));
		verdict = slot_check(&slot, box.run, i, box.wanted[i]);
		lost += verdict == SLOT_LOST;
		torn += verdict == SLOT_TORN;
		there += verdict == SLOT_WHOLE;
	}
	printf("there %u, lost %u, torn %u\n", there, lost, torn);
	return lost || torn ? 1 : 0;
}
