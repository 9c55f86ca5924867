// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl policy show: which line of the policy files says what holds.
 *
 * The kernel does not know of files: a value comes from one if the last line that
 * sets it there says the same. Must never complain: files that cannot be read, or
 * are wrong, explain nothing.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "revokectl.h"

/* One line: its attributes, and where it is; NULL if it deletes */
struct known {
	struct nl_msg *msg;
	char *where;
};

static struct known *known;
static size_t nr_known;

static int on_line(const char *file, unsigned int nr, int argc, char **argv)
{
	struct known *more = realloc(known, (nr_known + 1) * sizeof(*known));
	const char *name = strrchr(file, '/');
	bool del;

	if (!more)
		return 1;
	known = more;
	more = &known[nr_known];
	if (argc < 3 || strcmp(argv[0], "policy"))
		return 0;
	del = !strcmp(argv[1], "del");
	*more = (struct known){ .msg = nlmsg_alloc() };
	if (more->msg && !policy_parse(more->msg, del, argc - 2, argv + 2) &&
	    (del || asprintf(&more->where, "%s:%u", name ? name + 1 : file, nr) >= 0))
		nr_known++;
	else
		nlmsg_free(more->msg);
	return 0;
}

/* What is wrong with the files is not what the user asked. */
void policy_files_read(void)
{
	int was = options.quiet;

	options.quiet = true;
	if (!access(POLICY_DIR, R_OK | X_OK))
		batch_each(POLICY_DIR, on_line);
	options.quiet = was;
}

void policy_files_forget(void)
{
	while (nr_known--) {
		nlmsg_free(known[nr_known].msg);
		free(known[nr_known].where);
	}
	free(known);
	known = NULL;
	nr_known = 0;
}

static bool same(struct nlattr *a, struct nlattr *b)
{
	if (!a || !b)
		return !a && !b;
	return nla_len(a) == nla_len(b) && !memcmp(nla_data(a), nla_data(b), nla_len(a));
}

/**
 * policy_files_find - the line that sets a value
 * @tb: the policy as the kernel tells it
 * @attr: the value
 *
 * Return: its file and number, NULL if there is none.
 */
const char *policy_files_find(struct nlattr **tb, int attr)
{
	static const int whose[] = {
		PIN_REVOKE_A_POLICY_REASON, PIN_REVOKE_A_POLICY_UID,
		PIN_REVOKE_A_POLICY_CGROUP, PIN_REVOKE_A_POLICY_COMM,
	};
	size_t i, nr;

	for (nr = nr_known; nr--; ) {
		struct nlmsghdr *nlh = nlmsg_hdr(known[nr].msg);
		struct nlattr *value = nlmsg_find_attr(nlh, 0, attr);

		for (i = 0; i < sizeof(whose) / sizeof(whose[0]); i++)
			if (!same(tb[whose[i]], nlmsg_find_attr(nlh, 0, whose[i])))
				break;
		if (i < sizeof(whose) / sizeof(whose[0]))
			continue;
		/* A line that deletes it has no value: what is set came later. */
		if (!known[nr].where)
			return NULL;
		if (value)
			return same(value, tb[attr]) ? known[nr].where : NULL;
	}
	return NULL;
}
