// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Where a file's bytes are on its disk: FIEMAP, without FIEMAP_FLAG_SYNC.
 *
 * Must never guess: an extent that is not plainly on the disk is refused.
 */
#include <errno.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "extents.h"

#define BATCH		64

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC	0x58465342
#endif

#define NOT_PLAIN	(FIEMAP_EXTENT_UNKNOWN | FIEMAP_EXTENT_DELALLOC | \
			 FIEMAP_EXTENT_ENCODED | FIEMAP_EXTENT_DATA_ENCRYPTED | \
			 FIEMAP_EXTENT_NOT_ALIGNED | FIEMAP_EXTENT_DATA_INLINE | \
			 FIEMAP_EXTENT_DATA_TAIL | FIEMAP_EXTENT_UNWRITTEN | \
			 FIEMAP_EXTENT_SHARED)

int extents_check_disk(int file, int disk)
{
	struct stat file_st, disk_st;
	struct statfs fs;

	if (fstat(file, &file_st) || fstat(disk, &disk_st) ||
	    fstatfs(file, &fs)) {
		perror("raw-check: stat");
		return -errno;
	}
	/* Elsewhere the numbers of FIEMAP are not those of the disk. */
	if (fs.f_type != EXT4_SUPER_MAGIC && fs.f_type != XFS_SUPER_MAGIC) {
		fprintf(stderr, "raw-check: the file is neither on ext4 nor on xfs\n");
		return -EOPNOTSUPP;
	}
	if (!S_ISBLK(disk_st.st_mode) || file_st.st_dev != disk_st.st_rdev) {
		fprintf(stderr, "raw-check: the file is not on that disk\n");
		return -EXDEV;
	}
	return 0;
}

static int add(struct extents *extents, const struct fiemap_extent *fe)
{
	struct extent *bigger;

	if (fe->fe_flags & NOT_PLAIN) {
		fprintf(stderr, "raw-check: the extent at %llu is not plainly on the disk (flags 0x%x)\n",
			(unsigned long long)fe->fe_logical, fe->fe_flags);
		return -EOPNOTSUPP;
	}
	bigger = realloc(extents->extent,
			 (extents->nr + 1) * sizeof(*extents->extent));
	if (!bigger)
		return -ENOMEM;
	extents->extent = bigger;
	extents->extent[extents->nr++] = (struct extent){
		.logical = fe->fe_logical,
		.physical = fe->fe_physical,
		.len = fe->fe_length,
	};
	return 0;
}

static int hole(uint64_t pos)
{
	fprintf(stderr, "raw-check: the file has a hole at %llu\n",
		(unsigned long long)pos);
	return -EOPNOTSUPP;
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
		if (!map->fm_mapped_extents)
			err = hole(pos);
		for (uint32_t i = 0; !err && i < map->fm_mapped_extents; i++) {
			const struct fiemap_extent *fe = &map->fm_extents[i];

			err = fe->fe_logical > pos ? hole(pos) :
						     add(extents, fe);
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
