// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library in a process that lives: its threads call at once, it forks and
 * executes with calls in flight, and signals interrupt it while it holds its locks.
 *
 * Built with TSan, too. Must never hang: an alarm ends what does.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/time.h>
#include <sys/wait.h>
#include "ctx.h"
#include "fake_calls.h"
#include "tap.h"

static void *in_thread(void *arg)
{
	*(bool *)arg = !*revoke_last_error(ctx);
	return arg;
}

static void test_thread_text(void)
{
	bool empty = false;
	pthread_t thread;

	start();
	fake.err = -ESTALE;
	fake.text = "over";
	revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_DECLINED);
	pthread_create(&thread, NULL, in_thread, &empty);
	pthread_join(thread, NULL);
	ok(empty && !strcmp(revoke_last_error(ctx), "over"),
	   "each thread has its own text");
	stop();
}

#define ROUNDS 200
#define ACKERS 3

static void *acker(void *arg)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		if (revoke_ack(ctx, 1, 0, PIN_REVOKE_ACK_KIND_QUIESCED))
			*(bool *)arg = false;
	return NULL;
}

static void *eater(void *arg)
{
	struct pollfd pfd = { .fd = revoke_fd(ctx), .events = POLLIN };
	struct revoke_event e = { .size = sizeof(e) };
	int ret, left = ACKERS * ROUNDS;

	while (left) {
		if (poll(&pfd, 1, 10000) != 1)
			break;
		ret = revoke_next_event(ctx, &e);
		if (ret < 0 || (ret && e.type != REVOKE_EVENT_REVOKED))
			break;
		left -= ret;
	}
	*(int *)arg = left;
	return NULL;
}

static void test_threads(void)
{
	pthread_t threads[ACKERS + 1];
	bool good = true;
	int i, left = -1;

	start();
	fake.events_per_ack = 1;
	pthread_create(&threads[ACKERS], NULL, eater, &left);
	for (i = 0; i < ACKERS; i++)
		pthread_create(&threads[i], NULL, acker, &good);
	for (i = 0; i <= ACKERS; i++)
		pthread_join(threads[i], NULL);
	ok(good && fake.acks == ACKERS * ROUNDS,
	   "answers of three threads at once all succeed");
	ok(!left, "while a fourth takes every event");
	stop();
}

/* How many descriptors this program has when it is executed */
static int fds_after_exec(void)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		execl("/proc/self/exe", "test_life", "fds", NULL);
		_exit(255);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_exec(void)
{
	int before, fds;

	fake_start();
	before = fds_after_exec();
	fds = open_fds();
	if (revoke_open(NULL, &ctx))
		abort();
	ok(open_fds() == fds + 3, "a context has three descriptors");
	ok(before > 0 && fds_after_exec() == before,
	   "a program that is executed has none of them");
	ok(!revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_QUIESCED),
	   "and its parent goes on");
	revoke_close(ctx);
	ok(open_fds() == fds, "nothing is left of it");
	fake_stop();
}

static int no_pin(const struct revoke_pin *pin, void *arg)
{
	(void)pin;
	(void)arg;
	return 0;
}

static int no_request(const struct revoke_request *req, void *arg)
{
	(void)req;
	(void)arg;
	return 0;
}

static bool all_echild(void)
{
	const uint32_t kind = PIN_REVOKE_ACK_KIND_QUIESCED;
	struct revoke_range range = { .size = sizeof(range) };

	return revoke_fd(ctx) == -ECHILD &&
	       next() == -ECHILD &&
	       revoke_ack(ctx, 7, 0, kind) == -ECHILD &&
	       revoke_extend(ctx, 7, 0, 5) == -ECHILD &&
	       revoke_pin_list(ctx, no_pin, NULL) == -ECHILD &&
	       revoke_request_list(ctx, no_request, NULL) == -ECHILD &&
	       revoke_declare(ctx, NULL, &range, 1) == -ECHILD &&
	       revoke_undeclare(ctx, &range, 1) == -ECHILD;
}

