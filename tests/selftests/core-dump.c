// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: core-dump COUNT
 *
 * A process with COUNT declared ranges, and one of another user with three, ask for
 * the list of pins: when nothing happens, while a thread declares and undeclares a
 * range all the time, by filters, and wrongly. Prints what came, a line for each.
 *
 * Must never judge, nor use the library where it is the kernel that is asked.
 */
#include <err.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <linux/pin_revoke_ioctl.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <revoke/revoke.h>

#define PAGE		4096
#define OTHER_USER	65534
#define PER_CTX		(64000U / PIN_REVOKE_MAX_RANGES * PIN_REVOKE_MAX_RANGES)
#define CTXS		2		/* each has a word for 65536 */

static struct nl_sock *sk;
static int family;
static char *page;
static uint64_t *ids;
static unsigned int count;
static atomic_uint *rounds;	/* of the thread; shared with the other process */

struct dump {
	unsigned int nr;
	unsigned int stayed;	/* of ours, in their order, each once */
	bool changed;		/* NLM_F_DUMP_INTR */
	int error;
	uint32_t offset;	/* of the attribute that was wrong */
};

static void connect_family(void)
{
	const int on = 1;

	sk = nl_socket_alloc();
	if (!sk || genl_connect(sk))
		errx(1, "no socket");
	nl_socket_disable_auto_ack(sk);
	setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	family = genl_ctrl_resolve(sk, PIN_REVOKE_FAMILY_NAME);
	if (family < 0)
		errx(1, "no family");
}

static struct nl_msg *message(int cmd, int flags)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0,
				 NLM_F_REQUEST | flags, cmd, PIN_REVOKE_FAMILY_VERSION))
		errx(1, "no memory");
	return msg;
}

static void send_message(struct nl_msg *msg)
{
	if (nl_send_auto(sk, msg) < 0)
		errx(1, "cannot send");
	nlmsg_free(msg);
}

/* Return: the descriptor of a new context. */
static int open_ctx(uint32_t *id)
{
	struct nlattr *tb[PIN_REVOKE_A_CTX_MAX + 1];
	struct sockaddr_nl from;
	unsigned char *buf;
	int fd;

	send_message(message(PIN_REVOKE_CMD_OPEN, 0));
	if (nl_recv(sk, &from, &buf, NULL) <= 0 ||
	    genlmsg_parse((struct nlmsghdr *)buf, 0, tb, PIN_REVOKE_A_CTX_MAX, NULL) ||
	    !tb[PIN_REVOKE_A_CTX_FD])
		errx(1, "no context");
	fd = nla_get_u32(tb[PIN_REVOKE_A_CTX_FD]);
	*id = nla_get_u32(tb[PIN_REVOKE_A_CTX_ID]);
	free(buf);
	return fd;
}

static void declare(int fd, const char *name, unsigned int nr, uint64_t *to)
{
	struct pin_revoke_range range[PIN_REVOKE_MAX_RANGES];
	struct pin_revoke_ranges call = {
		.size = sizeof(call), .nr = nr, .ranges = (uintptr_t)range,
		.name = (uintptr_t)name,
	};
	unsigned int i;

	memset(range, 0, sizeof(range));
	for (i = 0; i < nr; i++) {
		range[i].addr = (uintptr_t)page;
		range[i].len = PAGE;
	}
	if (ioctl(fd, PIN_REVOKE_IOC_DECLARE, &call))
		err(1, "declare");
	for (i = 0; i < nr; i++)
		to[i] = range[i].id;
}

static void undeclare(int fd, uint64_t id)
{
	struct pin_revoke_range range = { .id = id };
	struct pin_revoke_ranges call = {
		.size = sizeof(call), .nr = 1, .ranges = (uintptr_t)&range,
	};

	if (ioctl(fd, PIN_REVOKE_IOC_UNDECLARE, &call))
		err(1, "undeclare");
}

static void *come_and_go(void *arg)
{
	int fd = *(int *)arg;
	uint64_t id;

	while (!atomic_load(&rounds[1])) {
		declare(fd, "guest", 1, &id);
		undeclare(fd, id);
		atomic_fetch_add(&rounds[0], 1);
	}
	return NULL;
}

/* Until the thread has come and gone since now */
static void let_change(void)
{
	unsigned int now = atomic_load(&rounds[0]);

	while (atomic_load(&rounds[0]) - now < 2)
		sched_yield();
}

