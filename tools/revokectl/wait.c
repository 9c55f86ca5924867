// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: waiting until a request is over, and telling people meanwhile.
 *
 * Must never trust an event: each one only makes it look at the kernel's list of
 * requests again.
 */
#include <errno.h>
#include <poll.h>
#include "revokectl.h"

/* What waiting adds to the deadline that the kernel names */
#define SLACK_NS 1000000000ULL
/* A request can end without an event, and an event can be lost. */
#define LOOK_AGAIN_MS 100

/* The request that is waited for, and one of those it waits for */
struct search {
	uint64_t id;
	bool found;
	uint64_t remaining_ns;
	size_t pins;
	uint32_t pid;
	char comm[OUT_MAX];
};

static int on_request(const struct revoke_request *req, void *arg)
{
	struct search *search = arg;

	if (req->id != search->id)
		return 0;
	/* Each pin may have a deadline of its own. */
	search->found = true;
	if (req->remaining_ns > search->remaining_ns)
		search->remaining_ns = req->remaining_ns;
	search->pins = req->nr_pins;
	if (req->nr_pins) {
		search->pid = req->pins[0].pid;
		out_printable(req->pins[0].comm, search->comm);
	}
	return 0;
}

/* For people, in place; gone when the wait is over. */
static void progress(const struct search *search)
{
	static bool shown;

	if (!people() || (!search->found && !shown))
		return;
	shown = search->found;
	if (!shown)
		fputs("\r\033[K", stderr);
	else if (search->pins)
		fprintf(stderr, "\rrequest %llu: %zu pins left (%s/%u), %.1f s\033[K",
			(unsigned long long)search->id, search->pins, search->comm,
			search->pid, search->remaining_ns / 1e9);
	else
		fprintf(stderr, "\rrequest %llu: taking the pages\033[K",
			(unsigned long long)search->id);
}

/* Return: EXIT_OK when the request is over, or the exit status. */
int wait_request(struct revoke_nl *nl, struct revoke_nl *monitor,
		 uint64_t request)
{
	static struct revoke_stream events;
	uint64_t now = now_ns();
	uint64_t limit = now + SLACK_NS;
	struct revoke_pin pin;
	struct pollfd pfd;
	int ret;

	revoke_stream_init(&events, monitor);
	pfd = (struct pollfd){ .fd = events.fd, .events = POLLIN };
	for (;;) {
		struct search search = { .id = request };

		ret = revoke_nl_requests(nl, on_request, &search);
		/* Others came and went. */
		if (ret == -EAGAIN)
			ret = 0;
		if (!ret)
			progress(&search);
		if (!ret && !search.found)
			return EXIT_OK;
		if (ret < 0)
			return fail(ret, "request %llu",
				    (unsigned long long)request);
		now = now_ns();
		/* An EXTEND moves the deadline; past it nothing does. */
		if (search.remaining_ns)
			limit = now + search.remaining_ns + SLACK_NS;
		if (now >= limit) {
			fprintf(stderr,
				"revokectl: request %llu is past its deadline and still open: see revokectl request show\n",
				(unsigned long long)request);
			return EXIT_TIMEOUT;
		}
		poll(&pfd, 1, LOOK_AGAIN_MS);
		do {
			ret = revoke_stream_next(&events, &pin);
		} while (ret == 1 || ret == -ENOBUFS);
		if (ret < 0)
			return fail(ret, "monitor");
	}
}
