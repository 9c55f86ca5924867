// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: core-nl COMMAND [ATTRIBUTE=VALUE]... [-- COMMAND [ATTRIBUTE=VALUE]...]...
 *        core-nl raw CLAIM BYTE...
 * Sends messages of the family with exactly these attributes, or these bytes
 * (hexadecimal, the generic header first) in a message that claims to have CLAIM
 * more, and prints the kernel's answer to each: "ok", "error ENAME text" or "ignored".
 *
 * Must never check anything itself: that is the kernel's part in the tests.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <linux/netlink.h>
#include <linux/pin_revoke.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

static const struct {
	const char *name;
	int cmd;
} commands[] = {
	{ "open", PIN_REVOKE_CMD_OPEN },
	{ "ack", PIN_REVOKE_CMD_ACK },
	{ "pin-get", PIN_REVOKE_CMD_PIN_GET },
	{ "policy-set", PIN_REVOKE_CMD_POLICY_SET },
	{ "policy-del", PIN_REVOKE_CMD_POLICY_DEL },
	{ "revoke", PIN_REVOKE_CMD_REVOKE },
	{ "drain", PIN_REVOKE_CMD_DRAIN },
	{ "release-soon", PIN_REVOKE_CMD_RELEASE_SOON },
	{ "declare", PIN_REVOKE_CMD_DECLARE },
	{ "undeclare", PIN_REVOKE_CMD_UNDECLARE },
};

static const struct {
	int cmd;
	const char *name;
	int type, size;
} attributes[] = {
	{ PIN_REVOKE_CMD_OPEN, "flags", PIN_REVOKE_A_CTX_FLAGS, 4 },
	{ PIN_REVOKE_CMD_ACK, "ctx-fd", PIN_REVOKE_A_ACK_CTX_FD, 4 },
	{ PIN_REVOKE_CMD_ACK, "request", PIN_REVOKE_A_ACK_REQUEST, 8 },
	{ PIN_REVOKE_CMD_ACK, "pin", PIN_REVOKE_A_ACK_PIN, 8 },
	{ PIN_REVOKE_CMD_ACK, "kind", PIN_REVOKE_A_ACK_KIND, 4 },
	{ PIN_REVOKE_CMD_ACK, "extend-ms", PIN_REVOKE_A_ACK_EXTEND_MS, 4 },
	{ PIN_REVOKE_CMD_ACK, "short-request", PIN_REVOKE_A_ACK_REQUEST, 2 },
	{ PIN_REVOKE_CMD_PIN_GET, "id", PIN_REVOKE_A_PIN_ID, 8 },
	{ PIN_REVOKE_CMD_POLICY_SET, "reason", PIN_REVOKE_A_POLICY_REASON, 4 },
	{ PIN_REVOKE_CMD_POLICY_SET, "grace-ms", PIN_REVOKE_A_POLICY_GRACE_MS, 4 },
	{ PIN_REVOKE_CMD_POLICY_SET, "max-extend-ms", PIN_REVOKE_A_POLICY_MAX_EXTEND_MS, 4 },
	{ PIN_REVOKE_CMD_POLICY_SET, "skip-ms", PIN_REVOKE_A_POLICY_SKIP_MS, 4 },
	{ PIN_REVOKE_CMD_POLICY_DEL, "reason", PIN_REVOKE_A_POLICY_REASON, 4 },
	{ PIN_REVOKE_CMD_DRAIN, "pin", PIN_REVOKE_A_REVOKE_PIN, 8 },
	{ PIN_REVOKE_CMD_REVOKE, "pin", PIN_REVOKE_A_REVOKE_PIN, 8 },
	{ PIN_REVOKE_CMD_REVOKE, "grace-ms", PIN_REVOKE_A_REVOKE_GRACE_MS, 4 },
	{ PIN_REVOKE_CMD_DECLARE, "ctx-fd", PIN_REVOKE_A_DECLARE_CTX_FD, 4 },
	{ PIN_REVOKE_CMD_DECLARE, "empty-range", PIN_REVOKE_A_DECLARE_RANGE | NLA_F_NESTED, 0 },
	{ PIN_REVOKE_CMD_UNDECLARE, "ctx-fd", PIN_REVOKE_A_DECLARE_CTX_FD, 4 },
	{ PIN_REVOKE_CMD_UNDECLARE, "id", PIN_REVOKE_A_DECLARE_ID, 8 },
};

#define RAW_SEQ	1

static int die(const char *what)
{
	fprintf(stderr, "core-nl: %s\n", what);
	return 2;
}

static int find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		if (!strcmp(commands[i].name, name))
			return commands[i].cmd;
	return -1;
}

/* Memory of this process */
static int put_own_range(struct nl_msg *msg)
{
	static char page[4096];
	struct nlattr *nest = nla_nest_start(msg, PIN_REVOKE_A_DECLARE_RANGE);

	page[0] = 1;
	if (!nest || nla_put_u64(msg, PIN_REVOKE_A_RANGE_ADDR, (uintptr_t)page) ||
	    nla_put_u64(msg, PIN_REVOKE_A_RANGE_LEN, sizeof(page)) ||
	    nla_put_u32(msg, PIN_REVOKE_A_RANGE_FLAGS, PIN_REVOKE_RANGE_FLAGS_WRITE))
		return -1;
	return nla_nest_end(msg, nest);
}

