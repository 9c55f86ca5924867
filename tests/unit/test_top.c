// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl top against the fake peer: what a frame holds, and what it does to a
 * terminal and undoes.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
#include "ctl.h"
#include "fake_calls.h"
#include "fake_peer.h"
#include "../../tools/revokectl/revokectl.h"
#include "tap.h"

static void many(void)
{
	int i;

	fake.nr_pins = FAKE_MAX - 1;
	for (i = 1; i < FAKE_MAX; i++) {
		fake.pin[i].pid = 1000 + i;
		fake.pin[i].len = (uint64_t)i << 20;
		fake.pin[i].comm = "sixteen-letters";
	}
}

static void test_frame(void)
{
	fake_start();
	fake.nr_requests = 2;
	fake.remaining_ns = 1500000000;
	fake.pin[2].pid = 77;
	fake.pin[2].comm = "small";
	fake.pin[2].len = 4096;
	ok(!run("top count 1") && printed(
"3 pins of 2 processes, 103B pinned; 2 requests open, 0 past their deadline\n"
"since loaded: 104 requests, 105 taken, 106 forced, 107 back, 108 missed\n"
"releases: half within 2.4 ms, 99 of 100 within 32768.0 ms (all 10)\n"
"answers: none since this began\n"
"\n"
"     PID COMMAND           PINS     PINNED  OPEN     LEFT  REVOKED  FORCED\n"
"     412 rdma\\x1b[2J\\x0a\\     2    64.0MiB     2    1.5 s        0       2\n"
"      77 small                1     4.0KiB     1    1.5 s        0       1\n"
"\n"
" REQUEST REASON                   LEFT  PINS  FOR\n"
"       7 writeback-sync          1.5 s     1  fsync-er\n"
"       8 writeback-sync          1.5 s     2  fsync-er\n"),
	   "top: holders, the largest first, and requests");
	fake.remaining_ns = 0;
	ok(!run("top count 1") && strstr(out, "     late"), "top: past its deadline");
	fake_join_err = -NLE_PERM;
	ok(!run("top count 1") && !strstr(out, "answers"),
	   "top: who may not listen hears no answers");
	fake_join_err = 0;
	fake.err = -EPERM;
	ok(run("top count 1") == EXIT_KERNEL && strstr(err, "as root"), "top: an error");
	fake_stop();
}

static void answer(void)
{
	uint64_t id;

	for (id = 1; id <= 100; id++) {
		struct nl_msg *msg = fake_msg(PIN_REVOKE_CMD_ACKED, 0, 0);

		nla_put_u64(msg, PIN_REVOKE_A_REQUEST_ID, id);
		nla_put_u64(msg, PIN_REVOKE_A_REQUEST_ELAPSED_NS, id * 1000000);
		/* Two pins are one answer. */
		fake_put_pins(msg, 1, 2);
		fake_send(fake.monitor_port, msg);
	}
}

/* On a terminal, until @key. Return: its exit status; what it wrote is in @out. */
static int on_terminal(int rows, int columns, const char *until, const char *key,
		       bool *restored)
{
	struct winsize size = { .ws_row = rows, .ws_col = columns };
	struct termios before, after;
	int leader, status;
	size_t len = 0;
	ssize_t got;
	pid_t pid;
	int tty;

	if (openpty(&leader, &tty, NULL, NULL, &size))
		abort();
	tcgetattr(tty, &before);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		char *argv[] = { "revokectl", "top", NULL };

		dup2(tty, STDIN_FILENO);
		dup2(tty, STDOUT_FILENO);
		optind = 0;
		_exit(revokectl_main(2, argv));
	}
	out[0] = '\0';
	while (!strstr(out, until) &&
	       (got = read(leader, out + len, OUT_SIZE - 1 - len)) > 0) {
		len += got;
		out[len] = '\0';
	}
	if (!*key)
		kill(pid, SIGTERM);
	else if (write(leader, key, 1) != 1)
		abort();
	waitpid(pid, &status, 0);
	tcgetattr(tty, &after);
	*restored = !memcmp(&before, &after, sizeof(before));
	close(tty);
	while ((got = read(leader, out + len, OUT_SIZE - 1 - len)) > 0)
		len += got;
	out[len] = '\0';
	close(leader);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The first frame has at most so many lines, none wider than that, each erased first. */
static bool fits(int rows, int columns)
{
	char *at = strstr(out, "\033[H"), *end = strstr(out, "\033[J");
	int lines = 0;

	if (!at || !end)
		return false;
	for (at += 3; at < end; at = strchr(at, '\n') + 1, lines++)
		if (strncmp(at, "\033[K", 3) || (int)strcspn(at + 3, "\r\n") > columns)
			return false;
	printf("# %d lines of %d\n", lines, rows);
	return lines < rows && lines > rows - 3;
}

static void test_terminal(void)
{
	bool restored;

	fake_start();
	many();
	ok(!on_terminal(24, 80, "\033[J", "q", &restored) && restored &&
	   !strncmp(out, "\033[?1049h", 8) && strstr(out, "\033[?25h\033[?1049l"),
	   "top: q ends it, and the terminal is as it was");
	ok(fits(24, 80), "top: fits on 80 columns and 24 rows");
	fake.nr_requests = 12;
	ok(!on_terminal(24, 80, "\033[J", "", &restored) && restored &&
	   strstr(out, "\033[?25h\033[?1049l"),
	   "top: a signal ends it, and the terminal is as it was");
	ok(fits(24, 80) && strstr(out, "REQUEST REASON"),
	   "top: many holders leave room for requests");
	ok(!on_terminal(10, 40, "\033[J", "q", &restored) && fits(10, 40),
	   "top: a small terminal");
	fake_on_join = answer;
	ok(!on_terminal(24, 80, "the last 100", "q", &restored) &&
	   strstr(out, "answers: half within 51.0 ms, 99 of 100 within 100.0 ms (the last 100)"),
	   "top: how long the answers took");
	fake_on_join = NULL;
	fake_stop();
}

int main(void)
{
	test_frame();
	test_terminal();
	return tap_done();
}
