// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-holder: contexts of librevoke, events and answers.
 *
 * Must never wait for an event without a limit that the script gave.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <revoke/revoke.h>

#include "holder.h"

static struct listener {
	struct revoke_ctx *ctx;
	unsigned int skipped;	/* RELEASE_SOON that nobody waited for */
	int answer;		/* ack kind of its thread */
	int marks;		/* where that says when, or -1 */
} listeners[SLOTS];

struct revoke_ctx *context(const char *s)
{
	return listeners[slot(s)].ctx;
}

/* listen CTX [thread|-] [BYTES]: room for events that were not read */
void do_listen(char **arg)
{
	struct revoke_open_opts opts = {
		.size = sizeof(opts),
		.flags = arg[2] && *arg[2] == 't' ?
			 PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD : 0,
		.rcvbuf = arg[2] ? number(arg[3]) : 0,
	};
	struct listener *l = &listeners[slot(arg[1])];
	int err = revoke_open(&opts, &l->ctx);

	if (err)
		failed(err, revoke_last_error(NULL));
	else
		ok();
}

/* close CTX */
void do_close(char **arg)
{
	struct listener *l = &listeners[slot(arg[1])];

	revoke_close(l->ctx);
	l->ctx = NULL;
	ok();
}

/* Takes the next event, waits for one if there is time: 1, 0 or -errno. */
static int next_event(struct listener *l, struct revoke_event *event,
		      double until)
{
	int ret;

	for (;;) {
		struct pollfd pfd = { revoke_fd(l->ctx), POLLIN, 0 };
		double left = until - now();

		ret = revoke_next_event(l->ctx, event);
		if (ret || left <= 0)
			return ret;
		poll(&pfd, 1, (int)left + 1);
	}
}

/*
 * wait CTX EVENT MS: skips others, counts the requests among these; EVENT is
 * "release-soon", "repeat" (the same, told again), "revoked", "restored", ...
 */
void do_wait(char **arg)
{
	struct listener *l = &listeners[slot(arg[1])];
	struct revoke_event e = { .size = sizeof(e) };
	double until = now() + number(arg[3]);
	int ret;

	while ((ret = next_event(l, &e, until)) > 0) {
		const char *name = revoke_event_name(e.type);

		if (e.type == REVOKE_EVENT_RELEASE_SOON &&
		    (e.flags & PIN_REVOKE_EVENT_FLAGS_REPEAT))
			name = "repeat";
		if (!strcmp(name, arg[2]))
			break;
		l->skipped += !strcmp(name, "release-soon");
	}
	if (ret < 0) {
		failed(ret, revoke_last_error(l->ctx));
	} else if (!ret) {
		printf("ok nothing skipped=%u\n", l->skipped);
	} else {
		printf("ok %s request=%llu reason=%s forced=%d left=%llu pin=%llu skipped=%u\n",
		       arg[2], (unsigned long long)e.request,
		       revoke_reason_name(e.reason),
		       !!(e.flags & PIN_REVOKE_EVENT_FLAGS_FORCED),
		       (unsigned long long)e.remaining_ns / 1000000,
		       (unsigned long long)e.pin.id, l->skipped);
		l->skipped = 0;
	}
}

static int ack_kind(const char *s)
{
	int kind;

	for (kind = 0; kind <= PIN_REVOKE_ACK_KIND_DECLINED; kind++)
		if (!strcmp(s, revoke_ack_kind_name(kind)))
			return kind;
	return -1;
}

/* ack CTX REQUEST PIN KIND [MS] */
void do_ack(char **arg)
{
	struct revoke_ctx *ctx = listeners[slot(arg[1])].ctx;
	uint64_t request = number(arg[2]), pin = number(arg[3]);
	int kind = ack_kind(arg[4]);
	int ret = kind == PIN_REVOKE_ACK_KIND_EXTEND ?
		  revoke_extend(ctx, request, pin, number(arg[5])) :
		  revoke_ack(ctx, request, pin, kind);

	if (ret < 0)
		failed(ret, revoke_last_error(ctx));
	else if (kind == PIN_REVOKE_ACK_KIND_EXTEND)
		printf("ok granted=%d\n", ret);
	else
		ok();
}

