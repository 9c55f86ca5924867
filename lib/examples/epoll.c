// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * A holder with an event loop: epoll tells when there is an event, and a timer
 * when there is work. It must never touch the device between the answer and
 * REVOKE_EVENT_RESTORED.
 *
 * cc epoll.c $(pkg-config --cflags --libs librevoke); ./a.out FILE
 */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <revoke/revoke.h>
#include "device.h"

static struct device dev;
static bool working = true;
static bool gone;

static int find_out(const struct revoke_pin *pin, void *working)
{
	if (pin->addr == dev.buffer && pin->pid == (uint32_t)getpid())
		*(bool *)working = pin->state == PIN_REVOKE_STATE_ACTIVE;
	return 0;
}

static void handle(struct revoke_ctx *ctx, const struct revoke_event *event)
{
	printf("%s %s\n", revoke_event_name(event->type),
	       revoke_reason_name(event->reason));
	switch (event->type) {
	case REVOKE_EVENT_RELEASE_SOON:
			working = false;
		if (revoke_ack(ctx, event->request, event->pin.id,
			       PIN_REVOKE_ACK_KIND_QUIESCED) == -ESTALE)
			revoke_pin_list(ctx, find_out, &working);
		break;
	case REVOKE_EVENT_REVOKED:
		working = false;
		break;
	case REVOKE_EVENT_RESTORED:
		working = true;
		break;
	case REVOKE_EVENT_GONE:
		gone = true;
		break;
	default:	/* CANCELLED, but another may be open; RESYNC */
		revoke_pin_list(ctx, find_out, &working);
		break;
	}
}

/* Level-triggered: one event for each wake-up is enough. */
static int on_event(struct revoke_ctx *ctx)
{
	struct revoke_event event = { .size = sizeof(event) };
	int ret = revoke_next_event(ctx, &event);

	if (ret == 1)
		handle(ctx, &event);
	return ret;
}

int main(int argc, char **argv)
{
	const struct itimerspec often = { { 0, 10000000 }, { 0, 10000000 } };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event event = { .events = EPOLLIN };
	struct epoll_event work = { .events = EPOLLIN, .data.u32 = 1 };
	struct epoll_event ready;
	struct revoke_ctx *ctx;
	uint64_t ticks;

	if (argc != 2)
		return 1;
	setlinebuf(stdout);
	if (revoke_open(NULL, &ctx))
		return 1;
	device_open(&dev, argv[1]);
	device_write(&dev);
	puts("at work");
	timerfd_settime(timer, 0, &often, NULL);
	epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &work);
	epoll_ctl(epoll, EPOLL_CTL_ADD, revoke_fd(ctx), &event);
	while (!gone) {
		if (epoll_wait(epoll, &ready, 1, -1) != 1)
			continue;
		if (!ready.data.u32) {
			if (on_event(ctx) < 0)
				break;
		} else if (read(timer, &ticks, sizeof(ticks)) > 0 && working) {
			device_write(&dev);
		}
	}
	revoke_close(ctx);
	return gone ? 0 : 1;
}
