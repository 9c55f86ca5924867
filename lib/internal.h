/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * librevoke, inner side: sockets, parser and context.
 *
 * Nothing here is exported from the shared library. revokectl and the tests
 * link the static one and may use it, so that there is a single way to talk
 * to the family.
 */
#ifndef LIBREVOKE_INTERNAL_H
#define LIBREVOKE_INTERNAL_H

#include <pthread.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/genl/genl.h>
#include <revoke/revoke.h>

#define REVOKE_EXPORT __attribute__((visibility("default")))
#define REVOKE_BIT(nr) (1U << (nr))

/* nl.c: a socket of the family, and one conversation at a time on it */

/**
 * struct revoke_nl - a socket of the family
 * @sk: bound; its events and replies are taken from @peer alone
 * @family: number of the family
 * @peer: port id of the other side, 0 (the kernel) outside tests
 * @lock: one question at a time
 */
struct revoke_nl {
	pthread_mutex_t lock;
	struct nl_sock *sk;
	int family;
	uint32_t peer;
};

/**
 * struct revoke_question - a message that takes no memory to make
 * @nlh: its length grows with each attribute
 * @genl: what is asked
 * @attrs: the attributes
 */
struct revoke_question {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	char attrs[64];
};

typedef int (*revoke_reply_fn)(struct nlmsghdr *nlh, void *arg);

int revoke_nl_connect(struct revoke_nl *nl);
int revoke_nl_adopt(struct revoke_nl *nl, int protocol, int fd);
void revoke_nl_close(struct revoke_nl *nl);
struct nl_msg *revoke_nl_msg(const struct revoke_nl *nl, uint8_t cmd,
			     int flags);
int revoke_nl_call(struct revoke_nl *nl, struct nl_msg *msg,
		   revoke_reply_fn fn, void *arg, bool *stray);
void revoke_question_init(struct revoke_question *q, int family, uint8_t cmd,
			  int flags);
void revoke_question_put(struct revoke_question *q, int type, const void *data,
			 size_t len);
int revoke_question_send(const struct revoke_question *q, int fd, uint32_t peer);
int revoke_nl_ask(struct revoke_nl *nl, struct revoke_question *q,
		  revoke_reply_fn fn, void *arg);
int revoke_nl_errno(int nle);
void revoke_clear_error(void);

#define REVOKE_ERROR_LEN 128
void revoke_set_error(const char text[REVOKE_ERROR_LEN]);

/* list.c: dumps */

/**
 * struct revoke_want - which pins the kernel is to list
 * @id: this one
 * @pid: of this process
 * @driver: of this kernel module
 * @device: whose name begins with this word
 * @by_memory: with pages in the physical memory at @memory_addr, @memory_len long
 * @by_node: with pages of @node
 *
 * What is 0 or NULL means all.
 */
struct revoke_want {
	uint64_t id;
	uint32_t pid;
	const char *driver;
	const char *device;
	bool by_memory;
	uint64_t memory_addr;
	uint64_t memory_len;
	bool by_node;
	uint32_t node;
};

int revoke_nl_pins(struct revoke_nl *nl, const struct revoke_want *want,
		   int (*fn)(const struct revoke_pin *pin, void *arg),
		   void *arg);
int revoke_nl_requests(struct revoke_nl *nl,
		       int (*fn)(const struct revoke_request *req, void *arg),
		       void *arg);

/* parse.c: bytes to structures; pure, and safe against any bytes */

/**
 * struct revoke_msg - a message of the attribute set request
 * @cmd: PIN_REVOKE_CMD_*
 * @has: REVOKE_BIT(PIN_REVOKE_A_REQUEST_*) of each attribute that was there
 * @nr_pins: how many pins revoke_msg_next_pin() will give
 * @attr: rest of the message that holds them
 * @attr_left: its length
 *
 * The other members carry the attribute of their name, 0 if it was not there.
 */
struct revoke_msg {
	uint8_t cmd;
	uint32_t has;
	uint32_t reason;
	uint32_t flags;
	uint32_t trigger_pid;
	uint32_t ack;
	uint32_t ctx;
	uint64_t id;
	uint64_t remaining_ns;
	uint64_t deadline_ns;
	uint64_t elapsed_ns;
	char trigger_comm[16];
	unsigned int nr_pins;
	struct nlattr *attr;
	int attr_left;
};

