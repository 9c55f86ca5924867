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
#define CHUNK		(1u << 20)

struct check {
	int file;
	int disk;
	struct state *state;
	uint64_t nr_slots;
	uint64_t *snapshot;	/* per slot: to be found, 0 for nothing new */
	void *buf;
	bool fsync;
	uint64_t found, lost, torn;
};

struct round {
	uint64_t looked_for, lost, torn;
};

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
	    c->state->blocks > MAX_BLOCKS ||
	    state_size(c->state->blocks) > (size_t)st.st_size) {
		fprintf(stderr, "raw-check: %s: not the state of an rdma-file client\n",
			path);
		return -EINVAL;
	}
	c->nr_slots = 2 * c->state->blocks;
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

static void judge(struct check *c, uint64_t index, const struct slot *found,
		  struct round *round)
{
	uint64_t seq = c->snapshot[index];

	if (!seq)
		return;
	round->looked_for++;
	switch (slot_check(found, c->state->run, index, seq)) {
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

/* Extents are whole file system blocks, and these are multiples of a slot. */
static int check_extent(struct check *c, const struct extent *e,
			struct round *round)
{
	uint64_t pos = 0;

	while (pos < e->len) {
		size_t len = e->len - pos < CHUNK ? e->len - pos : CHUNK;
		uint64_t index = (e->logical + pos) / SLOT_SIZE;
		ssize_t n = pread(c->disk, c->buf, len, e->physical + pos);

		if (n < 0 || (size_t)n != len) {
			fprintf(stderr, "raw-check: reading the disk: %s\n",
				n < 0 ? strerror(errno) : "too short");
			return -EIO;
		}
		for (size_t i = 0; i < len / SLOT_SIZE; i++)
			if (index + i < c->nr_slots)
				judge(c, index + i, (struct slot *)c->buf + i,
				      round);
		pos += len;
	}
	return 0;
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
static uint64_t await_writes(struct check *c)
{
	double deadline = now() + WRITE_TIMEOUT;
	uint64_t written;

	while (!(written = take_snapshot(c)) && now() < deadline)
		wait_ms(20);
	return written;
}

static int check_round(struct check *c, unsigned int nr)
{
	struct round round = { };
	struct extents extents;
	double start, took;
	uint64_t expected;
	int err;

	expected = await_writes(c);
	start = now();
	if (c->fsync && fsync(c->file)) {
		err = -errno;
		perror("raw-check: fsync");
		return err;
	}
	took = now() - start;

	err = extents_get(c->file, c->nr_slots * SLOT_SIZE, &extents);
	if (err)
		return err;
	for (size_t i = 0; !err && i < extents.nr; i++)
		err = check_extent(c, &extents.extent[i], &round);
	extents_put(&extents);
	if (err)
		return err;

	printf("[%9.3f] raw-check: round %u: fsync took %.0f ms; of %llu blocks written before it the disk has lost %llu, torn %llu\n",
	       now(), nr, took * 1000, (unsigned long long)round.looked_for,
	       (unsigned long long)round.lost, (unsigned long long)round.torn);
	fflush(stdout);
	if (round.looked_for != expected || !expected) {
		fprintf(stderr, "raw-check: looked for %llu blocks, %llu were written: no verdict\n",
			(unsigned long long)round.looked_for,
			(unsigned long long)expected);
		return -ENODATA;
	}
	c->found += round.looked_for;
	c->lost += round.lost;
	c->torn += round.torn;
	return 0;
}

static int open_all(struct check *c, const char *file, const char *disk,
		    const char *state)
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
	err = extents_check_disk(c->file, c->disk);
	if (!err)
		err = attach_state(c, state);
	if (err)
		return err;
	c->snapshot = calloc(c->nr_slots, sizeof(*c->snapshot));
	c->buf = aligned_alloc(CHUNK, CHUNK);
	if (!c->snapshot || !c->buf) {
		fprintf(stderr, "raw-check: %s\n", strerror(ENOMEM));
		return -ENOMEM;
	}
	return 0;
}

static int usage(void)
{
	fputs("usage: raw-check FILE --disk DEV --state FILE [--rounds N] [--interval SECONDS]\n"
	      "\n"
	      "Calls fsync on FILE and looks for its blocks on DEV, past the file system.\n"
	      "  --disk DEV       the disk that FILE is on, e.g. /dev/vda\n"
	      "  --state FILE     shared with rdma-file client\n"
	      "  --rounds N       how often (5)\n"
	      "  --interval S     pause before each round in seconds (1)\n"
	      "exit status: 0 nothing lost or torn, 1 something was, 2 no verdict\n",
	      stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "disk", required_argument, NULL, 'd' },
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
	char *end = "";
	int opt, err = 0;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (opt) {
		case 'd':
			disk = optarg;
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
	if (optind != argc - 1 || !disk || !state || !rounds ||
	    !(interval >= 0 && interval <= 3600))
		return usage();

	if (open_all(&c, argv[optind], disk, state))
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
