/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where a file's bytes are on its disk.
 *
 * Must never make the file system write or read the file's data: a program
 * that asks whether an fsync did its work cannot do it itself.
 */
#ifndef RDMA_FILE_EXTENTS_H
#define RDMA_FILE_EXTENTS_H

#include <stddef.h>
#include <stdint.h>

struct extent {
	uint64_t logical;	/* offset in the file */
	uint64_t physical;	/* offset on the disk */
	uint64_t len;
};

struct extents {
	size_t nr;
	struct extent *extent;
};

/*
 * What is not listed is not on the disk: a hole, delayed allocation, unwritten.
 *
 * Return: 0, or a negative errno after having printed why: -EOPNOTSUPP for a
 * file whose bytes are there in another form (inline, compressed), -EXDEV if
 * @disk is not the file's disk.
 */
int extents_check_disk(int file, int disk);
int extents_get(int file, uint64_t size, struct extents *extents);
void extents_put(struct extents *extents);

#endif /* RDMA_FILE_EXTENTS_H */
