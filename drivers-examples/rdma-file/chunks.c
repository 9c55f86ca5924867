// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * Reads the chunk tree of a mounted btrfs with BTRFS_IOC_TREE_SEARCH, anew for
 * each address: a chunk can be new since the last fsync.
 *
 * Must never make the file system write: it only looks at what it has mapped.
 */
#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "chunks.h"

int chunks_check_disk(int file, dev_t disk)
{
	struct btrfs_ioctl_fs_info_args fs = { };
	struct btrfs_ioctl_dev_info_args dev = { };
	struct stat st;

	if (ioctl(file, BTRFS_IOC_FS_INFO, &fs))
		return -errno;
	dev.devid = fs.max_id;
	if (fs.num_devices != 1 || ioctl(file, BTRFS_IOC_DEV_INFO, &dev) ||
	    stat((char *)dev.path, &st) || st.st_rdev != disk)
		return -EXDEV;
	return 0;
}

/* The chunk that @logical is in, or the first one behind it. */
static int find_chunk(int file, uint64_t logical, uint64_t *start,
		      struct btrfs_chunk *chunk)
{
	struct btrfs_ioctl_search_args args;
	uint64_t next = 0;

	for (;;) {
		struct btrfs_ioctl_search_header head;

		args.key = (struct btrfs_ioctl_search_key){
			.tree_id = BTRFS_CHUNK_TREE_OBJECTID,
			.min_objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID,
			.max_objectid = BTRFS_FIRST_CHUNK_TREE_OBJECTID,
			.min_type = BTRFS_CHUNK_ITEM_KEY,
			.max_type = BTRFS_CHUNK_ITEM_KEY,
			.min_offset = next,
			.max_offset = UINT64_MAX,
			.max_transid = UINT64_MAX,
			.nr_items = 1,
		};
		if (ioctl(file, BTRFS_IOC_TREE_SEARCH, &args))
			return -errno;
		if (!args.key.nr_items)
			return -ENOENT;
		memcpy(&head, args.buf, sizeof(head));
		memcpy(chunk, args.buf + sizeof(head), sizeof(*chunk));
		*start = head.offset;
		next = head.offset + le64toh(chunk->length);
		if (logical < next)
			return 0;
	}
}

int64_t chunks_map(int file, uint64_t logical, uint64_t *physical)
{
	struct btrfs_chunk chunk = { 0 };
	uint64_t start = 0;
	int err;

	err = find_chunk(file, logical, &start, &chunk);
	if (!err && (logical < start ||
		     le64toh(chunk.type) & BTRFS_BLOCK_GROUP_PROFILE_MASK))
		err = -EOPNOTSUPP;
	if (err) {
		fprintf(stderr, "raw-check: no simple chunk at address %llu: %s\n",
			(unsigned long long)logical, strerror(-err));
		return err;
	}
	*physical = le64toh(chunk.stripe.offset) + logical - start;
	return start + le64toh(chunk.length) - logical;
}
