// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stream of events: an input is what a socket has, one after the other. Every event
 * comes out once, in its order, every loss is told, the kernel is asked again when the
 * queue is empty and not before; and there is nothing left when there is nothing more to
 * take.
 */
#include <errno.h>
#include "internal.h"
#include "queue.h"

static struct revoke_stream stream;
static unsigned int asked;

static void on_send(const void *bytes, size_t len)
{
	const struct revoke_question *q = bytes;
	const struct nlattr *attr = (const struct nlattr *)q->attrs;

	promise(len == q->nlh.nlmsg_len && len <= sizeof(*q));
	promise(q->nlh.nlmsg_type == QUEUE_FAMILY && q->nlh.nlmsg_seq &&
		q->genl.cmd == PIN_REVOKE_CMD_REQUEST_GET &&
		attr->nla_type == PIN_REVOKE_A_REQUEST_CTX);
	/* What stands in the queue may be the end of a loss. */
	promise(!queue_first());
	promise(!stream.held && !stream.asking);
	asked++;
}

/* What comes after this datagram, if that is still to be read? */
struct reader {
	const struct item *item;
	struct revoke_cursor cur;
	char buf[REVOKE_STREAM_BUF] __attribute__((aligned(8)));
};

/* Return: as revoke_cursor_next(), over all datagrams that there are. */
static int expected(struct reader *r, struct revoke_pin *pin)
{
	int ret;

	for (;;) {
		ret = revoke_cursor_next(&r->cur, pin);
		if (ret || !r->item)
			return ret;
		if (!r->item->err && r->item->from == QUEUE_PEER) {
			size_t len = r->item->len;

			if (len > sizeof(r->buf))
				len = sizeof(r->buf);
			memcpy(r->buf, r->item->data, len);
			revoke_cursor_init(&r->cur, QUEUE_FAMILY, r->buf, len);
		}
		r->item = queue_next(r->item);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reader reader;
	unsigned int bad = 0, told = 0;
	struct revoke_pin pin, want;
	int ret, due;

	if (!size)
		return 0;
	queue_fill(data + 1, size - 1);
	queue_on_send = on_send;
	asked = 0;
	memset(&stream, 0, offsetof(struct revoke_stream, buf));
	stream.peer = QUEUE_PEER;
	stream.ctx = data[0] & 1 ? 7 : 0;
	stream.cur.family = QUEUE_FAMILY;
	reader.item = queue_first();
	revoke_cursor_init(&reader.cur, QUEUE_FAMILY, reader.buf, 0);

	while ((ret = revoke_stream_next(&stream, &pin))) {
		if (ret == -EINTR)
			continue;
		if (ret == -ENOBUFS) {
			told++;
			continue;
		}
		promise(ret == 1);
		do {
			due = expected(&reader, &want);
			bad += due == -EBADMSG;
		} while (due == -EBADMSG);
		promise(due == 1 && !memcmp(&pin, &want, sizeof(pin)));
		promise(stream.cur.msg.cmd == reader.cur.msg.cmd &&
			stream.cur.msg.id == reader.cur.msg.id);
	}
	/* Readable exactly as long as there is something to take */
	promise(!queue_first() && !stream.held);
	while ((due = expected(&reader, &want))) {
		promise(due == -EBADMSG);
		bad++;
	}
	/* Losses may be told together, what could not be read is one each. */
	promise(told >= bad + !!queue_losses && told <= bad + queue_losses);
	promise(!stream.lost);
	/* Who has lost something has asked, or waits for the answer. */
	promise(!stream.ctx || !told || asked);
	promise(stream.ctx || !asked);
	promise(!stream.want || stream.asking);
	return 0;
}
