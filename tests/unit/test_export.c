// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl export against the fake peer, and what stands beside it: dashboard and
 * alerts must not ask for a metric that is not exported.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>
#include "ctl.h"
#include "fake_peer.h"
#include "../../tools/revokectl/revokectl.h"
#include "tap.h"

static bool has(const char *text)
{
	if (strstr(out, text))
		return true;
	printf("# not there: %s\n# in: %s\n", text, out);
	return false;
}

/* What Prometheus' own tool says of @text, or of what @what names itself */
static bool promtool(const char *what, const char *text)
{
	char line[256];
	FILE *to;

	snprintf(line, sizeof(line), "promtool check %s 1>&2", what);
	to = popen(line, "w");
	return to && fputs(text, to) >= 0 && !pclose(to);
}

static unsigned int count(const char *text)
{
	unsigned int nr = 0;
	const char *at;

	for (at = out; (at = strstr(at, text)); at++)
		nr++;
	return nr;
}

static void test_whole(void)
{
	fake_start();
	fake.pin[1].comm = "a\"b\\c";
	fake.pin[3].comm = "a\"b\\c";
	fake.nr_requests = 2;
	fake.remaining_ns = 0;
	ok(!run("export prometheus") && printed(
"# HELP pin_revoke_build_info Always 1; the version of revokectl.\n"
"# TYPE pin_revoke_build_info gauge\n"
"pin_revoke_build_info{version=\"test\"} 1\n"
"# HELP pin_revoke_up Is the kernel's part there?\n"
"# TYPE pin_revoke_up gauge\n"
"pin_revoke_up 1\n"
"# HELP pin_revoke_pinned_bytes Memory that devices can access through revocable pins.\n"
"# TYPE pin_revoke_pinned_bytes gauge\n"
"pin_revoke_pinned_bytes 103\n"
"# HELP pin_revoke_requests_total Requests to let go that were opened.\n"
"# TYPE pin_revoke_requests_total counter\n"
"pin_revoke_requests_total 104\n"
"# HELP pin_revoke_revoked_total Pins that were taken.\n"
"# TYPE pin_revoke_revoked_total counter\n"
"pin_revoke_revoked_total 105\n"
"# HELP pin_revoke_forced_total Pins that were taken without their holder's consent.\n"
"# TYPE pin_revoke_forced_total counter\n"
"pin_revoke_forced_total 106\n"
"# HELP pin_revoke_restored_total Pins that came back.\n"
"# TYPE pin_revoke_restored_total counter\n"
"pin_revoke_restored_total 107\n"
"# HELP pin_revoke_missed_deadlines_total Times that a holder let a deadline pass.\n"
"# TYPE pin_revoke_missed_deadlines_total counter\n"
"pin_revoke_missed_deadlines_total 108\n"
"# HELP pin_revoke_pressure_bytes_total Memory that was given back when memory was short.\n"
"# TYPE pin_revoke_pressure_bytes_total counter\n"
"pin_revoke_pressure_bytes_total 109\n"
"# HELP pin_revoke_events_dropped_total Events that found no room in the socket of a holder.\n"
"# TYPE pin_revoke_events_dropped_total counter\n"
"pin_revoke_events_dropped_total 110\n"
"# HELP pin_revoke_broke_total Asks that ended early, or were not made: the user had delayed others enough.\n"
"# TYPE pin_revoke_broke_total counter\n"
"pin_revoke_broke_total 112\n"
"# HELP pin_revoke_overran_total Times that a driver took more than a second to stop its device.\n"
"# TYPE pin_revoke_overran_total counter\n"
"pin_revoke_overran_total 114\n"
"# HELP pin_revoke_release_seconds From the question until the pin was released or taken, by reason.\n"
"# TYPE pin_revoke_release_seconds histogram\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.001\"} 4\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.002\"} 4\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.004\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.008\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.016\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.032\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.064\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.128\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.256\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"0.512\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"1.024\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"2.048\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"4.096\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"8.192\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"16.384\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"32.768\"} 9\n"
"pin_revoke_release_seconds_bucket{reason=\"writeback-sync\",le=\"+Inf\"} 10\n"
"pin_revoke_release_seconds_sum{reason=\"writeback-sync\"} 20.500000001\n"
"pin_revoke_release_seconds_count{reason=\"writeback-sync\"} 10\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.001\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.002\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.004\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.008\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.016\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.032\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.064\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.128\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.256\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"0.512\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"1.024\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"2.048\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"4.096\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"8.192\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"16.384\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"32.768\"} 0\n"
"pin_revoke_release_seconds_bucket{reason=\"truncate\",le=\"+Inf\"} 0\n"
"pin_revoke_release_seconds_sum{reason=\"truncate\"} 20.500000001\n"
"pin_revoke_release_seconds_count{reason=\"truncate\"} 0\n"
"# HELP pin_revoke_pins Revocable pins by state.\n"
"# TYPE pin_revoke_pins gauge\n"
"pin_revoke_pins{state=\"active\"} 3\n"
"pin_revoke_pins{state=\"asked\"} 0\n"
"pin_revoke_pins{state=\"revoked\"} 0\n"
"pin_revoke_pins{state=\"restoring\"} 0\n"
"pin_revoke_pins{state=\"gone\"} 0\n"
"# HELP pin_revoke_driver_pinned_bytes Memory that is pinned now, by the driver that did.\n"
"# TYPE pin_revoke_driver_pinned_bytes gauge\n"
"pin_revoke_driver_pinned_bytes{driver=\"rdma_rxe\"} 100663296\n"
"# HELP pin_revoke_holders Processes that have revocable pins.\n"
"# TYPE pin_revoke_holders gauge\n"
"pin_revoke_holders 2\n"
"# HELP pin_revoke_holder_pinned_bytes Memory that is pinned now, by command name; the 20 largest and other.\n"
"# TYPE pin_revoke_holder_pinned_bytes gauge\n"
"pin_revoke_holder_pinned_bytes{comm=\"a\\\"b\\\\x5cc\"} 67108864\n"
"pin_revoke_holder_pinned_bytes{comm=\"rdma\\\\x1b[2J\\\\x0a\\\\x7f\\\\xc2\\\\x9b\"} 33554432\n"
"# HELP pin_revoke_open_requests Requests to let go that are open now, by reason.\n"
"# TYPE pin_revoke_open_requests gauge\n"
"pin_revoke_open_requests{reason=\"writeback-sync\"} 2\n"
"pin_revoke_open_requests{reason=\"writeback-background\"} 0\n"
"pin_revoke_open_requests{reason=\"writeback-other\"} 0\n"
"pin_revoke_open_requests{reason=\"invalidate\"} 0\n"
"pin_revoke_open_requests{reason=\"unmap\"} 0\n"
"pin_revoke_open_requests{reason=\"exit\"} 0\n"
"pin_revoke_open_requests{reason=\"admin\"} 0\n"
"pin_revoke_open_requests{reason=\"truncate\"} 0\n"
"pin_revoke_open_requests{reason=\"fallocate\"} 0\n"
"pin_revoke_open_requests{reason=\"remap\"} 0\n"
"pin_revoke_open_requests{reason=\"offline\"} 0\n"
"pin_revoke_open_requests{reason=\"drain\"} 0\n"
"pin_revoke_open_requests{reason=\"suspend\"} 0\n"
"pin_revoke_open_requests{reason=\"pressure\"} 0\n"
"pin_revoke_open_requests{reason=\"driver-unbind\"} 0\n"
"pin_revoke_open_requests{reason=\"device\"} 0\n"
"# HELP pin_revoke_overdue_requests Open requests that are past their deadline.\n"
"# TYPE pin_revoke_overdue_requests gauge\n"
"pin_revoke_overdue_requests 2\n"
"# HELP pin_revoke_orphan_bytes Registered memory whose range is gone; of other drivers' an estimate, at most.\n"
"# TYPE pin_revoke_orphan_bytes gauge\n"
"pin_revoke_orphan_bytes{how=\"exact\"} 0\n"
"pin_revoke_orphan_bytes{how=\"estimate\"} 0\n"),
	   "export prometheus: all of it, hostile names escaped");
	ok(promtool("metrics", out), "promtool: the metrics are well-formed");
	ok(!promtool("metrics", "pin_revoke_x{a=\"} 1\n"), "promtool: these are not");
	fake_stop();
}

