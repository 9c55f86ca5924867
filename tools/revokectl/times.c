// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: how long holders took, as the kernel counts it: for each reason, in
 * buckets that double.
 *
 * A quantile is where it would be if all of a bucket were spread evenly: must never
 * be taken for more than that.
 */
#include <string.h>
#include "revokectl.h"

/* The longest of a bucket; of the last one there is none. */
uint64_t times_bound_ms(unsigned int bucket)
{
	return 1ULL << bucket;
}

/* One attribute of the counters; what does not look like one is nothing. */
void times_parse(struct stats *stats, struct nlattr *attr)
{
	static struct nla_policy policy[PIN_REVOKE_A_TIMES_MAX + 1] = {
		[PIN_REVOKE_A_TIMES_REASON] = { .type = NLA_U32 },
		[PIN_REVOKE_A_TIMES_SUM_NS] = { .type = NLA_U64 },
		[PIN_REVOKE_A_TIMES_BUCKETS] = {
			.minlen = PIN_REVOKE_TIME_BUCKETS * sizeof(uint64_t)
		},
	};
	struct nlattr *tb[PIN_REVOKE_A_TIMES_MAX + 1];
	struct times *times;
	uint32_t reason;

	if (nla_parse_nested(tb, PIN_REVOKE_A_TIMES_MAX, attr, policy) < 0 ||
	    !tb[PIN_REVOKE_A_TIMES_REASON] || !tb[PIN_REVOKE_A_TIMES_SUM_NS] ||
	    !tb[PIN_REVOKE_A_TIMES_BUCKETS])
		return;
	reason = nla_get_u32(tb[PIN_REVOKE_A_TIMES_REASON]);
	if (reason > PIN_REVOKE_REASON_MAX)
		return;
	times = &stats->times[reason];
	times->known = true;
	times->sum_ns = nla_get_u64(tb[PIN_REVOKE_A_TIMES_SUM_NS]);
	memcpy(times->bucket, nla_data(tb[PIN_REVOKE_A_TIMES_BUCKETS]),
	       sizeof(times->bucket));
}

/* All reasons together */
struct times times_sum(const struct stats *stats)
{
	struct times sum = { 0 };
	unsigned int reason, i;

	for (reason = 0; reason <= PIN_REVOKE_REASON_MAX; reason++) {
		sum.known |= stats->times[reason].known;
		sum.sum_ns += stats->times[reason].sum_ns;
		for (i = 0; i < PIN_REVOKE_TIME_BUCKETS; i++)
			sum.bucket[i] += stats->times[reason].bucket[i];
	}
	return sum;
}

uint64_t times_count(const struct times *times)
{
	uint64_t count = 0;
	unsigned int i;

	for (i = 0; i < PIN_REVOKE_TIME_BUCKETS; i++)
		count += times->bucket[i];
	return count;
}

/**
 * times_quantile - how long the fastest part of them took
 * @times: at least one
 * @part: how many of 100
 *
 * Return: nanoseconds. Of those beyond all bounds: the last bound, as Prometheus
 * has it.
 */
uint64_t times_quantile(const struct times *times, unsigned int part)
{
	double rank = times_count(times) * part / 100.0;
	uint64_t from = 0;
	unsigned int i;

	for (i = 0; i < PIN_REVOKE_TIME_BUCKETS - 1; i++) {
		uint64_t in = times->bucket[i], to = times_bound_ms(i) * 1000000;

		if (in && rank <= in)
			return from + (to - from) * (rank / in);
		rank -= in;
		from = to;
	}
	return from;
}
