// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: core-hostile ROLE FILE	one process in a role, see roles[]
 *        core-hostile all FILE COUNT	so many, in all roles
 *        core-hostile reuse		a process that gets the pid of one that is gone
 *
 * Processes of a user without rights who means it: they do what they may, and what they
 * may not, as often as they can. Prints what they got away with ("bad: ..."), and a line
 * when all have begun; they go on until they are killed.
 *
 * Must never be root, but for "reuse", which only root can arrange.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <linux/pin_revoke_ioctl.h>
#include <revoke/revoke.h>

#include "../../drivers-examples/pin_dummy/pin_dummy.h"

#define PAGE	4096
#define LEN	(4 * PAGE)

static struct revoke_ctx *ctx;
static char *memory;
static int device = -1;
static const char *path;

static void bad(const char *what)
{
	dprintf(1, "bad: %s\n", what);
}

static struct revoke_ctx *open_ctx(void)
{
	struct revoke_ctx *new = NULL;

	return revoke_open(NULL, &new) ? NULL : new;
}

/* The descriptor behind it, for calls that the library would not make */
static int context_fd(void)
{
	char link[64], text[64];
	int len;

	for (int fd = 3; fd < 1024; fd++) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		len = readlink(link, text, sizeof(text) - 1);
		text[len < 0 ? 0 : len] = '\0';
		if (!strcmp(text, "anon_inode:[pin-revoke]"))
			return fd;
	}
	return -1;
}

static void pin(void)
{
	struct pin_dummy_pin call = { .len = LEN, .flags = PIN_DUMMY_WRITE };
	int file = open(path, O_RDWR | O_CLOEXEC);

	memory = mmap(NULL, LEN, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	device = open("/dev/pin_dummy", O_RDWR | O_CLOEXEC);
	call.addr = (uintptr_t)memory;
	if (file < 0 || memory == MAP_FAILED || device < 0 ||
	    ioctl(device, PIN_DUMMY_IOC_PIN, &call))
		warn("pin");
	close(file);
}

/* Return: how many of @nr more the kernel took, of one page. */
static unsigned int declare(int fd, const char *name, unsigned int nr)
{
	static char page[PAGE];
	struct pin_revoke_range range[PIN_REVOKE_MAX_RANGES];
	struct pin_revoke_ranges call = {
		.size = sizeof(call), .ranges = (uintptr_t)range, .name = (uintptr_t)name,
	};
	unsigned int done = 0;

	memset(range, 0, sizeof(range));
	for (unsigned int i = 0; i < PIN_REVOKE_MAX_RANGES; i++) {
		range[i].addr = (uintptr_t)page;
		range[i].len = PAGE;
	}
	for (; done < nr; done += call.nr) {
		call.nr = nr - done < PIN_REVOKE_MAX_RANGES ? nr - done : PIN_REVOKE_MAX_RANGES;
		if (ioctl(fd, PIN_REVOKE_IOC_DECLARE, &call))
			break;
	}
	return done;
}

/* Opens context after context and declares as much as they take, again and again. */
static void greedy(void)
{
	struct revoke_ctx *more[70];
	unsigned int nr = 0;

	while (nr < 70 && (more[nr] = open_ctx()))
		nr++;
	if (nr > 63)
		bad("a process has more than 64 contexts");
	declare(context_fd(), "greedy", 2000);
	while (nr)
		revoke_close(more[--nr]);
}

/* Has pinned and listens, and that is all. */
static void silent(void)
{
	pause();
}

/* Whoever has heard of no request has none to answer. */
static void guess(void)
{
	for (uint64_t request = 1; request < 500; request++) {
		if (!revoke_ack(ctx, request, 0, PIN_REVOKE_ACK_KIND_QUIESCED))
			bad("an answer to a request that was not told counts");
		if (revoke_extend(ctx, request, 0, 15000) >= 0)
			bad("others get more time");
	}
	for (uint64_t id = 1; id < 500; id++)
		if (!revoke_restore(ctx, id))
			bad("the pin of another is restored");
}

static void extend(void)
{
	struct revoke_event event = { .size = sizeof(event) };
	int times = 0;

	if (revoke_wait_event(ctx, &event, 1000) <= 0 || event.type != REVOKE_EVENT_RELEASE_SOON)
		return;
	for (int i = 0; i < 100; i++)
		times += revoke_extend(ctx, event.request, 0, 15000) > 0;
	if (times > 1)
		bad("more time more than once");
}

/* Who misses a deadline is not asked any more, unless somebody new listens. */
static void reopen(void)
{
	struct revoke_ctx *old = ctx;

	ctx = open_ctx() ?: ctx;
	if (ctx != old)
		revoke_close(old);
	usleep(50000);
}

/* A child that has pinned is stopped by its tracer. */
static void traced(void)
{
	pid_t child = fork();

	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		ctx = open_ctx();
		pin();
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	usleep(300000);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* Descriptors that are only in a socket that is only in itself */
static void in_flight(void)
{
	int sk[2], fds[3], fd = context_fd();
	union {
		char buf[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = "x", .iov_len = 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.buf,
			      .msg_controllen = sizeof(control.buf) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, sk))
		return;
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fds));
	fds[0] = fd < 0 ? sk[0] : fd;
	fds[1] = device < 0 ? sk[0] : device;
	fds[2] = sk[1];
	memcpy(CMSG_DATA(cmsg), fds, sizeof(fds));
	if (fd >= 0)
		declare(fd, "in flight", 10);
	sendmsg(sk[0], &msg, 0);
	close(sk[0]);
	close(sk[1]);
	revoke_close(ctx);
	close(device);
	munmap(memory, LEN);
	ctx = open_ctx();
	pin();
}

