// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-holder: ranges that the process declares itself.
 *
 * Must never judge: what the library says is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/pin_revoke_ioctl.h>
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

/* A copy of @range, behind which nothing is mapped */
static uintptr_t half_mapped(const struct pin_revoke_range *range)
{
	char *at = mmap(NULL, 8192, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (at == MAP_FAILED || munmap(at + 4096, 4096))
		return 0;
	at += 4096 - sizeof(*range);
	memcpy(at, range, sizeof(*range));
	return (uintptr_t)at;
}

/* A call that is wrong in this, of two ranges of memory that is there. */
static void wrong_ioctl(const char *what)
{
	static char page[4096], long_name[64];
	struct pin_revoke_range two[2] = {
		{ .addr = (uintptr_t)page, .len = 1 }, { .addr = (uintptr_t)page, .len = 1 },
	};
	struct {
		struct pin_revoke_ranges ranges;
		uint64_t more;
	} call = {
		.ranges = {
			.size = sizeof(call.ranges), .nr = 2, .ranges = (uintptr_t)two
		},
		.more = 1,
	};
	unsigned long cmd = PIN_REVOKE_IOC_DECLARE;
	char text[PIN_REVOKE_TEXT_LEN] = "-";

	memset(long_name, 'x', sizeof(long_name));
	call.ranges.text = (uintptr_t)text;
	if (!strcmp(what, "small"))
		call.ranges.size--;
	else if (!strcmp(what, "unknown"))
		call.ranges.size = sizeof(call);
	else if (!strcmp(what, "none"))
		call.ranges.nr = 0;
	else if (!strcmp(what, "many"))
		call.ranges.nr = PIN_REVOKE_MAX_RANGES + 1;
	else if (!strcmp(what, "flags"))
		two[1].flags = 2;
	else if (!strcmp(what, "name"))
		call.ranges.name = (uintptr_t)long_name;
	else if (!strcmp(what, "nowhere"))
		call.ranges.ranges = 4096;
	else if (!strcmp(what, "half"))	/* the second is behind all that is mapped */
		call.ranges.ranges = half_mapped(two);
	else if (!strcmp(what, "command"))
		cmd = _IO(PIN_REVOKE_IOC_MAGIC, 2);
	else if (!strncmp(what, "undeclare", 9))
		cmd = PIN_REVOKE_IOC_UNDECLARE;
	if (!strcmp(what, "undeclare-name"))
		call.ranges.name = (uintptr_t)"x";
	if (ioctl(context_fd(), cmd, &call))
		failed(-errno, text);
	else
		ok();
}

/* ioctl WHAT */
void do_ioctl(char **arg)
{
	wrong_ioctl(arg[1]);
}

/* child-ioctl: a child does, with the context that it inherited */
void do_child_ioctl(char **arg)
{
	pid_t child = fork();

	(void)arg;
	if (child) {
		waitpid(child, NULL, 0);
		return;
	}
	wrong_ioctl("nothing");
	fflush(stdout);
	_exit(0);
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
