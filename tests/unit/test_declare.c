// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges that a process declares, against the fake peer: what is said, in how
 * many calls, and that a call that fails has declared nothing.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include "ctx.h"
#include "tap.h"

#define MANY	200

static struct revoke_range ranges[MANY];

static void begin(void)
{
	size_t i;

	start();
	for (i = 0; i < MANY; i++)
		ranges[i] = (struct revoke_range){
			.size = sizeof(*ranges), .addr = 4096 * i, .len = 4096
		};
}

static void test_one(void)
{
	begin();
	ranges[0].addr = 0x123456789abcdef0;
	ranges[0].len = 0x1234567890;
	ranges[0].flags = REVOKE_RANGE_WRITE;
	errno = 77;
	ok(!revoke_declare(ctx, "cache", ranges, 1) && ranges[0].id == 1,
	   "a range is declared and has an id");
	ok(fake.range.addr == ranges[0].addr && fake.range.len == ranges[0].len &&
	   fake.range.flags == PIN_REVOKE_RANGE_FLAGS_WRITE &&
	   !strcmp(fake.name, "cache"), "addr, len, flags and name arrive");
	ok(!revoke_undeclare(ctx, ranges, 1) && fake.undeclared == 1,
	   "it is undeclared");
	ok(!revoke_declare(ctx, NULL, ranges, 1) && !*fake.name, "no name is none");
	ok(!revoke_declare(ctx, NULL, NULL, 0) && !revoke_undeclare(ctx, NULL, 0) &&
	   fake.declares == 2, "nothing needs no message");
	ok(errno == 77, "errno is left alone");
	stop();
}

static void test_many(void)
{
	bool all = true;
	size_t i;

	begin();
	ok(!revoke_declare(ctx, NULL, ranges, MANY) &&
	   fake.declares == (MANY + PIN_REVOKE_MAX_RANGES - 1) / PIN_REVOKE_MAX_RANGES,
	   "many ranges take as few calls as they can");
	for (i = 0; i < MANY; i++)
		all &= ranges[i].id == i + 1;
	ok(all, "each has its id");
	ok(!revoke_undeclare(ctx, ranges, MANY) && fake.undeclared == MANY,
	   "all are undeclared");
	stop();
}

static void test_errors(void)
{
	char name[65];

	begin();
	fake.declare_fails = 3;
	ok(revoke_declare(ctx, NULL, ranges, MANY) == -EDQUOT &&
	   fake.declared == 2 * PIN_REVOKE_MAX_RANGES &&
	   fake.undeclared == fake.declared,
	   "when a part fails, the ranges of those before it are undeclared");
	ok(!strcmp(revoke_last_error(ctx), "too many"), "the text is its own");
	fake.claim_short = true;
	ok(revoke_claim(ctx, ranges, 2) == -EPROTO,
	   "a reply with too few ranges: -EPROTO");
	fake.claim_short = false;
	memset(name, 'x', sizeof(name) - 1);
	name[64] = '\0';
	ok(revoke_declare(ctx, name, ranges, 1) == -EINVAL, "a name too long: -EINVAL");
	ok(!revoke_declare(ctx, name + 1, ranges, 1) && strlen(fake.name) == 63,
	   "the longest name");
	ranges[1].size = sizeof(*ranges) - 1;
	ok(revoke_declare(ctx, NULL, ranges, 2) == -EINVAL &&
	   revoke_undeclare(ctx, ranges + 1, 1) == -EINVAL,
	   "a range too short: -EINVAL");
	fake.err = -ENOENT;
	ok(revoke_undeclare(ctx, ranges, 1) == -ENOENT, "undeclare has errors, too");
	stop();
}

/* What a newer caller has more is passed over, in each of an array. */
static void test_newer(void)
{
	struct {
		struct revoke_range range;
		char more[8];
	} newer[2] = { { .more = "garbage" } };

	begin();
	newer[0].range = ranges[0];
	newer[1].range = ranges[1];
	newer[0].range.size = sizeof(*newer);
	newer[1].range.size = sizeof(*newer);
	ok(!revoke_declare(ctx, NULL, &newer[0].range, 2) &&
	   newer[0].range.id == 1 && newer[1].range.id == 2 &&
	   fake.range.addr == ranges[1].addr && !strcmp(newer[0].more, "garbage"),
	   "ranges of a newer caller");
	stop();
}

