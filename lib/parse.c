// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: bytes to structures.
 *
 * Owns the meaning of every message. Works on a buffer and its length, which
 * may hold anything at all; must never touch a socket, allocate or keep state
 * elsewhere than in its arguments. Attributes and commands that it does not
 * know are passed over: the kernel may be newer.
 *
 * Buffers are aligned like a struct nlmsghdr.
 */
#include <errno.h>
#include <string.h>
#include <linux/netlink.h>
#include "internal.h"

#define U32 { .type = NLA_U32 }
#define U64 { .type = NLA_U64 }

/* Strings are not in the policies: libnl would insist on a closing NUL. */
static struct nla_policy pin_policy[PIN_REVOKE_A_PIN_MAX + 1] = {
	[PIN_REVOKE_A_PIN_ID] = U64,
	[PIN_REVOKE_A_PIN_ADDR] = U64,
	[PIN_REVOKE_A_PIN_LEN] = U64,
	[PIN_REVOKE_A_PIN_STATE] = U32,
	[PIN_REVOKE_A_PIN_FLAGS] = U32,
	[PIN_REVOKE_A_PIN_PID] = U32,
	[PIN_REVOKE_A_PIN_REVOKED] = U32,
	[PIN_REVOKE_A_PIN_FORCED] = U32,
};

static struct nla_policy request_policy[PIN_REVOKE_A_REQUEST_MAX + 1] = {
	[PIN_REVOKE_A_REQUEST_ID] = U64,
	[PIN_REVOKE_A_REQUEST_REASON] = U32,
	[PIN_REVOKE_A_REQUEST_FLAGS] = U32,
	[PIN_REVOKE_A_REQUEST_REMAINING_NS] = U64,
	[PIN_REVOKE_A_REQUEST_DEADLINE_NS] = U64,
	[PIN_REVOKE_A_REQUEST_ELAPSED_NS] = U64,
	[PIN_REVOKE_A_REQUEST_TRIGGER_PID] = U32,
	[PIN_REVOKE_A_REQUEST_ACK] = U32,
	[PIN_REVOKE_A_REQUEST_CTX] = U32,
};

static uint32_t get_u32(struct nlattr *attr)
{
	return attr ? nla_get_u32(attr) : 0;
}

static uint64_t get_u64(struct nlattr *attr)
{
	return attr ? nla_get_u64(attr) : 0;
}

static void get_str(struct nlattr *attr, char *str, size_t size)
{
	str[0] = '\0';
	if (attr)
		nla_strlcpy(str, attr, size);
}

/* Return: 0, or -EBADMSG if it is not a pin. */
int revoke_parse_pin(struct nlattr *head, int len, struct revoke_pin *pin)
{
	struct nlattr *tb[PIN_REVOKE_A_PIN_MAX + 1];

	memset(pin, 0, sizeof(*pin));
	if (nla_parse(tb, PIN_REVOKE_A_PIN_MAX, head, len, pin_policy) < 0 ||
	    !tb[PIN_REVOKE_A_PIN_ID])
		return -EBADMSG;
	pin->id = get_u64(tb[PIN_REVOKE_A_PIN_ID]);
	pin->addr = get_u64(tb[PIN_REVOKE_A_PIN_ADDR]);
	pin->len = get_u64(tb[PIN_REVOKE_A_PIN_LEN]);
	pin->state = get_u32(tb[PIN_REVOKE_A_PIN_STATE]);
	pin->flags = get_u32(tb[PIN_REVOKE_A_PIN_FLAGS]);
	pin->pid = get_u32(tb[PIN_REVOKE_A_PIN_PID]);
	pin->revoked = get_u32(tb[PIN_REVOKE_A_PIN_REVOKED]);
	pin->forced = get_u32(tb[PIN_REVOKE_A_PIN_FORCED]);
	get_str(tb[PIN_REVOKE_A_PIN_COMM], pin->comm, sizeof(pin->comm));
	get_str(tb[PIN_REVOKE_A_PIN_DRIVER], pin->driver, sizeof(pin->driver));
	get_str(tb[PIN_REVOKE_A_PIN_NAME], pin->name, sizeof(pin->name));
	return 0;
}

/* A whole message that is a pin: reply of pin-get. */
int revoke_parse_pin_msg(struct nlmsghdr *nlh, struct revoke_pin *pin)
{
	struct genlmsghdr *genl;

	if (!genlmsg_valid_hdr(nlh, 0))
		return -EBADMSG;
	genl = nlmsg_data(nlh);
	return revoke_parse_pin(genlmsg_attrdata(genl, 0),
				genlmsg_attrlen(genl, 0), pin);
}

/*
 * The whole message is checked here, pins included, so that nothing can fail
 * while they are handed out.
 *
 * Return: 0, or -EBADMSG.
 */
