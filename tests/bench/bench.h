/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the benchmark programs share: something is done many times, and what each
 * time took is printed, in ticks of the processor's clock. Under QEMU with -icount
 * shift=0 a tick is an instruction.
 *
 * Must never judge, average or leave out: report.py has all of it.
 */
#ifndef BENCH_H
#define BENCH_H

#include <err.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <x86intrin.h>

#define BENCH_MOST	256

/**
 * struct bench - one thing to measure
 * @row: the row of README.md that it is for
 * @series: what is done, for people
 * @x: size, or number; what the series goes over
 * @times: how many samples, BENCH_MOST at most
 * @each: things that one call does: a batch, or what is shorter than reading the clock
 * @before: undoes, and makes ready; not measured. May be NULL
 * @fn: what is measured
 */
struct bench {
	const char *row;
	const char *series;
	unsigned long x;
	unsigned int times;
	unsigned int each;
	void (*before)(void);
	void (*fn)(void);
};

/*
 * A line: row, series, x, mean, samples. The mean is that of all the time that has
 * passed, with what works in the background in it; - where nobody knows.
 */
static inline void bench_print(const char *row, const char *series, unsigned long x,
			       double mean, const uint64_t *ticks, unsigned int times,
			       double per)
{
	printf("%s\t%s\t%lu\t", row, series, x);
	if (isnan(mean))
		printf("-\t");
	else
		printf("%.10g\t", mean / per);
	for (unsigned int i = 0; i < times; i++)
		printf("%s%.10g", i ? " " : "", ticks[i] / per);
	printf("\n");
}

static inline void bench(const struct bench *b)
{
	uint64_t ticks[BENCH_MOST], begun = 0, end = 0;
	int warm = b->times / 4 + 2;

	if (!b->times || b->times > BENCH_MOST)
		errx(2, "%s: %u samples", b->series, b->times);
	for (int i = -warm; i < (int)b->times; i++) {
		if (b->before)
			b->before();
		if (!i)
			begun = __rdtsc();
		uint64_t at = __rdtsc();

		b->fn();
		end = __rdtsc();
		if (i >= 0)
			ticks[i] = end - at;
	}
	bench_print(b->row, b->series, b->x,
		    b->before ? NAN : (double)(end - begun) / b->times,
		    ticks, b->times, b->each ?: 1);
}

#endif /* BENCH_H */
