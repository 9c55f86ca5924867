// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: a netlink socket and one question at a time on it.
 *
 * Owns the sockets' options, who is believed (the kernel, nobody else), and
 * the translation of errors: what the kernel said comes back unchanged, with
 * its text; libnl's own numbers never reach a caller. Knows nothing about
 * pins. Must not print and must not use libnl's default callbacks, which an
 * environment variable can make print.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/genl.h>
#include "internal.h"

/*
 * The kernel's texts have at most 80 characters. initial-exec: no allocation
 * when a thread touches it first.
 */
static __thread char error_text[REVOKE_ERROR_LEN] __attribute__((tls_model("initial-exec")));

struct call {
	const struct revoke_nl *nl;
	revoke_reply_fn fn;
	void *arg;
	uint32_t seq;
	bool ack;
	bool done;
	bool stray;
	int ret;
};

void revoke_clear_error(void)
{
	error_text[0] = '\0';
}

/* @text: what revoke_last_error() said before, all of it */
void revoke_set_error(const char text[REVOKE_ERROR_LEN])
{
	memcpy(error_text, text, REVOKE_ERROR_LEN);
}

REVOKE_EXPORT const char *revoke_last_error(const struct revoke_ctx *ctx)
{
	(void)ctx;
	return error_text;
}

/* libnl's own errors; the kernel's do not come this way */
int revoke_nl_errno(int nle)
{
	switch (nle < 0 ? -nle : nle) {
	case NLE_SUCCESS:
		return 0;
	case NLE_INTR:
		return -EINTR;
	case NLE_BAD_SOCK:
		return -EBADF;
	case NLE_AGAIN:
	case NLE_DUMP_INTR:
		return -EAGAIN;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_INVAL:
		return -EINVAL;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_PERM:
		return -EPERM;
	case NLE_NOACCESS:
		return -EACCES;
	default:
		return -EIO;
	}
}

/**
 * revoke_nl_adopt - make a bound netlink socket one of ours
 * @nl: @family and @peer are the caller's to set
 * @protocol: of @fd
 * @fd: ours if this succeeds
 *
 * Return: 0 or a negative errno.
 */
int revoke_nl_adopt(struct revoke_nl *nl, int protocol, int fd)
{
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	const int on = 1;
	int err;

	if (!cb)
		return -ENOMEM;
	nl->sk = nl_socket_alloc_cb(cb);
	nl_cb_put(cb);
	if (!nl->sk)
		return -ENOMEM;
	pthread_mutex_init(&nl->lock, NULL);
	/* Old kernels may lack these: then errors come without a text. */
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	nl_socket_set_peer_port(nl->sk, nl->peer);
	err = nl_socket_set_fd(nl->sk, protocol, fd);
	if (err) {
		nl_socket_free(nl->sk);
		nl->sk = NULL;
	}
	return revoke_nl_errno(err);
}

static int on_family(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *id = nlmsg_find_attr(nlh, GENL_HDRLEN,
					    CTRL_ATTR_FAMILY_ID);

	if (!id || nla_len(id) != sizeof(uint16_t))
		return -EPROTO;
	*(int *)arg = nla_get_u16(id);
	return 0;
}

/*
 * Not genl_ctrl_resolve(): to that every error, no memory too, means that there is no
 * such family.
 */
static int find_family(struct revoke_nl *nl)
{
	struct nl_msg *msg;
	int err;

	nl->family = GENL_ID_CTRL;
	msg = revoke_nl_msg(nl, CTRL_CMD_GETFAMILY, NLM_F_REQUEST);
	if (msg && nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, PIN_REVOKE_FAMILY_NAME)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	err = revoke_nl_call(nl, msg, on_family, &nl->family, NULL);
	return err == -ENOENT ? -ENOSYS : err;
}

/**
 * revoke_nl_connect - open a socket of the family
 * @nl: filled in
 *
 * Return: 0; -ENOSYS if this kernel has no such family; a negative errno.
 */
int revoke_nl_connect(struct revoke_nl *nl)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd, err;

	memset(nl, 0, sizeof(*nl));
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return errno == EPROTONOSUPPORT || errno == EAFNOSUPPORT ?
			-ENOSYS : -errno;
	err = bind(fd, (struct sockaddr *)&any, sizeof(any)) ? -errno : 0;
	if (!err)
		err = revoke_nl_adopt(nl, NETLINK_GENERIC, fd);
	if (err) {
		close(fd);
		return err;
	}
	err = find_family(nl);
	if (err)
		revoke_nl_close(nl);
	return err;
}

/* Also after a revoke_nl_connect() that failed. */
void revoke_nl_close(struct revoke_nl *nl)
{
	if (!nl->sk)
		return;
	pthread_mutex_destroy(&nl->lock);
	nl_socket_free(nl->sk);
	nl->sk = NULL;
}

