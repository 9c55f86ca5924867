// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Where a file's bytes are on its disk: FIEMAP, without FIEMAP_FLAG_SYNC, and
 * on btrfs what its chunks say.
 *
 * Must never guess: what is not yet on the disk is left out, and an extent that
 * is there in any but the plain form is refused.
 */
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "chunks.h"
#include "extents.h"

#define BATCH		64

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC	0x58465342
#endif

/* Read as zeroes after a crash, as a hole is. */
#define NOT_THERE	(FIEMAP_EXTENT_DELALLOC | FIEMAP_EXTENT_UNWRITTEN)

#define NOT_PLAIN	(FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_ENCODED | \
			 FIEMAP_EXTENT_DATA_ENCRYPTED | \
			 FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE | \
			 FIEMAP_EXTENT_DATA_TAIL)

static bool on_btrfs(int file)
{
	struct statfs fs;

	return !fstatfs(file, &fs) && fs.f_type == BTRFS_SUPER_MAGIC;
}

int extents_check_disk(int file, int disk)
{
	struct stat file_st, disk_st;
	struct statfs fs;
	bool same;

	if (fstat(file, &file_st) || fstat(disk, &disk_st) ||
	    fstatfs(file, &fs)) {
		perror("raw-check: stat");
		return -errno;
	}
	/* Elsewhere nobody knows what the numbers of FIEMAP are. */
	if (fs.f_type == EXT4_SUPER_MAGIC || fs.f_type == XFS_SUPER_MAGIC) {
		same = file_st.st_dev == disk_st.st_rdev;
	} else if (on_btrfs(file)) {
		same = !chunks_check_disk(file, disk_st.st_rdev);
	} else {
		fprintf(stderr, "raw-check: the file is neither on ext4, xfs nor btrfs\n");
		return -EOPNOTSUPP;
	}
	if (!S_ISBLK(disk_st.st_mode) || !same) {
		fprintf(stderr, "raw-check: the file is not on that disk\n");
		return -EXDEV;
	}
	return 0;
}

static int add(struct extents *extents, const struct extent *extent)
{
	struct extent *bigger;

	bigger = realloc(extents->extent,
			 (extents->nr + 1) * sizeof(*extents->extent));
	if (!bigger)
		return -ENOMEM;
	extents->extent = bigger;
	extents->extent[extents->nr++] = *extent;
	return 0;
}

static int add_mapped(struct extents *extents, int file,
		      const struct fiemap_extent *fe)
{
	uint64_t done = 0;
	int err = 0;

	if (fe->fe_flags & NOT_THERE)
		return 0;
	if (fe->fe_flags & NOT_PLAIN) {
		fprintf(stderr, "raw-check: the extent at %llu is not plainly on the disk (flags 0x%x)\n",
			(unsigned long long)fe->fe_logical, fe->fe_flags);
		return -EOPNOTSUPP;
	}
	while (!err && done < fe->fe_length) {
		struct extent extent = {
			.logical = fe->fe_logical + done,
			.physical = fe->fe_physical + done,
			.len = fe->fe_length - done,
		};

		if (on_btrfs(file)) {
			int64_t len = chunks_map(file, extent.physical,
						 &extent.physical);

			if (len < 0)
				return len;
			if ((uint64_t)len < extent.len)
				extent.len = len;
		}
		err = add(extents, &extent);
		done += extent.len;
	}
	return err;
}

int extents_get(int file, uint64_t size, struct extents *extents)
{
	struct fiemap *map;
	uint64_t pos = 0;
	int err = 0;

	*extents = (struct extents){ };
	map = calloc(1, sizeof(*map) + BATCH * sizeof(map->fm_extents[0]));
	if (!map)
		return -ENOMEM;
	while (!err && pos < size) {
		map->fm_start = pos;
		map->fm_length = size - pos;
		map->fm_flags = 0;
		map->fm_extent_count = BATCH;
		if (ioctl(file, FS_IOC_FIEMAP, map)) {
			err = -errno;
			perror("raw-check: FIEMAP");
			break;
		}
		/* A hole up to the end. */
		if (!map->fm_mapped_extents)
			break;
		for (uint32_t i = 0; !err && i < map->fm_mapped_extents; i++) {
			const struct fiemap_extent *fe = &map->fm_extents[i];

			err = add_mapped(extents, file, fe);
			pos = fe->fe_logical + fe->fe_length;
		}
	}
	free(map);
	if (err)
		extents_put(extents);
	return err;
}

void extents_put(struct extents *extents)
{
	free(extents->extent);
	*extents = (struct extents){ };
}
