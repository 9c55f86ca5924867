// SPDX-License-Identifier: GPL-2.0-only
/*
 * Questions and their answers: an input is what a socket has when one was asked, in both
 * ways that there are. Only the kernel's word counts, and of it only what answers; the
 * result is an errno, and its text ends.
 */
#include <errno.h>
#include <sys/socket.h>
#include <time.h>
#include "internal.h"
#include "queue.h"

static unsigned int replies;

static int on_reply(struct nlmsghdr *nlh, void *arg)
{
	struct revoke_pin pin;

	(void)arg;
	replies++;
	return revoke_parse_pin_msg(nlh, &pin);
}

/* Is there anything of the kernel's that could be taken for an answer? */
static bool silence(const struct item *item)
{
	for (; item; item = queue_next(item))
		if (!item->err && item->from == QUEUE_PEER && item->len >= NLMSG_HDRLEN)
			return false;
	return true;
}

static void check(int ret, bool silent)
{
	const char *text = revoke_last_error(NULL);

	promise(ret <= 0 && ret >= -4095);
	promise(memchr(text, 0, REVOKE_ERROR_LEN));
	promise(!silent || (ret && !*text && !replies));
}

/* libnl counts its questions from here. */
time_t time(time_t *out)
{
	(void)out;
	return 1;
}

static void open_socket(struct revoke_nl *nl)
{
	struct sockaddr_nl any = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);

	memset(nl, 0, sizeof(*nl));
	nl->family = QUEUE_FAMILY;
	nl->peer = QUEUE_PEER;
	promise(fd >= 0 && !bind(fd, (struct sockaddr *)&any, sizeof(any)));
	promise(!revoke_nl_adopt(nl, NETLINK_USERSOCK, fd));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct revoke_question q;
	struct revoke_nl nl;
	bool stray, silent;
	int ret;

	if (!size)
		return 0;
	open_socket(&nl);
	queue_fill(data + 1, size - 1);
	silent = silence(queue_first());
	replies = 0;
	if (data[0] & 1) {
		revoke_question_init(&q, QUEUE_FAMILY, PIN_REVOKE_CMD_RESTORE,
				     NLM_F_REQUEST | NLM_F_ACK);
		ret = revoke_nl_ask(&nl, &q, on_reply, NULL);
	} else {
		ret = revoke_nl_call(&nl, revoke_nl_msg(&nl, PIN_REVOKE_CMD_PIN_GET,
							NLM_F_REQUEST |
							(data[0] & 2 ? NLM_F_ACK : 0) |
							(data[0] & 4 ? NLM_F_DUMP : 0)),
				     on_reply, NULL, &stray);
	}
	check(ret, silent);
	revoke_nl_close(&nl);
	return 0;
}
