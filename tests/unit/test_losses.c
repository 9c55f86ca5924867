// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events that are lost, cannot be read or come from a stranger: what the library
 * says of it, and how it finds again what it has to answer.
 */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>
#include "ctx.h"
#include "fake_calls.h"
#include "tap.h"

/* The kernel answers at once, the fake when it comes to it. */
static void asked(unsigned int nr)
{
	while (fake.dumps < nr)
		sched_yield();
}

static void test_losses(void)
{
	struct nl_msg *msg;
	uint32_t port;
	int fd;

	start();
	fd = fake_socket(&port);
	fake_send_from(fd, fake.event_port,
		       fake_request(PIN_REVOKE_CMD_REVOKED, 66, 1));
	ok(!next() && !readable(), "a stranger's message is thrown away");
	close(fd);

	msg = fake_request(PIN_REVOKE_CMD_REVOKED, 7, 1);
	nla_put(msg, PIN_REVOKE_A_REQUEST_PIN, 1, "x");
	fake_send(fake.event_port, msg);
	send_event(PIN_REVOKE_CMD_REVOKED, 8, 1);
	ok(got(REVOKE_EVENT_RESYNC, 0, 0), "a message that cannot be read: RESYNC");
	ok(got(REVOKE_EVENT_REVOKED, 8, 1), "and the next one is read");
	asked(1);
	ok(!next(), "before the kernel is asked");

	send_event(PIN_REVOKE_CMD_REVOKED, 7, 800);
	ok(got(REVOKE_EVENT_RESYNC, 0, 0), "a message longer than the buffer: RESYNC");
	asked(2);
	ok(!next() && !readable(), "once");

	send_event(PIN_REVOKE_CMD_REVOKED, 8, 1);
	fake_recv_err[0] = ENOBUFS;
	ok(got(REVOKE_EVENT_RESYNC, 0, 0), "ENOBUFS: RESYNC");
	ok(got(REVOKE_EVENT_REVOKED, 8, 1), "and what was kept is read");
	asked(3);
	ok(!next(), "before the kernel is asked");

	send_event(PIN_REVOKE_CMD_REVOKED, 8, 2);
	fake_recv_err[1] = ENOBUFS;
	ok(got(REVOKE_EVENT_REVOKED, 8, 1) && got(REVOKE_EVENT_REVOKED, 8, 2) &&
	   readable(), "ENOBUFS behind the last pin keeps the fd readable");
	ok(got(REVOKE_EVENT_RESYNC, 0, 0), "then RESYNC");
	asked(4);
	ok(!next() && !readable(), "and no event comes twice");

	send_event(PIN_REVOKE_CMD_REVOKED, 8, 1);
	fake_recv_err[0] = EINTR;
	fake_recv_err[1] = EINTR;
	ok(got(REVOKE_EVENT_REVOKED, 8, 1) && !readable() && !next(),
	   "EINTR is tried again");
	fake_send(fake.event_port, fake_msg(PIN_REVOKE_CMD_MAX + 1, 0, 0));
	fake_recv_err[1] = ENOBUFS;
	if (ok(got(REVOKE_EVENT_RESYNC, 0, 0),
	       "ENOBUFS behind what is passed over is told before there is nothing"))
		asked(5);
	ok(!next() && !readable(), "once, too");
	fake_recv_err[0] = EBADF;
	ok(next() == -EBADF, "any other error is told");

	fake_send(fake.event_port, fake_msg(PIN_REVOKE_CMD_MAX + 1, 0, 0));
	ok(!next() && !readable(), "an unknown command is passed over");
	stop();

	fake_start();
	fake.early_event = true;
	ok(!revoke_open(NULL, &ctx) && got(REVOKE_EVENT_RESYNC, 0, 0),
	   "an event that overtakes OPEN's reply: RESYNC");
	stop();
}

/* The next event is lost, in the only way that a socket says so. */
static bool lose(void)
{
	fake_recv_err[0] = ENOBUFS;
	return got(REVOKE_EVENT_RESYNC, 0, 0);
}

/* As got(), for what the fake may still have to send */
static bool comes(uint32_t type, uint64_t request, uint64_t pin)
{
	struct pollfd pfd = { .fd = revoke_fd(ctx), .events = POLLIN };
	int ret;

	do {
		if (poll(&pfd, 1, 10000) != 1)
			return false;
		ret = next();
	} while (!ret);
	return ret == 1 && event.type == type && event.request == request &&
	       event.pin.id == pin;
}

/* Request 6 + n has n pins. */
static bool all_again(void)
{
	return comes(REVOKE_EVENT_RELEASE_SOON, 7, 1) &&
	       event.remaining_ns == 1000000000 &&
	       comes(REVOKE_EVENT_RELEASE_SOON, 8, 1) && readable() &&
	       comes(REVOKE_EVENT_RELEASE_SOON, 8, 2);
}

/* What has ended is asked for no more. */
static bool nothing_more(unsigned int dumps)
{
	asked(dumps);
	return !next() && !readable() && fake.dumps == dumps;
}

static void test_again(void)
{
	start();
	fake.nr_requests = 2;
	ok(lose(), "lost:");
	ok(all_again() && fake.dump_ctx == 1,
	   "what this context has to answer is delivered");
	ok(nothing_more(1), "once");

	ok(lose(), "lost again");
	asked(2);
	send_event(PIN_REVOKE_CMD_REVOKED, 7, 1);
	ok(comes(REVOKE_EVENT_RELEASE_SOON, 7, 1) && lose(),
	   "and once more before all is delivered");
	ok(comes(REVOKE_EVENT_RELEASE_SOON, 8, 1) && fake.dumps == 2 &&
	   comes(REVOKE_EVENT_RELEASE_SOON, 8, 2) &&
	   comes(REVOKE_EVENT_REVOKED, 7, 1), "which goes on first");
	ok(all_again() && nothing_more(3), "then it is asked for from the start");

	fake.dump_err = -ENOMEM;
	ok(lose() && nothing_more(4), "lost, and the kernel does not answer");
	ok(lose() && all_again() && nothing_more(5),
	   "then the next loss is another chance");
	stop();
}

int main(void)
{
	test_losses();
	test_again();
	return tap_done();
}
