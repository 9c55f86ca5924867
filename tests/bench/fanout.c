// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: fanout lease|revoke DIRECTORY
 *
 * B6: one call that many have to answer. lease: an open for writing of a file that is
 * leased 1 to 1000 times by 1 to 100 processes. revoke: an fsync of a page that is
 * pinned as often; a sync of 1 to 100 files, each pinned by a process of its own; and
 * the same when each takes a while to answer. All others answer at once.
 *
 * Must never count a round in which somebody was not asked, or was too late.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "modules/bench_pin.h"
#include "ranges.h"

#define ROUNDS		8
#define WARM		2
#define MOST_FILES	100
#define SLOW_US		20000		/* to answer */
#define SERVES_US	100000		/* more than pinr_let_serve() gives it */

static int there, back;			/* semaphores: one for each holder */
static const char *dir;
static int files[MOST_FILES];
static unsigned int nr_files, each, delay_us;
static void (*call)(void);

static void must(bool done, const char *what)
{
	if (!done)
		err(1, "%s", what);
}

static void tell(int fd, unsigned int times)
{
	must(!eventfd_write(fd, times), "eventfd");
}

static void hear(int fd, unsigned int times)
{
	eventfd_t value;

	while (times--)
		must(!eventfd_read(fd, &value), "eventfd");
}

static void path_of(char *path, size_t size, unsigned int nr)
{
	snprintf(path, size, "%s/fanout-%u", dir, nr);
}

/* What was still on its way may have been answered with what came before. */
static void answer(uint64_t request)
{
	int ret = revoke_ack(ctx, request, 0, PIN_REVOKE_ACK_KIND_QUIESCED);

	if (ret && ret != -EALREADY && ret != -ESTALE)
		errx(1, "answer: %s", revoke_last_error(ctx));
}

/* Holder @nr has @each pins of the page of its file, and gives them when asked. */
static void pins(unsigned int nr)
{
	struct revoke_open_opts opts = { .size = sizeof(opts), .rcvbuf = 8 << 20 };
	struct bench_pin arg = { .len = 4096, .flags = BENCH_PIN_WRITE, .times = each };
	struct revoke_event event = { .size = sizeof(event) };
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			  files[nr % nr_files], 0);
	int fd = open("/dev/bench_revoke", O_RDWR | O_CLOEXEC);
	unsigned int asked = 0, restored = 0;
	uint64_t request = 0;

	must(page != MAP_FAILED && fd >= 0, "what to pin");
	if (revoke_open(&opts, &ctx))
		errx(1, "no context: %s", revoke_last_error(NULL));
	arg.addr = (uintptr_t)page;
	must(!ioctl(fd, BENCH_PIN_HOLD, &arg), "pin");
	tell(back, 1);
	while (revoke_wait_event(ctx, &event, -1) == 1) {
		/* All that has arrived, then one answer. */
		do {
			switch (event.type) {
			case REVOKE_EVENT_RELEASE_SOON:
				request = event.request;
				asked++;
				break;
			case REVOKE_EVENT_RESTORED:
				restored++;
				break;
			case REVOKE_EVENT_REVOKED:
				if (!(event.flags & PIN_REVOKE_EVENT_FLAGS_FORCED))
					break;
				errx(1, "a pin was forced");
			default:
				errx(1, "event: %s", revoke_event_name(event.type));
			}
		} while (revoke_next_event(ctx, &event) == 1);
		if (request && delay_us)
			usleep(delay_us);
		if (request)
			answer(request);
		request = 0;
		if (restored == each) {
			/* One answer is for all: the rest need not be asked for. */
			if (!asked)
				errx(1, "nobody was asked");
			asked = 0;
			restored = 0;
			tell(back, 1);
		}
	}
	errx(1, "no event: %s", revoke_last_error(ctx));
}

