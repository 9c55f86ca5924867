// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture: fsync, and a look at the disk. What had been completed before must be
 * there, unless it was taken away meanwhile.
 *
 * Must never make the file system write: the look would hide what is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "../../../drivers-examples/rdma-file/extents.h"
#include "torture.h"

#define TRIES	50

/* fs/ext4/ext4.h is not for users. */
#define EXT4_IOC_CHECKPOINT	_IOW('f', 43, uint32_t)

static char image[FILE_SIZE] __attribute__((aligned(PAGE)));
static unsigned long syncs, looked, lost, torn, moved;
static double longest;

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static void read_image(const struct extents *extents)
{
	memset(image, 0, sizeof(image));
	for (size_t i = 0; i < extents->nr; i++) {
		const struct extent *e = &extents->extent[i];
		size_t room = e->logical < FILE_SIZE ? FILE_SIZE - e->logical : 0;
		size_t len = e->len < room ? e->len : room;

		if (len && pread(t.disk, image + e->logical, len, e->physical) != (ssize_t)len)
			die("reading the disk");
	}
}

/* Somebody else writes, too: what is read is where the file is, before and after. */
static bool look(void)
{
	struct extents before, after;
	bool same = false;

	for (int i = 0; !same && i < TRIES; i++) {
		if (extents_get(t.file, FILE_SIZE, &before))
			exit(2);
		read_image(&before);
		if (extents_get(t.file, FILE_SIZE, &after))
			exit(2);
		same = before.nr == after.nr &&
		       !memcmp(before.extent, after.extent, before.nr * sizeof(*before.extent));
		extents_put(&before);
		extents_put(&after);
	}
	return same;
}

static void fsync_somehow(uint64_t *random)
{
	double begun = now();
	uint32_t flags = 0;
	int ret;

	switch (random_next(random) % 4) {
	case 0:
		ret = fdatasync(t.file);
		break;
	case 1:
		ret = syncfs(t.file);
		break;
	default:
		ret = fsync(t.file);
	}
	if (ret)
		die("fsync");
	begun = now() - begun;
	longest = begun > longest ? begun : longest;
	if (t.checkpoint && ioctl(t.file, EXT4_IOC_CHECKPOINT, &flags))
		die("checkpoint");
	syncs++;
}

void judge(uint64_t *random)
{
	uint64_t wanted[SLOTS];
	bool stable;

	slots_hold(wanted);
	fsync_somehow(random);
	stable = look();
	moved += !stable;
	for (unsigned int i = 0; i < SLOTS; i++) {
		enum slot_verdict verdict = SLOT_WHOLE;

		if (!wanted[i])
			continue;
		if (stable)
			verdict = slot_check((struct slot *)(image + slot_offset(i)),
					     t.run, i, wanted[i]);
		if (!slots_release(i, wanted[i]))
			continue;
		looked += stable;
		lost += verdict == SLOT_LOST;
		torn += verdict == SLOT_TORN;
	}
	slots_promise();
}

int judge_print(void)
{
	printf(", %lu fsyncs (%.2f s the longest), %lu not looked at, %lu slots\nlost %lu, torn %lu\n",
	       syncs, longest, moved, looked, lost, torn);
	return lost || torn ? 1 : looked ? 0 : 2;
}
