// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs revokectl inside a test, and compares what it said: see ctl.h.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include "ctl.h"
#include "../../tools/revokectl/revokectl.h"

char out[OUT_SIZE], err[ERR_SIZE];
int ctl_stderr = -1;

static void take(int fd, int was, int to, char *buf, size_t size)
{
	ssize_t len = pread(fd, buf, size - 1, 0);

	buf[len < 0 ? 0 : len] = '\0';
	dup2(was, to);
	close(was);
	close(fd);
}

/* Runs "revokectl LINE" into @out and @err. Return: its exit status. */
int run(const char *line)
{
	int fd_out = memfd_create("out", MFD_CLOEXEC);
	int fd_err = memfd_create("err", MFD_CLOEXEC);
	int was_out = dup(STDOUT_FILENO), was_err = dup(STDERR_FILENO);
	char *words = strdup(line), *argv[16] = { "revokectl" };
	int argc = 1, status;
	char *word;

	for (word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	optind = 0;
	memset(&options, 0, sizeof(options));
	fflush(stdout);
	dup2(fd_out, STDOUT_FILENO);
	dup2(ctl_stderr < 0 ? fd_err : ctl_stderr, STDERR_FILENO);
	status = revokectl_main(argc, argv);
	fflush(stdout);
	take(fd_out, was_out, STDOUT_FILENO, out, sizeof(out));
	take(fd_err, was_err, STDERR_FILENO, err, sizeof(err));
	free(words);
	return status;
}

bool printed(const char *text)
{
	if (!strcmp(out, text))
		return true;
	printf("# printed:\n# %s\n# wanted:\n# %s\n", out, text);
	return false;
}

bool complained(const char *text)
{
	if (!strcmp(err, text))
		return true;
	printf("# said:\n# %s\n# wanted:\n# %s\n", err, text);
	return false;
}

/* A value of the JSON in @out, by a path like "0.pins.1.id" */
static struct json_object *json, *json_at;

const char *json_value(const char *path)
{
	char buf[64], *word;

	json_object_put(json);
	json = json_tokener_parse(out);
	json_at = json;
	snprintf(buf, sizeof(buf), "%s", path);
	for (word = strtok(buf, "."); word && json_at;
	     word = strtok(NULL, ".")) {
		if (json_object_is_type(json_at, json_type_array))
			json_at = json_object_array_get_idx(json_at, atoi(word));
		else
			json_object_object_get_ex(json_at, word, &json_at);
	}
	return json_at ? json_object_get_string(json_at) : "(nothing)";
}

bool json_is(const char *path, enum json_type type, const char *value)
{
	const char *is = json_value(path);

	if (!strcmp(is, value) && json_object_is_type(json_at, type))
		return true;
	printf("# %s is %s, not %s\n", path, is, value);
	return false;
}

void json_done(void)
{
	json_object_put(json);
	json = NULL;
}