int revoke_parse_request(struct nlmsghdr *nlh, struct revoke_msg *msg)
{
	struct nlattr *tb[PIN_REVOKE_A_REQUEST_MAX + 1];
	struct genlmsghdr *genl;
	struct revoke_pin pin;
	struct nlattr *attr;
	int i, left;

	memset(msg, 0, sizeof(*msg));
	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_REQUEST_MAX,
			  request_policy) < 0)
		return -EBADMSG;
	genl = nlmsg_data(nlh);
	msg->cmd = genl->cmd;
	for (i = 0; i <= PIN_REVOKE_A_REQUEST_MAX; i++)
		if (tb[i])
			msg->has |= REVOKE_BIT(i);
	msg->id = get_u64(tb[PIN_REVOKE_A_REQUEST_ID]);
	msg->reason = get_u32(tb[PIN_REVOKE_A_REQUEST_REASON]);
	msg->flags = get_u32(tb[PIN_REVOKE_A_REQUEST_FLAGS]);
	msg->remaining_ns = get_u64(tb[PIN_REVOKE_A_REQUEST_REMAINING_NS]);
	msg->deadline_ns = get_u64(tb[PIN_REVOKE_A_REQUEST_DEADLINE_NS]);
	msg->elapsed_ns = get_u64(tb[PIN_REVOKE_A_REQUEST_ELAPSED_NS]);
	msg->trigger_pid = get_u32(tb[PIN_REVOKE_A_REQUEST_TRIGGER_PID]);
	msg->ack = get_u32(tb[PIN_REVOKE_A_REQUEST_ACK]);
	msg->ctx = get_u32(tb[PIN_REVOKE_A_REQUEST_CTX]);
	get_str(tb[PIN_REVOKE_A_REQUEST_TRIGGER_COMM], msg->trigger_comm,
		sizeof(msg->trigger_comm));

	msg->attr = genlmsg_attrdata(genl, 0);
	msg->attr_left = genlmsg_attrlen(genl, 0);
	nla_for_each_attr(attr, msg->attr, msg->attr_left, left) {
		if (nla_type(attr) != PIN_REVOKE_A_REQUEST_PIN)
			continue;
		if (revoke_parse_pin(nla_data(attr), nla_len(attr), &pin))
			return -EBADMSG;
		msg->nr_pins++;
	}
	return 0;
}

/* Must be called at most @msg->nr_pins times. */
void revoke_msg_next_pin(struct revoke_msg *msg, struct revoke_pin *pin)
{
	struct nlattr *attr;

	do {
		attr = msg->attr;
		msg->attr = nla_next(attr, &msg->attr_left);
	} while (nla_type(attr) != PIN_REVOKE_A_REQUEST_PIN);
	revoke_parse_pin(nla_data(attr), nla_len(attr), pin);
}

/* Where the attributes of an NLMSG_ERROR or NLMSG_DONE begin */
static unsigned int error_head(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = nlmsg_data(nlh);

	if (nlh->nlmsg_type != NLMSG_ERROR)
		return sizeof(e->error);
	if (nlh->nlmsg_flags & NLM_F_CAPPED)
		return sizeof(*e);
	/* our own request stands before them; its length may be anything */
	return sizeof(e->error) + (e->msg.nlmsg_len & 0xffffff);
}

/*
 * What an NLMSG_ERROR or NLMSG_DONE says: the kernel's own errno, and its text
 * if it gave one (@text is left alone otherwise).
 *
 * Return: 0 or a negative errno.
 */
int revoke_parse_error(const struct nlmsghdr *nlh, char *text, size_t size)
{
	bool done = nlh->nlmsg_type == NLMSG_DONE;
	const struct nlmsgerr *e = nlmsg_data(nlh);
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	int len = nlmsg_datalen(nlh);
	int head;

	if (len < (int)(done ? sizeof(e->error) : sizeof(*e)))
		return done ? 0 : -EBADMSG;
	head = NLMSG_ALIGN(error_head(nlh));
	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && len > head &&
	    nla_parse(tb, NLMSGERR_ATTR_MAX,
		      (struct nlattr *)((char *)e + head), len - head,
		      NULL) >= 0 && tb[NLMSGERR_ATTR_MSG])
		nla_strlcpy(text, tb[NLMSGERR_ATTR_MSG], size);
	/* A positive or impossible number is not an errno. */
	return e->error > 0 || e->error < -4095 ? -EBADMSG : e->error;
}

void revoke_cursor_init(struct revoke_cursor *cur, int family, void *buf,
			size_t len)
{
	memset(cur, 0, sizeof(*cur));
	cur->family = family;
	cur->nlh = buf;
	cur->left = len;
}

static bool is_event(const struct nlmsghdr *nlh)
{
	const struct genlmsghdr *genl = nlmsg_data(nlh);

	if (nlmsg_datalen(nlh) < (int)GENL_HDRLEN)
		return true;	/* and a bad one: let the parser say so */
	switch (genl->cmd) {
	case PIN_REVOKE_CMD_RELEASE_SOON:
	case PIN_REVOKE_CMD_REVOKED:
	case PIN_REVOKE_CMD_RESTORED:
	case PIN_REVOKE_CMD_CANCELLED:
	case PIN_REVOKE_CMD_GONE:
	case PIN_REVOKE_CMD_ACKED:
	case PIN_REVOKE_CMD_REQUEST_GET:	/* asked for after a loss */
		return true;
	default:
		return false;
	}
}

/*
 * The next pin of the next event; an event without pins gives one with id 0.
 *
 * Return: 1 and @cur->msg and @pin are valid; 0 at the end; -EBADMSG something
 * could not be read, and is passed over.
 */
int revoke_cursor_next(struct revoke_cursor *cur, struct revoke_pin *pin)
{
	struct nlmsghdr *nlh;

	while (!cur->pins) {
		if (!cur->left)
			return 0;
		nlh = cur->nlh;
		if (!nlmsg_ok(nlh, cur->left)) {
			cur->left = 0;
			return -EBADMSG;
		}
		cur->nlh = nlmsg_next(nlh, &cur->left);
		if (cur->left < 0)
			cur->left = 0;
		if (nlh->nlmsg_type == NLMSG_OVERRUN)
			return -EBADMSG;
		if (nlh->nlmsg_type != cur->family || !is_event(nlh))
			continue;
		if (revoke_parse_request(nlh, &cur->msg))
			return -EBADMSG;
		if (!cur->msg.nr_pins) {
			memset(pin, 0, sizeof(*pin));
			return 1;
		}
		cur->pins = cur->msg.nr_pins;
	}
	cur->pins--;
	revoke_msg_next_pin(&cur->msg, pin);
	return 1;
}
