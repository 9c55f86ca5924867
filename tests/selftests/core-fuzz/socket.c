// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-fuzz: sends, and judges what comes back: an answer to each question, errors that
 * the specification knows and that have a text, nothing for whom it is not.
 *
 * Must never wait: all that the kernel has to say is there when the message is sent.
 */
#include <err.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <linux/genetlink.h>

#include "fuzz.h"

/* What is known of a datagram: more than one message, or a wrong length, is not judged. */
struct question {
	bool whole, wants_answer, dump;
	unsigned int cmd;
	bool answered, lost;
};

int socket_open(bool monitor)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	const int on = 1, size = 4 << 20;
	int sk = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	if (sk < 0 || bind(sk, (struct sockaddr *)&kernel, sizeof(kernel)) ||
	    connect(sk, (struct sockaddr *)&kernel, sizeof(kernel)))
		err(1, "socket");
	setsockopt(sk, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(sk, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(sk, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	if (setsockopt(sk, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(sk, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Groups of generic netlink are few: one of these is ours. */
	for (int group = 1; monitor && group < 64; group++)
		setsockopt(sk, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group));
	return sk;
}

static bool takes_an_admin(unsigned int cmd)
{
	return cmd == PIN_REVOKE_CMD_POLICY_SET || cmd == PIN_REVOKE_CMD_POLICY_DEL ||
	       cmd == PIN_REVOKE_CMD_REVOKE || cmd == PIN_REVOKE_CMD_DRAIN;
}

/* What netlink says itself, and what can always happen */
static bool may_be(int error)
{
	return error == EOPNOTSUPP || error == ENOMEM || error == EINTR || error == EMFILE ||
	       spec_error(error);
}

static void on_error(struct question *q, struct nlmsghdr *nlh)
{
	struct nlmsgerr *e = nlmsg_data(nlh);
	const char *name = strerrorname_np(-e->error);

	if (e->msg.nlmsg_seq != 1)
		return;
	q->answered = true;
	if (!q->whole)
		return;
	if (!e->error) {
		sums->accepted[q->cmd % MAX_CMD]++;
		if (nobody && takes_an_admin(q->cmd))
			bad("nobody may do command %u", q->cmd);
		return;
	}
	sums->refused[q->cmd % MAX_CMD]++;
	if (!may_be(-e->error))
		bad("command %u: %s is not in the specification", q->cmd, name ? name : "?");
	if (spec_op(q->cmd) && -e->error != EOPNOTSUPP &&
	    !nlmsg_find_attr(nlh, sizeof(*e), NLMSGERR_ATTR_MSG))
		bad("command %u: %s has no text", q->cmd, name ? name : "?");
}

static void on_pin(struct nlattr *id, struct nlattr *pid)
{
	if (id && nla_len(id) == 8)
		remember(known.pins, nla_get_u64(id));
	if (nobody && pid && nla_get_u32(pid) != (uint32_t)getpid())
		bad("nobody sees a pin of process %u", nla_get_u32(pid));
}

static void on_request(struct nlmsghdr *nlh)
{
	struct nlattr *attr, *id = nlmsg_find_attr(nlh, GENL_HDRLEN, PIN_REVOKE_A_REQUEST_ID);
	int left;

	if (id)
		remember(known.requests, nla_get_u64(id));
	if (nobody && nlmsg_find_attr(nlh, GENL_HDRLEN, PIN_REVOKE_A_REQUEST_TRIGGER_PID))
		bad("nobody is told who caused a request");
	nlmsg_for_each_attr(attr, nlh, GENL_HDRLEN, left)
		if (nla_type(attr) == PIN_REVOKE_A_REQUEST_PIN)
			on_pin(nla_find(nla_data(attr), nla_len(attr), PIN_REVOKE_A_PIN_ID),
			       nla_find(nla_data(attr), nla_len(attr), PIN_REVOKE_A_PIN_PID));
}

static void on_fd(struct nlmsghdr *nlh, int type)
{
	struct nlattr *fd = nlmsg_find_attr(nlh, GENL_HDRLEN, type);

	if (fd)
		remember_fd(nla_get_u32(fd));
}

static void on_declared(struct nlmsghdr *nlh)
{
	struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, nlh, GENL_HDRLEN, left)
		if (nla_type(attr) == PIN_REVOKE_A_DECLARE_DECLARED)
			on_pin(nla_find(nla_data(attr), nla_len(attr),
					PIN_REVOKE_A_DECLARED_ID), NULL);
}

static void on_reply(struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = nlmsg_data(nlh);

	switch (genl->cmd) {
	case PIN_REVOKE_CMD_OPEN:
		on_fd(nlh, PIN_REVOKE_A_CTX_FD);
		break;
	case PIN_REVOKE_CMD_DRAIN:
		on_fd(nlh, PIN_REVOKE_A_REVOKE_DRAIN_FD);
		break;
	case PIN_REVOKE_CMD_PIN_GET:
		on_pin(nlmsg_find_attr(nlh, GENL_HDRLEN, PIN_REVOKE_A_PIN_ID),
		       nlmsg_find_attr(nlh, GENL_HDRLEN, PIN_REVOKE_A_PIN_PID));
		break;
	case PIN_REVOKE_CMD_DECLARE:
	case PIN_REVOKE_CMD_CLAIM:
		on_declared(nlh);
		break;
	default:
		if (spec_op(genl->cmd) && spec_op(genl->cmd)->set ==
		    spec_op(PIN_REVOKE_CMD_RELEASE_SOON)->set)
			on_request(nlh);
		break;
	}
}

static void hear(int sk, struct question *q)
{
	static unsigned char buf[1 << 16];
	struct nlmsghdr *nlh;
	int len;

	for (;;) {
		len = recv(sk, buf, sizeof(buf), MSG_DONTWAIT);
		if (len < 0 && errno == ENOBUFS)
			q->lost = true;
		else if (len < 0 && errno == EAGAIN)
			return;
		else if (len < 0 && errno != EINTR)
			bad("recv: %s", strerrorname_np(errno));
		for (nlh = (struct nlmsghdr *)buf; nlmsg_ok(nlh, len);
		     nlh = nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				on_error(q, nlh);
			} else if (nlh->nlmsg_type == NLMSG_DONE) {
				q->answered = true;
				sums->accepted[q->cmd % MAX_CMD] += q->whole;
			} else if (nlh->nlmsg_type == family) {
				on_reply(nlh);
			}
		}
	}
}

void socket_send(int sk, const struct message *msg)
{
	const struct nlmsghdr *nlh = (const void *)msg->data;
	const struct genlmsghdr *genl = NLMSG_DATA(nlh);
	struct question q = {
		.whole = msg->nr == 1 && nlh->nlmsg_len == msg->len &&
			 nlh->nlmsg_flags & NLM_F_REQUEST,
		.wants_answer = nlh->nlmsg_flags & NLM_F_ACK,
		.cmd = genl->cmd,
	};

	if (send(sk, msg->data, msg->len, 0) < 0) {
		bad("send: %s", strerrorname_np(errno));
		return;
	}
	sums->sent += msg->nr;
	hear(sk, &q);
	if (q.whole && q.wants_answer && !q.answered && !q.lost)
		bad("command %u: no answer", q.cmd);
}
