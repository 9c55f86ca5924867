// SPDX-License-Identifier: GPL-2.0-only
/*
 * See queue.h. These definitions come before those of libc, for libnl too: the program
 * exports them. As in the kernel, an error is reported by whatever call comes next, a look
 * ahead as well, and before the data.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include "queue.h"

#define ITEMS 64

unsigned int queue_losses;
void (*queue_on_send)(const void *bytes, size_t len);

static struct item items[ITEMS];
static unsigned int first, nr;

/* Each item: what it is, its length in two bytes, its bytes. */
void queue_fill(const uint8_t *data, size_t size)
{
	static const int errors[] = { ENOBUFS, EINTR };
	struct item *item;

	first = 0;
	queue_losses = 0;
	for (nr = 0; nr < ITEMS && size >= 3; nr++) {
		uint8_t what = data[0] % 8;
		size_t len = data[1] | data[2] << 8;

		data += 3;
		size -= 3;
		item = &items[nr];
		*item = (struct item){ 0 };
		if (what < 2) {
			item->err = errors[what];
			continue;
		}
		item->from = what == 2 ? 4711 : QUEUE_PEER;
		item->data = data;
		item->len = len < size ? len : size;
		data += item->len;
		size -= item->len;
		/* No kernel lets anybody send nothing. */
		nr -= !item->len;
	}
}

const struct item *queue_first(void)
{
	return first < nr ? &items[first] : NULL;
}

const struct item *queue_next(const struct item *item)
{
	return ++item < items + nr ? item : NULL;
}

static ssize_t take(void *buf, size_t len, int flags, struct sockaddr_nl *from,
		    int *truncated)
{
	const struct item *item = queue_first();
	size_t copy;

	if (!item || item->err) {
		errno = item ? item->err : EAGAIN;
		queue_losses += errno == ENOBUFS;
		first += !!item;
		return -1;
	}
	copy = item->len < len ? item->len : len;
	if (copy)
		memcpy(buf, item->data, copy);
	if (from)
		*from = (struct sockaddr_nl){
			.nl_family = AF_NETLINK, .nl_pid = item->from,
		};
	*truncated = copy < item->len ? MSG_TRUNC : 0;
	if (!(flags & MSG_PEEK))
		first++;
	return flags & MSG_TRUNC ? item->len : copy;
}

ssize_t recvfrom(int fd, void *buf, size_t len, int flags, struct sockaddr *from,
		 socklen_t *fromlen)
{
	int truncated;

	(void)fd;
	promise(!fromlen || *fromlen >= sizeof(struct sockaddr_nl));
	return take(buf, len, flags, (struct sockaddr_nl *)from, &truncated);
}

ssize_t recv(int fd, void *buf, size_t len, int flags)
{
	return recvfrom(fd, buf, len, flags, NULL, NULL);
}

ssize_t recvmsg(int fd, struct msghdr *msg, int flags)
{
	(void)fd;
	msg->msg_controllen = 0;
	msg->msg_namelen = sizeof(struct sockaddr_nl);
	return take(msg->msg_iov->iov_base, msg->msg_iov->iov_len, flags,
		    msg->msg_name, &msg->msg_flags);
}

ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to,
	       socklen_t tolen)
{
	(void)fd;
	(void)flags;
	promise(((const struct sockaddr_nl *)to)->nl_pid == QUEUE_PEER &&
		tolen == sizeof(struct sockaddr_nl));
	if (queue_on_send)
		queue_on_send(buf, len);
	return len;
}

ssize_t sendmsg(int fd, const struct msghdr *msg, int flags)
{
	return sendto(fd, msg->msg_iov->iov_base, msg->msg_iov->iov_len, flags,
		      msg->msg_name, msg->msg_namelen);
}
