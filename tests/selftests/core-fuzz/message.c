// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-fuzz: messages that the specification allows, and what is nearly one: with other
 * types, lengths, nests, order, flags, command or version.
 *
 * Must never be random all through: most messages have to get past the first check.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "fuzz.h"
#include "spec_gen.h"

#define MAX_ATTRS	40	/* of a message, to come back to */
#define MAX_LENGTH	15000

/* Where the attributes of the message in work begin, nested ones too */
static size_t at[MAX_ATTRS];
static unsigned int nr_at;

const struct spec_op *spec_op(unsigned int cmd)
{
	for (size_t i = 0; i < NR(spec_ops); i++)
		if (spec_ops[i].cmd == cmd)
			return &spec_ops[i];
	return NULL;
}

bool spec_error(int error)
{
	for (size_t i = 0; i < NR(spec_errors); i++)
		if (spec_errors[i] == error)
			return true;
	return false;
}

static void put(struct message *msg, const void *data, size_t len)
{
	if (msg->len + NLA_ALIGN(len) > MAX_LENGTH)
		return;
	if (len)
		memcpy(msg->data + msg->len, data, len);
	memset(msg->data + msg->len + len, 0, NLA_ALIGN(len) - len);
	msg->len += NLA_ALIGN(len);
}

/* Return: where it begins, for end_attr(). */
static size_t begin_attr(struct message *msg, uint16_t type)
{
	struct nlattr nla = { .nla_len = sizeof(nla), .nla_type = type };
	size_t begin = msg->len;

	put(msg, &nla, sizeof(nla));
	if (nr_at < MAX_ATTRS && msg->len > begin)
		at[nr_at++] = begin;
	return begin;
}

static void end_attr(struct message *msg, size_t begin, size_t len)
{
	if (msg->len > begin)
		((struct nlattr *)(msg->data + begin))->nla_len = len;
}

/* What stands at limits, and what nobody thought of */
static uint64_t strange(const struct spec_attr *attr)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return attr->min - 1;
	case 2:
		return attr->max;
	case 3:
		return attr->max + 1;
	case 4:
		return -1ULL << below(64);
	case 5:
		return 1ULL << below(64);
	case 6:
		return below(300);
	default:
		return rnd();
	}
}

/* A descriptor that the kernel handed out, if there was any */
static int known_fd(void)
{
	unsigned int first = below(REMEMBER), i = 0;

	while (i < REMEMBER - 1 && known.fds[(first + i) % REMEMBER] < 0)
		i++;
	return known.fds[(first + i) % REMEMBER];
}

/* A value that makes sense here and now, if there is one */
static uint64_t sensible(const struct spec_op *op, const struct spec_attr *attr)
{
	const char *name = attr->name;
	uint64_t span = attr->max - attr->min;

	if (!strcmp(name, "ctx-fd"))
		return known_fd();
	if (!strcmp(name, "file-fd") || !strcmp(name, "fs-fd"))
		return known.file;
	if (!strcmp(name, "request"))
		return known.requests[below(REMEMBER)];
	if (!strcmp(name, "pin") || (!strcmp(name, "id") && attr->kind == SPEC_U64))
		return known.pins[below(REMEMBER)];
	if (!strcmp(name, "pid"))
		return getpid();
	if (!strcmp(name, "uid"))
		return one_in(2) ? 65534 : 0;
	if (!strcmp(name, "addr"))
		return (uintptr_t)known.memory + below(MEMORY_PAGES * PAGE);
	if (!strcmp(name, "len"))
		return 1 + below(3 * PAGE);
	/* Who waits does so while others want their turn. */
	if (op->set == SET_REVOKE && !strcmp(name, "grace-ms"))
		return below(50);
	if (strstr(name, "-ms"))
		return below(300);
	return attr->min + (span < 64 ? below(span + 1) : below(64));
}

static void put_attrs(struct message *msg, const struct spec_op *op, int set,
		      uint32_t with, bool mutate);

static void put_string(struct message *msg, const struct spec_attr *attr)
{
	static const char * const words[] = { "pin_dummy", "core-fuzz", "core-holder",
		"fuzz 1", "<b>\"\\\n", "%s%n", "\x1b[2J\xff" };
	char text[400];
	size_t len;

	if (one_in(3)) {
		len = below(attr->max < 300 ? attr->max + 1 : 300);
		memset(text, 'a' + below(26), len);
		text[len] = '\0';
	} else {
		snprintf(text, sizeof(text), "%s", words[below(NR(words))]);
	}
	put(msg, text, strlen(text) + 1);
}

static void put_attr(struct message *msg, const struct spec_op *op,
		     const struct spec_attr *attr, bool mutate)
{
	size_t begin = begin_attr(msg, attr->type | (attr->set < 0 ? 0 : NLA_F_NESTED));
	uint64_t value = mutate && one_in(6) ? strange(attr) : sensible(op, attr);
	size_t body = msg->len, len = 0;

	switch (attr->kind) {
	case SPEC_U32:
		put(msg, &value, len = 4);
		break;
	case SPEC_U64:
		put(msg, &value, len = 8);
		break;
	case SPEC_STRING:
		put_string(msg, attr);
		/* All that is copied ends at the first 0. */
		len = msg->len > body ? strlen((char *)msg->data + body) + 1 : 0;
		break;
	case SPEC_NEST:
		if (attr->set >= 0)
			put_attrs(msg, op, attr->set, -1U, mutate);
		len = msg->len - body;
		break;
	default:
		break;
	}
	end_attr(msg, begin, sizeof(struct nlattr) + len);
}

