// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl policy: what happens for each reason; to all pins, or to those of a
 * user, a cgroup or a command name. A setting lasts until the module is unloaded.
 *
 * Each command is one message: must never read, change and write back.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "revokectl.h"

#define NR(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
	const char *word;
	const char *key;
	const char *fmt;
	const char *from_key;
	const char *file_key;
	int attr;
	int from_attr;
	uint64_t max;
} values[] = {
	{ "grace", "grace_ms", " grace %llu ms", "grace_from", "grace_file",
	  PIN_REVOKE_A_POLICY_GRACE_MS, PIN_REVOKE_A_POLICY_GRACE_FROM,
	  PIN_REVOKE_MAX_DELAY_MS },
	{ "max-extend", "max_extend_ms", " max-extend %llu ms",
	  "max_extend_from", "max_extend_file",
	  PIN_REVOKE_A_POLICY_MAX_EXTEND_MS,
	  PIN_REVOKE_A_POLICY_MAX_EXTEND_FROM, PIN_REVOKE_MAX_DELAY_MS },
	{ "skip", "skip_ms", " skip %llu ms", "skip_from", "skip_file",
	  PIN_REVOKE_A_POLICY_SKIP_MS, PIN_REVOKE_A_POLICY_SKIP_FROM,
	  PIN_REVOKE_MAX_SKIP_MS },
	{ "repeat", "repeat_ms", " repeat %llu ms", "repeat_from", "repeat_file",
	  PIN_REVOKE_A_POLICY_REPEAT_MS, PIN_REVOKE_A_POLICY_REPEAT_FROM,
	  PIN_REVOKE_MAX_DELAY_MS },
	{ "action", "action", " action %s", "action_from", "action_file",
	  PIN_REVOKE_A_POLICY_ACTION, PIN_REVOKE_A_POLICY_ACTION_FROM, 0 },
};

/* In the text: where it comes from, if that is not plain. */
static void from_out(struct nlattr **tb, int attr, struct nlattr *from,
		     const char *key)
{
	uint32_t by = from ? nla_get_u32(from) : PIN_REVOKE_POLICY_SOURCE_SET;
	const char *file = NULL;

	/* Of a user, cgroup or name that holds for a pin we do not know which. */
	if (by == PIN_REVOKE_POLICY_SOURCE_SET)
		file = policy_files_find(tb, attr);
	if (file)
		out_str(key, " (%s)", file);
	else if (from && by != PIN_REVOKE_POLICY_SOURCE_DEFAULT)
		out_text(" (%s)", revoke_policy_source_name(by));
}

static void values_out(struct nlattr **tb)
{
	size_t i;

	for (i = 0; i < NR(values); i++) {
		struct nlattr *attr = tb[values[i].attr];

		if (!attr)
			continue;
		if (values[i].attr == PIN_REVOKE_A_POLICY_ACTION)
			out_str(values[i].key, values[i].fmt,
				revoke_action_name(nla_get_u32(attr)));
		else if (options.json || nla_get_u32(attr) ||
			 values[i].attr != PIN_REVOKE_A_POLICY_REPEAT_MS)
			out_u64(values[i].key, values[i].fmt, nla_get_u32(attr));
		else
			continue;
		from_out(tb, values[i].attr, tb[values[i].from_attr],
			 values[i].file_key);
	}
	for (i = 0; i < NR(values); i++)
		if (tb[values[i].attr] && tb[values[i].from_attr])
			out_str(values[i].from_key, NULL,
				revoke_policy_source_name(nla_get_u32(tb[values[i].from_attr])));
	if (tb[PIN_REVOKE_A_POLICY_LEFT_MS])
		out_u64("left_ms", " left %llu ms",
			nla_get_u32(tb[PIN_REVOKE_A_POLICY_LEFT_MS]));
}

