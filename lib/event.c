// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: the next event.
 *
 * Owns the reading of the event socket. Must never allocate: events come when
 * memory is short. A datagram stays in the socket's queue until its last pin
 * has been handed out, so that the socket is readable exactly as long as there
 * is something to take.
 *
 * After a loss the kernel is asked on the same socket for what is open. Its
 * answer waits there among the events, each part behind what happened before it,
 * and needs no room of ours: the kernel makes the next part when the last was
 * read.
 *
 * It is not asked before the queue is empty. From the loss until then the socket
 * drops whatever is sent, without another word, and would drop what comes behind
 * the answer, too:
 *
 *	kernel				we
 *	full: drops, ENOBUFS
 *					ENOBUFS: ask
 *					take the last part of the answer
 *	queues the end of the answer
 *	a new request: drops		(the queue was never empty)
 *					take the end: that was all
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include "internal.h"

/* Of our one question; events have none. */
#define ASK_SEQ 1

void revoke_stream_init(struct revoke_stream *s, const struct revoke_nl *nl)
{
	s->fd = nl_socket_get_fd(nl->sk);
	s->peer = nl->peer;
	s->lost = false;
	s->held = false;
	s->cur.family = nl->family;
}

static bool is_empty(struct revoke_stream *s)
{
	/* NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): it does not wait */
	while (recv(s->fd, NULL, 0, MSG_DONTWAIT | MSG_PEEK) < 0) {
		if (errno == EAGAIN)
			return true;
		if (errno == ENOBUFS)
			s->lost = true;
		else if (errno != EINTR)
			return false;
	}
	return false;
}

/* Asks for what is open, if that is wanted and it is time to. */
static void ask(struct revoke_stream *s)
{
	struct revoke_question q;

	if (!s->want || s->asking || s->held || !is_empty(s))
		return;
	revoke_question_init(&q, s->cur.family, PIN_REVOKE_CMD_REQUEST_GET,
			     NLM_F_REQUEST | NLM_F_DUMP);
	q.nlh.nlmsg_seq = ASK_SEQ;
	revoke_question_put(&q, PIN_REVOKE_A_REQUEST_CTX, &s->ctx,
			    sizeof(s->ctx));
	s->want = false;
	if (revoke_question_send(&q, s->fd, s->peer))
		s->lost = true;
	else
		s->asking = true;
}

/* Is the end of the answer in this datagram? */
static void look_for_end(struct revoke_stream *s, struct nlmsghdr *nlh, int len)
{
	struct nlmsgerr *e;

	for (; nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len)) {
		if (nlh->nlmsg_seq != ASK_SEQ)
			continue;
		e = nlmsg_data(nlh);
		if (nlh->nlmsg_type == NLMSG_DONE)
			s->ended = true;
		/* With these two it goes on as soon as there is room. */
		if (nlh->nlmsg_type == NLMSG_ERROR &&
		    nlmsg_datalen(nlh) >= (int)sizeof(e->error) &&
		    e->error != -ENOBUFS && e->error != -EBUSY)
			s->ended = true;
	}
}

/* The message in @buf leaves the queue, unless the socket reports a loss. */
static void drop(struct revoke_stream *s)
{
	ssize_t len;

	do {
		/* NOLINTNEXTLINE(clang-analyzer-unix.BlockInCriticalSection): nor here */
		len = recv(s->fd, NULL, 0, MSG_DONTWAIT);
	} while (len < 0 && errno == EINTR);
	if (len < 0 && errno == ENOBUFS) {
		s->lost = true;
		return;
	}
	s->held = false;
	if (s->ended) {
		s->ended = false;
		s->asking = false;
	}
	ask(s);
}

/*
 * A message that is longer than @buf is cut: the parser will see that.
 *
 * Return: 1 with a message in @buf, 0 if there is none, or a negative errno.
 */
static int fill(struct revoke_stream *s)
{
	struct sockaddr_nl from = { 0 };
	socklen_t fromlen = sizeof(from);
	ssize_t len;

	do {
		len = recvfrom(s->fd, s->buf, sizeof(s->buf),
			       MSG_DONTWAIT | MSG_PEEK,
			       (struct sockaddr *)&from, &fromlen);
	} while (len < 0 && errno == EINTR);
	if (len < 0)
		return errno == EAGAIN ? 0 : -errno;
	s->held = true;
	if (from.nl_pid != s->peer)
		len = 0;
	if (s->asking)
		look_for_end(s, (struct nlmsghdr *)s->buf, len);
	revoke_cursor_init(&s->cur, s->cur.family, s->buf, len);
	return 1;
}

