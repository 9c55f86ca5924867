// SPDX-License-Identifier: GPL-2.0-only
/*
 * The library against the fake peer: what it says, what it understands, and
 * what it makes of a peer or a caller that misbehaves.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include "ctx.h"
#include "tap.h"

/* libasan has it; gcc 12 ships no header that says so */
int __sanitizer_install_malloc_and_free_hooks(
	void (*on_malloc)(const volatile void *ptr, size_t size),
	void (*on_free)(const volatile void *ptr));

static void test_open(void)
{
	struct {
		struct revoke_open_opts opts;
		char more[8];
	} newer = { .opts.size = sizeof(newer) };
	struct revoke_open_opts older = { .size = 8 };
	int fds, err;

	fake_start();
	fds = open_fds();
	errno = 77;
	ok(!revoke_open(NULL, &ctx), "a context can be opened");
	ok(errno == 77, "errno is left alone");
	ok((fcntl(revoke_fd(ctx), F_GETFD) & FD_CLOEXEC), "its fd is close-on-exec");
	revoke_close(ctx);
	ok(open_fds() == fds, "closing it leaves no descriptor");
	revoke_close(NULL);

	fake.connect_err = -ENOSYS;
	ok(revoke_open(NULL, &ctx) == -ENOSYS && open_fds() == fds,
	   "without the family: -ENOSYS, and no descriptor left");
	fake.connect_err = 0;
	fake.err = -EINVAL;
	fake.text = "unknown flag";
	err = revoke_open(NULL, &ctx);
	ok(err == -EINVAL && !strcmp(revoke_last_error(NULL), "unknown flag"),
	   "OPEN refused: the kernel's errno and text");
	fake.no_fd = true;
	ok(revoke_open(NULL, &ctx) == -EPROTO && open_fds() == fds,
	   "OPEN answered without an fd: -EPROTO");
	ok(!*revoke_last_error(NULL), "a new call forgets the old text");
	fake.no_fd = false;

	ok(revoke_open(&older, &ctx) == -EINVAL, "options too short: -EINVAL");
	err = revoke_open(&newer.opts, &ctx);
	ok(!err, "options of a newer caller who wants nothing new");
	if (!err)
		revoke_close(ctx);
	newer.more[7] = 1;
	ok(revoke_open(&newer.opts, &ctx) == -EINVAL,
	   "options of a newer caller who does: -EINVAL");
	fake_stop();
}

static void test_events(void)
{
	struct {
		struct revoke_event event;
		char more[8];
	} newer = { .event.size = sizeof(newer), .more = "garbage" };
	unsigned int i;
	bool all = true;

	start();
	ok(!next() && !readable(), "no event at first");
	send_event(PIN_REVOKE_CMD_RELEASE_SOON, 7, 2);
	ok(readable() && got(REVOKE_EVENT_RELEASE_SOON, 7, 1) &&
	   event.reason == PIN_REVOKE_REASON_WRITEBACK_SYNC &&
	   event.remaining_ns == 1000000000 && event.deadline_ns == 5000000000,
	   "the first pin of a request");
	ok(readable(), "the fd stays readable for the second");
	ok(got(REVOKE_EVENT_RELEASE_SOON, 7, 2), "the second");
	ok(!readable() && !next(), "then neither readable nor an event");

	send_event(PIN_REVOKE_CMD_RELEASE_SOON, 8, 100);
	for (i = 1; i <= 100; i++)
		all &= readable() && got(REVOKE_EVENT_RELEASE_SOON, 8, i);
	ok(all && !readable(), "a hundred pins of one message");

	send_event(PIN_REVOKE_CMD_REVOKED, 9, 1);
	send_event(PIN_REVOKE_CMD_RELEASE_SOON, 9, 1);
	send_event(PIN_REVOKE_CMD_RELEASE_SOON, 9, 1);
	send_event(PIN_REVOKE_CMD_ACKED, 9, 1);
	send_event(PIN_REVOKE_CMD_RESTORED, 0, 1);
	send_event(PIN_REVOKE_CMD_CANCELLED, 9, 0);
	send_event(PIN_REVOKE_CMD_GONE, 0, 1);
	ok(got(REVOKE_EVENT_REVOKED, 9, 1) &&
	   got(REVOKE_EVENT_RELEASE_SOON, 9, 1) &&
	   got(REVOKE_EVENT_RELEASE_SOON, 9, 1),
	   "reordered and repeated events come as they were sent");
	ok(got(REVOKE_EVENT_RESTORED, 0, 1), "ACKED is for monitors only");
	ok(got(REVOKE_EVENT_CANCELLED, 9, 0), "an event may have no pin");
	ok(got(REVOKE_EVENT_GONE, 0, 1) && !next(), "the last one");

	event.size = sizeof(event) - 1;
	ok(revoke_next_event(ctx, &event) == -EINVAL, "event too short: -EINVAL");
	send_event(PIN_REVOKE_CMD_REVOKED, 9, 1);
	ok(revoke_next_event(ctx, &newer.event) == 1 && !newer.more[0] &&
	   newer.event.size == sizeof(newer) && newer.event.pin.id == 1,
	   "what a newer caller has more is zeroed");
	stop();
}

