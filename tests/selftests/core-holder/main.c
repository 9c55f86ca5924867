// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that shell scripts lead by the hand: it maps, pins with
 * /dev/pin_dummy, listens and answers. Reads one command per line, prints one
 * line for each: "ok ..." or "error ENAME text". See commands[] at the end.
 *
 * Must never wait without a limit that the script gave, except in a system call
 * that is itself the test.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "holder.h"

#define MAX_ARGS	8

static pid_t child;

void ok(void)
{
	puts("ok");
}

/* @err is negative, @text the kernel's words, if any. */
void failed(int err, const char *text)
{
	const char *name = strerrorname_np(-err);

	printf("error %s%s%s\n", name ? name : "?", *text ? " " : "", text);
}

void done(int err)
{
	if (err < 0)
		failed(-errno, "");
	else
		ok();
}

uint64_t number(const char *s)
{
	return s ? strtoull(s, NULL, 0) : 0;
}

unsigned int slot(const char *s)
{
	return number(s) % SLOTS;
}

double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* fork: the child does nothing, until "reap" */
static void do_fork(char **arg)
{
	(void)arg;
	child = fork();
	if (!child)
		for (;;)
			pause();
	if (child < 0)
		done(-1);
	else
		printf("ok pid=%d\n", child);
}

static void do_reap(char **arg)
{
	(void)arg;
	done(kill(child, SIGKILL) || waitpid(child, NULL, 0) != child ? -1 : 0);
}

/* exec: this program anew, which has only its descriptors, and says ok */
static void do_exec(char **arg)
{
	(void)arg;
	execl("/proc/self/exe", "core-holder", "again", NULL);
	done(-1);
}

static const struct {
	const char *name;
	int min_args;
	void (*run)(char **arg);
} commands[] = {
	{ "ack", 4, do_ack },
	{ "advise", 3, do_advise },
	{ "allocate", 3, do_timed },
	{ "answer", 2, do_answer },
	{ "bind", 1, do_bind },
	{ "child-ioctl", 0, do_child_ioctl },
	{ "child-undeclares", 1, do_child_undeclares },
	{ "claim", 2, do_claim },
	{ "close", 1, do_close },
	{ "crowd", 5, do_crowd },
	{ "declare", 4, do_declare },
	{ "dirty", 1, do_dirty },
	{ "dispatch", 1, do_dispatch },
	{ "dispatched", 0, do_dispatched },
	{ "disperse", 0, do_disperse },
	{ "dma", 4, do_dma },
	{ "drop", 2, do_drop },
	{ "exec", 0, do_exec },
	{ "fork", 0, do_fork },
	{ "fsync", 1, do_timed },
	{ "hammer", 1, do_hammer },
	{ "inherit", 2, do_inherit },
	{ "ioctl", 1, do_ioctl },
	{ "listen", 1, do_listen },
	{ "look", 1, do_look },
	{ "map", 4, do_map },
	{ "migrate", 2, do_migrate },
	{ "move-ext", 3, do_move_ext },
	{ "move-pages", 3, do_move_pages },
	{ "msync", 2, do_timed },
	{ "pageout", 2, do_pageout },
	{ "passes", 1, do_passes },
	{ "pin", 4, do_pin },
	{ "pin-many", 4, do_pin_many },
	{ "pins", 1, do_pins },
	{ "policy", 2, do_policy },
	{ "protect", 3, do_protect },
	{ "punch", 3, do_timed },
	{ "race", 4, do_race },
	{ "reap", 0, do_reap },
	{ "remap", 3, do_remap },
	{ "repeat", 1, do_repeat },
	{ "requests", 1, do_requests },
	{ "time", 1, do_time },
	{ "restore", 2, do_restore },
	{ "start-writeback", 3, do_timed },
	{ "state", 1, do_state },
	{ "storm", 3, do_storm },
	{ "sync", 0, do_timed },
	{ "syncfs", 1, do_timed },
	{ "touch", 3, do_touch },
	{ "truncate", 2, do_timed },
	{ "uffd", 2, do_uffd },
	{ "uffd-end", 0, do_uffd_end },
	{ "undeclare", 2, do_undeclare },
	{ "undispatch", 1, do_undispatch },
	{ "unmap", 2, do_unmap },
	{ "unpin", 1, do_unpin },
	{ "unpin-many", 1, do_unpin_many },
	{ "valid", 1, do_valid },
	{ "wait", 3, do_wait },
	{ "words", 1, do_words },
	{ "write", 3, do_timed },
	{ "write-from", 3, do_timed },
	{ "write-sync", 3, do_timed },
};

static void run(char *line)
{
	char *arg[MAX_ARGS + 1] = { };
	int nr = 0;

	for (char *s = strtok(line, "\n "); s && nr < MAX_ARGS; s = strtok(NULL, "\n "))
		arg[nr++] = s;
	for (size_t i = 0; nr && i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, arg[0]))
			continue;
		if (nr > commands[i].min_args) {
			commands[i].run(arg);
			return;
		}
	}
	printf("error usage: %s\n", nr ? arg[0] : "");
}

int main(int argc, char **argv)
{
	char line[256];

	(void)argv;
	setlinebuf(stdout);
	if (argc > 1)
		ok();
	while (fgets(line, sizeof(line), stdin))
		run(line);
	return 0;
}
