/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the fuzzers share: the entry point, and a promise that is checked in every
 * build, whatever NDEBUG says.
 */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With where and what: there may be nobody to put names to the stack. */
#define promise(good) do {							\
	if (!(good)) {								\
		dprintf(2, "%s:%d: broken: %s\n", __FILE__, __LINE__, #good);	\
		abort();							\
	}									\
} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif /* TESTS_FUZZ_H */
