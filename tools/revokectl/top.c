// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl top: holders and open requests on one screen, again and again.
 *
 * Plain ANSI on a terminal, bare frames elsewhere. Must never leave the terminal in
 * another state than it was, nor write a line wider than it.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include "revokectl.h"

/* Answers that the percentiles are of: the last ones */
#define ANSWERS 1024

struct screen {
	bool tty;
	bool monitored;
	int signals;	/* the end, and other sizes of the terminal */
	int rows;	/* left of this frame; without a terminal, many */
	int columns;
	struct termios was;
	struct revoke_nl monitor;
	struct revoke_stream events;
	unsigned int nr_answers;
	uint64_t answer_ns[ANSWERS];
};

static void line(struct screen *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void line(struct screen *s, const char *fmt, ...)
{
	char buf[512];
	va_list args;

	/* The last row stays empty: a newline there would scroll. */
	if (--s->rows <= 0)
		return;
	va_start(args, fmt);
	vsnprintf(buf, sizeof(buf), fmt, args);
	va_end(args);
	/* Erased first: behind a row that is full the cursor still is on its last character. */
	printf("%s%.*s\n", s->tty ? "\033[K" : "", s->columns, buf);
}

static int by_value(const void *a, const void *b)
{
	const uint64_t *one = a, *two = b;

	return *one < *two ? -1 : *one > *two;
}

static void answers_line(struct screen *s)
{
	unsigned int nr = s->nr_answers < ANSWERS ? s->nr_answers : ANSWERS;
	uint64_t sorted[ANSWERS];

	if (!s->monitored)
		return;
	if (!nr) {
		line(s, "answers: none since this began");
		return;
	}
	memcpy(sorted, s->answer_ns, nr * sizeof(*sorted));
	qsort(sorted, nr, sizeof(*sorted), by_value);
	line(s, "answers: half within %.1f ms, 99 of 100 within %.1f ms (the last %u)",
	     ms(sorted[nr / 2]), ms(sorted[nr * 99 / 100]), nr);
}

static void times_line(struct screen *s, const struct stats *stats)
{
	struct times all = times_sum(stats);
	uint64_t count = times_count(&all);

	if (count)
		line(s, "releases: half within %.1f ms, 99 of 100 within %.1f ms (all %llu)",
		     ms(times_quantile(&all, 50)), ms(times_quantile(&all, 99)),
		     (unsigned long long)count);
}

static const char *left_text(unsigned int requests, uint64_t ns,
			     char buf[static 16])
{
	if (!requests)
		return "";
	snprintf(buf, 16, ns ? "%.1f s" : "late", ns / 1e9);
	return buf;
}

static int request_line(const struct revoke_request *req, void *arg)
{
	char left[16], by[OUT_MAX] = "";
	struct screen *s = arg;

	if (req->trigger_pid)
		out_printable(req->trigger_comm, by);
	line(s, "%8llu %-20s %8s %5zu  %s", (unsigned long long)req->id,
	     revoke_reason_name(req->reason), left_text(1, req->remaining_ns, left),
	     req->nr_pins, by);
	return 0;
}

static void holder_lines(struct screen *s, const struct holders *all)
{
	/* Half of the screen at least is for requests. */
	size_t i, most = all->requests ? (size_t)s->rows / 2 : SIZE_MAX;

	line(s, "%8s %-16s %5s %10s %5s %8s %8s %7s", "PID", "COMMAND", "PINS",
	     "PINNED", "OPEN", "LEFT", "REVOKED", "FORCED");
	for (i = 0; i < all->nr && i < most; i++) {
		const struct holder *h = &all->holder[i];
		char comm[OUT_MAX], size[16], left[16];

		line(s, "%8u %-16.16s %5u %10s %5u %8s %8llu %7llu", h->pid,
		     out_printable(h->comm, comm), h->pins,
		     size_text(h->pinned, size), h->requests,
		     left_text(h->requests, h->remaining_ns, left),
		     (unsigned long long)h->revoked, (unsigned long long)h->forced);
	}
}

static void head_lines(struct screen *s, const struct stats *stats,
		       const struct holders *all, size_t pins)
{
	const uint64_t *value = stats->value;
	char size[16];

	line(s, "%zu pins of %zu processes, %s pinned; %u requests open, %u past their deadline",
	     pins, all->nr,
	     size_text(value[PIN_REVOKE_A_STAT_PINNED_BYTES], size),
	     all->requests, all->overdue);
	line(s, "since loaded: %llu requests, %llu taken, %llu forced, %llu back, %llu missed",
	     (unsigned long long)value[PIN_REVOKE_A_STAT_REQUESTS],
	     (unsigned long long)value[PIN_REVOKE_A_STAT_REVOKED],
	     (unsigned long long)value[PIN_REVOKE_A_STAT_FORCED],
	     (unsigned long long)value[PIN_REVOKE_A_STAT_RESTORED],
	     (unsigned long long)value[PIN_REVOKE_A_STAT_MISSED]);
}

static void frame_size(struct screen *s)
{
	struct winsize size;

	s->rows = INT16_MAX;
	s->columns = 80;
	if (s->tty && !ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row) {
		s->rows = size.ws_row;
		s->columns = size.ws_col;
	}
}

/* One screen. Return: 0 or -errno. */
static int frame(struct screen *s, struct revoke_nl *nl)
{
	const struct filter everything = { 0 };
	struct holders all = { 0 };
	struct stats stats;
	struct pins pins;
	size_t nr_pins;
	int err;

	err = stats_get(nl, &stats);
	if (!err)
		err = pins_get(nl, &everything, &pins);
	if (err)
		return err;
	nr_pins = pins.nr;
	err = holders_get(nl, &pins, &all);
	pins_put(&pins);
	if (err)
		return err;
	frame_size(s);
	if (s->tty)
		fputs("\033[H", stdout);
	head_lines(s, &stats, &all, nr_pins);
	times_line(s, &stats);
	answers_line(s);
	line(s, "%s", "");
	holder_lines(s, &all);
	line(s, "%s", "");
	line(s, "%8s %-20s %8s %5s  %s", "REQUEST", "REASON", "LEFT", "PINS", "FOR");
	err = revoke_nl_requests(nl, request_line, s);
	if (s->tty)
		fputs("\033[J", stdout);
	fflush(stdout);
	holders_put(&all);
	return err;
}

static void hear_answers(struct screen *s)
{
	struct revoke_pin pin;
	uint64_t last = 0;
	int ret;

	/* One event for each pin of an answer: count the answer once. */
	while ((ret = revoke_stream_next(&s->events, &pin)) == 1 || ret == -ENOBUFS) {
		const struct revoke_msg *msg = &s->events.cur.msg;

		if (ret != 1 || msg->cmd != PIN_REVOKE_CMD_ACKED || msg->id == last)
			continue;
		last = msg->id;
		s->answer_ns[s->nr_answers++ % ANSWERS] = msg->elapsed_ns;
	}
}

/* Return: whether to go on. */
static bool pause_for(struct screen *s, uint64_t wait_ns)
{
	const uint64_t end = now_ns() + wait_ns;
	uint64_t now;

	while ((now = now_ns()) < end) {
		struct pollfd fds[] = {
			{ .fd = s->signals, .events = POLLIN },
			{ .fd = s->tty ? STDIN_FILENO : -1, .events = POLLIN },
			{ .fd = s->monitored ? s->events.fd : -1, .events = POLLIN },
		};
		struct signalfd_siginfo sig;
		char key;

		poll(fds, 3, (end - now) / 1000000 + 1);
		if (fds[0].revents)
			return read(s->signals, &sig, sizeof(sig)) == sizeof(sig) &&
			       sig.ssi_signo == SIGWINCH;
		if (fds[1].revents)
			return read(STDIN_FILENO, &key, 1) == 1 && key != 'q';
		if (fds[2].revents)
			hear_answers(s);
	}
	return true;
}

static void screen_begin(struct screen *s, sigset_t *mask)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGWINCH };
	struct termios raw;
	sigset_t block;
	size_t i;

	sigemptyset(&block);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaddset(&block, signals[i]);
	sigprocmask(SIG_BLOCK, &block, mask);
	s->signals = signalfd(-1, &block, SFD_CLOEXEC);
	s->tty = isatty(STDOUT_FILENO) && !tcgetattr(STDIN_FILENO, &s->was);
	if (!s->tty)
		return;
	raw = s->was;
	raw.c_lflag &= ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	/* Another screen, without cursor */
	fputs("\033[?1049h\033[?25l", stdout);
}

