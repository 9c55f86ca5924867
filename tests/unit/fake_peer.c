// SPDX-License-Identifier: GPL-2.0-only
/*
 * The fake: see fake_peer.h. It answers as the specification says, with three
 * pins of one process, and otherwise only what a test told it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "fake_peer.h"

struct fake fake;

int __wrap_revoke_nl_connect(struct revoke_nl *nl);
int __wrap_revoke_nl_connect(struct revoke_nl *nl)
{
	memset(nl, 0, sizeof(*nl));
	if (fake.connect_err)
		return fake.connect_err;
	nl->family = FAKE_FAMILY;
	nl->peer = fake.port;
	return revoke_nl_adopt(nl, NETLINK_USERSOCK,
			       fake_socket(&fake.monitor_port));
}

static void send_error(uint32_t port, const struct nlmsghdr *req)
{
	int flags = fake.capped || !fake.err ? NLM_F_CAPPED : 0;
	struct nlmsgerr e = { .error = fake.err, .msg = *req };
	struct nl_msg *msg = nlmsg_alloc();

	fake_must(nlmsg_put(msg, 0, req->nlmsg_seq, NLMSG_ERROR, 0,
			    flags | (fake.text ? NLM_F_ACK_TLVS : 0)), "put");
	nlmsg_append(msg, &e, sizeof(e), NLMSG_ALIGNTO);
	if (fake.err && !fake.capped)
		nlmsg_append(msg, (void *)(req + 1),
			     req->nlmsg_len - sizeof(*req), NLMSG_ALIGNTO);
	if (fake.text)
		nla_put_string(msg, NLMSGERR_ATTR_MSG, fake.text);
	fake.err = 0;
	fake.text = NULL;
	fake_send(port, msg);
}

static void send_done(uint32_t port, uint32_t seq)
{
	struct nl_msg *msg = nlmsg_alloc();

	fake_must(nlmsg_put(msg, 0, seq, NLMSG_DONE, 0, NLM_F_MULTI |
			    (fake.text ? NLM_F_ACK_TLVS : 0)), "put");
	nlmsg_append(msg, &fake.err, sizeof(fake.err), NLMSG_ALIGNTO);
	if (fake.text)
		nla_put_string(msg, NLMSGERR_ATTR_MSG, fake.text);
	fake.err = 0;
	fake.text = NULL;
	fake_send(port, msg);
}

static int fake_words(void)
{
	int fd = memfd_create("words", MFD_CLOEXEC);

	fake_must(!ftruncate(fd, PIN_REVOKE_MAX_WORDS * sizeof(uint64_t)), "words");
	fake.words = fd;
	return fd;
}

static void open_ctx(uint32_t port, uint32_t seq)
{
	struct nl_msg *msg = fake_msg(PIN_REVOKE_CMD_OPEN, seq, 0);

	fake.event_port = port;
	if (fake.early_event)
		fake_send(port, fake_request(PIN_REVOKE_CMD_RELEASE_SOON, 7,
					     1));
	if (!fake.no_fd)
		nla_put_u32(msg, PIN_REVOKE_A_CTX_FD, fake_words());
	nla_put_u32(msg, PIN_REVOKE_A_CTX_ID, 1);
	fake_send(port, msg);
}

static void take_ack(uint32_t port, uint32_t seq, struct nlattr **tb)
{
	struct nl_msg *msg;
	int i;

	memset(&fake.last, 0, sizeof(fake.last));
	fake.last.ctx_fd = nla_get_u32(tb[PIN_REVOKE_A_ACK_CTX_FD]);
	fake.last.request = nla_get_u64(tb[PIN_REVOKE_A_ACK_REQUEST]);
	fake.last.kind = nla_get_u32(tb[PIN_REVOKE_A_ACK_KIND]);
	if (tb[PIN_REVOKE_A_ACK_PIN])
		fake.last.pin = nla_get_u64(tb[PIN_REVOKE_A_ACK_PIN]);
	if (tb[PIN_REVOKE_A_ACK_EXTEND_MS])
		fake.last.extend_ms =
			nla_get_u32(tb[PIN_REVOKE_A_ACK_EXTEND_MS]);
	fake.acks++;
	for (i = 0; i < fake.events_per_ack; i++)
		fake_send(fake.event_port,
			  fake_request(PIN_REVOKE_CMD_REVOKED,
				       fake.last.request, 1));
	if (fake.last.kind != PIN_REVOKE_ACK_KIND_EXTEND)
		return;
	msg = fake_msg(PIN_REVOKE_CMD_ACK, seq, 0);
	nla_put_u32(msg, PIN_REVOKE_A_ACK_GRANTED_MS, fake.granted_ms);
	fake_send(port, msg);
}

static struct nl_msg *element(uint8_t cmd, unsigned int i, unsigned int part)
{
	struct nl_msg *msg;

	switch (cmd) {
	case PIN_REVOKE_CMD_REQUEST_GET:
		msg = fake_request(cmd, 6 + i, part ? 0 : i);
		if (part)
			fake_put_pins(msg, i + 1, 1);
		return msg;
	case PIN_REVOKE_CMD_PIN_GET:
		msg = fake_msg(cmd, 0, 0);
		if (!fake.bad_pin)
			fake_put_pin(msg, i, true);
		return msg;
	default:
		msg = fake_msg(cmd, 0, 0);
		nla_put_u32(msg, PIN_REVOKE_A_POLICY_REASON, i);
		nla_put_u32(msg, i == 2 ? PIN_REVOKE_A_POLICY_SKIP_MS :
					  PIN_REVOKE_A_POLICY_GRACE_MS,
			    1000 * i);
		return msg;
	}
}

static void note_want(struct nlattr **tb)
{
	fake.want_pid = tb[PIN_REVOKE_A_PIN_PID] ?
		nla_get_u32(tb[PIN_REVOKE_A_PIN_PID]) : 0;
	snprintf(fake.want_device, sizeof(fake.want_device), "%s",
		 tb[PIN_REVOKE_A_PIN_DEVICE] ?
		 nla_get_string(tb[PIN_REVOKE_A_PIN_DEVICE]) : "");
	fake.want_memory[0] = tb[PIN_REVOKE_A_PIN_MEMORY_ADDR] ?
		nla_get_u64(tb[PIN_REVOKE_A_PIN_MEMORY_ADDR]) : 0;
	fake.want_memory[1] = tb[PIN_REVOKE_A_PIN_MEMORY_LEN] ?
		nla_get_u64(tb[PIN_REVOKE_A_PIN_MEMORY_LEN]) : 0;
	fake.want_node = tb[PIN_REVOKE_A_PIN_NODE] ?
		(int)nla_get_u32(tb[PIN_REVOKE_A_PIN_NODE]) : -1;
}

static void dump(uint32_t port, uint8_t cmd, uint32_t seq, struct nlattr **tb)
{
	struct nlattr *ctx = tb[PIN_REVOKE_A_REQUEST_CTX];
	bool intr = fake.dump_intr && fake.dump_intr--;
	int flags = NLM_F_MULTI | (intr ? NLM_F_DUMP_INTR : 0);
	unsigned int i, part, nr;
	struct nl_msg *msg;

	fake.dump_ctx = ctx ? nla_get_u32(ctx) : 0;
	if (cmd == PIN_REVOKE_CMD_PIN_GET)
		note_want(tb);
	nr = cmd == PIN_REVOKE_CMD_REQUEST_GET ? fake.nr_requests :
	     cmd == PIN_REVOKE_CMD_PIN_GET ? fake.nr_pins : FAKE_PINS;
	for (i = 1; i <= nr; i++) {
		for (part = 0; part <= fake.split; part++) {
			msg = element(cmd, i, part);
			nlmsg_hdr(msg)->nlmsg_seq = seq;
			nlmsg_hdr(msg)->nlmsg_flags = flags;
			fake_send(port, msg);
		}
	}
	send_done(port, seq);
	if (cmd == PIN_REVOKE_CMD_REQUEST_GET && fake.requests_after >= 0 &&
	    fake.requests_after != (int)fake.nr_requests) {
		fake.nr_requests = fake.requests_after;
		fake.revoked += fake.revoke_works;
		fake_send(fake.monitor_port,
			  fake_request(PIN_REVOKE_CMD_REVOKED, 7, 1));
	}
}

/* A policy of which each part comes from somewhere else */
static void give_policy(uint32_t port, uint32_t seq, struct nlattr **tb)
{
	struct nl_msg *msg = fake_msg(PIN_REVOKE_CMD_POLICY_GET, seq, 0);

	fake.policy_pin = tb[PIN_REVOKE_A_POLICY_PIN] ?
		nla_get_u64(tb[PIN_REVOKE_A_POLICY_PIN]) : 0;
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_REASON,
		    nla_get_u32(tb[PIN_REVOKE_A_POLICY_REASON]));
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_GRACE_MS, 700);
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_GRACE_FROM,
		    PIN_REVOKE_POLICY_SOURCE_CGROUP);
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_MAX_EXTEND_MS, 800);
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_MAX_EXTEND_FROM,
		    PIN_REVOKE_POLICY_SOURCE_DEFAULT);
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_ACTION, PIN_REVOKE_ACTION_ASK);
	nla_put_u32(msg, PIN_REVOKE_A_POLICY_ACTION_FROM,
		    PIN_REVOKE_POLICY_SOURCE_COMM);
	fake_send(port, msg);
}