static void test_valid(void)
{
	const uint64_t one = 1;

	begin();
	fake.word = PIN_REVOKE_MAX_WORDS - 1;
	ok(!revoke_declare(ctx, NULL, ranges, 1) && revoke_pin_valid(ranges),
	   "valid as long as the word is what it was");
	ok(pwrite(fake.words, &one, 8, fake.word * 8) == 8 &&
	   !revoke_pin_valid(ranges), "not when it has changed");
	fake.word++;
	ok(revoke_declare(ctx, NULL, ranges, 1) == -EPROTO,
	   "a word outside the mapping: -EPROTO");
	stop();
}

static void test_fork(void)
{
	int status;
	pid_t pid;

	begin();
	pid = fork();
	if (!pid)
		_exit(revoke_declare(ctx, NULL, ranges, 1) != -ECHILD ||
		      revoke_undeclare(ctx, ranges, 1) != -ECHILD);
	waitpid(pid, &status, 0);
	ok(!status && !fake.declares, "in a child of fork(): -ECHILD");
	stop();
}

static bool mapped(uint64_t addr)
{
	unsigned char in_core;

	return !mincore((void *)(uintptr_t)(addr & -4096), 1, &in_core);
}

static void test_file(void)
{
	char path[] = "/tmp/declare-XXXXXX";
	int fd = mkstemp(path);
	uint64_t addr;
	size_t i;

	if (fd < 0 || unlink(path) || ftruncate(fd, 1 << 20))
		abort();
	begin();
	ranges[0].addr = 4096 + 100;
	ranges[0].len = 5000;
	ranges[0].flags = REVOKE_RANGE_WRITE;
	ok(!revoke_declare_file(ctx, "part", fd, ranges, 2) && fake.declared == 2,
	   "file: parts are declared");
	addr = ranges[0].addr;
	ok(addr % 4096 == 100 && mapped(addr) && mapped(addr + 4999) && mapped(ranges[1].addr),
	   "file: each has a mapping of its own");
	ok(pwrite(fd, "x", 1, 4096 + 100) == 1 && *(char *)(uintptr_t)addr == 'x',
	   "file: of that part");
	ok(!revoke_undeclare_file(ctx, ranges, 2) && fake.undeclared == 2 &&
	   !mapped(addr) && !mapped(addr + 4999), "file: which goes with it");
	stop();
	begin();
	ranges[1].addr = UINT64_MAX;
	ok(revoke_declare_file(ctx, NULL, fd, ranges, 2) == -EINVAL && !fake.declared &&
	   !ranges[0].addr && ranges[1].addr == UINT64_MAX, "file: one that is none, nothing is declared");
	ranges[1].addr = 4096;
	fake.err = -EDQUOT;
	fake.text = "too many";
	ok(revoke_declare_file(ctx, NULL, fd, ranges, 2) == -EDQUOT && !ranges[0].addr &&
	   ranges[1].addr == 4096 && !strcmp(revoke_last_error(ctx), "too many"),
	   "file: the kernel refuses, offsets are as they were");
	for (i = 0; i < MANY; i++)
		ranges[i].len = 0;
	ok(revoke_declare_file(ctx, NULL, fd, ranges, 1) == -EINVAL, "file: an empty part is none");
	ok(revoke_declare_file(ctx, NULL, fd, ranges, 65) == -E2BIG, "file: 64 at most");
	close(fd);
	ranges[0].len = 4096;
	ok(revoke_declare_file(ctx, NULL, fd, ranges, 1) == -EBADF, "file: one that is not open");
	stop();
}

int main(void)
{
	test_one();
	test_many();
	test_errors();
	test_newer();
	test_valid();
	test_fork();
	test_file();
	return tap_done();
}
