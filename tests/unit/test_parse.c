// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser against good, truncated, mutated and oversized messages. Each
 * buffer ends where a page that may not be touched begins: libnl's own reads
 * beyond the end are seen too, although nobody instruments them.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fake_peer.h"
#include "tap.h"

#define ROOM (256 * 1024)

static char *room;	/* ROOM bytes, then the forbidden page */

/* The bytes, moved to the end of the room as far as alignment allows */
static void *place(const void *bytes, size_t len)
{
	char *at = room + ROOM - NLMSG_ALIGN(len);

	return memcpy(at, bytes, len);
}

static bool terminated(const char *str, size_t size)
{
	return memchr(str, 0, size);
}

static bool sane(const struct revoke_pin *pin)
{
	return terminated(pin->comm, sizeof(pin->comm)) &&
	       terminated(pin->driver, sizeof(pin->driver)) &&
	       terminated(pin->name, sizeof(pin->name));
}

/**
 * struct tally - what came out of a buffer
 */
struct tally {
	int pins;
	int bad;
	bool sane;
	struct revoke_msg msg;
	struct revoke_pin last;
};

static struct tally walk(const void *bytes, size_t len)
{
	struct tally t = { .sane = true };
	struct revoke_cursor cur;
	size_t calls = 0;
	int ret;

	revoke_cursor_init(&cur, FAKE_FAMILY, place(bytes, len), len);
	while ((ret = revoke_cursor_next(&cur, &t.last))) {
		if (ret == 1) {
			t.pins++;
			t.msg = cur.msg;
			t.sane &= sane(&t.last) &&
				terminated(cur.msg.trigger_comm, 16);
		} else {
			t.bad++;
		}
		if (calls++ > len) {
			t.sane = false;	/* more events than bytes: no end */
			break;
		}
	}
	return t;
}

static struct tally walk_msg(struct nl_msg *msg)
{
	struct tally t = walk(nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);

	nlmsg_free(msg);
	return t;
}

static void test_good(void)
{
	struct nl_msg *msg;
	struct tally t;

	t = walk_msg(fake_request(PIN_REVOKE_CMD_RELEASE_SOON, 7, 2));
	ok(t.pins == 2 && !t.bad, "a request for two pins gives two events");
	ok(t.msg.id == 7 && t.msg.cmd == PIN_REVOKE_CMD_RELEASE_SOON &&
	   t.msg.reason == PIN_REVOKE_REASON_WRITEBACK_SYNC &&
	   t.msg.remaining_ns == 1000000000 &&
	   t.msg.deadline_ns == 5000000000 && t.msg.elapsed_ns == 31800000 &&
	   t.msg.trigger_pid == 415 && !strcmp(t.msg.trigger_comm, "fsync-er"),
	   "every attribute of the request is read");
	ok(t.last.id == 2 && t.last.addr == 0x7f0000002000 &&
	   t.last.len == 32 << 20 && t.last.pid == 412 &&
	   t.last.state == PIN_REVOKE_STATE_ACTIVE && t.last.flags == 3 &&
	   !strcmp(t.last.driver, "rdma_rxe") &&
	   !strcmp(t.last.name, "rxe0 lkey 0x1234"),
	   "every attribute of the pin is read");
	ok((t.msg.has & REVOKE_BIT(PIN_REVOKE_A_REQUEST_ID)) &&
	   !(t.msg.has & REVOKE_BIT(PIN_REVOKE_A_REQUEST_ACK)),
	   "what was there and what was not can be told");

	t = walk_msg(fake_request(PIN_REVOKE_CMD_CANCELLED, 9, 0));
	ok(t.pins == 1 && !t.last.id && t.msg.id == 9,
	   "an event without pins gives one with pin 0");

	t = walk_msg(fake_request(PIN_REVOKE_CMD_RELEASE_SOON, 7, 1000));
	ok(t.pins == 1000 && t.last.id == 1000 && !t.bad,
	   "a thousand pins in one message come out one by one");

	msg = fake_msg(PIN_REVOKE_CMD_RESTORED, 0, 0);
	fake_put_pins(msg, 5, 1);
	t = walk_msg(msg);
	ok(t.pins == 1 && t.last.id == 5 && !t.msg.id && !t.msg.reason,
	   "a message with nothing but a pin is enough");
}

