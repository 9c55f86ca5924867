/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TAP for the host's unit tests: one ok() for each sentence that must be true.
 * main() ends with return tap_done().
 */
#ifndef TESTS_UNIT_TAP_H
#define TESTS_UNIT_TAP_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

static int tap_nr, tap_failed;

__attribute__((format(printf, 2, 3)))
static inline bool ok(bool good, const char *fmt, ...)
{
	va_list args;

	if (!tap_nr)
		puts("TAP version 13");
	printf("%s %d - ", good ? "ok" : "not ok", ++tap_nr);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
	tap_failed += !good;
	return good;
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_nr);
	return tap_failed || !tap_nr;
}

#endif /* TESTS_UNIT_TAP_H */
