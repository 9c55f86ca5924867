// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files of commands for revokectl: an input is the file. What is read of it is written
 * as another file, which must be read as the same; so for the words of lines, and for
 * what a policy's line tells the kernel. There the last of two values counts, and what
 * is judged before the first line is done is what the kernel is told.
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <sys/mman.h>
#include <unistd.h>
#include "fuzz.h"
#include "../../tools/revokectl/revokectl.h"

int revokectl_main(int argc, char **argv);

/* Files of one line each call, of which all words are quoted */
static char again[1 << 20];
static size_t used;
static unsigned int lines;

static const char *file_of(int *fd, const void *bytes, size_t len)
{
	static char path[32];

	if (*fd <= 0)
		*fd = memfd_create("batch", MFD_CLOEXEC);
	promise(*fd >= 0 && !ftruncate(*fd, 0) && pwrite(*fd, bytes, len, 0) == (ssize_t)len);
	snprintf(path, sizeof(path), "/dev/fd/%d", *fd);
	return path;
}

static __attribute__((format(printf, 1, 2))) void add(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	used += vsnprintf(again + used, sizeof(again) - used, fmt, args);
	va_end(args);
	promise(used < sizeof(again));
}

static uint64_t number(struct nlattr *attr)
{
	return nla_len(attr) == sizeof(uint64_t) ? nla_get_u64(attr) : nla_get_u32(attr);
}

/* What the kernel would take of it, as a line */
static void add_policy(struct nl_msg *msg, bool del)
{
	static const struct {
		int attr;
		const char *word;
	} words[] = {
		{ PIN_REVOKE_A_POLICY_UID, "uid" },
		{ PIN_REVOKE_A_POLICY_CGROUP, "cgroup" },
		{ PIN_REVOKE_A_POLICY_GRACE_MS, "grace" },
		{ PIN_REVOKE_A_POLICY_MAX_EXTEND_MS, "max-extend" },
		{ PIN_REVOKE_A_POLICY_SKIP_MS, "skip" },
		{ PIN_REVOKE_A_POLICY_REPEAT_MS, "repeat" },
	};
	struct nlattr *tb[PIN_REVOKE_A_POLICY_MAX + 1];
	size_t i;

	promise(!nlmsg_parse(nlmsg_hdr(msg), 0, tb, PIN_REVOKE_A_POLICY_MAX, NULL));
	add("policy %s reason %s", del ? "del" : "set",
	    revoke_reason_name(number(tb[PIN_REVOKE_A_POLICY_REASON])));
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (tb[words[i].attr])
			add(" %s %llu", words[i].word,
			    (unsigned long long)number(tb[words[i].attr]));
	if (tb[PIN_REVOKE_A_POLICY_ACTION])
		add(" action %s",
		    revoke_action_name(number(tb[PIN_REVOKE_A_POLICY_ACTION])));
	if (tb[PIN_REVOKE_A_POLICY_COMM])
		add(" comm \"%s\"", nla_get_string(tb[PIN_REVOKE_A_POLICY_COMM]));
	add("\n");
}

/* Return: the message of a line, NULL if it is none that would be done. */
static struct nl_msg *policy_of(int argc, char **argv, bool *del, const char **misfit)
{
	struct nl_msg *msg;

	if (argc < 2 || strcmp(argv[0], "policy") ||
	    (strcmp(argv[1], "set") && strcmp(argv[1], "del")))
		return NULL;
	*del = !strcmp(argv[1], "del");
	msg = nlmsg_alloc();
	promise(msg);
	if (policy_parse(msg, *del, argc - 2, argv + 2) == EXIT_OK) {
		*misfit = policy_misfit(msg, *del);
		return msg;
	}
	nlmsg_free(msg);
	return NULL;
}

/* What the line before said, for the one that was made of it */
static struct nl_msg *told;
static const char *told_misfit;

static int on_policy_again(const char *file, unsigned int nr, int argc, char **argv)
{
	struct nlattr *was[PIN_REVOKE_A_POLICY_MAX + 1], *is[PIN_REVOKE_A_POLICY_MAX + 1];
	const char *misfit;
	struct nl_msg *msg;
	bool del;
	int i;

	(void)file;
	(void)nr;
	msg = policy_of(argc, argv, &del, &misfit);
	promise(msg && misfit == told_misfit);
	promise(!nlmsg_parse(nlmsg_hdr(told), 0, was, PIN_REVOKE_A_POLICY_MAX, NULL) &&
		!nlmsg_parse(nlmsg_hdr(msg), 0, is, PIN_REVOKE_A_POLICY_MAX, NULL));
	for (i = 1; i <= PIN_REVOKE_A_POLICY_MAX; i++) {
		promise(!was[i] == !is[i]);
		promise(!was[i] || (nla_len(was[i]) == nla_len(is[i]) &&
				    !memcmp(nla_data(was[i]), nla_data(is[i]), nla_len(is[i]))));
	}
	nlmsg_free(msg);
	lines++;
	return 0;
}

static int on_policy(const char *file, unsigned int nr, int argc, char **argv)
{
	static int fd;
	bool del;

	(void)file;
	(void)nr;
	told = policy_of(argc, argv, &del, &told_misfit);
	if (!told)
		return 0;
	used = 0;
	lines = 0;
	add_policy(told, del);
	promise(!batch_each(file_of(&fd, again, used), on_policy_again) && lines == 1);
	nlmsg_free(told);
	return 0;
}

static int on_words(const char *file, unsigned int nr, int argc, char **argv)
{
	int i;

	(void)file;
	(void)nr;
	promise(argc > 0 && !argv[argc]);
	for (i = 0; i < argc; i++) {
		promise(!strpbrk(argv[i], "\"\n"));
		add("\"%s\" ", argv[i]);
	}
	add("\n");
	lines++;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int file, copy;
	static char first[sizeof(again)];
	unsigned int nr;
	size_t len;

	memset(&options, 0, sizeof(options));
	options.quiet = true;
	used = 0;
	lines = 0;
	if (size > sizeof(again) / 8)
		return 0;
	if (batch_each(file_of(&file, data, size), on_words))
		return 0;
	/* Nothing was passed over that is not a blank line or a comment. */
	promise(!memchr(data, 0, size));
	memcpy(first, again, used);
	len = used;
	nr = lines;
	used = 0;
	lines = 0;
	promise(!batch_each(file_of(&copy, first, len), on_words));
	promise(used == len && lines == nr && !memcmp(first, again, len));
	batch_each(file_of(&file, data, size), on_policy);
	return 0;
}
