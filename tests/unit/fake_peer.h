/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stand-in for the kernel's side of the family: a thread behind a netlink
 * socket of protocol NETLINK_USERSOCK, where any two processes may talk. The
 * library under test runs unchanged but for revoke_nl_connect(), which the
 * linker replaces (--wrap) by one that opens a socket to the fake.
 */
#ifndef TESTS_UNIT_FAKE_PEER_H
#define TESTS_UNIT_FAKE_PEER_H

#include <stdatomic.h>
#include "internal.h"

#define FAKE_FAMILY 0x42
#define FAKE_PINS 3
#define FAKE_MAX 32

/**
 * struct fake_ack - what an ACK said
 */
struct fake_ack {
	int ctx_fd;
	uint64_t request;
	uint64_t pin;
	uint32_t kind;
	uint32_t extend_ms;
};

/**
 * struct fake - the knobs, to be set before the call that they are for
 * @port: where the fake listens
 * @event_port: the socket that sent OPEN last
 * @monitor_port: the socket that was opened last
 * @connect_err: revoke_nl_connect() fails with it
 * @err: the next request fails with it (for a dump: its end)
 * @text: and this text
 * @capped: the error does not carry the request
 * @granted_ms: for EXTEND
 * @early_event: OPEN sends an event before its reply
 * @no_fd: OPEN's reply lacks the descriptor
 * @dump_intr: so many dumps say that they were interrupted
 * @want_pid: what the last dump was to be about; 0: all
 * @want_device: so is this
 * @want_memory: and this, address and length
 * @want_node: and this; -1: all
 * @bad_pin: the dump has a pin without an id, features lack what is asked
 * @events_per_ack: how many REVOKED follow an ACK
 * @nr_requests: how many requests are open
 * @split: each request comes twice, with other pins each time
 * @revoke_opens: REVOKE opens a request instead of taking the pin at once
 * @revoke_works: and then takes it
 * @dumps: how many dumps are finished
 * @dump_ctx: the context that the last one was about, 0 if about all
 * @dump_err: the next dump does not begin
 * @requests_after: a request-get later, this many requests are open
 * @acks: how many ACKs were seen
 * @last: the last one
 * @policy: what POLICY_SET or POLICY_DEL said, by attribute
 * @policy_cmd: which of these
 * @policy_pin: what POLICY_GET asked for
 * @grace: what REVOKE said, -1: nothing
 * @declare_fails: this DECLARE fails, counted from 1
 * @declares: how many DECLARE were seen
 * @declared: how many ranges were declared, which is the id of the last
 * @undeclared: how many ids were undeclared
 * @range: what the last range said
 * @name: what DECLARE said last
 * @words: the descriptor that OPEN handed out last, to be written to
 * @word: of the ranges to come
 * @claimed: the last id that was claimed
 * @restored: what RESTORE said last
 * @claim_short: CLAIM's reply lacks the last range
 * @ctx_fds: how many descriptors OPEN handed out
 * @counted: what is added to each counter
 * @times: how long holders took, for writeback-sync; for truncate: none
 * @nr_pins: how many pins there are
 * @pin: what is not 0 takes the place of what each pin has
 */
struct fake {
	int fd;
	uint32_t port;
	uint32_t event_port;
	uint32_t monitor_port;
	int connect_err;
	int err;
	const char *text;
	bool capped;
	uint32_t granted_ms;
	bool early_event;
	bool no_fd;
	unsigned int dump_intr;
	uint32_t want_pid;
	char want_device[64];
	uint64_t want_memory[2];
	int want_node;
	bool bad_pin;
	int events_per_ack;
	unsigned int nr_requests;
	bool split;
	bool revoke_opens;
	bool revoke_works;
	int requests_after;
	atomic_uint dumps;
	uint32_t dump_ctx;
	int dump_err;
	unsigned int acks;
	struct fake_ack last;
	uint32_t policy[PIN_REVOKE_A_POLICY_MAX + 1];
	uint8_t policy_cmd;
	uint64_t policy_pin;
	int grace;
	uint32_t revoked;
	uint64_t remaining_ns;
	unsigned int declare_fails;
	unsigned int declares;
	uint64_t declared;
	unsigned int undeclared;
	struct revoke_range range;
	char name[64];
	int words;
	uint32_t word;
	uint64_t claimed;
	uint64_t restored;
	bool claim_short;
	struct {
		uint32_t pid;
		uint64_t addr;
		uint64_t len;
		const char *comm;
		uint32_t flags;
		uint32_t state;
	} pin[FAKE_MAX];
	unsigned int counted;
	uint64_t times[PIN_REVOKE_TIME_BUCKETS];
	unsigned int nr_pins;
	pthread_t thread;
};

extern struct fake fake;

void fake_start(void);
void fake_stop(void);

/* fake_msg.c */
void fake_must(bool good, const char *what);
struct nl_msg *fake_msg(uint8_t cmd, uint32_t seq, int flags);
void fake_put_pin(struct nl_msg *msg, uint64_t id, bool full);
void fake_put_pins(struct nl_msg *msg, uint64_t first, unsigned int nr);
struct nl_msg *fake_request(uint8_t cmd, uint64_t id, unsigned int nr_pins);
void fake_send(uint32_t port, struct nl_msg *msg);
void fake_send_from(int fd, uint32_t port, struct nl_msg *msg);
int fake_socket(uint32_t *port);

#endif /* TESTS_UNIT_FAKE_PEER_H */
