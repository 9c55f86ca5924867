// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl export prometheus: numbers for whoever watches many machines.
 *
 * Owns the names of the metrics; the dashboard and the alerts beside it use these
 * only (a test compares). The number of series is bounded whatever holders do:
 * must never have a label whose values anybody can make at will.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "revokectl.h"

/* Command names, and drivers, with series of their own; the rest is "other". */
#define MAX_LABELS 20

static void head(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void gauge(FILE *to, const char *name, const char *help, uint64_t value)
{
	head(to, name, "gauge", help);
	fprintf(to, "%s %llu\n", name, (unsigned long long)value);
}

/* Printable as everywhere, and then as the format wants it. */
static void labelled(FILE *to, const char *name, const char *label,
		     const char *text, uint64_t value)
{
	char safe[OUT_MAX];
	const char *c;

	fprintf(to, "%s{%s=\"", name, label);
	for (c = out_printable(text, safe); *c; c++) {
		if (*c == '"' || *c == '\\')
			fputc('\\', to);
		fputc(*c, to);
	}
	fprintf(to, "\"} %llu\n", (unsigned long long)value);
}

/* Bytes by a name that somebody else chose */
struct share {
	const char *name;
	uint64_t bytes;
};

static int by_name(const void *a, const void *b)
{
	const struct share *one = a, *two = b;

	return strcmp(one->name, two->name);
}

static int by_bytes(const void *a, const void *b)
{
	const struct share *one = a, *two = b;

	return one->bytes < two->bytes ? 1 : one->bytes > two->bytes ? -1 :
	       by_name(a, b);
}

/* Sums those of one name, and all but the largest under "other". */
static void shares_out(FILE *to, const char *name, const char *label,
		       struct share *share, size_t nr)
{
	uint64_t other = 0;
	bool more = false;
	size_t i, sums = 0;

	if (nr)
		qsort(share, nr, sizeof(*share), by_name);
	for (i = 0; i < nr; i++) {
		if (sums && !by_name(&share[sums - 1], &share[i]))
			share[sums - 1].bytes += share[i].bytes;
		else
			share[sums++] = share[i];
	}
	if (sums)
		qsort(share, sums, sizeof(*share), by_bytes);
	for (i = 0; i < sums; i++) {
		/* Whoever calls himself so is one of them. */
		if (i < MAX_LABELS && strcmp(share[i].name, "other")) {
			labelled(to, name, label, share[i].name, share[i].bytes);
			continue;
		}
		other += share[i].bytes;
		more = true;
	}
	if (more)
		labelled(to, name, label, "other", other);
}

static void stats_out(FILE *to, const struct stats *stats)
{
	static const struct {
		int attr;
		const char *name;
		const char *help;
	} all[] = {
		{ PIN_REVOKE_A_STAT_REQUESTS, "pin_revoke_requests_total",
		  "Requests to let go that were opened." },
		{ PIN_REVOKE_A_STAT_REVOKED, "pin_revoke_revoked_total",
		  "Pins that were taken." },
		{ PIN_REVOKE_A_STAT_FORCED, "pin_revoke_forced_total",
		  "Pins that were taken without their holder's consent." },
		{ PIN_REVOKE_A_STAT_RESTORED, "pin_revoke_restored_total",
		  "Pins that came back." },
		{ PIN_REVOKE_A_STAT_MISSED, "pin_revoke_missed_deadlines_total",
		  "Times that a holder let a deadline pass." },
		{ PIN_REVOKE_A_STAT_PRESSURE_BYTES, "pin_revoke_pressure_bytes_total",
		  "Memory that was given back when memory was short." },
		{ PIN_REVOKE_A_STAT_EVENTS_DROPPED, "pin_revoke_events_dropped_total",
		  "Events that found no room in the socket of a holder." },
		{ PIN_REVOKE_A_STAT_BROKE, "pin_revoke_broke_total",
		  "Asks that ended early, or were not made: the user had delayed others enough." },
		{ PIN_REVOKE_A_STAT_OVERRAN, "pin_revoke_overran_total",
		  "Times that a driver took more than a second to stop its device." },
	};
	size_t i;

	if (stats->has & REVOKE_BIT(PIN_REVOKE_A_STAT_PINNED_BYTES))
		gauge(to, "pin_revoke_pinned_bytes",
		      "Memory that devices can access through revocable pins.",
		      stats->value[PIN_REVOKE_A_STAT_PINNED_BYTES]);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (!(stats->has & REVOKE_BIT(all[i].attr)))
			continue;
		head(to, all[i].name, "counter", all[i].help);
		fprintf(to, "%s %llu\n", all[i].name,
			(unsigned long long)stats->value[all[i].attr]);
	}
}

