// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: the state table, with the rules that user space tests it by, too.
 *
 * Must never have expectations of its own about a cell.
 */
#include <kunit/test.h>
#include <linux/types.h>

#include "state_table.h"

static void every_cell(struct kunit *test)
{
	int state, input;

	for (state = 0; state < PINR_NR_STATES; state++)
		for (input = 0; input < PINR_NR_INPUTS; input++)
			KUNIT_EXPECT_TRUE_MSG(test, cell_right(state, input),
					      "%s: %s", states[state],
					      inputs[input]);
}

static void what_does_not_exist(struct kunit *test)
{
	struct pinr_step step = pinr_step(99, PINR_FORCE);

	KUNIT_EXPECT_FALSE(test, step.valid || step.todo);
	step = pinr_step(PIN_REVOKE_STATE_ACTIVE, PINR_NR_INPUTS);
	KUNIT_EXPECT_FALSE(test, step.valid || step.todo);
}

static void quiesce_and_restore_alternate(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, rules_broken(), 0);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(every_cell),
	KUNIT_CASE(what_does_not_exist),
	KUNIT_CASE(quiesce_and_restore_alternate),
	{ }
};

static struct kunit_suite suite = {
	.name = "pin_revoke_state",
	.test_cases = cases,
};

kunit_test_suite(suite);