static int put_attribute(struct nl_msg *msg, int cmd, const char *arg)
{
	size_t len = strcspn(arg, "=");
	uint64_t value = arg[len] ? strtoull(arg + len + 1, NULL, 0) : 0;

	if (!strcmp(arg, "own-range"))
		return put_own_range(msg);
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++)
		if (attributes[i].cmd == cmd &&
		    strlen(attributes[i].name) == len &&
		    !strncmp(attributes[i].name, arg, len))
			/* The short ones are the first bytes: little endian. */
			return nla_put(msg, attributes[i].type,
				       attributes[i].size, &value);
	return -1;
}

/* Prints what an NLMSG_ERROR says. */
static void print_answer(struct nlmsghdr *nlh)
{
	struct nlmsgerr *e = nlmsg_data(nlh);
	const char *name = strerrorname_np(-e->error);
	struct nlattr *text;
	int used = sizeof(*e);

	if (!e->error) {
		puts("ok");
		return;
	}
	/* NETLINK_CAP_ACK: of the question, there is the header only. */
	text = nlmsg_find_attr(nlh, used, NLMSGERR_ATTR_MSG);
	printf("error %s %s\n", name ? name : "?", text ? nla_get_string(text) : "");
}

/*
 * A message that makes no sense gets no answer: the kernel answers the second.
 * Only what was sent counts, not what the first claims.
 */
static int send_raw(struct nl_sock *sk, struct nl_msg *msg, int argc, char **argv)
{
	struct nlmsghdr *nlh = nlmsg_hdr(msg), *marker;
	struct nl_msg *second = nlmsg_alloc();
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = nl_socket_get_fd(sk), len;

	for (int i = 1; i < argc; i++) {
		unsigned char byte = strtoul(argv[i], NULL, 16);

		if (nlmsg_append(msg, &byte, 1, 0))
			return -1;
	}
	len = nlh->nlmsg_len;
	nlh->nlmsg_len += strtol(argv[0], NULL, 0);
	if (!second)
		return -1;
	marker = nlmsg_put(second, NL_AUTO_PORT, NL_AUTO_SEQ, NLMSG_NOOP, 0,
			   NLM_F_REQUEST | NLM_F_ACK);
	if (!marker ||
	    connect(fd, (struct sockaddr *)&kernel, sizeof(kernel)) ||
	    send(fd, nlh, len, 0) != len ||
	    send(fd, marker, marker->nlmsg_len, 0) < 0)
		return -1;
	nlmsg_free(second);
	return 0;
}

/* A reply may come before the verdict. */
static int hear(struct nl_sock *sk, bool raw)
{
	struct sockaddr_nl from;
	struct nlmsghdr *nlh;
	unsigned char *buf;
	int len;

	for (;;) {
		len = nl_recv(sk, &from, &buf, NULL);
		if (len <= 0)
			return die("no answer");
		nlh = (struct nlmsghdr *)buf;
		for (; nlmsg_ok(nlh, len); nlh = nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_type != NLMSG_ERROR)
				continue;
			if (raw && nlh->nlmsg_seq != RAW_SEQ)
				puts("ignored");
			else
				print_answer(nlh);
			return 0;
		}
		free(buf);
	}
}

/* Return: 0, or what main() returns. */
static int ask(struct nl_sock *sk, int family, int argc, char **argv)
{
	struct nl_msg *msg = nlmsg_alloc();
	int cmd = argc ? find_command(argv[0]) : -1;

	if (cmd < 0)
		return die("usage: core-nl COMMAND [ATTRIBUTE=VALUE]... [-- ...] | raw CLAIM BYTE...");
	if (!msg)
		return die("no memory");
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0,
		    NLM_F_REQUEST | NLM_F_ACK, cmd, PIN_REVOKE_FAMILY_VERSION);
	for (int i = 1; i < argc; i++)
		if (put_attribute(msg, cmd, argv[i]))
			return die(argv[i]);
	if (nl_send_auto(sk, msg) < 0)
		return die("cannot send");
	nlmsg_free(msg);
	return hear(sk, false);
}

int main(int argc, char **argv)
{
	struct nl_sock *sk = nl_socket_alloc();
	const int on = 1;
	int family, nr, err = 0;

	if (!sk || genl_connect(sk))
		return die("no socket");
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	family = genl_ctrl_resolve(sk, PIN_REVOKE_FAMILY_NAME);
	if (family < 0)
		return die("no family");
	if (argc > 3 && !strcmp(argv[1], "raw")) {
		struct nl_msg *msg = nlmsg_alloc();

		if (!msg)
			return die("no memory");
		nlmsg_put(msg, 0, RAW_SEQ, family, 0, NLM_F_REQUEST | NLM_F_ACK);
		if (send_raw(sk, msg, argc - 2, argv + 2))
			return die("cannot send");
		return hear(sk, true);
	}
	do {
		argv++;
		argc--;
		for (nr = 0; nr < argc && strcmp(argv[nr], "--"); nr++)
			;
		err = ask(sk, family, nr, argv);
		argv += nr;
		argc -= nr;
	} while (!err && argc);
	return err;
}