static int show_one(struct nlmsghdr *nlh, void *arg)
{
	static struct nla_policy policy[PIN_REVOKE_A_POLICY_MAX + 1] = {
		[PIN_REVOKE_A_POLICY_REASON] = { .type = NLA_U32 },
		[PIN_REVOKE_A_POLICY_UID] = { .type = NLA_U32 },
		[PIN_REVOKE_A_POLICY_CGROUP] = { .type = NLA_U64 },
		[PIN_REVOKE_A_POLICY_LEFT_MS] = { .type = NLA_U32 },
	};
	struct nlattr *tb[PIN_REVOKE_A_POLICY_MAX + 1];
	char comm[16];
	size_t i;

	(void)arg;
	for (i = 0; i < NR(values); i++) {
		policy[values[i].attr].type = NLA_U32;
		policy[values[i].from_attr].type = NLA_U32;
	}
	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_POLICY_MAX, policy) < 0 ||
	    !tb[PIN_REVOKE_A_POLICY_REASON])
		return -EPROTO;
	out_object(NULL);
	out_str("reason", "%-20s",
		revoke_reason_name(nla_get_u32(tb[PIN_REVOKE_A_POLICY_REASON])));
	if (tb[PIN_REVOKE_A_POLICY_UID])
		out_u64("uid", " uid %llu:",
			nla_get_u32(tb[PIN_REVOKE_A_POLICY_UID]));
	if (tb[PIN_REVOKE_A_POLICY_CGROUP])
		out_u64("cgroup", " cgroup %llu:",
			nla_get_u64(tb[PIN_REVOKE_A_POLICY_CGROUP]));
	if (tb[PIN_REVOKE_A_POLICY_COMM]) {
		nla_strlcpy(comm, tb[PIN_REVOKE_A_POLICY_COMM], sizeof(comm));
		out_str("comm", " comm %s:", comm);
	}
	values_out(tb);
	out_text("\n");
	if (options.json)
		out_close();
	return 0;
}

/* What holds for one pin: a question for each reason. */
static int show_pin(struct revoke_nl *nl, uint64_t pin)
{
	uint32_t reason;
	int err = 0;

	for (reason = 1; !err && reason <= PIN_REVOKE_REASON_MAX; reason++) {
		struct nl_msg *msg = revoke_nl_msg(nl, PIN_REVOKE_CMD_POLICY_GET,
						   NLM_F_REQUEST | NLM_F_ACK);

		if (msg &&
		    (nla_put_u32(msg, PIN_REVOKE_A_POLICY_REASON, reason) ||
		     nla_put_u64(msg, PIN_REVOKE_A_POLICY_PIN, pin))) {
			nlmsg_free(msg);
			return -ENOMEM;
		}
		err = msg ? revoke_nl_call(nl, msg, show_one, NULL, NULL) :
			    -ENOMEM;
	}
	return err;
}

static int show(int argc, char **argv)
{
	static const char *const words[] = { "pin" };
	struct revoke_nl nl;
	uint64_t pin = 0;
	int err;

	if (argc && pick("word", argv[0], words, 1) < 0)
		return EXIT_USAGE;
	if (argc > 2)
		return usage("\"policy show\" takes no \"%s\"", argv[2]);
	if (argc && !parse_number("pin", argv[1], UINT64_MAX, &pin))
		return EXIT_USAGE;
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "policy show");
	policy_files_read();
	out_array(NULL);
	err = argc ? show_pin(&nl, pin) :
		     revoke_nl_call(&nl,
				    revoke_nl_msg(&nl, PIN_REVOKE_CMD_POLICY_GET,
						  NLM_F_REQUEST | NLM_F_DUMP),
				    show_one, NULL, NULL);
	revoke_nl_close(&nl);
	policy_files_forget();
	if (err)
		return fail(err, "policy show");
	out_close();
	return EXIT_OK;
}

/* Return: the value of the word, or -1 and the user was told. */
static int pick_name(const char *what, const char *word, uint32_t first,
		     const char *(*name)(uint32_t value))
{
	const char *names[32];
	size_t nr = 0;
	int hit;

	while (nr < NR(names) && strcmp(name(first + nr), "?")) {
		names[nr] = name(first + nr);
		nr++;
	}
	hit = pick(what, word, names, nr);
	return hit < 0 ? -1 : hit + (int)first;
}

/* "unspec" is nothing that anything happens for. */
int pick_reason(const char *word)
{
	return pick_name("reason", word, 1, revoke_reason_name);
}

/* A directory of the cgroup2 hierarchy, or its number as "policy show" has it. */
static int put_cgroup(struct nl_msg *msg, const char *word)
{
	struct stat st;
	uint64_t id;

	if (*word >= '0' && *word <= '9') {
		if (!parse_number("cgroup", word, UINT64_MAX, &id))
			return -1;
		return nla_put_u64(msg, PIN_REVOKE_A_POLICY_CGROUP, id);
	}
	return !is_cgroup(word, &st) ? -1 :
	       nla_put_u64(msg, PIN_REVOKE_A_POLICY_CGROUP, st.st_ino);
}

