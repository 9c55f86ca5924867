// SPDX-License-Identifier: GPL-2.0-only
/*
 * The state table, the same file as in the kernel, built here with sanitizers;
 * against the rules that KUnit holds it to in the kernel.
 *
 * Must never have expectations of its own about a cell.
 */
#include "tap.h"
#include "../../kernel/kunit/state_table.h"

int main(void)
{
	struct pinr_step step;
	int state, input, bad;

	for (state = 0; state < PINR_NR_STATES; state++) {
		for (input = 0; input < PINR_NR_INPUTS; input++) {
			struct want want = expected(state, input);
			bool right = cell_right(state, input);

			if (want.next < 0)
				ok(right, "%s: %s cannot happen", states[state],
				   inputs[input]);
			else
				ok(right, "%s: %s leads to %s", states[state],
				   inputs[input], states[want.next]);
		}
	}
	step = pinr_step(99, PINR_FORCE);
	ok(!step.valid && !step.todo, "a state that does not exist");
	step = pinr_step(PIN_REVOKE_STATE_ACTIVE, PINR_NR_INPUTS);
	ok(!step.valid && !step.todo, "an input that does not exist");
	bad = rules_broken();
	ok(!bad, "quiesce and restore alternate in every history (%d wrong)", bad);
	return tap_done();
}