static void test_several(void)
{
	static char buf[4096];
	struct nl_msg *msg;
	size_t len = 0;
	struct tally t;
	int i;

	for (i = 1; i <= 3; i++) {
		msg = fake_request(PIN_REVOKE_CMD_REVOKED, i, i);
		memcpy(buf + len, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
		len += NLMSG_ALIGN(nlmsg_hdr(msg)->nlmsg_len);
		nlmsg_free(msg);
	}
	t = walk(buf, len);
	ok(t.pins == 6 && !t.bad && t.msg.id == 3,
	   "three messages in one datagram are all read");
	t = walk(buf, len - 4);
	ok(t.pins == 3 && t.bad == 1,
	   "a datagram cut in its last message gives the others and a loss");
}

static void test_unknown(void)
{
	struct nl_msg *msg;
	struct nlattr *nest;
	struct tally t;

	msg = fake_request(PIN_REVOKE_CMD_GONE, 7, 1);
	nla_put_u32(msg, PIN_REVOKE_A_REQUEST_MAX + 1, 1);
	nla_put(msg, 1000, 3, "xyz");
	nest = nla_nest_start(msg, PIN_REVOKE_A_REQUEST_PIN);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_MAX + 7, 1);
	fake_put_pin(msg, 2, true);
	nla_nest_end(msg, nest);
	t = walk_msg(msg);
	ok(t.pins == 2 && t.last.id == 2 && t.last.forced == 1 && !t.bad,
	   "attributes of a newer kernel are passed over");

	t = walk_msg(fake_request(PIN_REVOKE_CMD_MAX + 1, 7, 1));
	ok(!t.pins && !t.bad, "a command of a newer kernel is passed over");
	t = walk_msg(fake_request(PIN_REVOKE_CMD_PIN_GET, 7, 1));
	ok(!t.pins && !t.bad, "a command that is no event is passed over");

	msg = fake_request(PIN_REVOKE_CMD_REVOKED, 7, 1);
	nlmsg_hdr(msg)->nlmsg_type = FAKE_FAMILY + 1;
	t = walk_msg(msg);
	ok(!t.pins && !t.bad, "another family's message is passed over");

	msg = fake_request(PIN_REVOKE_CMD_REVOKED, 7, 1);
	nlmsg_hdr(msg)->nlmsg_type = NLMSG_OVERRUN;
	t = walk_msg(msg);
	ok(!t.pins && t.bad == 1, "NLMSG_OVERRUN is a loss");
}

static void test_strings(void)
{
	struct nl_msg *msg = fake_msg(PIN_REVOKE_CMD_REVOKED, 0, 0);
	struct nlattr *nest;
	char name[100];
	struct tally t;

	memset(name, 'x', sizeof(name));
	nla_put(msg, PIN_REVOKE_A_REQUEST_TRIGGER_COMM, 4, "fsyn");
	nest = nla_nest_start(msg, PIN_REVOKE_A_REQUEST_PIN);
	nla_put_u64(msg, PIN_REVOKE_A_PIN_ID, 1);
	nla_put(msg, PIN_REVOKE_A_PIN_COMM, 16, name);
	nla_put(msg, PIN_REVOKE_A_PIN_NAME, sizeof(name), name);
	nla_put(msg, PIN_REVOKE_A_PIN_DRIVER, 0, NULL);
	nla_nest_end(msg, nest);
	t = walk_msg(msg);
	ok(!strcmp(t.msg.trigger_comm, "fsyn"),
	   "a string without a NUL is read as far as it goes");
	ok(t.pins == 1 && strlen(t.last.comm) == 15 &&
	   strlen(t.last.name) == 63, "a string that is too long is cut");
	ok(!*t.last.driver, "an empty string is empty");
}

static struct nl_msg *with_attr(int type, int len, const void *data)
{
	struct nl_msg *msg = fake_msg(PIN_REVOKE_CMD_REVOKED, 0, 0);

	nla_put(msg, type, len, data);
	return msg;
}

static void test_bad(void)
{
	struct nl_msg *msg;
	struct tally t;

	t = walk_msg(with_attr(PIN_REVOKE_A_REQUEST_ID, 4, "abcd"));
	ok(!t.pins && t.bad == 1, "a u64 of 4 bytes is refused");
	t = walk_msg(with_attr(PIN_REVOKE_A_REQUEST_REASON, 1, "a"));
	ok(!t.pins && t.bad == 1, "a u32 of 1 byte is refused");
	t = walk_msg(with_attr(PIN_REVOKE_A_REQUEST_PIN, 0, NULL));
	ok(!t.pins && t.bad == 1, "an empty pin is refused");
	msg = fake_request(PIN_REVOKE_CMD_REVOKED, 7, 3);
	nla_put(msg, PIN_REVOKE_A_REQUEST_PIN, 3, "abc");
	t = walk_msg(msg);
	ok(!t.pins && t.bad == 1,
	   "one bad pin spoils the message before any is handed out");
	t = walk_msg(with_attr(PIN_REVOKE_A_REQUEST_PIN, 12,
			       "\x08\x00\x05\x00\x01\x00\x00\x00\x00\x00\x00\x00"));
	ok(!t.pins && t.bad == 1, "a pin without an id is refused");
	msg = fake_msg(PIN_REVOKE_CMD_REVOKED, 0, 0);
	nlmsg_hdr(msg)->nlmsg_len = NLMSG_HDRLEN + 2;
	t = walk_msg(msg);
	ok(!t.pins && t.bad == 1, "a message shorter than its header is refused");
	t = walk("", 0);
	ok(!t.pins && !t.bad, "nothing is nothing");
	t = walk("\x10\x00\x00", 3);
	ok(!t.pins && t.bad == 1, "three bytes are a loss");
}