static void put_times(struct nl_msg *msg, uint32_t reason, const uint64_t *bucket)
{
	struct nlattr *nest = nla_nest_start(msg, PIN_REVOKE_A_STAT_TIMES);

	nla_put_u32(msg, PIN_REVOKE_A_TIMES_REASON, reason);
	nla_put_u64(msg, PIN_REVOKE_A_TIMES_SUM_NS, 20500000001);
	nla_put(msg, PIN_REVOKE_A_TIMES_BUCKETS,
		PIN_REVOKE_TIME_BUCKETS * sizeof(*bucket), bucket);
	nla_nest_end(msg, nest);
}

/* Each counter another number */
static void give_stat(uint32_t port, uint32_t seq)
{
	struct nl_msg *msg = fake_msg(PIN_REVOKE_CMD_STAT_GET, seq, 0);
	uint64_t none[PIN_REVOKE_TIME_BUCKETS] = { 0 };
	int i;

	for (i = PIN_REVOKE_A_STAT_PINS; i <= PIN_REVOKE_A_STAT_MAX; i++)
		if (i != PIN_REVOKE_A_STAT_TIMES)
			nla_put_u64(msg, i, 100 + i + fake.counted);
	put_times(msg, PIN_REVOKE_REASON_WRITEBACK_SYNC, fake.times);
	put_times(msg, PIN_REVOKE_REASON_TRUNCATE, none);
	fake_send(port, msg);
}

