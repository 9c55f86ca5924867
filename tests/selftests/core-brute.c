// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: core-brute FILE SECONDS SEED
 *
 * Rounds of a process whose eight threads do what there is, at random, to the same
 * contexts, pins and memory: register, release, answer, ask for more time, revoke, set
 * policies, fork, exec, unmap, cut, punch, fsync. A round ends by exit, or by SIGKILL in
 * the middle of it. Between two nobody has anything, so that modules can go; there is no
 * round while they are away.
 *
 * Must never wait for what another thread may not do.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <revoke/revoke.h>

#include "../../drivers-examples/pin_dummy/pin_dummy.h"

#define PAGE		4096
#define PAGES		32
#define THREADS		8
#define PLACES		8
#define ROUND		100	/* actions */
#define PATIENCE	3000	/* 10 ms each, if some action takes longer */

static char *memory;
static int file;
static _Atomic int devices[PLACES];
static _Atomic uint64_t request, pin_id;
static struct revoke_ctx *contexts[PLACES];

/* Shared by all rounds */
static struct {
	_Atomic unsigned long done[32];
	_Atomic unsigned int actions, ready;	/* of a round; threads with all of theirs */
} *sums;

struct thread {
	unsigned int nr;
	uint64_t state;
	struct nl_sock *sk;
	int family;
};

static unsigned int below(struct thread *t, unsigned int nr)
{
	uint64_t z = t->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (z ^ z >> 31) % nr;
}

static int device(struct thread *t)
{
	return devices[below(t, PLACES)];
}

/* They stay until the round is over: an application closes when its threads are done. */
static struct revoke_ctx *context(struct thread *t)
{
	return contexts[below(t, PLACES)];
}

static void do_register(struct thread *t)
{
	unsigned int first = below(t, PAGES), nr = 1 + below(t, PAGES - first);
	struct pin_dummy_pin pin = {
		.addr = (uintptr_t)memory + first * PAGE, .len = nr * PAGE,
		.flags = below(t, 8),
	};

	ioctl(device(t), PIN_DUMMY_IOC_PIN, &pin);
}

static void do_release(struct thread *t)
{
	ioctl(device(t), PIN_DUMMY_IOC_UNPIN);
}

/* The last close of a descriptor in use by others */
static void do_reopen(struct thread *t)
{
	_Atomic int *place = &devices[below(t, PLACES)];
	int new = open("/dev/pin_dummy", O_RDWR | O_CLOEXEC);

	if (new >= 0)
		close(atomic_exchange(place, new));
}

static void do_dma(struct thread *t)
{
	struct pin_dummy_dma dma = { .offset = below(t, PAGE), .len = below(t, PAGE), .value = 1 };

	ioctl(device(t), PIN_DUMMY_IOC_DMA, &dma);
}

static void do_hear(struct thread *t)
{
	struct revoke_event event = { .size = sizeof(event) };

	while (revoke_next_event(context(t), &event) > 0) {
		pin_id = event.pin.id;
		if (event.type == REVOKE_EVENT_RELEASE_SOON)
			request = event.request;
	}
}

static void do_ack(struct thread *t)
{
	revoke_ack(context(t), request, 0, below(t, 4));
}

static void do_extend(struct thread *t)
{
	revoke_extend(context(t), request, 0, 1 + below(t, 50));
}

static void do_declare(struct thread *t)
{
	struct revoke_ctx *ctx = context(t);
	struct revoke_range range = {
		.size = sizeof(range), .addr = (uintptr_t)memory + below(t, PAGES) * PAGE,
		.len = PAGE,
	};

	if (!revoke_declare(ctx, "race", &range, 1) && below(t, 4))
		revoke_undeclare(ctx, &range, 1);
}

static void do_claim(struct thread *t)
{
	struct revoke_range range = { .size = sizeof(range), .id = pin_id };

	revoke_claim(context(t), &range, 1);
	revoke_restore(context(t), pin_id);
}

static struct nl_msg *message(struct thread *t, int cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, t->family, 0, NLM_F_REQUEST | NLM_F_ACK,
		    cmd, PIN_REVOKE_FAMILY_VERSION);
	return msg;
}

static void call(struct thread *t, struct nl_msg *msg)
{
	if (nl_send_auto(t->sk, msg) >= 0)
		nl_wait_for_ack(t->sk);
	nlmsg_free(msg);
}

static void do_revoke(struct thread *t)
{
	struct nl_msg *msg = message(t, PIN_REVOKE_CMD_REVOKE);

	if (below(t, 2))
		nla_put_u32(msg, PIN_REVOKE_A_REVOKE_PID, getpid());
	else
		nla_put_u32(msg, PIN_REVOKE_A_REVOKE_FILE_FD, file);
	nla_put_u32(msg, PIN_REVOKE_A_REVOKE_GRACE_MS, below(t, 30));
	call(t, msg);
}

static void do_policy(struct thread *t)
{
	struct nl_msg *msg = message(t, PIN_REVOKE_CMD_POLICY_SET);

	nla_put_u32(msg, PIN_REVOKE_A_POLICY_REASON, PIN_REVOKE_REASON_WRITEBACK_SYNC);
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_GRACE_MS, below(t, 30));
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_ACTION, below(t, 4));
	call(t, msg);
}