static void *answer(void *arg)
{
	struct revoke_event e = { .size = sizeof(e) };
	struct listener *l = arg;

	for (;;) {
		if (next_event(l, &e, now() + 1000) <= 0 ||
		    e.type != REVOKE_EVENT_RELEASE_SOON)
			continue;
		if (l->marks > 0)
			dprintf(l->marks, "holder told\n");
		revoke_ack(l->ctx, e.request, 0, l->answer);
	}
	return NULL;
}

/* answer CTX KIND [FILE]: a thread does, from now on, and marks it in FILE */
void do_answer(char **arg)
{
	struct listener *l = &listeners[slot(arg[1])];
	pthread_t thread;

	l->marks = arg[3] ? open(arg[3], O_WRONLY | O_CLOEXEC) : -1;
	if (arg[3] && l->marks < 0) {
		done(-1);
		return;
	}
	l->answer = ack_kind(arg[2]);
	errno = pthread_create(&thread, NULL, answer, l);
	done(errno ? -1 : 0);
}

static int count_pin(const struct revoke_pin *pin, void *nr)
{
	printf(" %llu:%s", (unsigned long long)pin->id,
	       revoke_state_name(pin->state));
	++*(int *)nr;
	return 0;
}

/* pins CTX */
void do_pins(char **arg)
{
	struct revoke_ctx *ctx = listeners[slot(arg[1])].ctx;
	int err, nr = 0;

	printf("ok");
	err = revoke_pin_list(ctx, count_pin, &nr);
	printf(" nr=%d%s\n", nr, err ? " incomplete" : "");
}

static int count_request(const struct revoke_request *req, void *nr)
{
	printf(" %llu:%s:%zu:%s", (unsigned long long)req->id,
	       revoke_reason_name(req->reason), req->nr_pins,
	       req->trigger_pid ? req->trigger_comm : "-");
	++*(int *)nr;
	return 0;
}

/* requests CTX */
void do_requests(char **arg)
{
	struct revoke_ctx *ctx = listeners[slot(arg[1])].ctx;
	int err, nr = 0;

	printf("ok");
	err = revoke_request_list(ctx, count_request, &nr);
	printf(" nr=%d%s\n", nr, err ? " incomplete" : "");
}

/* What time was it here when the kernel said how much is left? */
static int said_at(const struct revoke_request *req, void *ns)
{
	*(int64_t *)ns = req->deadline_ns - req->remaining_ns;
	return 1;
}

/* time CTX: it is, and by that much a request's deadline is off, in seconds */
void do_time(char **arg)
{
	struct revoke_ctx *ctx = listeners[slot(arg[1])].ctx;
	struct timespec now;
	int64_t said;

	if (revoke_request_list(ctx, said_at, &said) != 1) {
		failed(-ENOENT, "no request");
		return;
	}
	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("ok now=%lld off=%lld\n", (long long)now.tv_sec,
	       (long long)(now.tv_sec - said / 1000000000));
}

static atomic_uint heard[REVOKE_EVENT_RESYNC + 1];

static void on_event(struct revoke_ctx *ctx, const struct revoke_event *event,
		     void *arg)
{
	(void)arg;
	heard[event->type]++;
	if (event->type == REVOKE_EVENT_RELEASE_SOON)
		revoke_ack(ctx, event->request, event->pin.id,
			   PIN_REVOKE_ACK_KIND_QUIESCED);
}

/* dispatch CTX: the library's thread answers "quiesced", and counts */
void do_dispatch(char **arg)
{
	struct revoke_ctx *ctx = context(arg[1]);
	int err = revoke_dispatch_start(ctx, on_event, NULL);

	if (err)
		failed(err, revoke_last_error(ctx));
	else
		ok();
}

/* dispatched: what such threads have heard so far */
void do_dispatched(char **arg)
{
	(void)arg;
	printf("ok asked=%u revoked=%u restored=%u\n",
	       heard[REVOKE_EVENT_RELEASE_SOON], heard[REVOKE_EVENT_REVOKED],
	       heard[REVOKE_EVENT_RESTORED]);
}

/* undispatch CTX */
void do_undispatch(char **arg)
{
	int err = revoke_dispatch_stop(context(arg[1]));

	if (err)
		failed(err, "");
	else
		ok();
}
