// SPDX-License-Identifier: GPL-2.0-only
/*
 * Waiting, the library's thread, claims, and the small questions, against the
 * fake peer.
 */
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/wait.h>
#include "ctx.h"
#include "tap.h"

/* libasan has it; gcc 12 ships no header that says so */
int __sanitizer_install_malloc_and_free_hooks(
	void (*on_malloc)(const volatile void *ptr, size_t size),
	void (*on_free)(const volatile void *ptr));

static int wait_event(int ms)
{
	event.size = sizeof(event);
	return revoke_wait_event(ctx, &event, ms);
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* An answer makes the fake send an event. */
static void *ack_soon(void *arg)
{
	(void)arg;
	revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_QUIESCED);
	return NULL;
}

static void on_alarm(int sig)
{
	(void)sig;
}

static void test_wait(void)
{
	struct sigaction act = { .sa_handler = on_alarm };
	pthread_t thread;
	int64_t begun;

	start();
	begun = now_ms();
	ok(!wait_event(0) && !wait_event(50) && now_ms() - begun >= 50,
	   "without an event the time passes");
	send_event(PIN_REVOKE_CMD_REVOKED, 7, 1);
	ok(wait_event(0) == 1 && event.request == 7, "one that is there is taken");
	fake.events_per_ack = 1;
	pthread_create(&thread, NULL, ack_soon, NULL);
	ok(wait_event(-1) == 1 && event.type == REVOKE_EVENT_REVOKED,
	   "one that comes ends a wait without limit");
	pthread_join(thread, NULL);
	sigaction(SIGALRM, &act, NULL);
	ualarm(20000, 20000);
	errno = 77;
	ok(wait_event(-1) == -EINTR && errno == 77, "a signal: -EINTR");
	ualarm(0, 0);
	event.size = 1;
	ok(revoke_wait_event(ctx, &event, -1) == -EINVAL, "event too short: -EINVAL");
	stop();
}

static struct {
	sem_t heard;
	atomic_uint nr, bad;
	pthread_t thread;
	atomic_int stop_err;
	bool ack, stop;
} seen;

static void on_event(struct revoke_ctx *c, const struct revoke_event *e, void *arg)
{
	sigset_t set;

	pthread_sigmask(SIG_SETMASK, NULL, &set);
	if (c != ctx || arg != &seen || !sigismember(&set, SIGALRM) ||
	    pthread_equal(pthread_self(), seen.thread) ||
	    e->size != sizeof(*e))
		seen.bad++;
	seen.nr++;
	if (seen.ack)
		revoke_ack(c, e->request, e->pin.id, PIN_REVOKE_ACK_KIND_QUIESCED);
	if (seen.stop)
		seen.stop_err = revoke_dispatch_stop(c);
	sem_post(&seen.heard);
}

static void heard(unsigned int nr)
{
	while (nr--)
		while (sem_wait(&seen.heard))
			;
}

static atomic_uint mallocs;

static void on_malloc(const volatile void *ptr, size_t size)
{
	(void)ptr;
	(void)size;
	mallocs++;
}

static void on_free(const volatile void *ptr)
{
	(void)ptr;
}

static void test_dispatch(void)
{
	unsigned int before;
	int status;
	pid_t pid;

	start();
	sem_init(&seen.heard, 0, 0);
	seen.thread = pthread_self();
	ok(!revoke_dispatch_stop(ctx), "there is nothing to stop");
	send_event(PIN_REVOKE_CMD_RELEASE_SOON, 7, 2);
	ok(!revoke_dispatch_start(ctx, on_event, &seen), "a thread starts");
	heard(2);
	ok(seen.nr == 2 && !seen.bad, "and is told what was there before");
	ok(revoke_dispatch_start(ctx, on_event, &seen) == -EALREADY,
	   "one is enough: -EALREADY");
	send_event(PIN_REVOKE_CMD_RELEASE_SOON, 8, 1);
	heard(1);
	before = mallocs;
	fake_send(fake.event_port, fake_request(PIN_REVOKE_CMD_REVOKED, 7, 100));
	heard(100);
	/* Whatever the fake allocates, it allocates one message. */
	ok(mallocs - before < 20, "a hundred events allocate nothing");
	seen.ack = true;
	send_event(PIN_REVOKE_CMD_RELEASE_SOON, 9, 1);
	heard(1);
	ok(fake.acks == 1 && fake.last.request == 9, "its function may answer");
	seen.ack = false;
	seen.stop = true;
	send_event(PIN_REVOKE_CMD_REVOKED, 7, 1);
	heard(1);
	seen.stop = false;
	ok(seen.stop_err == -EDEADLK, "but not stop it: -EDEADLK");

	pid = fork();
	if (!pid) {
		bool good = revoke_dispatch_start(ctx, on_event, &seen) == -ECHILD &&
			revoke_dispatch_stop(ctx) == -ECHILD &&
			wait_event(-1) == -ECHILD &&
			revoke_claim(ctx, NULL, 0) == -ECHILD &&
			revoke_restore(ctx, 1) == -ECHILD &&
			revoke_policy_get(ctx, 0, 1, NULL) == -ECHILD &&
			revoke_features(ctx, NULL) == -ECHILD;

		revoke_close(ctx);
		_exit(!good);
	}
	waitpid(pid, &status, 0);
	ok(!status, "in a child of fork() every call gives -ECHILD, close returns");

	ok(!revoke_dispatch_stop(ctx), "it stops");
	seen.nr = 0;
	send_event(PIN_REVOKE_CMD_REVOKED, 7, 1);
	ok(wait_event(10000) == 1 && !seen.nr, "later events are nobody's");
	ok(!revoke_dispatch_start(ctx, on_event, &seen), "it starts again");
	send_event(PIN_REVOKE_CMD_REVOKED, 7, 1);
	heard(1);
	stop();
	ok(seen.nr == 1 && !seen.bad, "closing the context stops it");
	sem_destroy(&seen.heard);
}

