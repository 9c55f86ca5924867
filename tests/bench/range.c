// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: range peers|ours
 *
 * B3: a range that somebody wants to be told of, and not any more, without a driver:
 * what Linux has (peers), and a declared range, alone and in batches (ours). B13: is
 * it still valid, without a system call.
 *
 * Must never let the compiler take a load out of a loop: atomic ones stay.
 */
#include <string.h>

#include "ranges.h"

#define BATCH	64
#define CHECKS	1000

static size_t len;
static struct revoke_range ranges[BATCH];
static uint64_t word = 1;

static void peer_uffd(void)
{
	uffd_on(len);
	uffd_off(len);
}

static void peer_lease(void)
{
	lease_on();
	lease_off();
}

static void system_call(void)
{
	syscall(SYS_getppid);
}

static void declare(void)
{
	declare_on(len);
	declare_off();
}

static void declare_batch(void)
{
	if (revoke_declare(ctx, NULL, ranges, BATCH) ||
	    revoke_undeclare(ctx, ranges, BATCH))
		errx(1, "declare: %s", revoke_last_error(ctx));
}

static void load(void)
{
	for (int i = 0; i < CHECKS; i++)
		if (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != 1)
			errx(1, "the word has changed");
}

static void valid(void)
{
	for (int i = 0; i < CHECKS; i++)
		if (!revoke_pin_valid(&range))
			errx(1, "the range was taken");
}

static void peers(void)
{
	struct bench b = { .row = "B3", .times = 128 };

	uffd_open();
	for (len = 4096; len <= 1 << 20; len *= 16) {
		b.x = len;
		b.series = "userfaultfd register + unregister";
		b.fn = peer_uffd;
		bench(&b);
	}
	b.x = 4096;
	b.series = "getppid, the least a system call costs";
	b.fn = system_call;
	bench(&b);
	map_memory("/dev/shm/range");
	b.series = "F_SETLEASE, set + clear";
	b.fn = peer_lease;
	bench(&b);

	bench(&(struct bench){
		.row = "B13", .series = "an atomic load and a comparison", .times = 64,
		.each = CHECKS, .fn = load,
	});
}

static void ours(void)
{
	struct bench b = { .row = "B3", .times = 128 };

	declare_open();
	for (len = 4096; len <= 1 << 20; len *= 16) {
		b.x = len;
		b.each = 1;
		b.series = "revoke_declare + revoke_undeclare";
		b.fn = declare;
		bench(&b);
	}
	for (int i = 0; i < BATCH; i++)
		ranges[i] = (struct revoke_range){
			.size = sizeof(*ranges), .addr = (uintptr_t)memory + i * 4096,
			.len = 4096, .flags = REVOKE_RANGE_WRITE,
		};
	b.x = 4096;
	b.each = BATCH;
	b.series = "the same, 64 in one call, each";
	b.fn = declare_batch;
	bench(&b);

	declare_on(4096);
	bench(&(struct bench){
		.row = "B13", .series = "revoke_pin_valid", .times = 64,
		.each = CHECKS, .fn = valid,
	});
}

int main(int argc, char **argv)
{
	map_memory("anon");
	if (argc == 2 && !strcmp(argv[1], "peers"))
		peers();
	else if (argc == 2 && !strcmp(argv[1], "ours"))
		ours();
	else
		errx(2, "usage: range peers|ours");
	return 0;
}