/* A reason has its series from the beginning: rate() misses what comes later. */
static void times_out(FILE *to, const struct stats *stats)
{
	static const char name[] = "pin_revoke_release_seconds";
	const unsigned int last = PIN_REVOKE_TIME_BUCKETS - 1;
	uint32_t reason;
	unsigned int i;

	head(to, name, "histogram",
	     "From the question until the pin was released or taken, by reason.");
	for (reason = 0; reason <= PIN_REVOKE_REASON_MAX; reason++) {
		const struct times *times = &stats->times[reason];
		const char *label = revoke_reason_name(reason);
		unsigned long long below = 0;

		if (!times->known)
			continue;
		for (i = 0; i < last; i++) {
			below += times->bucket[i];
			fprintf(to, "%s_bucket{reason=\"%s\",le=\"%.3f\"} %llu\n", name,
				label, times_bound_ms(i) / 1e3, below);
		}
		below += times->bucket[last];
		fprintf(to, "%s_bucket{reason=\"%s\",le=\"+Inf\"} %llu\n", name, label, below);
		fprintf(to, "%s_sum{reason=\"%s\"} %.9f\n", name, label, times->sum_ns / 1e9);
		fprintf(to, "%s_count{reason=\"%s\"} %llu\n", name, label, below);
	}
}

static void pins_out(FILE *to, const struct pins *pins, struct share *share)
{
	uint64_t states[PIN_REVOKE_STATE_RELEASED + 1] = { 0 };
	size_t i, nr = 0;

	for (i = 0; i < pins->nr; i++) {
		const struct revoke_pin *pin = &pins->pin[i];

		if (pin->state <= PIN_REVOKE_STATE_RELEASED)
			states[pin->state]++;
		if (pin_holds(pin))
			share[nr++] = (struct share){ pin->driver, pin->len };
	}
	head(to, "pin_revoke_pins", "gauge", "Revocable pins by state.");
	for (i = PIN_REVOKE_STATE_ACTIVE; i < PIN_REVOKE_STATE_RELEASED; i++)
		labelled(to, "pin_revoke_pins", "state", revoke_state_name(i),
			 states[i]);
	head(to, "pin_revoke_driver_pinned_bytes", "gauge",
	     "Memory that is pinned now, by the driver that did.");
	shares_out(to, "pin_revoke_driver_pinned_bytes", "driver", share, nr);
}

static void holders_out(FILE *to, const struct holders *all, struct share *share)
{
	size_t i;

	gauge(to, "pin_revoke_holders", "Processes that have revocable pins.",
	      all->nr);
	head(to, "pin_revoke_holder_pinned_bytes", "gauge",
	     "Memory that is pinned now, by command name; the 20 largest and other.");
	for (i = 0; i < all->nr; i++)
		share[i] = (struct share){ all->holder[i].comm,
					   all->holder[i].pinned };
	shares_out(to, "pin_revoke_holder_pinned_bytes", "comm", share, all->nr);
	head(to, "pin_revoke_open_requests", "gauge",
	     "Requests to let go that are open now, by reason.");
	for (i = 1; i <= PIN_REVOKE_REASON_MAX; i++)
		labelled(to, "pin_revoke_open_requests", "reason",
			 revoke_reason_name(i), all->by_reason[i]);
	gauge(to, "pin_revoke_overdue_requests",
	      "Open requests that are past their deadline.", all->overdue);
}

