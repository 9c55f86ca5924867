// SPDX-License-Identifier: GPL-2.0-only
/*
 * log-replay LOG IMAGE - does to IMAGE what dm-log-writes has seen, and stops
 * wherever the disk had promised something: after each flush and each FUA write, which
 * are all the states that a power cut must leave. Says "flush N" or "fua N", N being the
 * entry, and goes on when it reads a line; says "end N" at the end.
 *
 * Must never write what the disk may still have had in its cache.
 */
#define _FILE_OFFSET_BITS 64
#include <endian.h>
#include <err.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define LOG_MAGIC	0x6a736677736872ull
#define LOG_FLUSH	1u
#define LOG_FUA		2u
#define LOG_DISCARD	4u

/* Little endian, each at the beginning of a sector; an entry's data follow it. */
struct log_super {
	uint64_t magic, version, nr_entries;
	uint32_t sector_size;
};

struct log_entry {
	uint64_t sector, nr_sectors, flags, data_len;
};

static int log_fd, image;
static uint64_t sector_size;

static void get(void *to, size_t len, off_t at)
{
	if (pread(log_fd, to, len, at) != (ssize_t)len)
		err(2, "the log at %lld", (long long)at);
}

/* Returns where the data end. */
static off_t write_entry(const struct log_entry *e, off_t at)
{
	off_t to = le64toh(e->sector) * sector_size;
	uint64_t len = le64toh(e->nr_sectors) * sector_size, n;
	static char buf[1 << 16];

	/* Whatever is read from there now is right. */
	if (le64toh(e->flags) & LOG_DISCARD)
		return at;
	for (; len; len -= n, at += n, to += n) {
		n = len < sizeof(buf) ? len : sizeof(buf);
		get(buf, n, at);
		if (pwrite(image, buf, n, to) != (ssize_t)n)
			err(2, "the image");
	}
	return at;
}

static void stop(const char *why, uint64_t entry)
{
	char line[16];

	printf("%s %llu\n", why, (unsigned long long)entry);
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		exit(0);
}

int main(int argc, char **argv)
{
	struct log_super super;
	struct log_entry e;
	uint64_t i;
	off_t at;

	if (argc != 3)
		errx(2, "usage: log-replay LOG IMAGE");
	log_fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	image = open(argv[2], O_WRONLY | O_CLOEXEC);
	if (log_fd < 0 || image < 0)
		err(2, "%s, %s", argv[1], argv[2]);
	get(&super, sizeof(super), 0);
	if (le64toh(super.magic) != LOG_MAGIC)
		errx(2, "%s is not a log of dm-log-writes", argv[1]);
	sector_size = le32toh(super.sector_size);
	at = sector_size;
	for (i = 0; i < le64toh(super.nr_entries); i++) {
		get(&e, sizeof(e), at);
		at = write_entry(&e, at + sector_size);
		if (le64toh(e.flags) & LOG_FUA)
			stop("fua", i);
		else if (le64toh(e.flags) & LOG_FLUSH)
			stop("flush", i);
	}
	stop("end", i);
	return 0;
}