static void do_fork(struct thread *t)
{
	bool exec = below(t, 2);
	pid_t pid = fork();

	if (!pid) {
		if (exec)
			execl("/bin/true", "true", NULL);
		memory[below(t, PAGES) * PAGE] = 2;
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void do_unmap(struct thread *t)
{
	unsigned int first = below(t, PAGES);

	munmap(memory + first * PAGE, (1 + below(t, PAGES - first)) * PAGE);
}

static void do_map(struct thread *t)
{
	mmap(memory, PAGES * PAGE, PROT_READ | PROT_WRITE,
	     MAP_FIXED | (below(t, 4) ? MAP_SHARED : MAP_PRIVATE), file, 0);
}

static void do_cut(struct thread *t)
{
	ftruncate(file, below(t, PAGES) * PAGE);
	ftruncate(file, PAGES * PAGE);
}

static void do_punch(struct thread *t)
{
	fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, below(t, PAGES) * PAGE, PAGE);
}

static void do_fsync(struct thread *t)
{
	(void)t;
	fsync(file);
}

static void (*const actions[])(struct thread *t) = {
	do_register, do_register, do_register, do_release, do_reopen, do_dma, do_dma, do_hear,
	do_hear, do_ack, do_ack, do_extend, do_declare, do_claim, do_revoke, do_policy, do_fork,
	do_unmap, do_map, do_map, do_cut, do_punch, do_fsync,
};
#define NR_ACTIONS	(sizeof(actions) / sizeof(*actions))

__attribute__((noreturn)) static void *act(void *arg)
{
	struct thread *t = arg;
	unsigned int action;

	/* All of them, in each round, and then whatever */
	for (unsigned int n = t->nr;; n += THREADS) {
		action = n < NR_ACTIONS ? n : below(t, NR_ACTIONS);
		actions[action](t);
		sums->done[action]++;
		sums->actions++;
		sums->ready += n < NR_ACTIONS && n + THREADS >= NR_ACTIONS;
	}
}

static void wait_until(unsigned int actions, unsigned int ready)
{
	for (int n = 0; n < PATIENCE && (sums->actions < actions || sums->ready < ready); n++)
		usleep(10000);
}

/* Return: never. */
static void round_of(const char *path, uint64_t seed)
{
	struct thread threads[THREADS];
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	file = open(path, O_RDWR | O_CLOEXEC);
	memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (file < 0 || memory == MAP_FAILED)
		err(1, "%s", path);
	for (int i = 0; i < PLACES; i++) {
		devices[i] = open("/dev/pin_dummy", O_RDWR | O_CLOEXEC);
		/* The modules went away again. */
		if (devices[i] < 0 || revoke_open(NULL, &contexts[i]))
			_exit(0);
	}
	for (int i = 0; i < THREADS; i++) {
		struct thread *t = &threads[i];

		t->nr = i;
		t->state = seed * THREADS + i;
		t->sk = nl_socket_alloc();
		if (!t->sk || genl_connect(t->sk))
			err(1, "socket");
		t->family = genl_ctrl_resolve(t->sk, PIN_REVOKE_FAMILY_NAME);
		if (pthread_create(&thread, NULL, act, t))
			errx(1, "no thread");
	}
	wait_until(ROUND, THREADS);
	_exit(0);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static bool over(pid_t pid)
{
	siginfo_t info = { 0 };

	waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT);
	return info.si_pid;
}

int main(int argc, char **argv)
{
	double end = now() + (argc == 4 ? strtod(argv[2], NULL) : 0);
	uint64_t seed = argc == 4 ? strtoull(argv[3], NULL, 0) * 1000 : 0;
	unsigned int rounds = 0;
	int status;
	pid_t pid;

	if (argc != 4)
		errx(2, "usage: core-brute FILE SECONDS SEED");
	sums = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sums == MAP_FAILED)
		err(1, "mmap");
	while (now() < end) {
		if (access("/dev/pin_dummy", W_OK)) {
			usleep(1000);
			continue;
		}
		sums->actions = 0;
		sums->ready = 0;
		pid = fork();
		if (!pid)
			round_of(argv[1], seed + rounds);
		/* Every other one is killed, sooner than it would end; or has no modules. */
		if (rounds % 2) {
			for (int n = 0; n < PATIENCE && sums->actions < ROUND / 2; n++) {
				if (over(pid))
					break;
				usleep(10000);
			}
			kill(pid, SIGKILL);
		}
		if (waitpid(pid, &status, 0) != pid ||
		    (WIFEXITED(status) && WEXITSTATUS(status)) ||
		    (WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL))
			errx(1, "round %u ended with %#x", rounds, status);
		rounds++;
		/* Often the modules go then, or cannot; else the next round is as fast. */
		for (int n = 0; rounds % 3 && n < 500 && !access("/dev/pin_dummy", W_OK); n++)
			usleep(10000);
	}
	printf("rounds=%u", rounds);
	for (unsigned int i = 0; i < NR_ACTIONS; i++) {
		if (!sums->done[i])
			errx(1, "action %u was never done", i);
		printf(" %lu", sums->done[i]);
	}
	putchar('\n');
	return 0;
}