/* Not known is not 0: without the right to look there is no such series. */
static void orphans_out(FILE *to, const struct pins *pins)
{
	static const char name[] = "pin_revoke_orphan_bytes";
	uint64_t exact, estimate;

	if (orphans_bytes(pins, &exact, &estimate))
		return;
	head(to, name, "gauge",
	     "Registered memory whose range is gone; of other drivers' an estimate, at most.");
	labelled(to, name, "how", "exact", exact);
	labelled(to, name, "how", "estimate", estimate);
}

/* All that the kernel says. Return: 0 or -errno. */
static int collect(FILE *to)
{
	const struct filter everything = { 0 };
	struct holders all = { 0 };
	struct pins pins = { 0 };
	struct share *share;
	struct stats stats;
	struct revoke_nl nl;
	int err;

	head(to, "pin_revoke_build_info", "gauge", "Always 1; the version of revokectl.");
	labelled(to, "pin_revoke_build_info", "version", REVOKECTL_VERSION, 1);
	err = revoke_nl_connect(&nl);
	gauge(to, "pin_revoke_up", "Is the kernel's part there?", !err);
	if (err)
		return err == -ENOSYS ? 0 : err;
	err = stats_get(&nl, &stats);
	if (!err)
		err = pins_get(&nl, &everything, &pins);
	if (!err)
		err = holders_get(&nl, &pins, &all);
	revoke_nl_close(&nl);
	share = calloc(pins.nr + 1, sizeof(*share));
	if (!share)
		err = -ENOMEM;
	if (!err) {
		stats_out(to, &stats);
		times_out(to, &stats);
		pins_out(to, &pins, share);
		holders_out(to, &all, share);
		orphans_out(to, &pins);
	}
	free(share);
	holders_put(&all);
	pins_put(&pins);
	return err;
}

/* Whoever reads @path sees all of the old text or all of the new one. */
static int replace(const char *path, const char *text, size_t len)
{
	char *tmp;
	FILE *to;
	int err;

	/* Collectors take what ends in .prom: not this. */
	if (asprintf(&tmp, "%s.%d.tmp", path, getpid()) < 0)
		return -ENOMEM;
	to = fopen(tmp, "wxe");
	if (!to) {
		err = -errno;
		free(tmp);
		return err;
	}
	fwrite(text, 1, len, to);
	err = fflush(to) || fsync(fileno(to)) ? -errno : 0;
	if (fclose(to) && !err)
		err = -errno;
	if (!err && rename(tmp, path))
		err = -errno;
	if (err)
		unlink(tmp);
	free(tmp);
	return err;
}

static int prometheus(int argc, char **argv)
{
	size_t len = 0;
	char *text = NULL;
	FILE *to;
	int err;

	if (argc && (argc != 2 || strcmp(argv[0], "-o")))
		return usage("\"export prometheus\" takes -o FILE, or nothing");
	to = open_memstream(&text, &len);
	if (!to)
		return fail(-errno, "export");
	err = collect(to);
	if (fclose(to) && !err)
		err = -ENOMEM;
	if (err) {
		err = fail(err, "export");
	} else if (argc) {
		err = replace(argv[1], text, len);
		if (err) {
			fprintf(stderr, "revokectl: %s: %s\n", argv[1],
				strerror(-err));
			err = EXIT_KERNEL;
		}
	} else {
		fwrite(text, 1, len, stdout);
	}
	free(text);
	return err;
}

int export_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "prometheus", prometheus, "[ -o FILE ]" },
		{ 0 }
	};

	return run_command("export", commands, argc, argv);
}