static void on_pin(struct dump *dump, uint64_t id)
{
	dump->nr++;
	if (dump->stayed < count && ids[dump->stayed] == id)
		dump->stayed++;
}

static void on_error(struct dump *dump, struct nlmsghdr *nlh)
{
	struct nlmsgerr *e = nlmsg_data(nlh);
	int used = sizeof(*e);
	struct nlattr *offs;

	/* Without NETLINK_CAP_ACK the question follows, whole. */
	used += NLMSG_ALIGN(e->msg.nlmsg_len) - NLMSG_HDRLEN;
	offs = nlmsg_find_attr(nlh, used, NLMSGERR_ATTR_OFFS);
	dump->error = -e->error;
	dump->offset = offs ? nla_get_u32(offs) : 0;
}

/* Return: false when it was the last. */
static bool on_message(struct dump *dump, struct nlmsghdr *nlh)
{
	struct nlattr *id;

	dump->changed |= !!(nlh->nlmsg_flags & NLM_F_DUMP_INTR);
	if (nlh->nlmsg_type == NLMSG_DONE)
		return false;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		on_error(dump, nlh);
		return false;
	}
	id = nlmsg_find_attr(nlh, GENL_HDRLEN, PIN_REVOKE_A_PIN_ID);
	if (!id)
		errx(1, "a pin without an id");
	on_pin(dump, nla_get_u64(id));
	return true;
}

/* @moving: something comes and goes after the first part was made */
static struct dump ask(struct nl_msg *msg, bool moving)
{
	struct dump dump = { 0 };
	struct sockaddr_nl from;
	struct nlmsghdr *nlh;
	unsigned char *buf;
	bool more = true;
	int len;

	send_message(msg);
	if (moving)
		let_change();
	while (more) {
		len = nl_recv(sk, &from, &buf, NULL);
		if (len <= 0)
			errx(1, "no answer");
		for (nlh = (struct nlmsghdr *)buf; more && nlmsg_ok(nlh, len);
		     nlh = nlmsg_next(nlh, &len))
			more = on_message(&dump, nlh);
		free(buf);
	}
	return dump;
}

static void say(const char *what, struct dump dump)
{
	printf("%s: pins=%u stayed=%u changed=%d\n", what, dump.nr, dump.stayed,
	       dump.changed);
	fflush(stdout);
}

static struct nl_msg *list(void)
{
	return message(PIN_REVOKE_CMD_PIN_GET, NLM_F_DUMP);
}

static struct nl_msg *list_u32(int type, uint32_t value)
{
	struct nl_msg *msg = list();

	nla_put_u32(msg, type, value);
	return msg;
}

static struct nl_msg *list_string(int type, const char *value)
{
	struct nl_msg *msg = list();

	nla_put_string(msg, type, value);
	return msg;
}

/* The number of pins that a filter lets through */
static void filtered(const char *what, struct nl_msg *msg)
{
	printf("%s: pins=%u\n", what, ask(msg, false).nr);
}

static void wrong(const char *what, struct nl_msg *msg)
{
	struct dump dump = ask(msg, false);
	const char *name = strerrorname_np(dump.error);

	printf("%s: %s at %u\n", what, name ? name : "?", dump.offset);
}

/* Another user's process: it says when it is there, and what it sees. */
static pid_t other(int *to, int *from)
{
	int there[2], go[2];
	uint64_t own[3];
	uint32_t id;
	pid_t pid;
	char c = 0;
	int fd;

	if (pipe(there) || pipe(go))
		err(1, "pipe");
	fflush(stdout);
	pid = fork();
	if (pid) {
		close(there[1]);
		close(go[0]);
		*from = there[0];
		*to = go[1];
		if (read(*from, &c, 1) != 1)
			errx(1, "the other process is gone");
		return pid;
	}
	close(go[1]);
	if (setresgid(OTHER_USER, OTHER_USER, OTHER_USER) ||
	    setresuid(OTHER_USER, OTHER_USER, OTHER_USER))
		err(1, "setresuid");
	connect_family();
	fd = open_ctx(&id);
	declare(fd, "odd 7", 2, own);
	declare(fd, "oddity", 1, own + 2);
	count = 3;
	ids = own;
	if (write(there[1], &c, 1) != 1 || read(go[0], &c, 1) != 1)
		_exit(1);
	say("own", ask(list(), true));
	if (write(there[1], &c, 1) != 1 || read(go[0], &c, 1) != 0)
		_exit(1);
	_exit(0);
}

