/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the design says of the whole state table, cell by cell; included by the
 * test in the kernel and by the one in user space (tests/unit/test_state.c).
 *
 * Must never take the table's word for itself: expectations are written down
 * as rules, and every cell is covered by exactly one of them.
 */
#include "../state.h"

static const char * const states[] = {
	"new", "active", "asked", "revoked", "restoring", "gone", "released",
};

static const char * const inputs[] = {
	"start", "commit", "fail", "lost", "ask", "cancel", "take", "force",
	"unmap", "release",
};

#define STOP	(PINR_DO_QUIESCE | PINR_DO_UNPIN | PINR_DO_TELL)
#define BYE	(PINR_DO_GONE | PINR_DO_TELL)

/* What a cell must be; state -1: the input cannot happen. */
struct want {
	int next;
	unsigned int todo;
};

static struct want never = { -1, 0 };

/* The pin is held: the device may be in the pages. */
static struct want held(int state, int input)
{
	unsigned int answer = state == PIN_REVOKE_STATE_ASKED ? PINR_DO_RESOLVE : 0;

	switch (input) {
	case PINR_ASK:
		return (struct want){ PIN_REVOKE_STATE_ASKED, 0 };
	case PINR_CANCEL:
		if (!answer)
			return never;
		return (struct want){ PIN_REVOKE_STATE_ACTIVE, 0 };
	case PINR_TAKE:
	case PINR_FORCE:
		return (struct want){ PIN_REVOKE_STATE_REVOKED, STOP | answer };
	case PINR_UNMAP:
		return (struct want){ PIN_REVOKE_STATE_GONE,
				      STOP | BYE | answer };
	case PINR_RELEASE:
		return (struct want){ PIN_REVOKE_STATE_RELEASED,
				      PINR_DO_QUIESCE | answer };
	default:
		return never;
	}
}

static struct want expected(int state, int input)
{
	bool passive = input == PINR_TAKE || input == PINR_FORCE ||
		       input == PINR_UNMAP;

	switch (state) {
	case PIN_REVOKE_STATE_ACTIVE:
	case PIN_REVOKE_STATE_ASKED:
		return held(state, input);
	case PIN_REVOKE_STATE_RELEASED:
		/* Late callbacks find nothing to do. */
		return passive ? (struct want){ state, 0 } : never;
	}
	if (input == PINR_RELEASE)
		return (struct want){ PIN_REVOKE_STATE_RELEASED, 0 };
	switch (state) {
	case PIN_REVOKE_STATE_GONE:
		return passive ? (struct want){ state, 0 } : never;
	case PIN_REVOKE_STATE_NEW:
		if (input == PINR_START)
			return (struct want){ PIN_REVOKE_STATE_RESTORING, 0 };
		/* Nobody can have been asked or given it yet. */
		return passive && input != PINR_TAKE ? (struct want){ state, 0 } :
						       never;
	case PIN_REVOKE_STATE_REVOKED:
		if (input == PINR_START)
			return (struct want){ PIN_REVOKE_STATE_RESTORING, 0 };
		if (input == PINR_UNMAP || input == PINR_LOST)
			return (struct want){ PIN_REVOKE_STATE_GONE, BYE };
		return passive ? (struct want){ state, 0 } : never;
	case PIN_REVOKE_STATE_RESTORING:
		if (input == PINR_COMMIT)
			return (struct want){ PIN_REVOKE_STATE_ACTIVE,
					      PINR_DO_RESTORE | PINR_DO_TELL };
		if (input == PINR_FAIL)
			return (struct want){ PIN_REVOKE_STATE_REVOKED, 0 };
		if (input == PINR_LOST)
			return (struct want){ PIN_REVOKE_STATE_GONE, BYE };
		if (input == PINR_UNMAP)
			return (struct want){ PIN_REVOKE_STATE_GONE, BYE };
		/* The attempt finds out by the notifier's sequence. */
		return passive ? (struct want){ state, 0 } : never;
	}
	return never;
}

/*
 * How many cells break this: a held device is stopped on every way out, started on
 * every way in; the pages go where nobody else drops them.
 */
static int rules_broken(void)
{
	int state, input, bad = 0;

	for (state = 0; state < PINR_NR_STATES; state++) {
		bool was = state == PIN_REVOKE_STATE_ACTIVE ||
			   state == PIN_REVOKE_STATE_ASKED;

		for (input = 0; input < PINR_NR_INPUTS; input++) {
			struct pinr_step step = pinr_step(state, input);
			bool is = step.next == PIN_REVOKE_STATE_ACTIVE ||
				  step.next == PIN_REVOKE_STATE_ASKED;
			bool quiesce = step.todo & PINR_DO_QUIESCE;

			bad += quiesce != (was && !is);
			bad += !!(step.todo & PINR_DO_RESTORE) != (!was && is);
			bad += (quiesce && input != PINR_RELEASE) !=
			       !!(step.todo & PINR_DO_UNPIN);
		}
	}
	return bad;
}

/* Is this cell what it must be? */
static bool cell_right(int state, int input)
{
	struct pinr_step step = pinr_step(state, input);
	struct want want = expected(state, input);

	if (want.next < 0)
		return !step.valid && step.next == state && !step.todo;
	return step.valid && step.next == want.next && step.todo == want.todo;
}
