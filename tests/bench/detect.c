// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: detect none|pin|declare|uffd|lease FS FILE
 *
 * B12: is a process that has registered a range of FILE, on the file system FS, told
 * when something happens to that range (told, missed), and not told when something
 * happens beside it (quiet, false). refused: such a range cannot be registered; stays:
 * nothing was taken, and nobody was told. The holder has a thread that listens and
 * gives what it is asked for. none: nobody is told; is any page of the range unmapped,
 * replaced or cleaned (taken, left)?
 *
 * Must never take waiting for an answer: who should be told has PATIENCE_MS, who
 * should not, QUIET_MS.
 */
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>

#include "detect.h"
#include "modules/bench_pin.h"
#include "ranges.h"

#define PATIENCE_MS	3000
#define QUIET_MS	500
#define NR_PAGES	(UNIT / 4096)

static const char *way;
static bool ours, none;
static int told;			/* eventfd, of both processes */
static sigset_t lease_signal;

static bool lease(int fd)
{
	sigemptyset(&lease_signal);
	sigaddset(&lease_signal, SIGRTMIN);
	must(!pthread_sigmask(SIG_BLOCK, &lease_signal, NULL), "signal");
	return !fcntl(fd, F_SETLEASE, F_WRLCK) && !fcntl(fd, F_SETSIG, SIGRTMIN);
}

static bool watch(void)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)map + UNIT, .len = UNIT },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};

	uffd_open();
	must(!fcntl(uffd, F_SETFL, 0), "userfaultfd");
	return !ioctl(uffd, UFFDIO_REGISTER, &reg);
}

static bool own(bool pin)
{
	struct revoke_open_opts opts = {
		.size = sizeof(opts), .flags = PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD,
	};
	struct bench_pin arg = {
		.addr = (uintptr_t)map + UNIT, .len = UNIT, .flags = BENCH_PIN_WRITE,
		.times = 1,
	};
	int fd;

	if (revoke_open(&opts, &ctx))
		errx(1, "no context: %s", revoke_last_error(NULL));
	if (!pin) {
		range.addr = arg.addr;
		range.len = UNIT;
		return !revoke_declare(ctx, NULL, &range, 1);
	}
	fd = open("/dev/bench_revoke", O_RDWR | O_CLOEXEC);
	must(fd >= 0, "/dev/bench_revoke");
	return !ioctl(fd, BENCH_PIN_HOLD, &arg);
}

/* Until the process ends. */
static void *listen_for(void *arg)
{
	struct revoke_event event = { .size = sizeof(event) };
	struct uffd_msg msg;
	siginfo_t info;

	for (;;) {
		if (ours) {
			must(revoke_wait_event(ctx, &event, -1) == 1, "event");
			if (event.type == REVOKE_EVENT_RESTORED)
				continue;
			if (event.type == REVOKE_EVENT_RELEASE_SOON)
				revoke_ack(ctx, event.request, 0, PIN_REVOKE_ACK_KIND_QUIESCED);
		} else if (!strcmp(way, "uffd")) {
			must(read(uffd, &msg, sizeof(msg)) == sizeof(msg), "userfaultfd");
			if (msg.event != UFFD_EVENT_UNMAP && msg.event != UFFD_EVENT_REMOVE)
				continue;
		} else {
			if (sigwaitinfo(&lease_signal, &info) != SIGRTMIN)
				continue;
			must(!fcntl(*(int *)arg, F_SETLEASE, F_UNLCK), "end of a lease");
		}
		must(!eventfd_write(told, 1), "eventfd");
	}
	return NULL;
}

#define DIRTY	(1ull << 4)		/* in kpageflags */

/* Of each page of the range: is it there, which one, is it dirty. */
static void look(uint64_t *pages)
{
	int maps = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	int flags = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	uint64_t bits;

	must(maps >= 0 && flags >= 0 &&
	     pread(maps, pages, NR_PAGES * 8, ((uintptr_t)map + UNIT) / 4096 * 8) ==
	     NR_PAGES * 8, "pagemap");
	for (unsigned long i = 0; i < NR_PAGES; i++) {
		/* Present, and its number. */
		pages[i] &= 1ull << 63 | ((1ull << 55) - 1);
		must(pread(flags, &bits, 8, (pages[i] & ((1ull << 55) - 1)) * 8) == 8,
		     "kpageflags");
		pages[i] |= bits & DIRTY ? 1ull << 62 : 0;
	}
	close(maps);
	close(flags);
}

static uint64_t as_it_was[NR_PAGES];

static bool hold(int fd)
{
	static int held;
	pthread_t listener;
	bool done;

	if (none) {
		look(as_it_was);
		return true;
	}
	held = fd;
	if (!strcmp(way, "lease"))
		done = lease(fd);
	else if (!strcmp(way, "uffd"))
		done = watch();
	else
		done = own(!strcmp(way, "pin"));
	must(!done || !pthread_create(&listener, NULL, listen_for, &held), "thread");
	return done;
}

/* Nothing was, if all of it could have moved and did not. */
static long found(const struct op *op, int fd, bool taken)
{
	uint64_t pages[NR_PAGES];

	(void)fd;
	if (none) {
		look(pages);
		return memcmp(pages, as_it_was, sizeof(pages));
	}
	return taken && (!(op->flags & MOVES) || moved);
}

static bool was_told(int ms)
{
	struct pollfd pfd = { .fd = told, .events = POLLIN };
	eventfd_t count;

	return poll(&pfd, 1, ms) == 1 && !eventfd_read(told, &count);
}

static const char *judge(const struct op *op, bool taken, long answer)
{
	(void)op;
	if (none)
		return answer ? "taken" : "left";
	if (answer)
		return was_told(PATIENCE_MS) ? "told" : "missed";
	if (taken)
		return was_told(QUIET_MS) ? "told" : "stays";
	return was_told(QUIET_MS) ? "false" : "quiet";
}

int main(int argc, char **argv)
{
	static const char * const names[][2] = {
		{ "pin", "a revocable pin" }, { "declare", "a declared range" },
		{ "uffd", "userfaultfd" }, { "lease", "a lease" },
		{ "none", "nobody" },
	};
	const char *name = NULL;

	for (int i = 0; argc == 4 && i < 5; i++)
		if (!strcmp(argv[1], names[i][0]))
			name = names[i][1];
	if (!name)
		errx(2, "usage: detect none|pin|declare|uffd|lease FS FILE");
	way = argv[1];
	ours = !strcmp(way, "pin") || !strcmp(way, "declare");
	none = !strcmp(way, "none");
	path = argv[3];
	told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	must(told >= 0, "eventfd");
	for (unsigned int i = 0; i < NR_OPS; i++) {
		try(name, argv[2], &ops[i]);
		/* What the end of the holder has told. */
		while (was_told(0))
			;
	}
	return 0;
}
