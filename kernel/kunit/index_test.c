// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: which pins the index finds, and when it forgets them.
 *
 * Must never count pins that other tests may have: each looks for its own files.
 */
#include <linux/mm.h>

#include "fake_pin.h"

/* How many pins @scope means. */
static unsigned int found(const struct pinr_scope *scope)
{
	struct pin_revoke_pin **pins;
	unsigned int nr;

	pins = pinr_index_collect(scope, &nr);
	if (pins)
		pinr_put_pins(pins, nr);
	return nr;
}

static unsigned int found_in(unsigned int file, pgoff_t first, pgoff_t last,
			     bool readers)
{
	struct pinr_scope scope = {
		.mapping = &fake_files[file],
		.first = first,
		.last = last,
		.readers = readers,
	};

	return found(&scope);
}

static unsigned int found_on(const struct super_block *sb)
{
	struct pinr_scope scope = { .sb = sb };

	return found(&scope);
}

static void a_range(struct kunit *test)
{
	const struct fake_seg seg = { .file = 0, .first = 10, .nr = 10 };
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_pin(test, &driver, PIN_REVOKE_WRITE,
					      &seg, 1);

	KUNIT_EXPECT_EQ(test, found_in(0, 0, 9, false), 0);
	KUNIT_EXPECT_EQ(test, found_in(0, 0, 10, false), 1);
	KUNIT_EXPECT_EQ(test, found_in(0, 15, 15, false), 1);
	KUNIT_EXPECT_EQ(test, found_in(0, 19, ULONG_MAX, false), 1);
	KUNIT_EXPECT_EQ(test, found_in(0, 20, ULONG_MAX, false), 0);
	KUNIT_EXPECT_EQ(test, found_in(1, 0, ULONG_MAX, false), 0);
	fake_release(pin);
}

static void a_file_system(struct kunit *test)
{
	const struct fake_seg segs[] = {
		{ .file = 1, .nr = 1 }, { .file = 2, .nr = 1 },
	};
	struct fake_driver driver = { };
	struct pin_revoke_pin *one = fake_simple(test, &driver, 1);
	struct pin_revoke_pin *both = fake_pin(test, &driver, PIN_REVOKE_WRITE,
					       segs, 2);

	KUNIT_EXPECT_EQ(test, found_on(fake_sb[0]), 2);
	KUNIT_EXPECT_EQ(test, found_on(fake_sb[1]), 1);
	fake_release(one);
	fake_release(both);
	KUNIT_EXPECT_EQ(test, found_on(fake_sb[0]), 0);
}

static void a_reader(struct kunit *test)
{
	const struct fake_seg seg = { .nr = 4 };
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_pin(test, &driver, 0, &seg, 1);

	KUNIT_EXPECT_EQ(test, found_in(0, 0, ULONG_MAX, false), 0);
	KUNIT_EXPECT_EQ(test, found_on(fake_sb[0]), 0);
	KUNIT_EXPECT_EQ(test, found_in(0, 0, ULONG_MAX, true), 1);
	fake_release(pin);
}

static void one_file_twice_is_one_pin(struct kunit *test)
{
	const struct fake_seg segs[] = {
		{ .first = 0, .nr = 4 }, { .first = 100, .nr = 4 },
	};
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_pin(test, &driver, PIN_REVOKE_WRITE,
					      segs, 2);

	KUNIT_EXPECT_EQ(test, found_in(0, 0, ULONG_MAX, false), 1);
	KUNIT_EXPECT_EQ(test, found_in(0, 4, 99, false), 0);
	fake_release(pin);
}

/* Whoever takes a pin has it out of the index when the callback returns. */
static void left_when_taken(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 4);

	mutex_lock(&pin->lock);
	__pinr_pin_input(pin, PINR_FORCE, PIN_REVOKE_REASON_INVALIDATE);
	KUNIT_EXPECT_FALSE(test, pin->segs->seg[0].hooked);
	mutex_unlock(&pin->lock);
	KUNIT_EXPECT_EQ(test, found_in(0, 0, ULONG_MAX, true), 0);
	KUNIT_EXPECT_TRUE(test, pinr_index_has(&fake_files[0]));
	KUNIT_EXPECT_EQ(test, driver.quiesces, 1);

	fake_restored(pin);
	KUNIT_EXPECT_EQ(test, found_in(0, 0, ULONG_MAX, true), 1);
	KUNIT_EXPECT_EQ(test, driver.restores, 2);
	fake_release(pin);
	KUNIT_EXPECT_EQ(test, driver.quiesces, 2);
}

static void left_once(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 4);

	mutex_lock(&pin->lock);
	pinr_index_unhook(pin);
	pinr_index_unhook(pin);
	mutex_unlock(&pin->lock);
	KUNIT_EXPECT_EQ(test, found_in(0, 0, ULONG_MAX, true), 0);
	fake_release(pin);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(a_range),
	KUNIT_CASE(a_file_system),
	KUNIT_CASE(a_reader),
	KUNIT_CASE(one_file_twice_is_one_pin),
	KUNIT_CASE(left_when_taken),
	KUNIT_CASE(left_once),
	{ }
};

static struct kunit_suite suite = {
	.name = "pin_revoke_index",
	.init = fake_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
