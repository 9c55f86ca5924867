// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl -b: the commands of a file, or of a directory's *.conf in order of
 * their names; a line each, as on a command line.
 *
 * All of it is read and parsed before anything is done, from memory both times:
 * must never run a line of which the rest was not seen to be well-formed.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "revokectl.h"

#define WORDS 64

struct line {
	char *file;
	unsigned int nr;
	char *text;		/* the words, a NUL after each */
	int argc;
	char *argv[WORDS];
};

struct batch {
	struct line **line;
	size_t nr;
};

/* Words as a shell has them, with "..." and # but nothing else. */
static int split(struct line *line)
{
	char *in = line->text, *out = line->text;

	for (;;) {
		bool quoted = false;

		in += strspn(in, " \t\r\n");
		if (!*in || *in == '#')
			return EXIT_OK;
		if (line->argc == WORDS - 1)
			return usage("%s:%u: too many words", line->file, line->nr);
		line->argv[line->argc++] = out;
		for (; *in && (quoted || !strchr(" \t\r\n", *in)); in++) {
			if (*in == '"')
				quoted = !quoted;
			else
				*out++ = *in;
		}
		if (quoted)
			return usage("%s:%u: a quote is not closed", line->file,
				     line->nr);
		in += !!*in;
		*out++ = '\0';
	}
}

static int add_line(struct batch *batch, const char *file, unsigned int nr,
		    const char *text)
{
	struct line **more = realloc(batch->line, (batch->nr + 1) * sizeof(*more));
	struct line *line = calloc(1, sizeof(*line));
	int err;

	if (more)
		batch->line = more;
	if (!more || !line) {
		free(line);
		return fail(-ENOMEM, "%s", file);
	}
	batch->line[batch->nr++] = line;
	line->nr = nr;
	line->file = strdup(file);
	line->text = strdup(text);
	if (!line->file || !line->text)
		return fail(-ENOMEM, "%s", file);
	err = split(line);
	if (err || line->argc)
		return err;
	batch->nr--;
	free(line->file);
	free(line->text);
	free(line);
	return EXIT_OK;
}

static int read_file(struct batch *batch, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	unsigned int nr = 0;
	char *text = NULL;
	size_t size = 0;
	ssize_t len;
	int err = 0;

	if (!file)
		return usage("%s: %s", path, strerror(errno));
	errno = 0;
	while (!err && (len = getline(&text, &size, file)) >= 0) {
		nr++;
		err = strlen(text) == (size_t)len ? add_line(batch, path, nr, text) :
			usage("%s:%u: a byte that is 0", path, nr);
	}
	if (!err && ferror(file))
		err = usage("%s: %s", path, strerror(errno));
	free(text);
	if (file != stdin)
		fclose(file);
	/* NOLINTNEXTLINE(clang-analyzer-unix.Stream): fopen() returns no stdin */
	return err;
}

static int is_conf(const struct dirent *ent)
{
	size_t len = strlen(ent->d_name);

	return ent->d_name[0] != '.' && len > 5 &&
	       !strcmp(ent->d_name + len - 5, ".conf");
}

static int read_dir(struct batch *batch, const char *path)
{
	struct dirent **ent;
	int i, nr, err = 0;
	char *name;

	nr = scandir(path, &ent, is_conf, alphasort);
	if (nr < 0)
		return usage("%s: %s", path, strerror(errno));
	for (i = 0; i < nr; i++) {
		if (!err && asprintf(&name, "%s/%s", path, ent[i]->d_name) >= 0) {
			err = read_file(batch, name);
			free(name);
		}
		free(ent[i]);
	}
	free(ent);
	return err;
}

/* All lines once. Return: EXIT_OK, or the status of the line that failed. */
static int run_all(struct batch *batch, int (*run)(int argc, char **argv))
{
	size_t i;
	int err;

	for (i = 0; i < batch->nr; i++) {
		struct line *line = batch->line[i];

		err = run(line->argc, line->argv);
		if (!err)
			continue;
		if (options.check || options.dry)
			fprintf(stderr, "revokectl: %s:%u: this line; nothing was done\n",
				line->file, line->nr);
		else
			fprintf(stderr,
				"revokectl: %s:%u: this line; %zu before it were done, %zu after it not\n",
				line->file, line->nr, i, batch->nr - i - 1);
		return err;
	}
	return EXIT_OK;
}

static int read_path(struct batch *batch, const char *path)
{
	struct stat st;

	if (strcmp(path, "-") && !stat(path, &st) && S_ISDIR(st.st_mode))
		return read_dir(batch, path);
	return read_file(batch, path);
}

static void forget(struct batch *batch)
{
	while (batch->nr--) {
		free(batch->line[batch->nr]->file);
		free(batch->line[batch->nr]->text);
		free(batch->line[batch->nr]);
	}
	free(batch->line);
}

/**
 * batch_main - run the commands of a file
 * @path: the file, a directory, or "-"
 * @run: runs one
 *
 * Return: the exit status.
 */
int batch_main(const char *path, int (*run)(int argc, char **argv))
{
	struct batch batch = { 0 };
	int err = read_path(&batch, path);

	if (!err) {
		options.check = true;
		err = run_all(&batch, run);
		options.check = false;
	}
	if (!err)
		err = run_all(&batch, run);
	forget(&batch);
	return err;
}

/* Only look: @fn gets each line until it returns non-zero. */
int batch_each(const char *path,
	       int (*fn)(const char *file, unsigned int nr, int argc, char **argv))
{
	struct batch batch = { 0 };
	int err = read_path(&batch, path);
	size_t i;

	for (i = 0; !err && i < batch.nr; i++)
		err = fn(batch.line[i]->file, batch.line[i]->nr,
			 batch.line[i]->argc, batch.line[i]->argv);
	forget(&batch);
	return err;
}
