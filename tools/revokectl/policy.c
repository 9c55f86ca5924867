// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl policy: what happens for each reason. A setting lasts until the
 * module is unloaded.
 */
#include <errno.h>
#include <string.h>
#include "revokectl.h"

static int show_one(struct nlmsghdr *nlh, void *arg)
{
	static const struct {
		int attr;
		const char *key;
		const char *fmt;
	} values[] = {
		{ PIN_REVOKE_A_POLICY_GRACE_MS, "grace_ms", " grace %llu ms" },
		{ PIN_REVOKE_A_POLICY_MAX_EXTEND_MS, "max_extend_ms",
		  " max-extend %llu ms" },
		{ PIN_REVOKE_A_POLICY_SKIP_MS, "skip_ms", " skip %llu ms" },
	};
	static struct nla_policy policy[PIN_REVOKE_A_POLICY_MAX + 1] = {
		[PIN_REVOKE_A_POLICY_REASON] = { .type = NLA_U32 },
		[PIN_REVOKE_A_POLICY_GRACE_MS] = { .type = NLA_U32 },
		[PIN_REVOKE_A_POLICY_MAX_EXTEND_MS] = { .type = NLA_U32 },
		[PIN_REVOKE_A_POLICY_SKIP_MS] = { .type = NLA_U32 },
	};
	struct nlattr *tb[PIN_REVOKE_A_POLICY_MAX + 1];
	size_t i;

	(void)arg;
	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_POLICY_MAX, policy) < 0 ||
	    !tb[PIN_REVOKE_A_POLICY_REASON])
		return -EPROTO;
	out_object(NULL);
	out_str("reason", "%-20s",
		revoke_reason_name(nla_get_u32(tb[PIN_REVOKE_A_POLICY_REASON])));
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (tb[values[i].attr])
			out_u64(values[i].key, values[i].fmt,
				nla_get_u32(tb[values[i].attr]));
	out_text("\n");
	if (options.json)
		out_close();
	return 0;
}

static int show(int argc, char **argv)
{
	struct revoke_nl nl;
	int err;

	if (argc)
		return usage("\"policy show\" takes no \"%s\"", argv[0]);
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "policy show");
	out_array(NULL);
	err = revoke_nl_call(&nl,
			     revoke_nl_msg(&nl, PIN_REVOKE_CMD_POLICY_GET,
					   NLM_F_REQUEST | NLM_F_DUMP),
			     show_one, NULL, NULL);
	revoke_nl_close(&nl);
	if (err)
		return fail(err, "policy show");
	out_close();
	return EXIT_OK;
}

/* Return: the value of the reason, or -1 and the user was told. */
static int pick_reason(const char *word)
{
	const char *names[32];
	size_t nr = 0;

	/* "unspec" is nothing to have a policy for */
	while (nr < 32 && strcmp(revoke_reason_name(nr + 1), "?")) {
		names[nr] = revoke_reason_name(nr + 1);
		nr++;
	}
	return pick("reason", word, names, nr) + 1 ?: -1;
}

static int set(int argc, char **argv)
{
	static const struct {
		int attr;
		uint64_t max;
	} values[] = {
		{ PIN_REVOKE_A_POLICY_GRACE_MS, PIN_REVOKE_MAX_DELAY_MS },
		{ PIN_REVOKE_A_POLICY_MAX_EXTEND_MS, PIN_REVOKE_MAX_DELAY_MS },
		{ PIN_REVOKE_A_POLICY_SKIP_MS, PIN_REVOKE_MAX_SKIP_MS },
	};
	static const char *const words[] = {
		"grace", "max-extend", "skip", "reason"
	};
	uint64_t value[3];
	bool given[3] = { false };
	struct revoke_nl nl;
	struct nl_msg *msg;
	int reason = -1;
	int i, word, err;

	for (i = 0; i < argc; i += 2) {
		word = pick("word", argv[i], words, 4);
		if (word < 0)
			return EXIT_USAGE;
		if (i + 1 == argc)
			return usage("%s of what? try: revokectl policy help",
				     words[word]);
		if (word == 3) {
			reason = pick_reason(argv[i + 1]);
			if (reason < 0)
				return EXIT_USAGE;
			continue;
		}
		if (!parse_number(words[word], argv[i + 1], values[word].max,
				  &value[word]))
			return EXIT_USAGE;
		given[word] = true;
	}
	if (reason < 0)
		return usage("for which reason? try: revokectl policy show");
	if (!given[0] && !given[1] && !given[2])
		return usage("set what? try: revokectl policy help");

	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "policy set");
	msg = revoke_nl_msg(&nl, PIN_REVOKE_CMD_POLICY_SET,
			    NLM_F_REQUEST | NLM_F_ACK);
	if (msg && nla_put_u32(msg, PIN_REVOKE_A_POLICY_REASON, reason))
		err = -ENOMEM;
	for (i = 0; msg && i < 3; i++)
		if (given[i] && nla_put_u32(msg, values[i].attr, value[i]))
			err = -ENOMEM;
	if (err)
		nlmsg_free(msg);
	else
		err = revoke_nl_call(&nl, msg, NULL, NULL, NULL);
	revoke_nl_close(&nl);
	return err ? fail(err, "policy set") : EXIT_OK;
}

int policy_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show, "" },
		{ "set", set,
		  "reason REASON [ grace MS ] [ max-extend MS ] [ skip MS ]" },
		{ 0 }
	};

	return run_command("policy", commands, argc, argv);
}
