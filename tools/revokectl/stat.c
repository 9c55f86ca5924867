// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl stat: what has happened since the module was loaded.
 */
#include <errno.h>
#include "revokectl.h"

static int on_stat(struct nlmsghdr *nlh, void *arg)
{
	struct stats *stats = arg;
	struct nlattr *attr;
	int left;

	nlmsg_for_each_attr(attr, nlh, GENL_HDRLEN, left) {
		int type = nla_type(attr);

		if (type == PIN_REVOKE_A_STAT_TIMES) {
			times_parse(stats, attr);
		} else if (type <= PIN_REVOKE_A_STAT_MAX &&
			   nla_len(attr) == sizeof(uint64_t)) {
			stats->has |= REVOKE_BIT(type);
			stats->value[type] = nla_get_u64(attr);
		}
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

/* A line for each reason that somebody was asked for. */
static void times_out(const struct stats *stats)
{
	uint32_t reason;
	unsigned int i;

	out_array("release_times");
	for (reason = 1; reason <= PIN_REVOKE_REASON_MAX; reason++) {
		const struct times *times = &stats->times[reason];
		uint64_t count = times_count(times);

		if (!count)
			continue;
		out_object(NULL);
		out_str("reason", "%s: ", revoke_reason_name(reason));
		out_u64("count", "%llu pins released", count);
		out_text(", half within %.1f ms, 99 of 100 within %.1f ms\n",
			 ms(times_quantile(times, 50)), ms(times_quantile(times, 99)));
		out_u64("p50_ns", NULL, times_quantile(times, 50));
		out_u64("p99_ns", NULL, times_quantile(times, 99));
		out_u64("sum_ns", NULL, times->sum_ns);
		out_array("buckets");
		for (i = 0; i < PIN_REVOKE_TIME_BUCKETS; i++)
			out_u64(NULL, NULL, times->bucket[i]);
		if (options.json) {
			out_close();
			out_close();
		}
	}
	if (options.json)
		out_close();
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
		[PIN_REVOKE_A_STAT_EVENTS_DROPPED] = {
			"events_dropped", "%llu events that found no room\n"
		},
		[PIN_REVOKE_A_STAT_BROKE] = {
			"broke", "%llu asks that a user's budget was too small for"
		},
		[PIN_REVOKE_A_STAT_DELAYED_NS] = {
			"delayed_ns", ", others waited %llu ns for users who have one\n"
		},
		[PIN_REVOKE_A_STAT_OVERRAN] = {
			"overran", "%llu times a driver took more than a second to stop its device\n"
		},
	};
	int i;

	out_array(NULL);
	out_object(NULL);
	for (i = 1; i <= PIN_REVOKE_A_STAT_MAX; i++)
		if (names[i].key && stats->has & REVOKE_BIT(i))
			out_u64(names[i].key, names[i].fmt, stats->value[i]);
	times_out(stats);
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
