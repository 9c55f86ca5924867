// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: waiting for events, and a thread that does nothing else.
 *
 * Owns that thread. It must never allocate, nor hold a lock while it is in the
 * caller's function: that answers, and may be called because memory is short.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>
#include <sys/eventfd.h>
#include "internal.h"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

REVOKE_EXPORT int revoke_wait_event(struct revoke_ctx *ctx,
				    struct revoke_event *event, int timeout_ms)
{
	int64_t until = now_ms() + timeout_ms;
	int saved = errno;
	int ret;

	while (!(ret = revoke_next_event(ctx, event))) {
		struct pollfd pfd = { .fd = ctx->stream.fd, .events = POLLIN };
		int64_t left = timeout_ms < 0 ? -1 : until - now_ms();

		if (timeout_ms >= 0 && left <= 0)
			break;
		if (poll(&pfd, 1, left) < 0) {
			ret = -errno;
			break;
		}
	}
	errno = saved;
	return ret;
}

static void *dispatch(void *arg)
{
	struct revoke_ctx *ctx = arg;
	struct revoke_dispatch *d = &ctx->dispatch;
	struct revoke_event event = { .size = sizeof(event) };
	struct pollfd pfd[] = {
		{ .fd = ctx->stream.fd, .events = POLLIN },
		{ .fd = d->stop_fd, .events = POLLIN },
	};
	int ret;

	for (;;) {
		if (poll(pfd, 2, -1) < 0)
			break;
		if (pfd[1].revents)
			break;
		ret = revoke_next_event(ctx, &event);
		if (ret < 0) {
			d->err = ret;
			break;
		}
		if (ret)
			d->fn(ctx, &event, d->arg);
	}
	return NULL;
}

/* No signal of the program's is handled in our thread. */
static int start_thread(struct revoke_ctx *ctx)
{
	sigset_t all, old;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = -pthread_create(&ctx->dispatch.thread, NULL, dispatch, ctx);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return err;
}

REVOKE_EXPORT int revoke_dispatch_start(struct revoke_ctx *ctx,
					revoke_dispatch_fn fn, void *arg)
{
	struct revoke_dispatch *d = &ctx->dispatch;
	int saved = errno;
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	pthread_mutex_lock(&d->lock);
	if (d->running) {
		err = -EALREADY;
		goto out;
	}
	d->fn = fn;
	d->arg = arg;
	d->err = 0;
	d->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (d->stop_fd < 0) {
		err = -errno;
		goto out;
	}
	err = start_thread(ctx);
	if (err)
		close(d->stop_fd);
	d->running = !err;
out:
	pthread_mutex_unlock(&d->lock);
	errno = saved;
	return err;
}

REVOKE_EXPORT int revoke_dispatch_stop(struct revoke_ctx *ctx)
{
	struct revoke_dispatch *d = &ctx->dispatch;
	const uint64_t one = 1;
	int saved = errno;
	int err;

	err = revoke_enter(ctx);
	if (err)
		return err;
	pthread_mutex_lock(&d->lock);
	if (d->running && pthread_equal(d->thread, pthread_self())) {
		err = -EDEADLK;
	} else if (d->running) {
		if (write(d->stop_fd, &one, sizeof(one)) < 0)
			err = -errno;
		else
			pthread_join(d->thread, NULL);
	}
	if (d->running && !err) {
		close(d->stop_fd);
		d->running = false;
		err = d->err;
	}
	pthread_mutex_unlock(&d->lock);
	errno = saved;
	return err;
}
