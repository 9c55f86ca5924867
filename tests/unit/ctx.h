/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A context of the library against the fake peer, and what it hears.
 */
#ifndef TESTS_UNIT_CTX_H
#define TESTS_UNIT_CTX_H

#include <stdbool.h>
#include "fake_peer.h"

extern struct revoke_ctx *ctx;
/* The last one that next(), got() took */
extern struct revoke_event event;

void start(void);
void stop(void);
void send_event(uint8_t cmd, uint64_t request, unsigned int pins);
int next(void);
bool got(uint32_t type, uint64_t request, uint64_t pin);
bool fd_readable(int fd);
bool readable(void);
int open_fds(void);

#endif /* TESTS_UNIT_CTX_H */