static int stop_at_2(const struct revoke_pin *pin, void *arg)
{
	(void)arg;
	return pin->id == 2 ? 55 : 0;
}

static __thread bool counting;
static unsigned int mallocs;

static void on_malloc(const volatile void *ptr, size_t size)
{
	(void)ptr;
	(void)size;
	if (counting)
		mallocs++;
}

static void on_free(const volatile void *ptr)
{
	(void)ptr;
}

#define MANY 100000

/* What takes memory here is the fake's. */
static void test_no_malloc(void)
{
	unsigned int events = 0, answers = 0;

	start();
	fake.events_per_ack = 1;
	mallocs = 0;
	while (events < MANY) {
		send_event(PIN_REVOKE_CMD_RELEASE_SOON, 7, 99);
		counting = true;
		while (next() == 1)
			events++;
		answers += !revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_QUIESCED);
		events += next() == 1 && event.type == REVOKE_EVENT_REVOKED;
		counting = false;
	}
	ok(events == MANY && answers == MANY / 100,
	   "a hundred thousand events, and the answers");
	ok(!mallocs, "allocate no memory");
	counting = true;
	fake.granted_ms = 1;
	revoke_extend(ctx, 7, 0, 1);
	fake.err = -EINVAL;
	fake.text = "a text";
	revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_QUIESCED);
	ok(!mallocs, "nor does more time, or an error with its text");
	revoke_pin_list(ctx, stop_at_2, NULL);
	counting = false;
	ok(mallocs, "and it would have been seen");
	stop();
}

static void test_ack(void)
{
	static const int errors[] = {
		EBADF, EBUSY, EALREADY, EINVAL, ENOENT, EPERM, ERANGE, ESTALE,
		ENOMEM, EOPNOTSUPP, ESRCH
	};
	bool all = true, texts = true;
	char text[32];
	size_t i;

	start();
	ok(!revoke_ack(ctx, 7, 3, PIN_REVOKE_ACK_KIND_QUIESCED) &&
	   fake.acks == 1 && fake.last.request == 7 && fake.last.pin == 3 &&
	   fake.last.kind == PIN_REVOKE_ACK_KIND_QUIESCED &&
	   fcntl(fake.last.ctx_fd, F_GETFD) >= 0,
	   "an answer names context, request, pin and kind");
	ok(!revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_RELEASED) &&
	   !fake.last.pin, "pin 0 names none");
	ok(revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_EXTEND) == -EINVAL &&
	   fake.acks == 2, "EXTEND is another call's: -EINVAL");

	for (i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		snprintf(text, sizeof(text), "text %zu", i);
		fake.err = -errors[i];
		fake.text = text;
		fake.capped = i & 1;
		all &= revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_DECLINED) ==
			-errors[i];
		texts &= !strcmp(revoke_last_error(ctx), text);
	}
	ok(all, "each errno of the kernel comes back as it is");
	ok(texts, "with its own text");
	fake.text = "only a warning";
	ok(!revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_DECLINED) &&
	   !*revoke_last_error(ctx), "after a success there is no text");

	fake.granted_ms = 250;
	ok(revoke_extend(ctx, 7, 0, 400) == 250 && fake.last.extend_ms == 400 &&
	   fake.last.kind == PIN_REVOKE_ACK_KIND_EXTEND,
	   "EXTEND asks for ms and returns what was granted");
	ok(!fd_readable(nl_socket_get_fd(ctx->cmd.sk)),
	   "and reads all of the answer");
	fake.err = -EALREADY;
	ok(revoke_extend(ctx, 7, 0, 400) == -EALREADY, "or the errno");
	stop();
}