static int next_pin(struct revoke_stream *s, struct revoke_pin *pin)
{
	struct revoke_cursor ahead;
	struct revoke_pin unused;
	int ret;

	for (;;) {
		/* Also what drop() has just found: nothing may come to wake us again. */
		if (s->lost) {
			s->lost = false;
			if (s->held)
				drop(s);
			return -ENOBUFS;
		}
		if (!s->held) {
			ret = fill(s);
			if (ret <= 0)
				return ret;
		}
		ret = revoke_cursor_next(&s->cur, pin);
		ahead = s->cur;
		if (!revoke_cursor_next(&ahead, &unused))
			drop(s);
		if (ret)
			return ret == -EBADMSG ? -ENOBUFS : ret;
	}
}

/**
 * revoke_stream_next - the next pin of the next event, without waiting
 * @s: the stream
 * @pin: filled in; id 0 if the event has no pins
 *
 * Return: 1 and @s->cur.msg is the event; 0 if there is none; -ENOBUFS events
 * were lost, what a context has to answer will come again; or a negative errno.
 */
int revoke_stream_next(struct revoke_stream *s, struct revoke_pin *pin)
{
	int ret = next_pin(s, pin);

	if (ret == -ENOBUFS && s->ctx) {
		s->want = true;
		ask(s);
	}
	return ret;
}

static uint32_t event_type(uint8_t cmd)
{
	switch (cmd) {
	case PIN_REVOKE_CMD_REQUEST_GET:
	case PIN_REVOKE_CMD_RELEASE_SOON:
		return REVOKE_EVENT_RELEASE_SOON;
	case PIN_REVOKE_CMD_REVOKED:
		return REVOKE_EVENT_REVOKED;
	case PIN_REVOKE_CMD_RESTORED:
		return REVOKE_EVENT_RESTORED;
	case PIN_REVOKE_CMD_CANCELLED:
		return REVOKE_EVENT_CANCELLED;
	case PIN_REVOKE_CMD_GONE:
		return REVOKE_EVENT_GONE;
	default:
		return 0;	/* for the monitor only */
	}
}

static int next_event(struct revoke_ctx *ctx, struct revoke_event *event)
{
	const struct revoke_msg *msg = &ctx->stream.cur.msg;
	int ret;

	do {
		ret = revoke_stream_next(&ctx->stream, &event->pin);
		if (ret <= 0)
			break;
		event->type = event_type(msg->cmd);
	} while (!event->type);

	if (ret == -ENOBUFS) {
		memset(&event->pin, 0, sizeof(event->pin));
		event->type = REVOKE_EVENT_RESYNC;
		return 1;
	}
	if (ret == 1) {
		event->reason = msg->reason;
		event->flags = msg->flags;
		event->request = msg->id;
		event->remaining_ns = msg->remaining_ns;
		event->deadline_ns = msg->deadline_ns;
	}
	return ret;
}

REVOKE_EXPORT int revoke_next_event(struct revoke_ctx *ctx,
				    struct revoke_event *event)
{
	struct revoke_event e = { 0 };
	int saved = errno;
	int ret;

	ret = revoke_enter(ctx);
	if (ret)
		return ret;
	if (event->size < sizeof(e))
		return -EINVAL;
	e.size = event->size;
	pthread_mutex_lock(&ctx->event_lock);
	ret = next_event(ctx, &e);
	pthread_mutex_unlock(&ctx->event_lock);
	if (ret == 1) {
		memset(event, 0, event->size);
		memcpy(event, &e, sizeof(e));
	}
	errno = saved;
	return ret;
}

REVOKE_EXPORT const char *revoke_event_name(uint32_t type)
{
	switch (type) {
	case REVOKE_EVENT_RELEASE_SOON:
		return revoke_cmd_name(PIN_REVOKE_CMD_RELEASE_SOON);
	case REVOKE_EVENT_REVOKED:
		return revoke_cmd_name(PIN_REVOKE_CMD_REVOKED);
	case REVOKE_EVENT_RESTORED:
		return revoke_cmd_name(PIN_REVOKE_CMD_RESTORED);
	case REVOKE_EVENT_CANCELLED:
		return revoke_cmd_name(PIN_REVOKE_CMD_CANCELLED);
	case REVOKE_EVENT_GONE:
		return revoke_cmd_name(PIN_REVOKE_CMD_GONE);
	case REVOKE_EVENT_RESYNC:
		return "resync";	/* the library's own */
	default:
		return "?";
	}
}
