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

static void answer(struct revoke_ctx *ctx, uint64_t request, uint64_t pin)
{
	if (revoke_ack(ctx, request, pin, PIN_REVOKE_ACK_KIND_QUIESCED))
		printf("not heard: %s\n", revoke_last_error(ctx));
}

/* Events were lost: the kernel still knows what is open and what is back. */
static int answer_all(const struct revoke_request *req, void *ctx)
{
	size_t i;

	for (i = 0; i < req->nr_pins; i++)
		stop_using(req->pins[i].id);
	answer(ctx, req->id, 0);
	return 0;
}

static int check_pin(const struct revoke_pin *pin, void *arg)
{
	(void)arg;
	if (pin->state == PIN_REVOKE_STATE_ACTIVE)
		use_again(pin->id);
	return 0;
}

static void handle(struct revoke_ctx *ctx, const struct revoke_event *event)
{
	switch (event->type) {
	case REVOKE_EVENT_RELEASE_SOON:
		stop_using(event->pin.id);
		answer(ctx, event->request, event->pin.id);
		break;
	case REVOKE_EVENT_REVOKED:	/* nobody could ask us */
	case REVOKE_EVENT_GONE:
		stop_using(event->pin.id);
		break;
	case REVOKE_EVENT_RESTORED:
	case REVOKE_EVENT_CANCELLED:
		use_again(event->pin.id);
		break;
	case REVOKE_EVENT_RESYNC:
		revoke_request_list(ctx, answer_all, ctx);
		revoke_pin_list(ctx, check_pin, NULL);
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