static void test_child(void)
{
	int status = -1;
	pid_t pid;

	start();
	send_event(PIN_REVOKE_CMD_REVOKED, 7, 1);
	pid = fork();
	if (!pid) {
		status = !all_echild();
		revoke_close(ctx);
		_exit(status);
	}
	waitpid(pid, &status, 0);
	ok(!status, "in a child every call gives -ECHILD");
	ok(got(REVOKE_EVENT_REVOKED, 7, 1) &&
	   !revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_QUIESCED),
	   "the parent goes on, though the child closed its copy");
	stop();
}

static atomic_bool stopping;
static atomic_uint answers, refused;

static void *busy(void *arg)
{
	struct revoke_event e = { .size = sizeof(e) };

	while (!stopping) {
		if (revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_QUIESCED) ||
		    revoke_request_list(ctx, no_request, NULL))
			refused++;
		answers++;
		while (revoke_next_event(ctx, &e) == 1)
			;
	}
	return arg;
}

#define FORKS 100
#define BUSY 2

/* The locks of the threads that a child does not have may be taken for ever. */
static void test_fork(void)
{
	unsigned int echild = 0, before, i;
	pthread_t threads[BUSY];
	int status;
	pid_t pid;

	start();
	fake.events_per_ack = 1;
	fake.nr_requests = 1;
	for (i = 0; i < BUSY; i++)
		pthread_create(&threads[i], NULL, busy, NULL);
	for (i = 0; i < FORKS; i++) {
		before = answers;
		while (answers == before)
			sched_yield();
		pid = fork();
		if (!pid) {
			alarm(30);
			status = !all_echild();
			revoke_close(ctx);
			_exit(status);
		}
		waitpid(pid, &status, 0);
		echild += !status;
	}
	stopping = true;
	for (i = 0; i < BUSY; i++)
		pthread_join(threads[i], NULL);
	ok(echild == FORKS, "-ECHILD in children of a process with calls in flight");
	ok(!refused, "of which none failed, though each child closed the context");
	stop();
}

static atomic_uint handled, wrong;
static int expected_fd;

/* What revoke.h says may be called here */
static void handler(int sig)
{
	(void)sig;
	handled++;
	if (revoke_fd(ctx) != expected_fd || !revoke_last_error(ctx) ||
	    strcmp(revoke_reason_name(PIN_REVOKE_REASON_ADMIN), "admin") ||
	    strcmp(revoke_state_name(PIN_REVOKE_STATE_GONE), "gone") ||
	    strcmp(revoke_ack_kind_name(PIN_REVOKE_ACK_KIND_EXTEND), "extend") ||
	    strcmp(revoke_event_name(REVOKE_EVENT_GONE), "gone"))
		wrong++;
}

static void in_call(void)
{
	raise(SIGUSR1);
}

/* Runs in threads without the timer's signal: the fake must go on. */
static void test_signals(void)
{
	struct itimerval often = { { 0, 200 }, { 0, 200 } }, never = { 0 };
	struct sigaction sa = { .sa_handler = handler };	/* no SA_RESTART */
	unsigned int calls = 0, failed = 0;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	start();
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	fake.events_per_ack = 1;
	fake.nr_requests = 1;
	expected_fd = revoke_fd(ctx);
	sigaction(SIGALRM, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);

	fake_on_recv = in_call;
	failed += next() != 0;
	ok(handled == 1, "a signal while the lock of events is held");
	failed += revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_QUIESCED) != 0;
	ok(handled >= 2, "and while that of questions is");
	fake_on_recv = NULL;
	failed += next() != 1;
	ok(!failed && !wrong, "calls that are said to be safe are, the others go on");

	handled = 0;
	setitimer(ITIMER_REAL, &often, NULL);
	while (handled < 1000) {
		failed += revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_QUIESCED) != 0;
		failed += next() != 1;
		failed += revoke_extend(ctx, 7, 0, 1) < 0;
		failed += next() != 1;
		failed += revoke_request_list(ctx, no_request, NULL) != 0;
		calls++;
	}
	setitimer(ITIMER_REAL, &never, NULL);
	signal(SIGALRM, SIG_DFL);
	signal(SIGUSR1, SIG_DFL);
	ok(calls && !failed && !wrong, "no call fails because of a thousand signals");
	stop();
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "fds"))
		return open_fds();
	test_thread_text();
	test_threads();
	test_exec();
	test_child();
	test_fork();
	test_signals();
	return tap_done();
}