/* In any order; what there may be more than one of, there is */
static void put_attrs(struct message *msg, const struct spec_op *op, int set,
		      uint32_t with, bool mutate)
{
	const struct spec_set *s = &spec_sets[set];
	unsigned int first = below(s->nr), keep = 1 + below(8);
	bool pins = op->set == SET_REVOKE || op->cmd == PIN_REVOKE_CMD_POLICY_SET ||
		    op->cmd == PIN_REVOKE_CMD_POLICY_DEL || with == op->dump_with;

	for (unsigned int i = 0; i < s->nr; i++) {
		const struct spec_attr *attr = &s->attr[(first + i) % s->nr];
		bool mine = with & 1U << ((first + i) % s->nr);
		unsigned int nr = 1;

		mine &= attr->kind != SPEC_PAD;
		if (mutate && one_in(30))
			mine = !mine;
		/* Of filters each makes that less fits; most others are needed. */
		if (!mine || (pins && strcmp(attr->name, "reason") && !one_in(keep)) ||
		    (!pins && one_in(12)))
			continue;
		if (!strcmp(attr->name, "extend-ms") && !one_in(4))
			continue;
		if (attr->kind == SPEC_NEST || (mutate && one_in(20)))
			nr += one_in(50) ? 70 : below(4);
		while (nr--)
			put_attr(msg, op, attr, mutate);
	}
}

/* One attribute that is there */
static void mutate_attr(struct message *msg)
{
	struct nlattr *nla = (struct nlattr *)(msg->data + at[below(nr_at)]);
	static const uint16_t lengths[] = { 0, 1, 3, 4, 5, 7, 8, 11, 12, 16, 255, 0x7fff, 0xffff };

	switch (below(6)) {
	case 0:
		nla->nla_type = below(24);
		break;
	case 1:
		nla->nla_type ^= one_in(2) ? NLA_F_NESTED : NLA_F_NET_BYTEORDER;
		break;
	case 2:
		nla->nla_type = rnd();
		break;
	case 3:
		nla->nla_len = lengths[below(NR(lengths))];
		break;
	case 4:
		nla->nla_len += below(9) - 4;
		break;
	default:
		/* What follows becomes its content. */
		nla->nla_type |= NLA_F_NESTED;
		nla->nla_len = (unsigned char *)msg->data + msg->len - (unsigned char *)nla;
		break;
	}
}

/* Wraps all attributes into a nest, many times */
static void mutate_depth(struct message *msg, size_t begin)
{
	unsigned int depth = one_in(4) ? 64 : 1 + below(8);

	while (depth--) {
		struct nlattr nla = { .nla_type = below(12) | NLA_F_NESTED };

		if (msg->len + sizeof(nla) > MAX_LENGTH)
			return;
		nla.nla_len = msg->len - begin + sizeof(nla);
		memmove(msg->data + begin + sizeof(nla), msg->data + begin, msg->len - begin);
		memcpy(msg->data + begin, &nla, sizeof(nla));
		msg->len += sizeof(nla);
	}
}

static void mutate_header(struct nlmsghdr *nlh)
{
	struct genlmsghdr *genl = NLMSG_DATA(nlh);

	switch (below(8)) {
	case 0:
		nlh->nlmsg_flags = rnd() | NLM_F_ACK | NLM_F_REQUEST;
		break;
	case 1:
		nlh->nlmsg_flags ^= NLM_F_DUMP;
		break;
	case 2:
		nlh->nlmsg_flags ^= 1U << below(12);
		break;
	case 3:
		genl->cmd = rnd();
		break;
	case 4:
		genl->cmd = below(NR(spec_ops) + 2);
		break;
	case 5:
		genl->version = rnd();
		break;
	case 6:
		genl->reserved = rnd();
		break;
	default:
		nlh->nlmsg_len += (below(9) - 4) * (one_in(2) ? 1 : 4);
		break;
	}
}

static const struct spec_op *choose_op(void)
{
	const struct spec_op *op;

	/* What only events are made of is the exception. */
	do {
		op = &spec_ops[below(NR(spec_ops))];
	} while (!op->has && !one_in(20));
	return op;
}

static void put_message(struct message *msg)
{
	const struct spec_op *op = choose_op();
	struct nlmsghdr nlh = { .nlmsg_type = family, .nlmsg_seq = msg->nr + 1,
				.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK };
	struct genlmsghdr genl = { .cmd = op->cmd, .version = PIN_REVOKE_FAMILY_VERSION };
	bool dump = op->has == SPEC_DUMP || (op->has & SPEC_DUMP && one_in(3));
	bool mutate = !one_in(3);
	size_t begin = msg->len, body;
	struct nlmsghdr *put_nlh;

	nr_at = 0;
	if (dump)
		nlh.nlmsg_flags |= NLM_F_DUMP;
	put(msg, &nlh, sizeof(nlh));
	put(msg, &genl, sizeof(genl));
	body = msg->len;
	put_attrs(msg, op, op->set, dump ? op->dump_with : op->with, mutate);
	while (mutate && nr_at && one_in(2))
		mutate_attr(msg);
	if (mutate && one_in(15))
		mutate_depth(msg, body);
	while (mutate && one_in(40))
		msg->data[begin + sizeof(nlh) + below(msg->len - begin - sizeof(nlh))] = rnd();
	if (mutate && one_in(40))
		msg->len = NLA_ALIGN(body + below(msg->len - body + 1));
	put_nlh = (struct nlmsghdr *)(msg->data + begin);
	put_nlh->nlmsg_len = msg->len - begin;
	if (mutate && one_in(5))
		mutate_header(put_nlh);
	msg->nr++;
}

/* Most datagrams are one message. */
void make_message(struct message *msg)
{
	msg->len = 0;
	msg->nr = 0;
	do {
		put_message(msg);
	} while (msg->len < 4000 && one_in(8));
}