/* Holder @nr has @each leases of the file, and gives them when it is told to. */
static void leases(unsigned int nr)
{
	char path[256];
	siginfo_t info;
	sigset_t set;
	int fd[1000];

	(void)nr;
	path_of(path, sizeof(path), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	must(!sigprocmask(SIG_BLOCK, &set, NULL), "signal");
	for (unsigned int i = 0; i < each; i++) {
		fd[i] = open(path, O_RDONLY | O_CLOEXEC);
		must(fd[i] >= 0, path);
	}
	tell(back, 1);
	for (;;) {
		hear(there, 1);
		for (unsigned int i = 0; i < each; i++)
			must(!fcntl(fd[i], F_SETLEASE, F_RDLCK) &&
			     !fcntl(fd[i], F_SETSIG, SIGRTMIN), "lease");
		tell(back, 1);
		for (unsigned int i = 0; i < each; i++)
			must(sigwaitinfo(&set, &info) == SIGRTMIN &&
			     !fcntl(info.si_fd, F_SETLEASE, F_UNLCK), "end of a lease");
	}
}

static void do_fsync(void)
{
	must(!fsync(files[0]), "fsync");
}

static int broken = -1;

static void do_open(void)
{
	char path[256];

	path_of(path, sizeof(path), 0);
	broken = open(path, O_WRONLY | O_CLOEXEC);
	must(broken >= 0, path);
}

static void before(unsigned int nr_holders)
{
	if (call == do_open) {
		/* Until the file is closed there can be no lease. */
		must(broken < 0 || !close(broken), "close");
		tell(there, nr_holders);
	}
	hear(back, nr_holders);
	if (call == do_open)
		return;
	/* A pin that is just back is left alone for a while: that is not measured. */
	usleep(SERVES_US);
	for (unsigned int i = 0; i < nr_files; i++)
		must(pwrite(files[i], "", 1, 0) == 1, "write");
}

static void died(int signal)
{
	(void)signal;
	_exit(1);
}

static void fan(const char *series, unsigned long x, unsigned int nr_holders,
		unsigned int per_holder, void (*holder)(unsigned int nr))
{
	static pid_t pids[MOST_FILES];
	uint64_t ticks[ROUNDS];

	each = per_holder;
	fflush(stdout);
	signal(SIGCHLD, died);
	for (unsigned int i = 0; i < nr_holders; i++) {
		pids[i] = fork();
		must(pids[i] >= 0, "fork");
		if (!pids[i]) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			signal(SIGCHLD, SIG_DFL);
			holder(i);
		}
	}
	/* Those with leases say that they are there, and then once in each round. */
	if (call == do_open)
		hear(back, nr_holders);
	for (int i = -WARM; i < ROUNDS; i++) {
		uint64_t at;

		before(nr_holders);
		at = __rdtsc();
		call();
		if (i >= 0)
			ticks[i] = __rdtsc() - at;
	}
	if (call != do_open)
		hear(back, nr_holders);
	signal(SIGCHLD, SIG_DFL);
	for (unsigned int i = 0; i < nr_holders; i++)
		must(!kill(pids[i], SIGKILL) && waitpid(pids[i], NULL, 0) == pids[i],
		     "a holder");
	must(broken < 0 || !close(broken), "close");
	broken = -1;
	bench_print("B6", series, x, NAN, ticks, ROUNDS, 1);
}

static void by_processes(const char *what, void (*holder)(unsigned int nr))
{
	char series[128];

	for (unsigned int procs = 1; procs <= 100; procs *= 10) {
		snprintf(series, sizeof(series), "%s %u process%s", what, procs,
			 procs > 1 ? "es" : "");
		for (unsigned int nr = procs; nr <= 1000; nr *= 10)
			fan(series, nr, procs, nr / procs, holder);
	}
}

int main(int argc, char **argv)
{
	const struct rlimit many = { .rlim_cur = 2048, .rlim_max = 2048 };
	bool ours = argc == 3 && !strcmp(argv[1], "revoke");
	char path[256];

	if (!ours && (argc != 3 || strcmp(argv[1], "lease")))
		errx(2, "usage: fanout lease|revoke DIRECTORY");
	dir = argv[2];
	must(!setrlimit(RLIMIT_NOFILE, &many), "files");
	there = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	back = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	must(there >= 0 && back >= 0, "eventfd");
	for (unsigned int i = 0; i < (ours ? MOST_FILES : 1); i++) {
		path_of(path, sizeof(path), i);
		files[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		must(files[i] >= 0 && !ftruncate(files[i], 4096), path);
	}
	if (!ours) {
		/* We may have no descriptor of it that writes. */
		close(files[0]);
		call = do_open;
		by_processes("open: leases of", leases);
		return 0;
	}
	call = do_fsync;
	nr_files = 1;
	by_processes("fsync of a page: pins of", pins);
	delay_us = SLOW_US;
	for (unsigned int nr = 1; nr <= 100; nr *= 10)
		fan("the same, one pin each, who answers after 20 ms", nr, nr, 1, pins);
	call = sync;
	delay_us = 0;
	for (nr_files = 1; nr_files <= 100; nr_files *= 10)
		fan("sync: as many files, a pin of another process each", nr_files,
		    nr_files, 1, pins);
	delay_us = SLOW_US;
	for (nr_files = 1; nr_files <= 100; nr_files *= 10)
		fan("the same, who answers after 20 ms", nr_files, nr_files, 1, pins);
	return 0;
}
