// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-holder: ranges that the process declares itself.
 *
 * Must never judge: what the library says is printed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <revoke/revoke.h>

#include "holder.h"

#define MAX_RANGES	200

static struct revoke_range ranges[MAX_RANGES];	/* declared last */

/* declare CTX PLACE SIZE w|- [COUNT [NAME]]: so many, one after the other */
void do_declare(char **arg)
{
	struct revoke_ctx *ctx = context(arg[1]);
	uint64_t addr = (uintptr_t)place(arg[2]);
	size_t nr = arg[5] ? number(arg[5]) : 1, i;
	int err;

	for (i = 0; i < nr && i < MAX_RANGES; i++)
		ranges[i] = (struct revoke_range){
			.size = sizeof(*ranges),
			.addr = addr + i * number(arg[3]),
			.len = number(arg[3]),
			.flags = strchr(arg[4], 'w') ? REVOKE_RANGE_WRITE : 0,
		};
	err = revoke_declare(ctx, arg[5] ? arg[6] : NULL, ranges, i);
	if (err) {
		failed(err, revoke_last_error(ctx));
		return;
	}
	printf("ok first=%llu last=%llu\n", (unsigned long long)ranges[0].id,
	       (unsigned long long)ranges[i - 1].id);
}

/* undeclare CTX ID [COUNT]: that many pins, by id */
void do_undeclare(char **arg)
{
	struct revoke_ctx *ctx = context(arg[1]);
	struct revoke_range these[MAX_RANGES];
	size_t nr = arg[3] ? number(arg[3]) : 1, i;
	int err;

	for (i = 0; i < nr && i < MAX_RANGES; i++)
		these[i] = (struct revoke_range){
			.size = sizeof(*these), .id = number(arg[2]) + i
		};
	err = revoke_undeclare(ctx, these, i);
	if (err)
		failed(err, revoke_last_error(ctx));
	else
		ok();
}

/* valid NR: is it, of those that were declared last */
void do_valid(char **arg)
{
	printf("ok %d\n", revoke_pin_valid(&ranges[number(arg[1]) % MAX_RANGES]));
}

/* The descriptor of a context of this process; one must be open. */
int context_fd(void)
{
	static const char what[] = "anon_inode:[pin-revoke]";
	char path[64], text[64] = "";
	int fd;

	for (fd = 2; strcmp(text, what) && fd < SLOTS;) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", ++fd);
		memset(text, 0, sizeof(text));
		if (readlink(path, text, sizeof(text) - 1) < 0)
			*text = '\0';
	}
	return fd;
}

/* child-undeclares ID: a child says so, with the context that it inherited */
void do_child_undeclares(char **arg)
{
	char text[64], id[64];
	pid_t child = fork();
	int fd;

	if (child) {
		waitpid(child, NULL, 0);
		return;
	}
	fd = context_fd();
	fcntl(fd, F_SETFD, 0);
	snprintf(text, sizeof(text), "ctx-fd=%d", fd);
	snprintf(id, sizeof(id), "id=%s", arg[1]);
	execl("/pr/tests/core-nl", "core-nl", "undeclare", text, id, NULL);
	_exit(1);
}

/* claim CTX PIN | claim CTX 0 PLACE SIZE: then it is "valid 0" */
void do_claim(char **arg)
{
	struct revoke_ctx *ctx = context(arg[1]);
	int err;

	ranges[0] = (struct revoke_range){
		.size = sizeof(*ranges), .id = number(arg[2]),
		.addr = (uintptr_t)place(arg[3]),
		.len = arg[3] ? number(arg[4]) : 0,
	};
	err = revoke_claim(ctx, ranges, 1);
	if (err)
		failed(err, revoke_last_error(ctx));
	else
		printf("ok pin=%llu\n", (unsigned long long)ranges[0].id);
}

/* restore CTX PIN */
void do_restore(char **arg)
{
	struct revoke_ctx *ctx = context(arg[1]);
	int err = revoke_restore(ctx, number(arg[2]));

	if (err)
		failed(err, revoke_last_error(ctx));
	else
		ok();
}

/* policy CTX PIN: for writeback-sync */
void do_policy(char **arg)
{
	struct revoke_ctx *ctx = context(arg[1]);
	struct revoke_policy p = { .size = sizeof(p) };
	int err = revoke_policy_get(ctx, number(arg[2]),
				    PIN_REVOKE_REASON_WRITEBACK_SYNC, &p);

	if (err)
		failed(err, revoke_last_error(ctx));
	else
		printf("ok action=%u grace=%u extend=%u\n", p.action, p.grace_ms,
		       p.max_extend_ms);
}
