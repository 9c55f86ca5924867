// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parser: an input is a datagram. What it reads is written as a message of our own
 * and must be read back as the same; a datagram is its messages one by one. The buffer
 * ends where a page that may not be touched begins, for libnl is not instrumented.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "internal.h"

#define ROOM	(128 * 1024)
#define FAMILY	0x42

static char *room;	/* ROOM bytes, then the forbidden page */

static void *place(const void *bytes, size_t len)
{
	if (!room) {
		room = mmap(NULL, ROOM + getpagesize(), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		promise(room != MAP_FAILED &&
			!mprotect(room + ROOM, getpagesize(), PROT_NONE));
	}
	return memcpy(room + ROOM - NLMSG_ALIGN(len), bytes, len);
}

/* Strings as they are, bytes behind a NUL too: nobody prints those. */
static void put_pin(struct nl_msg *msg, const struct revoke_pin *pin)
{
	promise(memchr(pin->comm, 0, sizeof(pin->comm)) &&
		memchr(pin->driver, 0, sizeof(pin->driver)) &&
		memchr(pin->name, 0, sizeof(pin->name)));
	nla_put_u64(msg, PIN_REVOKE_A_PIN_ID, pin->id);
	nla_put_u64(msg, PIN_REVOKE_A_PIN_ADDR, pin->addr);
	nla_put_u64(msg, PIN_REVOKE_A_PIN_LEN, pin->len);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_STATE, pin->state);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_FLAGS, pin->flags);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_PID, pin->pid);
	nla_put(msg, PIN_REVOKE_A_PIN_COMM, sizeof(pin->comm) - 1, pin->comm);
	nla_put(msg, PIN_REVOKE_A_PIN_DRIVER, sizeof(pin->driver) - 1, pin->driver);
	nla_put(msg, PIN_REVOKE_A_PIN_NAME, sizeof(pin->name) - 1, pin->name);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_REVOKED, pin->revoked);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_FORCED, pin->forced);
}

static void pin_and_back(struct nlmsghdr *nlh)
{
	struct revoke_pin pin, again;
	struct nl_msg *msg;

	if (revoke_parse_pin_msg(nlh, &pin))
		return;
	msg = nlmsg_alloc();
	promise(msg && genlmsg_put(msg, 0, 0, FAMILY, 0, 0, PIN_REVOKE_CMD_PIN_GET, 1));
	put_pin(msg, &pin);
	promise(!revoke_parse_pin_msg(nlmsg_hdr(msg), &again));
	promise(!memcmp(&pin, &again, sizeof(pin)));
	nlmsg_free(msg);
}

static void put_request(struct nl_msg *msg, const struct revoke_msg *m)
{
	const struct {
		int attr;
		uint64_t value;
		bool wide;
	} numbers[] = {
		{ PIN_REVOKE_A_REQUEST_ID, m->id, true },
		{ PIN_REVOKE_A_REQUEST_REASON, m->reason, false },
		{ PIN_REVOKE_A_REQUEST_FLAGS, m->flags, false },
		{ PIN_REVOKE_A_REQUEST_REMAINING_NS, m->remaining_ns, true },
		{ PIN_REVOKE_A_REQUEST_DEADLINE_NS, m->deadline_ns, true },
		{ PIN_REVOKE_A_REQUEST_ELAPSED_NS, m->elapsed_ns, true },
		{ PIN_REVOKE_A_REQUEST_TRIGGER_PID, m->trigger_pid, false },
		{ PIN_REVOKE_A_REQUEST_ACK, m->ack, false },
		{ PIN_REVOKE_A_REQUEST_CTX, m->ctx, false },
	};
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!(m->has & REVOKE_BIT(numbers[i].attr)))
			promise(!numbers[i].value);
		else if (numbers[i].wide)
			nla_put_u64(msg, numbers[i].attr, numbers[i].value);
		else
			nla_put_u32(msg, numbers[i].attr, numbers[i].value);
	}
	/* These two mean nothing, and are seen. */
	if (m->has & REVOKE_BIT(0))
		nla_put(msg, 0, 0, NULL);
	if (m->has & REVOKE_BIT(PIN_REVOKE_A_REQUEST_PAD))
		nla_put(msg, PIN_REVOKE_A_REQUEST_PAD, 0, NULL);
	if (m->has & REVOKE_BIT(PIN_REVOKE_A_REQUEST_TRIGGER_COMM))
		nla_put(msg, PIN_REVOKE_A_REQUEST_TRIGGER_COMM,
			sizeof(m->trigger_comm) - 1, m->trigger_comm);
	promise(!m->trigger_comm[sizeof(m->trigger_comm) - 1]);
}

