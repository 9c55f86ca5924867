// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The smallest useful holder, in one thread: it works and looks for events in
 * between, and waits for them while it must not work. It must never touch the
 * device between the answer and REVOKE_EVENT_RESTORED.
 *
 * cc wait.c $(pkg-config --cflags --libs librevoke); ./a.out FILE
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
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
		/* No DMA is under way: device_write() has returned. */
		working = false;
		if (revoke_ack(ctx, event->request, event->pin.id,
			       PIN_REVOKE_ACK_KIND_QUIESCED) == -ESTALE)
			revoke_pin_list(ctx, find_out, &working);
		break;
	case REVOKE_EVENT_REVOKED:	/* perhaps nobody could ask us */
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

int main(int argc, char **argv)
{
	struct revoke_event event = { .size = sizeof(event) };
	struct revoke_ctx *ctx;
	struct pollfd pfd;
	int ret;

	if (argc != 2)
		return 1;
	setlinebuf(stdout);
	ret = revoke_open(NULL, &ctx);
	if (ret) {
		fprintf(stderr, "revoke_open: %s\n", strerror(-ret));
		return 1;
	}
	device_open(&dev, argv[1]);
	device_write(&dev);
	puts("at work");
	pfd = (struct pollfd){ .fd = revoke_fd(ctx), .events = POLLIN };
	while (!gone) {
		if (working)
			device_write(&dev);
		if (poll(&pfd, 1, working ? 10 : -1) <= 0)
			continue;
		ret = revoke_next_event(ctx, &event);
		if (ret < 0)
			break;
		if (ret)
			handle(ctx, &event);
	}
	revoke_close(ctx);
	return gone ? 0 : 1;
}