static void test_bounded(void)
{
	static char comm[FAKE_MAX][16];
	int i;

	fake_start();
	fake.nr_pins = FAKE_MAX - 1;
	for (i = 1; i < FAKE_MAX; i++) {
		snprintf(comm[i], sizeof(comm[i]), "p%d", i);
		fake.pin[i].comm = i == 30 ? "other" : comm[i];
		fake.pin[i].pid = 1000 + i;
		fake.pin[i].len = 1ULL << i;
	}
	/* 31 to 12 are the twenty largest; 30 calls itself so. */
	ok(!run("export prometheus") && has("pin_revoke_holders 31\n") &&
	   count("pin_revoke_holder_pinned_bytes{comm=") == 20 &&
	   has("{comm=\"p31\"} 2147483648\n") && has("{comm=\"p12\"} 4096\n") &&
	   has("{comm=\"other\"} 1073745918\n") && count("{comm=\"other\"}") == 1,
	   "export prometheus: as many series as there may be, and one other");
	fake.pin[5].flags = PIN_REVOKE_PIN_FLAGS_DECLARED;
	fake.pin[5].state = PIN_REVOKE_STATE_GONE;
	fake.pin[6].state = PIN_REVOKE_STATE_GONE;
	ok(!run("export prometheus") && has("pin_revoke_orphan_bytes{how=\"exact\"} 32\n"),
	   "export prometheus: a declared range that is gone, and no pin of ours");
	fake_stop();
}

