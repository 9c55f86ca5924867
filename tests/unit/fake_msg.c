// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fake's messages: events, pins, requests, and how they are sent.
 *
 * Must never decide what is said: fake_peer.c and the tests do.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include "fake_peer.h"

void fake_must(bool good, const char *what)
{
	if (!good) {
		perror(what);
		abort();
	}
}

int fake_socket(uint32_t *port)
{
	struct sockaddr_nl addr = { .nl_family = AF_NETLINK };
	socklen_t len = sizeof(addr);
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
	fake_must(fd >= 0, "socket");
	fake_must(!bind(fd, (struct sockaddr *)&addr, len), "bind");
	fake_must(!getsockname(fd, (struct sockaddr *)&addr, &len), "getsockname");
	*port = addr.nl_pid;
	return fd;
}

struct nl_msg *fake_msg(uint8_t cmd, uint32_t seq, int flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(256 * 1024);

	fake_must(msg && genlmsg_put(msg, 0, seq, FAKE_FAMILY, 0, flags, cmd, 1),
		  "message");
	return msg;
}

void fake_put_pin(struct nl_msg *msg, uint64_t id, bool full)
{
	const unsigned int i = id < FAKE_MAX ? id : 0;

	nla_put_u64(msg, PIN_REVOKE_A_PIN_ID, id);
	nla_put_u64(msg, PIN_REVOKE_A_PIN_ADDR, fake.pin[i].addr ?:
		    0x7f0000000000 + id * 0x1000);
	nla_put_u64(msg, PIN_REVOKE_A_PIN_LEN, fake.pin[i].len ?: 32 << 20);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_STATE,
		    fake.pin[i].state ?: PIN_REVOKE_STATE_ACTIVE);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_FLAGS, fake.pin[i].flags ?:
		    PIN_REVOKE_PIN_FLAGS_WRITE | PIN_REVOKE_PIN_FLAGS_FILE);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_PID, fake.pin[i].pid ?: 412);
	nla_put_string(msg, PIN_REVOKE_A_PIN_COMM, fake.pin[i].comm ?:
		       "rdma\033[2J\n\177\302\233");
	nla_put_string(msg, PIN_REVOKE_A_PIN_DRIVER, "rdma_rxe");
	nla_put_string(msg, PIN_REVOKE_A_PIN_NAME, "rxe0 lkey 0x1234");
	if (!full)
		return;
	nla_put_u32(msg, PIN_REVOKE_A_PIN_REVOKED, fake.revoked);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_FORCED, 1);
}

void fake_put_pins(struct nl_msg *msg, uint64_t first, unsigned int nr)
{
	struct nlattr *nest;

	while (nr--) {
		nest = nla_nest_start(msg, PIN_REVOKE_A_REQUEST_PIN);
		fake_must(nest, "nest");
		fake_put_pin(msg, first++, false);
		nla_nest_end(msg, nest);
	}
}

/* An event or an element of the list of requests, pins counted from 1 */
struct nl_msg *fake_request(uint8_t cmd, uint64_t id, unsigned int nr_pins)
{
	struct nl_msg *msg = fake_msg(cmd, 0, 0);

	nla_put_u64(msg, PIN_REVOKE_A_REQUEST_ID, id);
	nla_put_u32(msg, PIN_REVOKE_A_REQUEST_REASON,
		    PIN_REVOKE_REASON_WRITEBACK_SYNC);
	nla_put_u64(msg, PIN_REVOKE_A_REQUEST_REMAINING_NS, fake.remaining_ns);
	nla_put_u64(msg, PIN_REVOKE_A_REQUEST_DEADLINE_NS, 5000000000);
	nla_put_u64(msg, PIN_REVOKE_A_REQUEST_ELAPSED_NS, 31800000);
	nla_put_u32(msg, PIN_REVOKE_A_REQUEST_TRIGGER_PID, 415);
	nla_put_string(msg, PIN_REVOKE_A_REQUEST_TRIGGER_COMM, "fsync-er");
	fake_put_pins(msg, 1, nr_pins);
	return msg;
}

void fake_send_from(int fd, uint32_t port, struct nl_msg *msg)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = port };
	struct nlmsghdr *nlh = nlmsg_hdr(msg);

	/* who has closed its socket does not want it */
	fake_must(sendto(fd, nlh, nlh->nlmsg_len, 0, (struct sockaddr *)&to,
			 sizeof(to)) == nlh->nlmsg_len || errno == ECONNREFUSED,
		  "sendto");
	nlmsg_free(msg);
}

void fake_send(uint32_t port, struct nl_msg *msg)
{
	fake_send_from(fake.fd, port, msg);
}