static void screen_end(struct screen *s, const sigset_t *mask)
{
	if (s->tty) {
		fputs("\033[?25h\033[?1049l", stdout);
		fflush(stdout);
		tcsetattr(STDIN_FILENO, TCSANOW, &s->was);
	}
	close(s->signals);
	sigprocmask(SIG_SETMASK, mask, NULL);
}

static int parse(int argc, char **argv, uint64_t *interval, uint64_t *count)
{
	static const char *const words[] = { "interval", "count" };
	int i, hit;

	for (i = 0; i < argc; i += 2) {
		hit = pick("word", argv[i], words, 2);
		if (hit < 0 || !parse_number(words[hit], argv[i + 1], UINT32_MAX,
					     hit ? count : interval))
			return EXIT_USAGE;
	}
	return *interval ? EXIT_OK : usage("an interval of 0 seconds is too short");
}

int top_main(int argc, char **argv)
{
	static struct screen s;
	uint64_t interval = 1, count = 0;
	struct revoke_nl nl;
	sigset_t mask;
	int err;

	err = parse(argc, argv, &interval, &count);
	if (err)
		return err;
	if (options.json)
		return usage("top is for people: see revokectl -j holder show");
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "top");
	memset(&s, 0, sizeof(s));
	s.monitored = !monitor_join(&s.monitor);
	if (s.monitored)
		revoke_stream_init(&s.events, &s.monitor);
	screen_begin(&s, &mask);
	do {
		err = frame(&s, &nl);
		/* It changed while it was read: the next one will do. */
		if (err == -EAGAIN)
			err = 0;
	} while (!err && !ferror(stdout) && --count != 0 &&
		 pause_for(&s, interval * 1000000000));
	screen_end(&s, &mask);
	if (s.monitored)
		revoke_nl_close(&s.monitor);
	revoke_nl_close(&nl);
	return err ? fail(err, "top") : EXIT_OK;
}