static int on_pin(const struct revoke_pin *pin, void *arg)
{
	uint64_t *seen = arg;

	*seen = *seen * 10 + pin->id;
	return 0;
}

static int on_request(const struct revoke_request *req, void *arg)
{
	uint64_t *seen = arg;

	if (req->size != sizeof(*req) || req->trigger_pid != 415 ||
	    strcmp(req->trigger_comm, "fsync-er") ||
	    req->remaining_ns != 1000000000 ||
	    req->reason != PIN_REVOKE_REASON_WRITEBACK_SYNC ||
	    (req->nr_pins && req->pins[req->nr_pins - 1].id != req->nr_pins))
		return -1;
	*seen = *seen * 100 + req->id * 10 + req->nr_pins;
	return 0;
}

static int ack_in_list(const struct revoke_request *req, void *arg)
{
	(void)arg;
	return revoke_ack(ctx, req->id, 0, PIN_REVOKE_ACK_KIND_QUIESCED);
}

static void test_lists(void)
{
	uint64_t seen = 0;

	start();
	ok(!revoke_pin_list(ctx, on_pin, &seen) && seen == 123,
	   "the list of pins has every pin");
	ok(revoke_pin_list(ctx, stop_at_2, NULL) == 55,
	   "the function's value ends it and comes back");
	ok(!revoke_ack(ctx, 7, 0, PIN_REVOKE_ACK_KIND_DECLINED),
	   "and nothing of it is left in the socket");
	fake.err = -EPERM;
	fake.text = "not yours";
	seen = 0;
	ok(revoke_pin_list(ctx, on_pin, &seen) == -EPERM && !seen &&
	   !strcmp(revoke_last_error(ctx), "not yours"),
	   "half a list is none: an error at its end is told, with its text");
	fake.dump_intr = 2;
	seen = 0;
	ok(!revoke_pin_list(ctx, on_pin, &seen) && seen == 123,
	   "a list that changed while it was read is read again");
	fake.dump_intr = 3;
	seen = 0;
	ok(revoke_pin_list(ctx, on_pin, &seen) == -EAGAIN && seen == 123,
	   "one that does not stop changing is told all the same: -EAGAIN");
	fake.dump_intr = 3;
	ok(revoke_pin_list(ctx, stop_at_2, NULL) == 55,
	   "where the function's value counts");
	fake.dump_intr = 0;
	fake.bad_pin = true;
	ok(revoke_pin_list(ctx, on_pin, &seen) == -EPROTO,
	   "a pin that cannot be read: -EPROTO");
	seen = 0;
	fake.nr_requests = 2;
	ok(!revoke_request_list(ctx, on_request, &seen) && seen == 7182,
	   "the list of requests has each with its pins");
	fake.acks = 0;
	ok(!revoke_request_list(ctx, ack_in_list, NULL) && fake.acks == 2,
	   "and each may be answered from there");
	seen = 0;
	fake.split = true;
	ok(!revoke_request_list(ctx, on_request, &seen) && seen == 7283,
	   "also if its pins fill more than one message");
	stop();
}

static void test_names(void)
{
	ok(!strcmp(revoke_reason_name(PIN_REVOKE_REASON_WRITEBACK_SYNC),
		   "writeback-sync") &&
	   !strcmp(revoke_state_name(PIN_REVOKE_STATE_GONE), "gone") &&
	   !strcmp(revoke_ack_kind_name(PIN_REVOKE_ACK_KIND_EXTEND), "extend") &&
	   !strcmp(revoke_event_name(REVOKE_EVENT_RELEASE_SOON),
		   "release-soon") &&
	   !strcmp(revoke_event_name(REVOKE_EVENT_RESYNC), "resync"),
	   "values have the names of the specification");
	ok(!strcmp(revoke_reason_name(1000), "?") &&
	   !strcmp(revoke_state_name(1000), "?") &&
	   !strcmp(revoke_ack_kind_name(1000), "?") &&
	   !strcmp(revoke_event_name(0), "?"), "others are \"?\"");
}

int main(void)
{
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	test_open();
	test_events();
	test_no_malloc();
	test_ack();
	test_lists();
	test_names();
	return tap_done();
}
