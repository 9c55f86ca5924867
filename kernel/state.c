// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table behind pinr_step(); see state.h for what it must never do.
 *
 *   NEW --start--> RESTORING --commit--> ACTIVE --ask--> ASKED
 *                   ^     |                |               |
 *                 start  fail              +-take, force---+
 *                   |     v                        |
 *                   +- REVOKED <-------------------+
 *
 * An UNMAP leads to GONE, a RELEASE to RELEASED, from everywhere. TAKE and
 * FORCE mean nothing to a pin that is RESTORING: the attempt fails by itself,
 * because the notifier's sequence has moved.
 */
#include "state.h"

#define NEW		PIN_REVOKE_STATE_NEW
#define ACTIVE		PIN_REVOKE_STATE_ACTIVE
#define ASKED		PIN_REVOKE_STATE_ASKED
#define REVOKED		PIN_REVOKE_STATE_REVOKED
#define RESTORING	PIN_REVOKE_STATE_RESTORING
#define GONE		PIN_REVOKE_STATE_GONE
#define RELEASED	PIN_REVOKE_STATE_RELEASED

#define STOP	(PINR_DO_QUIESCE | PINR_DO_UNPIN | PINR_DO_TELL)
#define ANSWER	PINR_DO_RESOLVE
#define TO(next, todo) { (next), (todo), 1 }

static const struct pinr_step table[PINR_NR_STATES][PINR_NR_INPUTS] = {
	[NEW] = {
		[PINR_START]	= TO(RESTORING, 0),
		[PINR_UNMAP]	= TO(NEW, 0),
		[PINR_FORCE]	= TO(NEW, 0),
		[PINR_RELEASE]	= TO(RELEASED, 0),
	},
	[RESTORING] = {
		[PINR_COMMIT]	= TO(ACTIVE, PINR_DO_RESTORE | PINR_DO_TELL),
		[PINR_FAIL]	= TO(REVOKED, 0),
		[PINR_LOST]	= TO(GONE, PINR_DO_GONE | PINR_DO_TELL),
		[PINR_TAKE]	= TO(RESTORING, 0),
		[PINR_FORCE]	= TO(RESTORING, 0),
		[PINR_UNMAP]	= TO(GONE, PINR_DO_GONE | PINR_DO_TELL),
		[PINR_RELEASE]	= TO(RELEASED, 0),
	},
	[ACTIVE] = {
		[PINR_ASK]	= TO(ASKED, 0),
		[PINR_TAKE]	= TO(REVOKED, STOP),
		[PINR_FORCE]	= TO(REVOKED, STOP),
		[PINR_UNMAP]	= TO(GONE, STOP | PINR_DO_GONE),
		[PINR_RELEASE]	= TO(RELEASED, PINR_DO_QUIESCE),
	},
	[ASKED] = {
		[PINR_ASK]	= TO(ASKED, 0),
		[PINR_CANCEL]	= TO(ACTIVE, 0),
		[PINR_TAKE]	= TO(REVOKED, STOP | ANSWER),
		[PINR_FORCE]	= TO(REVOKED, STOP | ANSWER),
		[PINR_UNMAP]	= TO(GONE, STOP | ANSWER | PINR_DO_GONE),
		[PINR_RELEASE]	= TO(RELEASED, PINR_DO_QUIESCE | ANSWER),
	},
	[REVOKED] = {
		[PINR_START]	= TO(RESTORING, 0),
		[PINR_LOST]	= TO(GONE, PINR_DO_GONE | PINR_DO_TELL),
		[PINR_TAKE]	= TO(REVOKED, 0),
		[PINR_FORCE]	= TO(REVOKED, 0),
		[PINR_UNMAP]	= TO(GONE, PINR_DO_GONE | PINR_DO_TELL),
		[PINR_RELEASE]	= TO(RELEASED, 0),
	},
	[GONE] = {
		[PINR_TAKE]	= TO(GONE, 0),
		[PINR_FORCE]	= TO(GONE, 0),
		[PINR_UNMAP]	= TO(GONE, 0),
		[PINR_RELEASE]	= TO(RELEASED, 0),
	},
	[RELEASED] = {
		[PINR_TAKE]	= TO(RELEASED, 0),
		[PINR_FORCE]	= TO(RELEASED, 0),
		[PINR_UNMAP]	= TO(RELEASED, 0),
	},
};

/**
 * pinr_step - look up what an input does
 * @state: state of the pin
 * @input: what happened
 *
 * Context: any; the caller holds the lock that protects @state.
 * Return: the cell. A cell that is not valid keeps @state and asks for
 * nothing: a caller that may not be there checks @valid.
 */
struct pinr_step pinr_step(enum pin_revoke_state state, enum pinr_input input)
{
	struct pinr_step step = { (unsigned char)state, 0, 0 };

	if ((unsigned int)state < PINR_NR_STATES &&
	    (unsigned int)input < PINR_NR_INPUTS &&
	    table[state][input].valid)
		step = table[state][input];
	return step;
}
