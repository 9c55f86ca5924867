// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values that are sysctls, vm.pin_revoke_*: the most used ones, for those who
 * set all of a machine in one place.
 *
 * What policy.c goes by where no policy says otherwise; there is no other copy. Must
 * never be needed for a promise to hold.
 */
#include <linux/sysctl.h>

#include "core.h"

struct pinr_sysctl pinr_sysctl = {
	.enable = 1,
	.grace_ms = PINR_GRACE_MS,
	.skip_ms = PINR_SKIP_MS,
};

static const unsigned int pinr_most_grace_ms = PIN_REVOKE_MAX_DELAY_MS;
static const unsigned int pinr_most_skip_ms = PIN_REVOKE_MAX_SKIP_MS;

#define PINR_SYSCTL(name, most) {					\
	.procname = "pin_revoke_" #name,				\
	.data = &pinr_sysctl.name,					\
	.maxlen = sizeof(pinr_sysctl.name),				\
	.mode = 0644,							\
	.proc_handler = proc_douintvec_minmax,				\
	.extra2 = (void *)(most),					\
}

static const struct ctl_table pinr_sysctls[] = {
	PINR_SYSCTL(enable, SYSCTL_ONE),
	PINR_SYSCTL(grace_ms, &pinr_most_grace_ms),
	PINR_SYSCTL(skip_ms, &pinr_most_skip_ms),
};

static struct ctl_table_header *pinr_sysctl_header;

int pinr_sysctl_init(void)
{
	pinr_sysctl_header = register_sysctl_sz("vm", pinr_sysctls,
						ARRAY_SIZE(pinr_sysctls));
	/* A kernel without them has the defaults. */
	return pinr_sysctl_header || !IS_ENABLED(CONFIG_SYSCTL) ? 0 : -ENOMEM;
}

void pinr_sysctl_exit(void)
{
	unregister_sysctl_table(pinr_sysctl_header);
}
