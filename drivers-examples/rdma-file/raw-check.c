// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * raw-check - does fsync mean it?
 *
 * The process beside rdma-file that calls fsync() and then looks on the disk,
 * past the file system, for everything whose RDMA WRITE had completed before.
 * Must never read the file itself: O_DIRECT reads, cp and remounts write dirty
 * pages first and so hide what is missing.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "extents.h"
#include "slot.h"

#define WRITE_TIMEOUT	30.0	/* seconds without a write that mean the client is stuck */
#define ALIGN		(1u << 16)	/* no file system's blocks are larger */

struct check {
	int file;
	int disk;
	struct state *state;
	uint64_t nr_slots;
	uint64_t *snapshot;	/* per slot: to be found, 0 for nothing new */
	size_t size;		/* of the file up to the end of the last slot */
	char *image;		/* of these bytes on the disk */
	bool fsync;
	uint64_t found, lost, torn;
};

struct round {
	uint64_t looked_for, lost, torn;
};

static size_t image_size(const struct check *c)
{
	return (c->size + ALIGN - 1) / ALIGN * ALIGN;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static int attach_state(struct check *c, const char *path)
{
	struct stat st;
	void *map = MAP_FAILED;
	int fd, err = 0;

	/* An empty file: mmap says EINVAL; a short one is caught below. */
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st))
		map = mmap(NULL, st.st_size, PROT_READ | PROT_WRITE,
			   MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		err = -errno;
		fprintf(stderr, "raw-check: %s: %s\n", path, strerror(-err));
	}
	if (fd >= 0)
		close(fd);
	if (err)
		return err;
	c->state = map;
	if ((size_t)st.st_size < sizeof(*c->state) ||
	    c->state->magic != STATE_MAGIC || !c->state->blocks ||
	    c->state->blocks > MAX_BLOCKS || c->state->offset > SIZE_MAX / 2 ||
	    state_size(c->state->blocks) > (size_t)st.st_size) {
		fprintf(stderr, "raw-check: %s: not the state of an rdma-file client\n",
			path);
		return -EINVAL;
	}
	c->nr_slots = 2 * c->state->blocks;
	c->size = c->state->offset + c->nr_slots * SLOT_SIZE;
	return 0;
}

/* What is complete now must survive the fsync that follows. */
static uint64_t take_snapshot(struct check *c)
{
	uint64_t n = 0;

	for (uint64_t i = 0; i < c->nr_slots; i++) {
		struct state_slot *s = &c->state->slot[i];
		uint64_t seq = atomic_load_explicit(&s->completed,
						    memory_order_acquire);
		bool is_new = seq != atomic_load_explicit(&s->checked,
							  memory_order_relaxed);

		c->snapshot[i] = is_new ? seq : 0;
		n += is_new;
	}
	return n;
}

static void judge(struct check *c, uint64_t index, struct round *round)
{
	uint64_t seq = c->snapshot[index];
	struct slot found;

	if (!seq)
		return;
	round->looked_for++;
	memcpy(&found, c->image + c->state->offset + index * SLOT_SIZE,
	       sizeof(found));
	switch (slot_check(&found, c->state->run, index, seq)) {
	case SLOT_WHOLE:
		break;
	case SLOT_LOST:
		round->lost++;
		break;
	case SLOT_TORN:
		round->torn++;
		break;
	}
	/* Unlocks it, see slot.h. */
	atomic_store_explicit(&c->state->slot[index].checked, seq,
			      memory_order_release);
}

/* Extents are whole blocks of the file system, of the size that O_DIRECT wants. */
static int read_extent(struct check *c, const struct extent *e)
{
	size_t room = image_size(c) - e->logical, done = 0;
	size_t len = e->len < room ? e->len : room;

	while (done < len) {
		ssize_t n = pread(c->disk, c->image + e->logical + done,
				  len - done, e->physical + done);

		if (n <= 0) {
			fprintf(stderr, "raw-check: reading the disk: %s\n",
				n < 0 ? strerror(errno) : "too short");
			return -EIO;
		}
		done += n;
	}
	return 0;
}

/* What is nowhere on the disk is as good as zeroes: lost. */
static int read_image(struct check *c)
{
	struct extents extents;
	int err;

	memset(c->image, 0, image_size(c));
	err = extents_get(c->file, c->size, &extents);
	if (err)
		return err;
	for (size_t i = 0; !err && i < extents.nr; i++)
		err = read_extent(c, &extents.extent[i]);
	extents_put(&extents);
	return err;
}

static void wait_ms(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000l,
	};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/*
 * A round without a write would say nothing. On a slow machine a region can
 * take longer than the interval to come back: give the client its chance.
 */
static void await_writes(struct check *c)
{
	double deadline = now() + WRITE_TIMEOUT;

	while (!take_snapshot(c) && now() < deadline)
		wait_ms(20);
}

