/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How long a user has delayed others, as arithmetic: time runs away while at least
 * one ask of his is open that somebody waits for, however many there are, and comes
 * back slowly while there is none.
 *
 * Pure: no clock, no locks, no kernel headers; user space tests it. Must never owe
 * a user more than nothing.
 */
#ifndef _PIN_REVOKE_BUCKET_H
#define _PIN_REVOKE_BUCKET_H

/* What was spent comes back at a quarter of the speed. */
#define PINR_BUCKET_SHIFT	2
/*
 * Too little to answer in: whoever is asked then misses the deadline, for which he
 * is not asked again. All times are nanoseconds.
 */
#define PINR_BUCKET_LEAST	(100LL * 1000 * 1000)

struct pinr_bucket {
	unsigned int open;	/* asks that somebody waits for */
	long long at;		/* until then @spent is reckoned */
	long long spent;
};

/**
 * pinr_bucket_reckon - bring what was spent up to date
 * @bucket: the bucket, all zero when it is new
 * @now: never earlier than before
 *
 * Return: how much of the time since then others have waited.
 */
static inline long long pinr_bucket_reckon(struct pinr_bucket *bucket, long long now)
{
	long long ns = now - bucket->at;

	bucket->at = now;
	if (bucket->open) {
		bucket->spent += ns;
		return ns;
	}
	ns >>= PINR_BUCKET_SHIFT;
	bucket->spent -= ns < bucket->spent ? ns : bucket->spent;
	return 0;
}

/**
 * pinr_bucket_left - for how long others may have to wait from now on
 * @bucket: reckoned now
 * @limit: what there is in all
 *
 * While they do, all that is asked for ends at the same moment.
 *
 * Return: nanoseconds; 0: not at all, or for too short a time to ask.
 */
static inline long long pinr_bucket_left(const struct pinr_bucket *bucket,
					 long long limit)
{
	long long left = limit - bucket->spent;

	return left >= (bucket->open ? 0 : PINR_BUCKET_LEAST) ? left : 0;
}

#endif /* _PIN_REVOKE_BUCKET_H */
