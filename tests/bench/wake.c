// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: wake peers|ours DIRECTORY
 *
 * B4: from the call that needs the memory, or only wakes, until another process has
 * heard of it. B5: until the call returns, when that process gives the memory at once.
 * peers: an eventfd, a netlink message, a lease, userfaultfd; and as the floor of B5 an
 * fsync after a wake there and a wake back. ours: an fsync of a pinned page.
 *
 * Must never count what comes after the call has returned.
 */
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <linux/netlink.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "modules/bench_pin.h"
#include "ranges.h"

#define TIMES	100
#define WARM	4
#define SERVES_US	100000		/* more than pinr_let_serve() gives it */

/* What the two processes share: when the other one had heard of it. */
static uint64_t *heard;
static int there, back;		/* eventfds */
static int file;
static char path[256];

static void must(bool done, const char *what)
{
	if (!done)
		err(1, "%s", what);
}

static void note(void)
{
	__atomic_store_n(heard, __rdtsc(), __ATOMIC_RELEASE);
}

static void tell(int fd)
{
	must(!eventfd_write(fd, 1), "eventfd");
}

static void hear(int fd)
{
	eventfd_t value;

	must(!eventfd_read(fd, &value), "eventfd");
}

static void dirty(void)
{
	must(pwrite(file, "", 1, 0) == 1, "write");
}

/* A pin that is just back is left alone for a while: that is not measured. */
static void dirty_later(void)
{
	usleep(SERVES_US);
	dirty();
}

static void other_died(int signal)
{
	(void)signal;
	_exit(1);
}

/*
 * @other runs in a child, which says on @back when it is ready for the next round, and
 * is ready when it begins. @call is what is measured.
 */
static void rounds(const char *hears, const char *whole, void (*before)(void),
		   void (*call)(void), void (*other)(void))
{
	uint64_t first[TIMES], all[TIMES];
	pid_t pid;

	fflush(stdout);
	signal(SIGCHLD, other_died);
	pid = fork();
	must(pid >= 0, "fork");
	if (!pid) {
		other();
		_exit(1);
	}
	for (int i = -WARM; i < TIMES; i++) {
		uint64_t at, end;

		hear(back);
		if (before)
			before();
		__atomic_store_n(heard, 0, __ATOMIC_RELAXED);
		at = __rdtsc();
		call();
		end = __rdtsc();
		/* Where the call does not wait, it may not have been heard yet. */
		while (!__atomic_load_n(heard, __ATOMIC_ACQUIRE))
			sched_yield();
		if (i >= 0) {
			first[i] = *heard - at;
			all[i] = end - at;
		}
	}
	signal(SIGCHLD, SIG_DFL);
	must(!kill(pid, SIGKILL) && waitpid(pid, NULL, 0) == pid, "the other process");
	if (hears)
		bench_print("B4", hears, 0, NAN, first, TIMES, 1);
	if (whole)
		bench_print("B5", whole, 0, NAN, all, TIMES, 1);
}

static void wake(void)
{
	tell(there);
}

static void hears_wake(void)
{
	for (;;) {
		tell(back);
		hear(there);
		note();
	}
}

static int answer;

static void wake_and_fsync(void)
{
	tell(there);
	hear(answer);
	must(!fsync(file), "fsync");
}

static void only_fsync(void)
{
	must(!fsync(file), "fsync");
}

static void answers_wake(void)
{
	for (;;) {
		tell(back);
		hear(there);
		note();
		tell(answer);
	}
}

static int from, to;
static struct sockaddr_nl to_addr = { .nl_family = AF_NETLINK };

static void send_netlink(void)
{
	char message[128] = { 0 };

	must(sendto(from, message, sizeof(message), 0, (void *)&to_addr,
		    sizeof(to_addr)) == sizeof(message), "netlink");
}

static void hears_netlink(void)
{
	char message[256];

	for (;;) {
		tell(back);
		must(recv(to, message, sizeof(message), 0) > 0, "netlink");
		note();
	}
}

static void netlink_open(void)
{
	socklen_t len = sizeof(to_addr);

	from = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	to = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	must(from >= 0 && to >= 0 && !bind(to, (void *)&to_addr, len) &&
	     !getsockname(to, (void *)&to_addr, &len), "netlink");
}

