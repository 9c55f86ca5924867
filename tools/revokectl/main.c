// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: see and steer revocable pins.
 *
 * Owns the command line: options, the table of objects, abbreviations, and
 * how errors are told. Whatever goes wrong says what to do next.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "revokectl.h"

struct options options;

static const struct command objects[] = {
	{ "pin", pin_main, "{ show | revoke | drain | help }" },
	{ "holder", holder_main, "{ show | help }" },
	{ "request", request_main, "{ show | help }" },
	{ "policy", policy_main, "{ show | set | del | help }" },
	{ "stat", stat_main, "{ show | help }" },
	{ "orphan", orphan_main, "{ show | help }" },
	{ "monitor", monitor_main, "[ --journal ]" },
	{ "top", top_main, "[ interval SECONDS ] [ count NUMBER ]" },
	{ "check", check_main, "{ FILE | PID }" },
	{ "export", export_main, "{ prometheus | help }" },
	{ 0 }
};

/* What a batch may hold: commands that do something and end. */
static int batch_line(int argc, char **argv)
{
	static const struct command batched[] = {
		{ "pin revoke", revoke_main, NULL },
		{ "policy set", policy_set, NULL },
		{ "policy del", policy_del, NULL },
	};
	size_t i, len;

	for (i = 0; argc > 1 && i < sizeof(batched) / sizeof(batched[0]); i++) {
		len = strlen(argv[0]);
		if (!strncmp(argv[0], batched[i].name, len) &&
		    batched[i].name[len] == ' ' &&
		    !strcmp(argv[1], batched[i].name + len + 1))
			return batched[i].run(argc - 2, argv + 2);
	}
	return usage("\"%s%s%s\": a batch has policy set, policy del and pin revoke, whole words",
		     argv[0], argc > 1 ? " " : "", argc > 1 ? argv[1] : "");
}

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

/* A wrong command line. Return: the exit status. */
int usage(const char *fmt, ...)
{
	va_list args;

	if (options.quiet)
		return EXIT_USAGE;
	fputs("revokectl: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	return EXIT_USAGE;
}

/* A call that failed with @err; @fmt: what we were at. Return: exit status. */
int fail(int err, const char *fmt, ...)
{
	const char *text = revoke_last_error(NULL);
	va_list args;

	out_abandon();
	fputs("revokectl: ", stderr);
	if (err == -ENOSYS) {
		fputs("no pin-revoke in this kernel: modprobe pin_revoke\n",
		      stderr);
		return EXIT_KERNEL;
	}
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, ": %s", *text ? text : strerror(-err));
	if (err == -EPERM || err == -EACCES)
		fputs("; run it as root in the initial user namespace", stderr);
	else if (err == -EAGAIN)
		fputs("; it changed while it was read: try again", stderr);
	fputc('\n', stderr);
	return EXIT_KERNEL;
}

/* Is somebody there to read what standard error says, on a terminal that can move? */
bool people(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && strcmp(term, "dumb");
}

/* An empty list may be empty only for us. */
void hint_scope(void)
{
	if (geteuid())
		fputs("revokectl: this shows only your own process: run it as root to see all\n",
		      stderr);
}

/* Whatever was there all the time is in the list. */
void hint_changed(void)
{
	fputs("revokectl: some came or went while this was read: they may be missing\n",
	      stderr);
}

/**
 * pick - find a word that may be abbreviated
 * @what: what it should be, for the message
 * @word: what was given
 * @names: what it can be
 * @nr: how many they are
 *
 * Return: its index, or -1 and the user was told.
 */
int pick(const char *what, const char *word, const char *const *names,
	 size_t nr)
{
	size_t i, len = strlen(word);
	char list[512] = "";
	size_t used = 0;
	int found = -1;
	int hits = 0;

	for (i = 0; i < nr; i++) {
		if (!strcmp(names[i], word))
			return i;
		if (!len || strncmp(names[i], word, len))
			continue;
		found = i;
		hits++;
		used += snprintf(list + used, sizeof(list) - used, " %s",
				 names[i]);
	}
	if (hits == 1)
		return found;
	if (hits) {
		usage("ambiguous %s \"%s\":%s", what, word, list);
		return -1;
	}
	for (i = 0; i < nr; i++)
		used += snprintf(list + used, sizeof(list) - used, " %s",
				 names[i]);
	usage("unknown %s \"%s\": use one of%s", what, word, list);
	return -1;
}

bool parse_number(const char *what, const char *word, uint64_t max,
		  uint64_t *value)
{
	char *end;

	if (!word) {
		usage("%s needs a number", what);
		return false;
	}
	errno = 0;
	*value = strtoull(word, &end, 0);
	/* strtoull() would take a sign and leading blanks */
	if (errno || *end || *word < '0' || *word > '9' || *value > max) {
		usage("%s needs a number from 0 to %llu, not \"%s\"", what,
		      (unsigned long long)max, word);
		return false;
	}
	return true;
}

static int help(const char *object, const struct command *table)
{
	if (!object)
		puts("usage: revokectl [-j] [-p] [-d] [-o] [-n] OBJECT COMMAND\n"
		     "       revokectl [-n] -b { FILE | DIRECTORY | - }\n"
		     "       revokectl { help | -V }\n\n"
		     "-j  JSON, numbers as they are; -p  made pretty\n"
		     "-d  details; -o  one line for each\n"
		     "-n  say what is wrong, or would be done, and do nothing\n"
		     "-b  the commands of a file, or of *.conf there\n");
	for (; table->name; table++)
		printf("revokectl %s%s%s %s\n", object ? object : "",
		       object ? " " : "", table->name, table->help);
	if (!object)
		puts("\nWords may be abbreviated. Exit status: 0 done,\n"
		     "1 wrong usage, 2 the kernel said no, 3 somebody still\n"
		     "holds it, 4 it took too long.");
	return EXIT_OK;
}

/**
 * run_command - run the command that the first word names
 * @object: the words before it, NULL at the top
 * @table: what it can be, up to a name NULL; the first if there is no word
 * @argc: number of words left
 * @argv: the words
 *
 * Return: the exit status.
 */
int run_command(const char *object, const struct command *table, int argc,
		char **argv)
{
	const char *names[16];
	int hit, nr;

	if (!argc)
		return table[0].run(0, argv);
	for (nr = 0; table[nr].name; nr++)
		names[nr] = table[nr].name;
	names[nr] = "help";
	hit = pick(object ? "command" : "object", argv[0], names, nr + 1);
	if (hit < 0)
		return EXIT_USAGE;
	if (hit == nr)
		return help(object, table);
	return table[hit].run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	const char *batch = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "+jpdonb:Vh")) != -1) {
		switch (opt) {
		case 'j':
			options.json = true;
			break;
		case 'p':
			options.pretty = true;
			break;
		case 'd':
			options.details = true;
			break;
		case 'o':
			options.oneline = true;
			break;
		case 'n':
			options.dry = true;
			break;
		case 'b':
			batch = optarg;
			options.batch = true;
			break;
		case 'V':
			puts("revokectl " REVOKECTL_VERSION);
			return EXIT_OK;
		case 'h':
			return help(NULL, objects);
		default:
			return usage("try: revokectl help");
		}
	}
	if (batch)
		return optind == argc ? batch_main(batch, batch_line) :
		       usage("-b takes the commands of the file, and no \"%s\"",
			     argv[optind]);
	if (optind == argc)
		return usage("which object? try: revokectl help");
	return run_command(NULL, objects, argc - optind, argv + optind);
}