/* What a terminal, a browser, a shell or a metrics' reader could take for more */
static void odd_names(void)
{
	static const char * const names[] = {
		"<script>alert(1)</script>", "\033[2J\033]0;x\007", "\"} 1\npin_revoke_pins 99",
		"$(reboot)", "%s%n%s", "\xff\xfe\xc0\x80", "a\\b\\\"c", "\u202e",
	};
	static unsigned int i;
	const char *name = names[i++ % 8];

	prctl(PR_SET_NAME, name);
	declare(context_fd(), name, 1);
	usleep(100000);
}

/* Root of all namespaces that there are for everybody */
static void contained(void)
{
	int status;

	if (!fork()) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWPID | CLONE_NEWNS))
			_exit(0);
		if (!system("/pr/tests/core-nl revoke pin=1 | grep -q '^ok'") ||
		    !system("/pr/tests/core-nl policy-set reason=1 grace-ms=15000 | grep -q '^ok'"))
			bad("root of a namespace acts as an administrator");
		ctx = open_ctx();
		declare(context_fd(), "contained", 70000);
		_exit(0);
	}
	wait(&status);
}

/* Children that have all that their parent has, which is gone */
static void orphans(void)
{
	if (!fork()) {
		ctx = open_ctx();
		pin();
		if (!fork()) {
			if (declare(context_fd(), "orphan", 1))
				bad("a child declares for its parent");
			usleep(100000);
		}
		_exit(0);
	}
	wait(NULL);
}

static const struct {
	const char *name;
	void (*again)(void);
	bool pins;
} roles[] = {
	{ "greedy", greedy, false },
	{ "silent", silent, true },
	{ "guess", guess, false },
	{ "extend", extend, true },
	{ "reopen", reopen, true },
	{ "traced", traced, false },
	{ "in-flight", in_flight, true },
	{ "odd-names", odd_names, false },
	{ "contained", contained, false },
	{ "orphans", orphans, false },
};
#define NR_ROLES	(sizeof(roles) / sizeof(*roles))

/* Says when it is ready; begins when nobody has the other end of @go. */
static void act(unsigned int role, int ready, int go)
{
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	ctx = open_ctx();
	if (roles[role].pins)
		pin();
	if (write(ready, "", 1) != 1 || read(go, &c, 1))
		_exit(1);
	for (;;)
		roles[role].again();
}

static void all(unsigned int count)
{
	int ready[2], go[2];
	char c;

	if (pipe(ready) || pipe(go))
		err(1, "pipe");
	for (unsigned int i = 0; i < count; i++)
		if (!fork()) {
			close(go[1]);
			act(i % NR_ROLES, ready[1], go[0]);
		}
	for (unsigned int i = 0; i < count; i++)
		if (read(ready[0], &c, 1) != 1)
			err(1, "read");
	close(go[1]);
	dprintf(1, "begun\n");
	for (;;)
		pause();
}

static int count_pin(const struct revoke_pin *listed, void *arg)
{
	(void)listed;
	(*(int *)arg)++;
	return 0;
}

/* As nobody, with a pid that was another's, whose context a child still has */
static int newcomer(void)
{
	int nr = 0;

	if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
		return 1;
	ctx = open_ctx();
	if (!ctx || revoke_pin_list(ctx, count_pin, &nr) || nr)
		bad("it sees pins of who had its pid");
	for (uint64_t id = 1; id < 500; id++)
		if (!revoke_restore(ctx, id))
			bad("it restores a pin of who had its pid");
	dprintf(1, "newcomer %d\n", getpid());
	return 0;
}

static void reuse(void)
{
	pid_t first = fork(), tid;
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&tid, .set_tid_size = 1,
	};
	int status = 0;

	if (!first) {
		ctx = open_ctx();
		pin();
		if (declare(context_fd(), "first", 3) != 3)
			err(1, "declare");
		/* It has the descriptors as long as its grandparent lives. */
		if (!fork()) {
			prctl(PR_SET_PDEATHSIG, 0);
			pause();
		}
		_exit(0);
	}
	waitpid(first, NULL, 0);
	tid = first;
	first = syscall(SYS_clone3, &args, sizeof(args));
	if (!first)
		_exit(newcomer());
	if (first < 0)
		err(1, "clone3");
	waitpid(first, &status, 0);
	dprintf(1, "first had %d, status %d\n", tid, status);
	kill(0, SIGTERM);
}

int main(int argc, char **argv)
{
	int devnull = open("/dev/null", O_RDWR | O_CLOEXEC);

	path = argc > 2 ? argv[2] : "";
	if (argc == 4 && !strcmp(argv[1], "all"))
		all(strtoul(argv[3], NULL, 0));
	if (argc == 3 && !strcmp(argv[1], "reuse")) {
		setpgid(0, 0);
		reuse();
		return 0;
	}
	for (unsigned int i = 0; argc == 3 && i < NR_ROLES; i++) {
		if (strcmp(argv[1], roles[i].name))
			continue;
		if (!fork())
			act(i, devnull, devnull);
		dprintf(1, "begun\n");
		pause();
	}
	errx(2, "usage: core-hostile ROLE FILE | all FILE COUNT | reuse FILE");
}
