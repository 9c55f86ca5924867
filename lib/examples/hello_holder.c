// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The smallest useful holder: waits to be asked, stops using its memory, says
 * so, and goes on when the memory is back. It must never touch the device
 * between the answer and REVOKE_EVENT_RESTORED.
 *
 * cc hello_holder.c $(pkg-config --cflags --libs librevoke)
 */
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <revoke/revoke.h>

static void stop_using(uint64_t pin)
{
	printf("pin %llu: no new work for the device\n",
	       (unsigned long long)pin);
}

static void use_again(uint64_t pin)
{
	printf("pin %llu: back to work\n", (unsigned long long)pin);
}

/* Events were lost: the kernel still knows what is open and what is back. */
struct open_requests {
	uint64_t id[16];	/* more are told again soon */
	size_t nr;
};

static int collect(const struct revoke_request *req, void *arg)
{
	struct open_requests *open = arg;
	size_t i;

	for (i = 0; i < req->nr_pins; i++)
		stop_using(req->pins[i].id);
	open->id[open->nr++] = req->id;
	return open->nr == 16;
}

static int check_pin(const struct revoke_pin *pin, void *arg)
{
	(void)arg;
	if (pin->state == PIN_REVOKE_STATE_ACTIVE)
		use_again(pin->id);
	return 0;
}

static void resync(struct revoke_ctx *ctx)
{
	struct open_requests open = { .nr = 0 };

	revoke_request_list(ctx, collect, &open);
	while (open.nr--)
		revoke_ack(ctx, open.id[open.nr], 0,
			   PIN_REVOKE_ACK_KIND_QUIESCED);
	revoke_pin_list(ctx, check_pin, NULL);
}

static void handle(struct revoke_ctx *ctx, const struct revoke_event *event)
{
	switch (event->type) {
	case REVOKE_EVENT_RELEASE_SOON:
		stop_using(event->pin.id);
		if (revoke_ack(ctx, event->request, event->pin.id,
			       PIN_REVOKE_ACK_KIND_QUIESCED))
			printf("too late: %s\n", revoke_last_error(ctx));
		break;
	case REVOKE_EVENT_RESTORED:
	case REVOKE_EVENT_CANCELLED:
		use_again(event->pin.id);
		break;
	case REVOKE_EVENT_RESYNC:
		resync(ctx);
		break;
	}
}

int main(void)
{
	struct revoke_event event = { .size = sizeof(event) };
	struct revoke_ctx *ctx;
	struct pollfd pfd;
	int err;

	err = revoke_open(NULL, &ctx);
	if (err) {
		fprintf(stderr, "revoke_open: %s\n", strerror(-err));
		return 1;
	}
	pfd = (struct pollfd){ .fd = revoke_fd(ctx), .events = POLLIN };
	while (poll(&pfd, 1, -1) >= 0) {
		err = revoke_next_event(ctx, &event);
		if (err < 0)
			break;
		if (err)
			handle(ctx, &event);
	}
	revoke_close(ctx);
	return 1;
}