static void request_and_back(struct nlmsghdr *nlh)
{
	struct revoke_pin pin, again;
	struct revoke_msg m, n, o;
	struct nlattr *nest;
	struct nl_msg *msg;
	unsigned int i;

	if (revoke_parse_request(nlh, &m))
		return;
	promise(!m.nr_pins == !(m.has & REVOKE_BIT(PIN_REVOKE_A_REQUEST_PIN)));
	msg = nlmsg_alloc_size(1024 + 256 * m.nr_pins);
	promise(msg && genlmsg_put(msg, 0, 0, FAMILY, 0, 0, m.cmd, 1));
	put_request(msg, &m);
	for (i = 0, n = m; i < m.nr_pins; i++) {
		revoke_msg_next_pin(&n, &pin);
		nest = nla_nest_start(msg, PIN_REVOKE_A_REQUEST_PIN);
		promise(nest);
		put_pin(msg, &pin);
		nla_nest_end(msg, nest);
	}
	promise(!revoke_parse_request(nlmsg_hdr(msg), &o));
	for (i = 0, n = m; i < m.nr_pins; i++) {
		revoke_msg_next_pin(&n, &pin);
		revoke_msg_next_pin(&o, &again);
		promise(!memcmp(&pin, &again, sizeof(pin)));
	}
	/* Where the rest of the message is cannot be the same. */
	o.attr = m.attr;
	o.attr_left = m.attr_left;
	promise(!memcmp(&m, &o, sizeof(m)));
	nlmsg_free(msg);
}

static void error_and_back(struct nlmsghdr *nlh)
{
	uint16_t types[] = { NLMSG_ERROR, NLMSG_DONE, nlh->nlmsg_type };
	char text[20];
	size_t i;
	int err;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		nlh->nlmsg_type = types[i];
		memset(text, 'x', sizeof(text));
		text[0] = '\0';
		err = revoke_parse_error(nlh, text, sizeof(text));
		promise(err <= 0 && err >= -4095 && memchr(text, 0, sizeof(text)));
	}
}

/* One number for all that comes out of a buffer, and for the order of it */
static uint64_t add(uint64_t sum, const void *bytes, size_t len)
{
	const unsigned char *byte = bytes;

	while (len--)
		sum = (sum ^ *byte++) * 0x100000001b3ULL;
	return sum;
}

static uint64_t walk(void *buf, size_t len, uint64_t sum)
{
	struct revoke_cursor cur;
	struct revoke_pin pin;
	size_t calls = 0;
	int ret;

	revoke_cursor_init(&cur, FAMILY, buf, len);
	while ((ret = revoke_cursor_next(&cur, &pin))) {
		promise(ret == 1 || ret == -EBADMSG);
		promise(++calls <= len);
		sum = add(sum, &ret, sizeof(ret));
		if (ret != 1)
			continue;
		sum = add(sum, &cur.msg.cmd, sizeof(cur.msg.cmd));
		sum = add(sum, &cur.msg.id, sizeof(cur.msg.id));
		sum = add(sum, &pin, sizeof(pin));
	}
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t whole, parts = 0;
	struct nlmsghdr *nlh;
	int left;

	if (size > ROOM)
		return 0;
	nlh = place(data, size);
	whole = walk(nlh, size, 0);
	for (left = size; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		int len = NLMSG_ALIGN(nlh->nlmsg_len);

		parts = walk(nlh, len < left ? len : left, parts);
		pin_and_back(nlh);
		request_and_back(nlh);
		error_and_back(nlh);
	}
	promise(whole == (left > 0 ? walk(nlh, left, parts) : parts));
	return 0;
}
