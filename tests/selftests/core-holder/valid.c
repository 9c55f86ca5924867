// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-holder: validity without a system call, and a thread that takes memory
 * away while another declares it.
 *
 * Must never call a range valid by itself: only revoke_pin_valid() does.
 */
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <revoke/revoke.h>

#include "holder.h"

#define SIZE	4096

static struct {
	const char *how;
	char *addr;
	int fd;
	atomic_ulong begun, done;	/* changes */
	atomic_bool stop;
} race;

static int change(void)
{
	char *addr = race.addr;

	if (!strcmp(race.how, "unmap"))
		return mmap(addr, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE |
			    MAP_ANONYMOUS | MAP_FIXED, -1, 0) == addr ? 0 : -1;
	if (!strcmp(race.how, "drop"))
		return madvise(addr, SIZE, MADV_DONTNEED);
	if (!strcmp(race.how, "truncate"))
		return ftruncate(race.fd, 0) || ftruncate(race.fd, SIZE) ? -1 : 0;
	return fsync(race.fd);
}

static void *changer(void *arg)
{
	int err = 0;

	while (!err && !race.stop) {
		__atomic_fetch_add(race.addr, 1, __ATOMIC_RELAXED);
		race.begun++;
		err = change();
		race.done++;
	}
	return err ? arg : NULL;
}

/*
 * race CTX PLACE unmap|drop|truncate|fsync ROUNDS: of a page of a region. Each round
 * declares, every other one waits until the page has changed, and checks. A change
 * that began after the range was declared, and was done before the check, must be
 * seen.
 */
void do_race(char **arg)
{
	struct revoke_ctx *ctx = context(arg[1]);
	unsigned int wrong = 0, changed = 0, valid = 0, i;
	struct revoke_range range = {
		.size = sizeof(range), .len = SIZE, .flags = REVOKE_RANGE_WRITE
	};
	void *failure = NULL;
	pthread_t thread;

	race.how = arg[3];
	race.addr = place(arg[2]);
	race.fd = region_fd(arg[2]);
	race.stop = false;
	range.addr = (uintptr_t)race.addr;
	if (pthread_create(&thread, NULL, changer, &race)) {
		puts("error no thread");
		return;
	}
	for (i = 0; i < number(arg[4]) && !failure;) {
		unsigned long begun;
		bool late, yes;
		double until;
		int err = revoke_declare(ctx, NULL, &range, 1);

		/* In the middle of a change, or it changes too fast. */
		if (err) {
			sched_yield();
			continue;
		}
		begun = race.begun;
		until = now() + 1000;
		while (i % 2 && race.done <= begun && now() < until)
			sched_yield();
		late = race.done > begun;
		yes = revoke_pin_valid(&range);
		wrong += late && yes;
		changed += late;
		valid += yes;
		revoke_undeclare(ctx, &range, 1);
		i++;
	}
	race.stop = true;
	pthread_join(thread, &failure);
	printf("ok wrong=%u changed=%u valid=%u%s\n", wrong, changed, valid,
	       failure ? " incomplete" : "");
}

/* words private|write|exec|protect|end: what cannot be mapped, of any context */
void do_words(char **arg)
{
	int fd = context_fd();
	bool private = !strcmp(arg[1], "private");
	int prot = !strcmp(arg[1], "write") ? PROT_READ | PROT_WRITE :
		   !strcmp(arg[1], "exec") ? PROT_READ | PROT_EXEC : PROT_READ;
	void *map = mmap(NULL, SIZE, prot, private ? MAP_PRIVATE : MAP_SHARED, fd, 0);

	if (map == MAP_FAILED) {
		done(-1);
		return;
	}
	done(strcmp(arg[1], "protect") ? 0 :
	     mprotect(map, SIZE, PROT_READ | PROT_WRITE));
	munmap(map, SIZE);
}