static void take_revoke(uint32_t port, uint32_t seq, struct nlattr **tb)
{
	struct nl_msg *msg = fake_msg(PIN_REVOKE_CMD_REVOKE, seq, 0);

	fake.grace = tb[PIN_REVOKE_A_REVOKE_GRACE_MS] ?
		(int)nla_get_u32(tb[PIN_REVOKE_A_REVOKE_GRACE_MS]) : -1;
	if (fake.revoke_opens) {
		fake.nr_requests = 1;
		nla_put_u64(msg, PIN_REVOKE_A_REVOKE_REQUEST, 7);
	} else {
		fake.revoked += fake.revoke_works;
	}
	fake_send(port, msg);
}

static void put_declared(struct nl_msg *msg, uint64_t id)
{
	struct nlattr *nest = nla_nest_start(msg, PIN_REVOKE_A_DECLARE_DECLARED);

	nla_put_u64(msg, PIN_REVOKE_A_DECLARED_ID, id);
	nla_put_u32(msg, PIN_REVOKE_A_DECLARED_WORD, fake.word);
	nla_put_u64(msg, PIN_REVOKE_A_DECLARED_GENERATION, 0);
	nla_nest_end(msg, nest);
}

static void take_claim(uint32_t port, struct nlmsghdr *nlh)
{
	struct nl_msg *msg = fake_msg(PIN_REVOKE_CMD_CLAIM, nlh->nlmsg_seq, 0);
	struct nlattr *attr;
	int left, nr = 0;

	nlmsg_for_each_attr(attr, nlh, GENL_HDRLEN, left)
		nr += nla_type(attr) == PIN_REVOKE_A_DECLARE_ID;
	nlmsg_for_each_attr(attr, nlh, GENL_HDRLEN, left) {
		if (nla_type(attr) != PIN_REVOKE_A_DECLARE_ID)
			continue;
		fake.claimed = nla_get_u64(attr);
		if (--nr || !fake.claim_short)
			put_declared(msg, fake.claimed);
	}
	fake_send(port, msg);
}

