/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * Where an address of btrfs is on its disk: FIEMAP answers with addresses of
 * its own, which its chunk tree maps to those of the disk.
 *
 * Must never guess: more than one disk, or a profile with parts, is refused.
 */
#ifndef RDMA_FILE_CHUNKS_H
#define RDMA_FILE_CHUNKS_H

#include <stdint.h>
#include <sys/types.h>

/* Return: 0, or a negative errno; -EXDEV if @disk is not the only disk. */
int chunks_check_disk(int file, dev_t disk);

/*
 * Maps the address @logical. Return: how many bytes from there on are in one
 * piece at @physical, or a negative errno after having printed why.
 */
int64_t chunks_map(int file, uint64_t logical, uint64_t *physical);

#endif /* RDMA_FILE_CHUNKS_H */
