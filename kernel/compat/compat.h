/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Makes an older kernel look like the newest one to the files of the core;
 * included before everything else. What a kernel has is probed, never guessed
 * from its version. Empty means: this kernel needs nothing.
 */
#ifndef _PIN_REVOKE_COMPAT_H
#define _PIN_REVOKE_COMPAT_H

#undef pr_fmt
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#endif /* _PIN_REVOKE_COMPAT_H */