static void test_claim(void)
{
	struct revoke_range ranges[2] = {
		{ .size = sizeof(*ranges), .id = 5 },
		{ .size = sizeof(*ranges), .addr = 0x7f0000002000, .len = 32 << 20 },
	};

	start();
	ok(!revoke_claim(ctx, ranges, 1) && fake.claimed == 5 &&
	   ranges[0].id == 5 && revoke_pin_valid(ranges),
	   "a pin is claimed, and valid");
	ok(!revoke_claim(ctx, ranges, 2) && fake.claimed == 2 && ranges[1].id == 2 &&
	   revoke_pin_valid(ranges + 1), "another by address and length");
	ranges[1].id = 0;
	ranges[1].len++;
	fake.claimed = 0;
	ok(revoke_claim(ctx, ranges, 2) == -ENOENT && !fake.claimed,
	   "no such range: -ENOENT, and nothing is claimed");
	fake.err = -EBUSY;
	ok(revoke_claim(ctx, ranges, 1) == -EBUSY, "the kernel's errors come back");
	ranges[0].size--;
	ok(revoke_claim(ctx, ranges, 1) == -EINVAL, "a range too short: -EINVAL");
	stop();
}

static void test_questions(void)
{
	struct {
		struct revoke_policy policy;
		char more[8];
	} newer = { .policy.size = sizeof(newer), .more = "garbage" };
	struct revoke_policy policy = { .size = sizeof(policy) };
	struct revoke_features features = { .size = sizeof(features) };

	start();
	ok(!revoke_policy_get(ctx, 6, PIN_REVOKE_REASON_WRITEBACK_SYNC, &policy) &&
	   fake.policy_pin == 6 && policy.grace_ms == 700 &&
	   policy.max_extend_ms == 800 && policy.action == PIN_REVOKE_ACTION_ASK &&
	   !policy.skip_ms && !policy.repeat_ms, "the policy for a pin");
	ok(!revoke_policy_get(ctx, 0, PIN_REVOKE_REASON_ADMIN, &newer.policy) &&
	   !fake.policy_pin && newer.policy.size == sizeof(newer) && !newer.more[0],
	   "the policy for all, of a newer caller");
	policy.size--;
	ok(revoke_policy_get(ctx, 0, 1, &policy) == -EINVAL,
	   "a policy too short: -EINVAL");
	policy.size++;
	fake.err = -ERANGE;
	ok(revoke_policy_get(ctx, 0, 99, &policy) == -ERANGE, "no such reason: -ERANGE");
	ok(!revoke_features(ctx, &features) && features.flags == 5 &&
	   features.asks == 1026, "what the module can do");
	features.size--;
	ok(revoke_features(ctx, &features) == -EINVAL, "features too short: -EINVAL");
	features.size++;
	fake.err = -EOPNOTSUPP;
	ok(revoke_features(ctx, &features) == -EOPNOTSUPP,
	   "a module that does not know the question: -EOPNOTSUPP");
	fake.bad_pin = true;
	ok(revoke_features(ctx, &features) == -EPROTO, "half an answer: -EPROTO");
	fake.bad_pin = false;
	ok(!revoke_restore(ctx, 4) && fake.restored == 4, "a pin is wanted back");
	fake.err = -EOPNOTSUPP;
	ok(revoke_restore(ctx, 4) == -EOPNOTSUPP, "or cannot be");
	ok(revoke_version() == REVOKE_VERSION, "the library is of this version");
	stop();
}

int main(void)
{
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	test_wait();
	test_dispatch();
	test_claim();
	test_questions();
	return tap_done();
}