static int on_listed(const struct revoke_pin *pin, void *arg)
{
	on_pin(arg, pin->id);
	return 0;
}

/* The library's list: what stayed is in it, whatever else happens. */
static void library(void)
{
	struct dump dump = { 0 };
	struct revoke_ctx *ctx;
	int ret;

	if (revoke_open(NULL, &ctx))
		errx(1, "no context");
	ret = revoke_pin_list(ctx, on_listed, &dump);
	printf("library: %s stayed=%u\n", ret && ret != -EAGAIN ? "failed" : "ok",
	       dump.stayed);
	revoke_close(ctx);
}

static double seconds(void)
{
	static struct timespec last;
	struct timespec now;
	double passed;

	clock_gettime(CLOCK_MONOTONIC, &now);
	passed = now.tv_sec - last.tv_sec + (now.tv_nsec - last.tv_nsec) / 1e9;
	last = now;
	return passed;
}

static void filters(uint32_t ctx, pid_t pid)
{
	struct nl_msg *msg;
	char text[80];

	filtered("by pid", list_u32(PIN_REVOKE_A_PIN_PID, pid));
	filtered("by uid", list_u32(PIN_REVOKE_A_PIN_UID, OTHER_USER));
	filtered("by device", list_string(PIN_REVOKE_A_PIN_DEVICE, "odd"));
	filtered("by context", list_u32(PIN_REVOKE_A_PIN_CTX, ctx));
	filtered("by driver", list_string(PIN_REVOKE_A_PIN_DRIVER, "nobody"));
	msg = list_string(PIN_REVOKE_A_PIN_DEVICE, "odd");
	nla_put_u32(msg, PIN_REVOKE_A_PIN_PID, pid);
	filtered("by both", msg);
	msg = list();
	nla_put_u64(msg, PIN_REVOKE_A_PIN_ID, ids[count / 2]);
	filtered("by id", msg);

	wrong("pid 0", list_u32(PIN_REVOKE_A_PIN_PID, 0));
	wrong("uid -1", list_u32(PIN_REVOKE_A_PIN_UID, -1));
	memset(text, 'x', sizeof(text));
	text[64] = '\0';
	wrong("a long driver", list_string(PIN_REVOKE_A_PIN_DRIVER, text));
	msg = list_u32(PIN_REVOKE_A_PIN_PID, pid);
	nla_put_u32(msg, PIN_REVOKE_A_PIN_STATE, 1);
	wrong("a state", msg);
}

int main(int argc, char **argv)
{
	int fd[CTXS], mine, moving, to, from;
	unsigned int i, nr, nr_fds = 0;
	uint32_t id, my_id;
	pthread_t thread;
	uint64_t odd;
	pid_t pid;
	char c = 0;

	count = argc == 2 ? strtoul(argv[1], NULL, 0) : 0;
	if (!count || count > CTXS * PER_CTX)
		errx(2, "usage: core-dump COUNT");
	ids = calloc(count, sizeof(*ids));
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	rounds = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!ids || page == MAP_FAILED || rounds == MAP_FAILED)
		err(1, "memory");
	connect_family();
	moving = open_ctx(&id);
	mine = open_ctx(&my_id);
	seconds();
	for (i = 0; i < count; i += nr) {
		nr = count - i < PIN_REVOKE_MAX_RANGES ? count - i : PIN_REVOKE_MAX_RANGES;
		if (!(i % PER_CTX))
			fd[nr_fds++] = open_ctx(&id);
		declare(fd[nr_fds - 1], NULL, nr, ids + i);
	}
	printf("# declared in %.1f s\n", seconds());
	say("quiet", ask(list(), false));
	printf("# listed in %.1f s\n", seconds());
	pid = other(&to, &from);
	declare(mine, "odd 9", 1, &odd);
	filters(my_id, pid);
	printf("# filtered in %.1f s\n", seconds());

	if (pthread_create(&thread, NULL, come_and_go, &moving))
		errx(1, "no thread");
	say("busy", ask(list(), true));
	if (write(to, &c, 1) != 1 || read(from, &c, 1) != 1)
		errx(1, "the other process is gone");
	library();
	printf("# listed three times in %.1f s\n", seconds());
	atomic_store(&rounds[1], 1);
	pthread_join(thread, NULL);
	close(to);
	waitpid(pid, NULL, 0);
	seconds();
	while (nr_fds)
		close(fd[--nr_fds]);
	say("undeclared", ask(list(), false));
	printf("# in %.1f s\n", seconds());
	return 0;
}
