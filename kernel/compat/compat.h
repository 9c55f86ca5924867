/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes an older kernel look like the newest one to the files of the core;
 * included before everything else. What a kernel has is probed, never guessed
 * from its version. Empty means: this kernel needs nothing.
 */
#ifndef _PIN_REVOKE_COMPAT_H
#define _PIN_REVOKE_COMPAT_H

#include <linux/types.h>

/* Before the split, a command had one entry with do and dump in it. */
#ifdef COMPAT_GENL_SPLIT_OPS
#define genl_split_ops	genl_ops
#define split_ops	ops
#define n_split_ops	n_ops
#define genl_register_family(family)	compat_genl_register_family(family)
#endif

/* Before that, whoever had a shrinker brought the memory for it. */
#ifdef COMPAT_SHRINKER_ALLOC
struct shrinker *compat_shrinker_alloc(unsigned int flags, const char *name);
void compat_shrinker_register(struct shrinker *shrinker);
void compat_shrinker_free(struct shrinker *shrinker);
#define shrinker_alloc		compat_shrinker_alloc
#define shrinker_register	compat_shrinker_register
#define shrinker_free		compat_shrinker_free
#endif

#endif /* _PIN_REVOKE_COMPAT_H */
