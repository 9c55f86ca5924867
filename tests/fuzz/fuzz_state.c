// SPDX-License-Identifier: GPL-2.0-only
/*
 * Histories of the state table: each byte is an input. What matters over time is kept
 * here beside the table: whether the device runs, who holds the pages, what the holder
 * was told last.
 *
 * Must never look at the state for that: only at what the table said to do.
 */
#include "fuzz.h"
#include "../../kernel/kunit/state_table.h"

struct world {
	bool runs;	/* the device may be in the pages */
	bool asked;	/* a request is open */
	bool told;	/* what the holder knows: the device may be there */
	bool gone;
	bool released;
};

static void follow(struct world *w, enum pinr_input input, struct pinr_step step)
{
	bool ran = w->runs;

	/* Nothing comes after the end, and nobody is told of an end twice. */
	promise(!w->released || !step.todo);
	if (step.todo & PINR_DO_QUIESCE) {
		promise(ran);
		w->runs = false;
	}
	if (step.todo & PINR_DO_RESTORE) {
		promise(!ran && !w->gone && !w->released && input == PINR_COMMIT);
		w->runs = true;
	}
	if (step.todo & PINR_DO_GONE) {
		promise(!w->gone && !w->runs);
		w->gone = true;
	}
	/* A request is answered exactly when its pin is no longer in the way. */
	promise(!!(step.todo & PINR_DO_RESOLVE) == (w->asked && ran && !w->runs));
	if (step.todo & PINR_DO_RESOLVE)
		w->asked = false;
	/* Who drops the pin unpins it; everybody else leaves that to the worker. */
	promise(!!(step.todo & PINR_DO_UNPIN) == (ran && !w->runs && input != PINR_RELEASE));
	if (step.todo & PINR_DO_TELL)
		w->told = w->runs;
	if (!step.valid)
		return;
	if (input == PINR_ASK)
		w->asked = true;
	if (input == PINR_CANCEL)
		w->asked = false;
	w->released |= input == PINR_RELEASE;
	promise(w->told == w->runs || w->released);
	promise(!w->asked || w->runs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum pin_revoke_state state = PIN_REVOKE_STATE_NEW;
	struct world w = { 0 };
	size_t i;

	promise(!rules_broken());
	for (i = 0; i < size; i++) {
		enum pinr_input input = data[i] % (PINR_NR_INPUTS + 1);
		struct pinr_step step = pinr_step(state, input);

		promise(input == PINR_NR_INPUTS ? !step.valid : cell_right(state, input));
		promise(step.valid || (step.next == state && !step.todo));
		follow(&w, input, step);
		state = step.next;
		promise(w.runs == (state == PIN_REVOKE_STATE_ACTIVE ||
				   state == PIN_REVOKE_STATE_ASKED));
		promise(w.asked == (state == PIN_REVOKE_STATE_ASKED));
		promise(w.released == (state == PIN_REVOKE_STATE_RELEASED));
	}
	return 0;
}
