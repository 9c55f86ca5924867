/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A netlink socket that says what an input says: a list of datagrams and errors, in the
 * place of the calls that receive and send. One at a time, no matter which descriptor.
 */
#ifndef TESTS_FUZZ_QUEUE_H
#define TESTS_FUZZ_QUEUE_H

#include "fuzz.h"

#define QUEUE_PEER	0		/* the kernel */
#define QUEUE_FAMILY	0x42

/**
 * struct item - what the socket has next
 * @err: errno of one call, then it is gone; 0: a datagram
 * @from: port of its sender
 * @data: its bytes
 * @len: how many
 */
struct item {
	int err;
	uint32_t from;
	const uint8_t *data;
	size_t len;
};

void queue_fill(const uint8_t *data, size_t size);
const struct item *queue_first(void);
const struct item *queue_next(const struct item *item);
/* How often a call has failed with ENOBUFS */
extern unsigned int queue_losses;
/* What happens when something is sent */
extern void (*queue_on_send)(const void *bytes, size_t len);

#endif /* TESTS_FUZZ_QUEUE_H */
