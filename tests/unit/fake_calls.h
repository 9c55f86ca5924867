/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Errors to be given by calls that the linker leads to fake_calls.c.
 */
#ifndef TESTS_UNIT_FAKE_CALLS_H
#define TESTS_UNIT_FAKE_CALLS_H

/* errno of the next peek at a message, and of the next removal of one */
extern int fake_recv_err[2];
/* libnl's error of joining a group, and what happens right after it */
extern int fake_join_err;
extern void (*fake_on_join)(void);
/* errno of the next directory that is opened */
extern int fake_opendir_err;
/* what happens before each receiving, within whatever locks there are */
typedef void (*fake_hook)(void);
extern __thread fake_hook fake_on_recv;

#endif /* TESTS_UNIT_FAKE_CALLS_H */