/**
 * struct revoke_cursor - where we are in a buffer of messages
 * @family: number of the family; others are passed over
 * @nlh: next message
 * @left: bytes from there to the end
 * @msg: the message that is being handed out, pin by pin
 * @pins: how many of its pins are still to come
 */
struct revoke_cursor {
	int family;
	struct nlmsghdr *nlh;
	int left;
	struct revoke_msg msg;
	unsigned int pins;
};

int revoke_parse_pin(struct nlattr *head, int len, struct revoke_pin *pin);
int revoke_parse_pin_msg(struct nlmsghdr *nlh, struct revoke_pin *pin);
int revoke_parse_request(struct nlmsghdr *nlh, struct revoke_msg *msg);
void revoke_msg_next_pin(struct revoke_msg *msg, struct revoke_pin *pin);
int revoke_parse_error(const struct nlmsghdr *nlh, char *text, size_t size);
void revoke_cursor_init(struct revoke_cursor *cur, int family, void *buf,
			size_t len);
int revoke_cursor_next(struct revoke_cursor *cur, struct revoke_pin *pin);

/* event.c: events of a socket, one at a time, no allocation */

#define REVOKE_STREAM_BUF 65536

/**
 * struct revoke_stream - the events that arrive on a socket
 * @fd: the socket
 * @peer: port id of the one sender we believe
 * @ctx: the context; 0 if what is lost may stay lost
 * @lost: events were lost and nobody was told yet
 * @asking: the kernel was asked for what is open; it is to come on @fd
 * @ended: @buf holds the end of that
 * @want: events were lost: ask when the socket's queue is empty
 * @held: @buf holds the message that is still the first in the socket's queue
 * @cur: where we are in @buf; @cur.msg belongs to the pin handed out last
 * @buf: one datagram
 */
struct revoke_stream {
	int fd;
	uint32_t peer;
	uint32_t ctx;
	bool lost;
	bool asking;
	bool ended;
	bool want;
	bool held;
	struct revoke_cursor cur;
	char buf[REVOKE_STREAM_BUF] __attribute__((aligned(8)));
};

void revoke_stream_init(struct revoke_stream *s, const struct revoke_nl *nl);
int revoke_stream_next(struct revoke_stream *s, struct revoke_pin *pin);

/* dispatch.c */

/**
 * struct revoke_dispatch - the thread of a context
 * @lock: protects @running and @stop_fd; never taken by the thread
 * @running: @thread is there, or is to be joined
 * @stop_fd: readable when it should end
 * @err: why it ended by itself
 */
struct revoke_dispatch {
	pthread_mutex_t lock;
	pthread_t thread;
	bool running;
	int stop_fd;
	int err;
	revoke_dispatch_fn fn;
	void *arg;
};

/* ctx.c */

/**
 * struct revoke_ctx - a context
 * @alive: a page that reads 0 in a child of fork()
 * @fd: what OPEN gave us; the context lives as long as it
 * @event: the socket that sent OPEN and gets the events
 * @words: the mapping of @fd, PIN_REVOKE_MAX_WORDS long
 * @cmd: the socket for everything else
 * @event_lock: protects @stream
 * @stream: the events of @event
 * @dispatch: its thread
 */
struct revoke_ctx {
	unsigned char *alive;
	int fd;
	const uint64_t *words;
	struct revoke_nl event;
	struct revoke_nl cmd;
	pthread_mutex_t event_lock;
	struct revoke_stream stream;
	struct revoke_dispatch dispatch;
};

int revoke_enter(const struct revoke_ctx *ctx);
/* The same for a call with ranges, of which one may be longer than ours. declare.c */
int revoke_enter_ranges(const struct revoke_ctx *ctx,
			const struct revoke_range *ranges, size_t nr);
struct revoke_range *revoke_range_at(const struct revoke_range *ranges, size_t i);

/* names_gen.c: what <revoke/revoke.h> does not have of it */
const char *revoke_action_name(uint32_t value);
const char *revoke_policy_source_name(uint32_t value);
const char *revoke_cmd_name(uint32_t value);
const char *revoke_ctx_flags_name(uint32_t value);
const char *revoke_event_flags_name(uint32_t value);
const char *revoke_feature_flags_name(uint32_t value);
const char *revoke_pin_flags_name(uint32_t value);

#endif /* LIBREVOKE_INTERNAL_H */
