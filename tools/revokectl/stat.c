// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl stat: what has happened since the module was loaded.
 */
#include <errno.h>
#include "revokectl.h"

static int on_stat(struct nlmsghdr *nlh, void *arg)
{
	struct nlattr *tb[PIN_REVOKE_A_STAT_MAX + 1];
	struct stats *stats = arg;
	int i;

	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_STAT_MAX, NULL) < 0)
		return -EPROTO;
	for (i = 1; i <= PIN_REVOKE_A_STAT_MAX; i++) {
		if (!tb[i] || nla_len(tb[i]) != sizeof(uint64_t))
			continue;
		stats->has |= REVOKE_BIT(i);
		stats->value[i] = nla_get_u64(tb[i]);
	}
	return 0;
}

/* The counters; an older kernel has fewer. */
int stats_get(struct revoke_nl *nl, struct stats *stats)
{
	*stats = (struct stats){ 0 };
	return revoke_nl_call(nl, revoke_nl_msg(nl, PIN_REVOKE_CMD_STAT_GET,
						NLM_F_REQUEST | NLM_F_ACK),
			      on_stat, stats, NULL);
}

static void stats_out(const struct stats *stats)
{
	static const struct {
		const char *key;
		const char *fmt;
	} names[PIN_REVOKE_A_STAT_MAX + 1] = {
		[PIN_REVOKE_A_STAT_PINS] = { "pins", "%llu pins" },
		[PIN_REVOKE_A_STAT_PINNED_BYTES] = { "pinned_bytes", " of %llu bytes\n" },
		[PIN_REVOKE_A_STAT_REQUESTS] = { "requests", "%llu requests" },
		[PIN_REVOKE_A_STAT_REVOKED] = { "revoked", ", %llu pins revoked" },
		[PIN_REVOKE_A_STAT_FORCED] = { "forced", " (%llu forced)" },
		[PIN_REVOKE_A_STAT_RESTORED] = { "restored", ", %llu restored\n" },
		[PIN_REVOKE_A_STAT_MISSED] = { "missed", "%llu deadlines missed\n" },
		[PIN_REVOKE_A_STAT_PRESSURE_BYTES] = {
			"pressure_bytes", "%llu bytes given back when memory was short\n"
		},
	};
	int i;

	out_array(NULL);
	out_object(NULL);
	for (i = 1; i <= PIN_REVOKE_A_STAT_MAX; i++)
		if (names[i].key && stats->has & REVOKE_BIT(i))
			out_u64(names[i].key, names[i].fmt, stats->value[i]);
	if (options.json)
		out_close();
	out_close();
}

static int show(int argc, char **argv)
{
	struct stats stats;
	struct revoke_nl nl;
	int err;

	if (argc)
		return usage("\"stat show\" takes no \"%s\"", argv[0]);
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "stat show");
	err = stats_get(&nl, &stats);
	revoke_nl_close(&nl);
	if (err)
		return fail(err, "stat show");
	stats_out(&stats);
	return EXIT_OK;
}

int stat_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show, "" },
		{ 0 }
	};

	return run_command("stat", commands, argc, argv);
}