/* A message to the family; NULL without memory. */
struct nl_msg *revoke_nl_msg(const struct revoke_nl *nl, uint8_t cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (msg && !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0,
				flags, cmd, PIN_REVOKE_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int on_any(struct nl_msg *msg, void *arg)
{
	struct call *call = arg;

	if (nlmsg_get_src(msg)->nl_pid != call->nl->peer)
		return NL_SKIP;
	if (nlmsg_hdr(msg)->nlmsg_seq != call->seq) {
		call->stray = true;
		return NL_SKIP;
	}
	return NL_OK;
}

static int on_reply(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg);
	struct call *call = arg;

	/* Read a dump to its end even if nobody wants the rest. */
	if (!call->ret && call->fn)
		call->ret = call->fn(nlh, call->arg);
	if (call->ack || (nlh->nlmsg_flags & NLM_F_MULTI))
		return NL_OK;
	call->done = true;
	return NL_STOP;
}

static int on_end(const struct nlmsghdr *nlh, struct call *call)
{
	int err = revoke_parse_error(nlh, error_text, sizeof(error_text));

	if (!err)
		revoke_clear_error();	/* a mere warning */
	if (!call->ret)
		call->ret = err;
	call->done = true;
	return NL_STOP;
}

static int on_done(struct nl_msg *msg, void *arg)
{
	return on_end(nlmsg_hdr(msg), arg);
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *e, void *arg)
{
	(void)from;
	return on_end((struct nlmsghdr *)((char *)e - NLMSG_HDRLEN), arg);
}

/**
 * revoke_nl_call - ask, and read the answer to its end
 * @nl: others who ask on it have to wait
 * @msg: is freed; NULL gives -ENOMEM
 * @fn: called for each reply until it returns non-zero
 * @arg: for @fn
 * @stray: set if a message that is no answer came along; may be NULL
 *
 * Without NLM_F_ACK in @msg the first reply ends it.
 *
 * Return: 0, what @fn returned, or the kernel's errno, whose text is then in
 * revoke_last_error().
 */
int revoke_nl_call(struct revoke_nl *nl, struct nl_msg *msg,
		   revoke_reply_fn fn, void *arg, bool *stray)
{
	struct call call = { .nl = nl, .fn = fn, .arg = arg };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);
	int err = -NLE_NOMEM;

	revoke_clear_error();
	if (!msg || !cb)
		goto out;
	pthread_mutex_lock(&nl->lock);
	nl_socket_disable_auto_ack(nl->sk);
	nl_complete_msg(nl->sk, msg);
	call.seq = nlmsg_hdr(msg)->nlmsg_seq;
	call.ack = nlmsg_hdr(msg)->nlmsg_flags & NLM_F_ACK;
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_any, &call);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_reply, &call);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_done, &call);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_done, &call);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, &call);

	do {
		err = nl_send(nl->sk, msg);
	} while (err == -NLE_INTR);
	while (err >= 0 && !call.done)
		err = nl_recvmsgs(nl->sk, cb);
	pthread_mutex_unlock(&nl->lock);
	if (stray)
		*stray = call.stray;
out:
	nl_cb_put(cb);
	nlmsg_free(msg);
	if (call.done && (call.ret || err != -NLE_DUMP_INTR))
		return call.ret;
	return revoke_nl_errno(err);
}

void revoke_question_init(struct revoke_question *q, int family, uint8_t cmd,
			  int flags)
{
	*q = (struct revoke_question){
		.nlh.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN,
		.nlh.nlmsg_type = family,
		.nlh.nlmsg_flags = flags,
		.genl.cmd = cmd,
		.genl.version = PIN_REVOKE_FAMILY_VERSION,
	};
}

/* The caller knows that there is room. */
void revoke_question_put(struct revoke_question *q, int type, const void *data,
			 size_t len)
{
	struct nlattr *attr = (struct nlattr *)((char *)q + q->nlh.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = NLA_HDRLEN + len;
	memcpy((char *)attr + NLA_HDRLEN, data, len);
	q->nlh.nlmsg_len += NLA_ALIGN(attr->nla_len);
}

/* Return: 0 or -errno. */
int revoke_question_send(const struct revoke_question *q, int fd, uint32_t peer)
{
	struct sockaddr_nl to = { .nl_family = AF_NETLINK, .nl_pid = peer };
	ssize_t sent;

	do {
		sent = sendto(fd, q, q->nlh.nlmsg_len, 0,
			      (struct sockaddr *)&to, sizeof(to));
	} while (sent < 0 && errno == EINTR);
	return sent < 0 ? -errno : 0;
}

/* One datagram, of which the answer may be a part. Return: 0 or -errno. */
static int take_answer(struct call *call)
{
	/* An error with its text and the question, which is the longest. */
	char buf[1024] __attribute__((aligned(8)));
	struct sockaddr_nl from = { 0 };
	socklen_t fromlen = sizeof(from);
	struct nlmsghdr *nlh = (struct nlmsghdr *)buf;
	int left;

	left = recvfrom(nl_socket_get_fd(call->nl->sk), buf, sizeof(buf),
			MSG_TRUNC, (struct sockaddr *)&from, &fromlen);
	if (left < 0)
		return errno == EINTR ? 0 : -errno;
	if (from.nl_pid != call->nl->peer)
		return 0;
	if (left > (int)sizeof(buf))
		return -EMSGSIZE;
	for (; nlmsg_ok(nlh, left); nlh = nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != call->seq)
			continue;
		if (nlh->nlmsg_type == NLMSG_ERROR)
			on_end(nlh, call);
		else if (!call->ret)
			call->ret = call->fn(nlh, call->arg);
	}
	return 0;
}

/**
 * revoke_nl_ask - as revoke_nl_call(), without allocating memory
 * @nl: others who ask on it have to wait
 * @q: the question
 * @fn: called for each reply, which is short
 * @arg: for @fn
 *
 * What must be said while memory is short is said in this way.
 *
 * Return: as revoke_nl_call().
 */
int revoke_nl_ask(struct revoke_nl *nl, struct revoke_question *q,
		  revoke_reply_fn fn, void *arg)
{
	struct call call = { .nl = nl, .fn = fn, .arg = arg };
	int err;

	revoke_clear_error();
	pthread_mutex_lock(&nl->lock);
	call.seq = nl_socket_use_seq(nl->sk);
	q->nlh.nlmsg_seq = call.seq;
	err = revoke_question_send(q, nl_socket_get_fd(nl->sk), nl->peer);
	while (!err && !call.done)
		err = take_answer(&call);
	pthread_mutex_unlock(&nl->lock);
	return call.done ? call.ret : err;
}