static void test_file(void)
{
	char dir[] = "/tmp/test_export-XXXXXX", path[64], line[128], *text;
	struct stat st;
	FILE *file;

	if (!mkdtemp(dir))
		abort();
	snprintf(path, sizeof(path), "%s/a.prom", dir);
	fake_start();
	run("export prometheus");
	text = strdup(out);
	snprintf(line, sizeof(line), "export prometheus -o %s", path);
	ok(!run(line) && !*out && (file = fopen(path, "r")) &&
	   fread(out, 1, sizeof(out) - 1, file) == strlen(text) &&
	   !fclose(file) && !memcmp(out, text, strlen(text)),
	   "-o FILE: the same, in the file");
	fake.err = -EPERM;
	ok(run(line) == EXIT_KERNEL && !stat(path, &st) &&
	   st.st_size == (off_t)strlen(text), "-o FILE: an error leaves the old one");
	ok(!unlink(path) && !rmdir(dir), "-o FILE: and nothing else");
	ok(run(line) == EXIT_KERNEL && strstr(err, "a.prom: No such file"),
	   "-o FILE: says which cannot be written");
	ok(run("export prometheus x") == EXIT_USAGE, "export prometheus takes nothing else");
	fake.connect_err = -ENOSYS;
	ok(!run("export prometheus") && has("\npin_revoke_up 0\n") &&
	   count("# TYPE") == 2, "no family: that, and no numbers");
	free(text);
	fake_stop();
}

static char *whole(const char *name)
{
	char path[256], *text = calloc(1, 65536);
	FILE *file;

	snprintf(path, sizeof(path), TOOLS "/metrics/%s", name);
	file = fopen(path, "r");
	if (!text || !file || fread(text, 1, 65535, file) < 100)
		abort();
	fclose(file);
	return text;
}

/* The length of what names one series of a histogram, 0 if it is none */
static int histogram(const char *name, int len)
{
	static const char *const suffix[] = { "_bucket", "_sum", "_count" };
	size_t i;

	for (i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		int tail = strlen(suffix[i]);

		if (len > tail && !strncmp(name + len - tail, suffix[i], tail))
			return tail;
	}
	return 0;
}

/* Is each word pin_revoke_... of a file the name of a metric? */
static bool known(const char *text, unsigned int least)
{
	unsigned int nr = 0;
	const char *at = text;

	for (; (at = strstr(at, "pin_revoke_")); nr++) {
		char type[96];
		int len = 0;

		while (islower(at[len]) || at[len] == '_')
			len++;
		len -= histogram(at, len);
		snprintf(type, sizeof(type), "# TYPE %.*s ", len, at);
		if (!has(type))
			return false;
		at += len;
	}
	return nr >= least;
}

static void test_queries(void)
{
	char *dashboard = whole("pin-revoke-dashboard.json");
	char *rules = whole("pin-revoke.rules.yml");
	struct json_object *o = json_tokener_parse(dashboard), *panels;

	fake_start();
	ok(!run("export prometheus") && known(rules, 4),
	   "alerts: of metrics that are exported");
	ok(promtool("rules " TOOLS "/metrics/pin-revoke.rules.yml", ""),
	   "promtool: the alerts are well-formed");
	ok(known(dashboard, 12), "dashboard: of metrics that are exported");
	ok(json_object_object_get_ex(o, "panels", &panels) &&
	   json_object_array_length(panels) > 10, "dashboard: JSON with panels");
	json_object_put(o);
	free(dashboard);
	free(rules);
	fake_stop();
}

/* For test_dashboard.py: the metrics when everything was counted @more times again */
static int export(unsigned int more)
{
	fake_start();
	fake.nr_requests = 2;
	fake.remaining_ns = 0;
	fake.counted = more;
	fake.times[0] += more;
	run("export prometheus");
	fputs(out, stdout);
	fake_stop();
	return !*out;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		return export(atoi(argv[1]));
	test_whole();
	test_bounded();
	test_file();
	test_queries();
	json_done();
	return tap_done();
}
