// SPDX-License-Identifier: GPL-2.0-only
/*
 * How long holders take: from the moment that a pin is asked for until it is out
 * of the way, for each reason, in buckets that double.
 *
 * Counted inside the notifier: must never lock or allocate.
 */
#include <linux/log2.h>
#include <net/genetlink.h>

#include "core.h"

static struct pinr_times {
	atomic64_t sum_ns;
	atomic64_t bucket[PIN_REVOKE_TIME_BUCKETS];
} pinr_times[PINR_NR_REASONS];

/**
 * pinr_times_add - count one pin
 * @reason: what it was asked for
 * @ns: how long it took
 *
 * Context: any.
 */
void pinr_times_add(enum pin_revoke_reason reason, s64 ns)
{
	struct pinr_times *times = &pinr_times[reason];
	u64 ms = max_t(u64, DIV_ROUND_UP_ULL(ns, NSEC_PER_MSEC), 1);
	unsigned int nr = min_t(unsigned int, order_base_2(ms),
				PIN_REVOKE_TIME_BUCKETS - 1);

	atomic64_add(ns, &times->sum_ns);
	atomic64_inc(&times->bucket[nr]);
}

/* Return: 0 or -EMSGSIZE. */
static int pinr_put_reason_times(struct sk_buff *skb, enum pin_revoke_reason reason)
{
	struct nlattr *nest = nla_nest_start(skb, PIN_REVOKE_A_STAT_TIMES);
	struct pinr_times *times = &pinr_times[reason];
	u64 bucket[PIN_REVOKE_TIME_BUCKETS];
	unsigned int i;

	for (i = 0; i < PIN_REVOKE_TIME_BUCKETS; i++)
		bucket[i] = atomic64_read(&times->bucket[i]);
	if (!nest ||
	    nla_put_u32(skb, PIN_REVOKE_A_TIMES_REASON, reason) ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_TIMES_SUM_NS,
			      atomic64_read(&times->sum_ns),
			      PIN_REVOKE_A_TIMES_PAD) ||
	    nla_put(skb, PIN_REVOKE_A_TIMES_BUCKETS, sizeof(bucket), bucket))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * pinr_put_times - put what was counted
 * @skb: the message
 *
 * Return: 0 or -EMSGSIZE.
 */
int pinr_put_times(struct sk_buff *skb)
{
	enum pin_revoke_reason reason;
	int err = 0;

	for (reason = 0; !err && reason < PINR_NR_REASONS; reason++)
		if (pinr_reason_asks(reason))
			err = pinr_put_reason_times(skb, reason);
	return err;
}