static int check_round(struct check *c, unsigned int nr)
{
	struct round round = { };
	double start, took;
	int err;

	await_writes(c);
	start = now();
	if (c->fsync && fsync(c->file)) {
		err = -errno;
		perror("raw-check: fsync");
		return err;
	}
	took = now() - start;

	err = read_image(c);
	if (err)
		return err;
	for (uint64_t i = 0; i < c->nr_slots; i++)
		judge(c, i, &round);

	printf("[%9.3f] raw-check: round %u: fsync took %.0f ms; of %llu blocks written before it the disk has lost %llu, torn %llu\n",
	       now(), nr, took * 1000, (unsigned long long)round.looked_for,
	       (unsigned long long)round.lost, (unsigned long long)round.torn);
	fflush(stdout);
	if (!round.looked_for) {
		fprintf(stderr, "raw-check: nothing was written: no verdict\n");
		return -ENODATA;
	}
	c->found += round.looked_for;
	c->lost += round.lost;
	c->torn += round.torn;
	return 0;
}

static int open_all(struct check *c, const char *file, const char *disk)
{
	int err;

	c->file = open(file, O_RDONLY | O_CLOEXEC);
	if (c->file < 0) {
		err = -errno;
		fprintf(stderr, "raw-check: %s: %s\n", file, strerror(errno));
		return err;
	}
	c->disk = open(disk, O_RDONLY | O_DIRECT | O_CLOEXEC);
	if (c->disk < 0) {
		err = -errno;
		fprintf(stderr, "raw-check: %s: %s\n", disk, strerror(errno));
		return err;
	}
	return extents_check_disk(c->file, c->disk);
}

static int begin(struct check *c, const char *state)
{
	int err = attach_state(c, state);

	if (err)
		return err;
	c->snapshot = calloc(c->nr_slots, sizeof(*c->snapshot));
	c->image = aligned_alloc(ALIGN, image_size(c));
	if (!c->snapshot || !c->image) {
		fprintf(stderr, "raw-check: %s\n", strerror(ENOMEM));
		return -ENOMEM;
	}
	return 0;
}

/* For tests that know themselves what has to be where. */
static int print_image(struct check *c)
{
	struct stat st;

	if (fstat(c->file, &st))
		return -errno;
	c->size = st.st_size;
	c->image = aligned_alloc(ALIGN, image_size(c));
	if (!c->image || read_image(c) ||
	    fwrite(c->image, 1, c->size, stdout) != c->size || fflush(stdout))
		return -EIO;
	return 0;
}

static int usage(void)
{
	fputs("usage: raw-check FILE --disk DEV --state FILE [--rounds N] [--interval SECONDS]\n"
	      "       raw-check FILE --disk DEV --image\n"
	      "\n"
	      "Calls fsync on FILE and looks for its blocks on DEV, past the file system.\n"
	      "  --disk DEV       the disk that FILE is on, e.g. /dev/vda\n"
	      "  --state FILE     shared with rdma-file client\n"
	      "  --rounds N       how often (5)\n"
	      "  --interval S     pause before each round in seconds (1)\n"
	      "  --image          print FILE as it is on DEV, holes as zeroes, and do nothing else\n"
	      "exit status: 0 nothing lost or torn, 1 something was, 2 no verdict\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "disk", required_argument, NULL, 'd' },
		{ "image", no_argument, NULL, 'I' },
		{ "interval", required_argument, NULL, 'i' },
		/* For tests of this program: it must then find losses. */
		{ "no-fsync", no_argument, NULL, 'n' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "state", required_argument, NULL, 's' },
		{ }
	};
	const char *disk = NULL, *state = NULL;
	struct check c = { .fsync = true };
	unsigned int rounds = 5;
	double interval = 1;
	bool image = false;
	char *end = "";
	int opt, err = 0;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (opt) {
		case 'd':
			disk = optarg;
			break;
		case 'I':
			image = true;
			break;
		case 'i':
			interval = strtod(optarg, &end);
			break;
		case 'n':
			c.fsync = false;
			break;
		case 'r':
			rounds = strtoul(optarg, &end, 0);
			break;
		case 's':
			state = optarg;
			break;
		default:
			return usage();
		}
		if (*end)
			return usage();
	}
	if (optind != argc - 1 || !disk || !(state || image) || !rounds ||
	    !(interval >= 0 && interval <= 3600))
		return usage();

	if (open_all(&c, argv[optind], disk))
		return 2;
	if (image)
		return print_image(&c) ? 2 : 0;
	if (begin(&c, state))
		return 2;
	for (unsigned int nr = 1; !err && nr <= rounds; nr++) {
		wait_ms(interval * 1000);
		err = check_round(&c, nr);
	}
	atomic_store(&c.state->stop, 1);
	if (err)
		return 2;
	printf("lost %llu, torn %llu\n", (unsigned long long)c.lost,
	       (unsigned long long)c.torn);
	return c.lost || c.torn;
}