static int broken = -1;

/* Until the file is closed there can be no lease. */
static void close_broken(void)
{
	if (broken >= 0)
		must(!close(broken), "close");
	tell(there);
	hear(answer);
}

static void break_lease(void)
{
	broken = open(path, O_WRONLY | O_CLOEXEC);
	must(broken >= 0, "open");
}

/* A read lease, which open() for writing breaks. */
static void hears_lease(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	siginfo_t info;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	must(fd >= 0 && !sigprocmask(SIG_BLOCK, &set, NULL), "lease");
	for (;;) {
		tell(back);
		hear(there);
		must(!fcntl(fd, F_SETLEASE, F_RDLCK) && !fcntl(fd, F_SETSIG, SIGRTMIN), "lease");
		tell(answer);
		must(sigwaitinfo(&set, &info) == SIGRTMIN, "signal");
		note();
		must(!fcntl(fd, F_SETLEASE, F_UNLCK), "end of a lease");
	}
}

static void map_watched(void)
{
	memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	must(memory != MAP_FAILED, "mmap");
	uffd_on(65536);
}

static void unmap_watched(void)
{
	must(!munmap(memory, 65536), "munmap");
}

static void hears_uffd(void)
{
	struct uffd_msg msg;

	must(!fcntl(uffd, F_SETFL, 0), "userfaultfd");
	for (;;) {
		tell(back);
		must(read(uffd, &msg, sizeof(msg)) == sizeof(msg), "userfaultfd");
		note();
	}
}

/* The holder of a pin on the file's first page, who gives it at once. */
static void holds(void)
{
	struct bench_pin arg = { .len = 4096, .flags = BENCH_PIN_WRITE, .times = 1 };
	struct revoke_event event = { .size = sizeof(event) };
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	int fd = open("/dev/bench_revoke", O_RDWR | O_CLOEXEC);

	must(page != MAP_FAILED && fd >= 0, "what to pin");
	declare_open();
	arg.addr = (uintptr_t)page;
	must(!ioctl(fd, BENCH_PIN_HOLD, &arg), "pin");
	tell(back);
	while (revoke_wait_event(ctx, &event, -1) == 1) {
		if (event.type == REVOKE_EVENT_RELEASE_SOON) {
			note();
			if (revoke_ack(ctx, event.request, 0, PIN_REVOKE_ACK_KIND_QUIESCED))
				errx(1, "answer: %s", revoke_last_error(ctx));
		} else if (event.type == REVOKE_EVENT_RESTORED) {
			tell(back);
		}
	}
	errx(1, "no event: %s", revoke_last_error(ctx));
}

int main(int argc, char **argv)
{
	if (argc != 3)
		errx(2, "usage: wake peers|ours DIRECTORY");
	heard = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(heard != MAP_FAILED, "mmap");
	there = eventfd(0, EFD_CLOEXEC);
	answer = eventfd(0, EFD_CLOEXEC);
	back = eventfd(0, EFD_CLOEXEC | EFD_SEMAPHORE);
	snprintf(path, sizeof(path), "%s/wake", argv[2]);
	file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(there >= 0 && answer >= 0 && back >= 0 && file >= 0, path);
	must(!ftruncate(file, 4096), "truncate");
	if (!strcmp(argv[1], "ours")) {
		rounds("fsync of a pinned page: revoke_wait_event",
		       "fsync of a pinned page", dirty_later, only_fsync, holds);
		return 0;
	}
	rounds("eventfd", NULL, NULL, wake, hears_wake);
	netlink_open();
	rounds("netlink, one message", NULL, NULL, send_netlink, hears_netlink);
	uffd_open();
	rounds("munmap: userfaultfd", NULL, map_watched, unmap_watched, hears_uffd);
	rounds(NULL, "an eventfd there and one back, then fsync of a page", dirty,
	       wake_and_fsync, answers_wake);
	/* We may have no descriptor of it that writes. */
	close(file);
	rounds("open: lease, a signal", "open for writing of a leased file", close_broken,
	       break_lease, hears_lease);
	return 0;
}