static void test_truncated(void)
{
	struct nl_msg *msg = fake_request(PIN_REVOKE_CMD_RELEASE_SOON, 7, 3);
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	size_t len, full = nlh->nlmsg_len;
	bool claimed = true, lied = true;
	struct tally t;

	for (len = 1; len < full; len++) {
		nlh->nlmsg_len = full;
		t = walk(nlh, len);
		claimed &= !t.pins && t.bad == 1 && t.sane;
		/* and with a header that agrees with the cut */
		nlh->nlmsg_len = len;
		t = walk(nlh, len);
		lied &= t.pins <= 3 && t.bad <= 1 && t.sane;
	}
	ok(claimed, "every truncation of a message is refused whole");
	ok(lied, "every shorter message that looks complete is survived");
	nlmsg_free(msg);
}

/* xorshift64: the same mutations on every machine */
static uint64_t dice(void)
{
	static uint64_t x = 88172645463325252ULL;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static void test_mutated(void)
{
	static char buf[8192];
	struct nl_msg *msg = fake_request(PIN_REVOKE_CMD_RELEASE_SOON, 7, 3);
	unsigned int pins = 0, bad = 0, round, flips;
	size_t len = nlmsg_hdr(msg)->nlmsg_len;
	struct revoke_pin pin;
	struct tally t;
	char text[20];
	bool good = true;
	int err;

	for (round = 0; round < 100000; round++) {
		size_t cut = dice() % 8 ? len : dice() % (len + 1);

		memcpy(buf, nlmsg_hdr(msg), len);
		for (flips = dice() % 6; flips; flips--)
			buf[dice() % len] = dice();
		t = walk(buf, cut);
		good &= t.sane;
		pins += t.pins;
		bad += t.bad;
		if (cut < sizeof(struct nlmsghdr) ||
		    ((struct nlmsghdr *)buf)->nlmsg_len > cut)
			continue;
		/* the same bytes as a reply, and as an error */
		if (!revoke_parse_pin_msg(place(buf, cut), &pin))
			good &= sane(&pin);
		((struct nlmsghdr *)buf)->nlmsg_type =
			dice() % 2 ? NLMSG_ERROR : NLMSG_DONE;
		memset(text, 0, sizeof(text));
		err = revoke_parse_error(place(buf, cut), text, sizeof(text));
		good &= err <= 0 && err >= -4095 &&
			terminated(text, sizeof(text));
	}
	ok(good, "100000 mutations are survived");
	ok(pins > 1000 && bad > 1000,
	   "and some of them were readable and some not");
	nlmsg_free(msg);
}

static struct nl_msg *error_msg(int type, int error, int flags,
				const char *text)
{
	struct nlmsgerr e = { .error = error, .msg.nlmsg_len = 20 };
	struct nl_msg *msg = nlmsg_alloc();

	nlmsg_put(msg, 0, 1, type, 0, flags);
	nlmsg_append(msg, &e, type == NLMSG_DONE ? sizeof(error) : sizeof(e),
		     NLMSG_ALIGNTO);
	if (type == NLMSG_ERROR && !(flags & NLM_F_CAPPED))
		nlmsg_append(msg, "abcd", 4, NLMSG_ALIGNTO);
	if (text)
		nla_put(msg, NLMSGERR_ATTR_MSG, strlen(text), text);
	return msg;
}

static int parse_error(struct nl_msg *msg, char *text)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	int err;

	memset(text, 0, 8);
	err = revoke_parse_error(place(nlh, nlh->nlmsg_len), text, 8);
	nlmsg_free(msg);
	return err;
}

static void test_error(void)
{
	char text[8];

	ok(parse_error(error_msg(NLMSG_ERROR, -ESTALE, NLM_F_CAPPED |
				 NLM_F_ACK_TLVS, "over"), text) == -ESTALE &&
	   !strcmp(text, "over"), "an error and its text are read");
	ok(parse_error(error_msg(NLMSG_ERROR, -ESTALE, NLM_F_ACK_TLVS,
				 "over"), text) == -ESTALE &&
	   !strcmp(text, "over"), "also behind the request they are about");
	ok(parse_error(error_msg(NLMSG_DONE, -EPERM, NLM_F_ACK_TLVS,
				 "admins only"), text) == -EPERM &&
	   !strcmp(text, "admins "), "also at the end of a dump, cut to size");
	ok(parse_error(error_msg(NLMSG_ERROR, -EPERM, NLM_F_CAPPED, NULL),
		       text) == -EPERM && !*text, "an error needs no text");
	ok(!parse_error(error_msg(NLMSG_ERROR, 0, NLM_F_CAPPED, NULL), text),
	   "error 0 is success");
	ok(parse_error(error_msg(NLMSG_ERROR, 5, NLM_F_CAPPED, NULL), text) ==
	   -EBADMSG, "a positive error is no errno");
}

int main(void)
{
	room = mmap(NULL, ROOM + sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED ||
	    mprotect(room + ROOM, sysconf(_SC_PAGESIZE), PROT_NONE))
		abort();
	fake.remaining_ns = 1000000000;
	test_good();
	test_several();
	test_unknown();
	test_strings();
	test_bad();
	test_truncated();
	test_mutated();
	test_error();
	return tap_done();
}
