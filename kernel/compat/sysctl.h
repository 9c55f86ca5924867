/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A constant table of sysctls that is as long as is said, on a kernel that wants to
 * write to it, or wants an empty entry at its end. Comes before sysctl.c, and must
 * never before another file: it brings headers.
 */
#ifndef _PIN_REVOKE_COMPAT_SYSCTL_H
#define _PIN_REVOKE_COMPAT_SYSCTL_H

#include <linux/string.h>
#include <linux/sysctl.h>

static inline struct ctl_table_header *
compat_register_sysctl_sz(const char *path, const struct ctl_table *table,
			  size_t nr)
{
	/* Has room for 7: what follows the last is zero, which is an end. */
	static u64 copy[8 * sizeof(*table) / sizeof(u64)];

	if (WARN_ON((nr + 1) * sizeof(*table) > sizeof(copy)))
		return NULL;
	memcpy(copy, table, nr * sizeof(*table));
#ifdef register_sysctl	/* it counts the entries, and calls this */
	return register_sysctl_sz(path, (void *)copy, nr);
#else
	return register_sysctl(path, (void *)copy);
#endif
}

#define register_sysctl_sz compat_register_sysctl_sz

#endif /* _PIN_REVOKE_COMPAT_SYSCTL_H */