/* One word and what follows it. Return: 0, or not and the user was told. */
static int parse_word(struct nl_msg *msg, int word, const char *name,
		      const char *arg)
{
	uint64_t value;
	int hit;

	if (!strcmp(name, "reason")) {
		hit = pick_reason(arg);
		return hit < 0 ? -1 :
		       nla_put_u32(msg, PIN_REVOKE_A_POLICY_REASON, hit);
	}
	if (!strcmp(name, "action")) {
		hit = pick_name(name, arg, 0, revoke_action_name);
		return hit < 0 ? -1 :
		       nla_put_u32(msg, PIN_REVOKE_A_POLICY_ACTION, hit);
	}
	if (!strcmp(name, "cgroup"))
		return put_cgroup(msg, arg);
	if (!strcmp(name, "comm")) {
		if (!*arg || strlen(arg) > 15) {
			usage("a command name has 1 to 15 characters");
			return -1;
		}
		return nla_put_string(msg, PIN_REVOKE_A_POLICY_COMM, arg);
	}
	if (!strcmp(name, "uid"))
		return !parse_number(name, arg, UINT32_MAX, &value) ? -1 :
		       nla_put_u32(msg, PIN_REVOKE_A_POLICY_UID, value);
	return !parse_number(name, arg, values[word].max, &value) ? -1 :
	       nla_put_u32(msg, values[word].attr, value);
}

/* Return: EXIT_OK, or the exit status. */
int policy_parse(struct nl_msg *msg, bool del, int argc, char **argv)
{
	/* Those of values[], in its order, then those that say whose. */
	static const char *const words[] = {
		"grace", "max-extend", "skip", "repeat", "action",
		"reason", "uid", "cgroup", "comm",
	};
	const size_t skip = del ? NR(values) : 0;
	unsigned int seen = 0;
	int i, word;

	for (i = 0; i < argc; i += 2) {
		word = pick("word", argv[i], words + skip, NR(words) - skip);
		if (word < 0)
			return EXIT_USAGE;
		word += skip;
		if (i + 1 == argc)
			return usage("%s of what? try: revokectl policy help",
				     words[word]);
		if (seen & REVOKE_BIT(word))
			return usage("\"%s\" twice", words[word]);
		seen |= REVOKE_BIT(word);
		if (parse_word(msg, word, words[word], argv[i + 1]))
			return EXIT_USAGE;
	}
	/* The first word behind the values */
	if (!(seen & REVOKE_BIT(NR(values))))
		return usage("for which reason? try: revokectl policy show");
	if (!del && !(seen & (REVOKE_BIT(NR(values)) - 1)))
		return usage("set what? try: revokectl policy help");
	return EXIT_OK;
}

static int change(uint8_t cmd, const char *what, int argc, char **argv)
{
	const bool del = cmd == PIN_REVOKE_CMD_POLICY_DEL;
	struct nl_msg *words = nlmsg_alloc(), *msg;
	const char *misfit = NULL;
	struct revoke_nl nl;
	int err;

	if (!words)
		return fail(-ENOMEM, "%s", what);
	/* What is wrong on the command line is so without the family, too. */
	err = policy_parse(words, del, argc, argv);
	if (!err && (options.check || options.dry)) {
		misfit = policy_misfit(words, del);
		if (misfit)
			err = usage("%s: %s", what, misfit);
		goto out;
	}
	if (err)
		goto out;
	err = revoke_nl_connect(&nl);
	if (err) {
		err = fail(err, "%s", what);
		goto out;
	}
	msg = revoke_nl_msg(&nl, cmd, NLM_F_REQUEST | NLM_F_ACK);
	if (msg && nlmsg_append(msg, nlmsg_data(nlmsg_hdr(words)),
				nlmsg_datalen(nlmsg_hdr(words)), 0)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	err = msg ? revoke_nl_call(&nl, msg, NULL, NULL, NULL) : -ENOMEM;
	revoke_nl_close(&nl);
	err = err ? fail(err, "%s", what) : EXIT_OK;
	if (!err && !options.batch && people())
		fprintf(stderr,
			"revokectl: until pin_revoke is unloaded; what shall outlive that belongs into %s\n",
			POLICY_DIR);
out:
	nlmsg_free(words);
	return err;
}

int policy_set(int argc, char **argv)
{
	return change(PIN_REVOKE_CMD_POLICY_SET, "policy set", argc, argv);
}

int policy_del(int argc, char **argv)
{
	return change(PIN_REVOKE_CMD_POLICY_DEL, "policy del", argc, argv);
}

int policy_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show, "[ pin NUMBER ]" },
		{ "set", policy_set,
		  "reason REASON [ uid N | cgroup PATH | comm NAME ]\n"
		  "      [ action { force | ask | report | wait | skip } ] [ grace MS ]\n"
		  "      [ max-extend MS ] [ skip MS ] [ repeat MS ]" },
		{ "del", policy_del,
		  "reason REASON [ uid N | cgroup PATH | comm NAME ]" },
		{ 0 }
	};

	return run_command("policy", commands, argc, argv);
}
