/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of a pin as a table: state x input -> next state and what to do.
 *
 * Pure: no locks, no allocation, no kernel headers beyond the uapi. The same
 * file runs in user space, where every cell of the table is tested.
 */
#ifndef _PIN_REVOKE_STATE_H
#define _PIN_REVOKE_STATE_H

#include <linux/pin_revoke.h>

#define PINR_NR_STATES	(PIN_REVOKE_STATE_RELEASED + 1)

enum pinr_input {
	PINR_START,	/* pinning begins, the first time or again */
	PINR_COMMIT,	/* pinned, nothing happened meanwhile */
	PINR_FAIL,	/* could not be pinned now, try later */
	PINR_LOST,	/* cannot be pinned any more */
	PINR_ASK,	/* a request was opened for it */
	PINR_CANCEL,	/* its last request ended by itself */
	PINR_TAKE,	/* the holder gave it */
	PINR_FORCE,	/* deadline, or the pages are needed right now */
	PINR_UNMAP,	/* the range went away */
	PINR_RELEASE,	/* the driver dropped it */
	PINR_NR_INPUTS
};

/* What the caller of pinr_step() does, in this order. */
#define PINR_DO_QUIESCE		0x01u	/* stop the device */
#define PINR_DO_RESTORE		0x02u	/* let the device access the pages */
#define PINR_DO_GONE		0x04u	/* tell the driver it is for good */
#define PINR_DO_RESOLVE		0x08u	/* answer every open request */
#define PINR_DO_UNPIN		0x10u	/* give the pages back, from a worker */
#define PINR_DO_TELL		0x20u	/* tell user space, afterwards */

/**
 * struct pinr_step - one cell of the table
 * @next: the state to go to
 * @todo: PINR_DO_* bits
 * @valid: the input may happen in this state; otherwise nothing changes
 */
struct pinr_step {
	unsigned char next;
	unsigned char todo;
	unsigned short valid;	/* four bytes: copied as one word */
};

struct pinr_step pinr_step(enum pin_revoke_state state, enum pinr_input input);

#endif /* _PIN_REVOKE_STATE_H */
