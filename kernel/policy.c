// SPDX-License-Identifier: GPL-2.0-only
/*
 * What happens for a reason: how long holders are waited for.
 *
 * Values only, no mechanism. They last until the module is unloaded.
 */
#include "core.h"

static struct pinr_policy policies[PINR_NR_REASONS] = {
	[PIN_REVOKE_REASON_WRITEBACK_SYNC] = {
		.grace_ms = 1000,
		.max_extend_ms = 1000,
	},
	[PIN_REVOKE_REASON_WRITEBACK_BACKGROUND] = {
		.skip_ms = 30000,
	},
	[PIN_REVOKE_REASON_TRUNCATE] = {
		.grace_ms = 1000,
		.max_extend_ms = 1000,
	},
	[PIN_REVOKE_REASON_FALLOCATE] = {
		.grace_ms = 1000,
		.max_extend_ms = 1000,
	},
	[PIN_REVOKE_REASON_REMAP] = {
		.grace_ms = 1000,
		.max_extend_ms = 1000,
	},
	[PIN_REVOKE_REASON_OFFLINE] = {
		.grace_ms = 5000,
		.max_extend_ms = 5000,
	},
	[PIN_REVOKE_REASON_ADMIN] = {
		.grace_ms = 1000,
		.max_extend_ms = 5000,
	},
	[PIN_REVOKE_REASON_DRAIN] = {
		.grace_ms = 5000,
		.max_extend_ms = 5000,
	},
	[PIN_REVOKE_REASON_SUSPEND] = {
		.grace_ms = 1000,
		.max_extend_ms = 1000,
	},
	[PIN_REVOKE_REASON_PRESSURE] = {
		.grace_ms = 1000,
	},
};

/* Reasons with a point where holders can be asked; the others only force. */
bool pinr_reason_asks(enum pin_revoke_reason reason)
{
	switch (reason) {
	case PIN_REVOKE_REASON_WRITEBACK_SYNC:
	case PIN_REVOKE_REASON_WRITEBACK_BACKGROUND:
	case PIN_REVOKE_REASON_TRUNCATE:
	case PIN_REVOKE_REASON_FALLOCATE:
	case PIN_REVOKE_REASON_REMAP:
	case PIN_REVOKE_REASON_OFFLINE:
	case PIN_REVOKE_REASON_ADMIN:
	case PIN_REVOKE_REASON_DRAIN:
	case PIN_REVOKE_REASON_SUSPEND:
	case PIN_REVOKE_REASON_PRESSURE:
		return true;
	default:
		return false;
	}
}

/*
 * Reasons without a backstop: nothing would come after the request that takes
 * what nobody answers for.
 */
bool pinr_reason_takes(enum pin_revoke_reason reason)
{
	switch (reason) {
	case PIN_REVOKE_REASON_OFFLINE:
	case PIN_REVOKE_REASON_ADMIN:
	case PIN_REVOKE_REASON_DRAIN:
	case PIN_REVOKE_REASON_SUSPEND:
		return true;
	default:
		return false;
	}
}

struct pinr_policy pinr_policy_get(enum pin_revoke_reason reason)
{
	struct pinr_policy policy;

	spin_lock(&pinr_lock);
	policy = policies[reason];
	spin_unlock(&pinr_lock);
	return policy;
}

void pinr_policy_set(enum pin_revoke_reason reason,
		     const struct pinr_policy *policy)
{
	spin_lock(&pinr_lock);
	policies[reason] = *policy;
	spin_unlock(&pinr_lock);
}