static void serve(uint32_t port, struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);
	uint32_t seq = nlh->nlmsg_seq;
	struct nlattr *tb[PIN_REVOKE_A_PIN_MAX + 1];	/* the largest set */
	/* Decided before the reply: after it the test sets up its next step. */
	bool answer = fake.err || (nlh->nlmsg_flags & NLM_F_ACK);
	struct nl_msg *msg;
	int i;

	fake_must(!genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_PIN_MAX, NULL), "request");
	if (nlh->nlmsg_flags & NLM_F_DUMP) {
		if (fake.dump_err) {
			fake.err = fake.dump_err;
			fake.dump_err = 0;
			send_error(port, nlh);
		} else {
			dump(port, genl->cmd, seq, tb);
		}
		fake.dumps++;
		return;
	}
	if (!fake.err) {
		switch (genl->cmd) {
		case PIN_REVOKE_CMD_OPEN:
			open_ctx(port, seq);
			break;
		case PIN_REVOKE_CMD_ACK:
			take_ack(port, seq, tb);
			break;
		case PIN_REVOKE_CMD_PIN_GET:
			msg = fake_msg(PIN_REVOKE_CMD_PIN_GET, seq, 0);
			fake_put_pin(msg, nla_get_u64(tb[PIN_REVOKE_A_PIN_ID]),
				     true);
			fake_send(port, msg);
			break;
		case PIN_REVOKE_CMD_POLICY_GET:
			give_policy(port, seq, tb);
			break;
		case PIN_REVOKE_CMD_POLICY_SET:
		case PIN_REVOKE_CMD_POLICY_DEL:
			fake.policy_cmd = genl->cmd;
			for (i = 1; i <= PIN_REVOKE_A_POLICY_MAX; i++)
				fake.policy[i] =
					tb[i] ? nla_get_u32(tb[i]) : ~0U;
			break;
		case PIN_REVOKE_CMD_STAT_GET:
			give_stat(port, seq);
			break;
		case PIN_REVOKE_CMD_FEATURES_GET:
			msg = fake_msg(PIN_REVOKE_CMD_FEATURES_GET, seq, 0);
			nla_put_u32(msg, PIN_REVOKE_A_FEATURES_FLAGS, 5);
			if (!fake.bad_pin)
				nla_put_u32(msg, PIN_REVOKE_A_FEATURES_ASKS, 1026);
			fake_send(port, msg);
			break;
		case PIN_REVOKE_CMD_REVOKE:
			take_revoke(port, seq, tb);
			break;
		case PIN_REVOKE_CMD_CLAIM:
			take_claim(port, nlh);
			break;
		case PIN_REVOKE_CMD_RESTORE:
			fake.restored = nla_get_u64(tb[PIN_REVOKE_A_PIN_ID]);
			break;
		}
	}
	if (answer)
		send_error(port, nlh);
}

static void *loop(void *arg)
{
	static char buf[65536] __attribute__((aligned(8)));
	struct sockaddr_nl from;
	socklen_t len;
	ssize_t got;

	for (;;) {
		len = sizeof(from);
		got = recvfrom(fake.fd, buf, sizeof(buf), 0,
			       (struct sockaddr *)&from, &len);
		fake_must(got >= (ssize_t)sizeof(struct nlmsghdr), "recvfrom");
		if (((struct nlmsghdr *)buf)->nlmsg_type == NLMSG_DONE)
			return arg;
		serve(from.nl_pid, (struct nlmsghdr *)buf);
	}
}

void fake_start(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.requests_after = -1;
	/* Of 10: 4 up to 1 ms, 5 up to 4 ms, 1 longer than all bounds */
	fake.times[0] = 4;
	fake.times[2] = 5;
	fake.times[PIN_REVOKE_TIME_BUCKETS - 1] = 1;
	fake.remaining_ns = 1000000000;
	fake.nr_pins = FAKE_PINS;
	fake.fd = fake_socket(&fake.port);
	fake_must(!pthread_create(&fake.thread, NULL, loop, NULL), "thread");
}

void fake_stop(void)
{
	struct nl_msg *msg = nlmsg_alloc();

	fake_must(nlmsg_put(msg, 0, 0, NLMSG_DONE, 0, 0), "put");
	fake_send(fake.port, msg);
	pthread_join(fake.thread, NULL);
	close(fake.fd);
}
