// SPDX-License-Identifier: GPL-2.0-only
/*
 * The arithmetic of the budget, the same file as in the kernel, with a clock of
 * its own: single cases, then an hour of a user who delays others all he can.
 */
#include "tap.h"
#include "../../kernel/bucket.h"

#define MS	1000000LL
#define SECOND	(1000 * MS)
#define LIMIT	(10 * SECOND)

static long long now;

static void pass(struct pinr_bucket *bucket, long long ns)
{
	now += ns;
	pinr_bucket_reckon(bucket, now);
}

static void once_for_all(void)
{
	struct pinr_bucket bucket = { .at = now };

	ok(pinr_bucket_left(&bucket, LIMIT) == LIMIT, "a new one is full");
	bucket.open = 3;
	pass(&bucket, SECOND);
	bucket.open = 1;
	pass(&bucket, SECOND);
	bucket.open = 0;
	ok(bucket.spent == 2 * SECOND, "three at once count once");
	ok(pinr_bucket_left(&bucket, LIMIT) == 8 * SECOND, "the rest is left");
	ok(!pinr_bucket_left(&bucket, SECOND), "of less, nothing");
	pass(&bucket, 4 * SECOND);
	ok(bucket.spent == SECOND, "a quarter comes back");
	pass(&bucket, 1000 * SECOND);
	ok(!bucket.spent, "and never more than was spent");
}

static void too_little(void)
{
	struct pinr_bucket bucket = { .at = now };

	bucket.open = 1;
	pass(&bucket, LIMIT - 99 * MS);
	ok(pinr_bucket_left(&bucket, LIMIT) == 99 * MS, "who is waited for gets all of it");
	bucket.open = 0;
	ok(!pinr_bucket_left(&bucket, LIMIT), "for less than 100 ms nobody is asked");
	pass(&bucket, 4 * MS);
	ok(pinr_bucket_left(&bucket, LIMIT) == 100 * MS, "for 100 ms somebody is");
	bucket.open = 1;
	pass(&bucket, SECOND);
	ok(!pinr_bucket_left(&bucket, LIMIT), "late: there is nothing, not less");
}

/*
 * Asked every second, @ask_ms until the answer, at most what is left. Returns what
 * others have waited in all.
 */
static long long an_hour(struct pinr_bucket *bucket, long long ask_ms,
			 long long *least)
{
	long long waited = 0;
	int s;

	*bucket = (struct pinr_bucket){ .at = now };
	*least = LIMIT;
	for (s = 0; s < 3600; s++) {
		long long left = pinr_bucket_left(bucket, LIMIT);
		long long ns = ask_ms * MS < left ? ask_ms * MS : left;

		if (left < *least)
			*least = left;
		bucket->open = !!ns;
		now += ns;
		waited += pinr_bucket_reckon(bucket, now);
		bucket->open = 0;
		pass(bucket, SECOND - ns);
	}
	return waited;
}

int main(void)
{
	struct pinr_bucket bucket;
	long long least, waited;

	once_for_all();
	too_little();
	waited = an_hour(&bucket, 200, &least);
	ok(waited == 720 * SECOND && least == LIMIT,
	   "200 ms for an fsync each second: always full");
	waited = an_hour(&bucket, 1000, &least);
	ok(waited <= LIMIT + (3600 * SECOND - waited) / 4,
	   "never an answer: no more than there is and what comes back");
	ok(waited >= 700 * SECOND, "which is a fifth of the time");
	return tap_done();
}
