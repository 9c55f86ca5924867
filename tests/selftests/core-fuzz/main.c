// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: core-fuzz FILE MESSAGES SEED
 *
 * Four processes, two of them nobody's, send that many messages to the family, most of
 * them nearly right (message.c), beside calls on contexts (calls.c) and pins of FILE.
 * What must not be is said at once ("bad: ..."), sums at the end; the kernel's log and
 * what is left afterwards are for whoever called. At the end root forgets all policies.
 *
 * Must never stop because the kernel refuses something.
 */
#include <err.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "fuzz.h"

#define PROCESSES	4
#define NOBODY		65534
#define MAX_BAD		20

struct known known;
struct sums *sums;
bool nobody;
int family;
static uint64_t state;

/* splitmix64 */
uint64_t rnd(void)
{
	uint64_t z = state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

unsigned int below(unsigned int nr)
{
	return rnd() % nr;
}

bool one_in(unsigned int nr)
{
	return !below(nr);
}

void remember(uint64_t *list, uint64_t id)
{
	list[below(REMEMBER)] = id;
}

void remember_fd(int fd)
{
	int *place = &known.fds[below(REMEMBER)];

	if (fd < 0)
		return;
	if (*place >= 0)
		close(*place);
	*place = fd;
}

void bad(const char *fmt, ...)
{
	va_list args;

	if (sums->bad++ >= MAX_BAD)
		return;
	va_start(args, fmt);
	printf("bad: ");
	vprintf(fmt, args);
	putchar('\n');
	va_end(args);
	fflush(stdout);
}

static void fuzz(const char *path, unsigned int messages, uint64_t seed, unsigned int nr)
{
	static struct message msg;
	int sk;

	state = seed * PROCESSES + nr;
	nobody = nr % 2;
	if (nobody && (setgroups(0, NULL) || setresgid(NOBODY, NOBODY, NOBODY) ||
		       setresuid(NOBODY, NOBODY, NOBODY)))
		err(1, "setresuid");
	known.file = open(path, O_RDWR | O_CLOEXEC);
	known.memory = mmap(NULL, MEMORY_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			    known.file, 0);
	if (known.file < 0 || known.memory == MAP_FAILED)
		err(1, "%s", path);
	for (unsigned int i = 0; i < REMEMBER; i++)
		known.fds[i] = -1;
	sk = socket_open(!nobody);
	while (sums->sent < messages) {
		make_message(&msg);
		socket_send(sk, &msg);
		if (one_in(3))
			make_call();
		/* Whoever heard of a context's events goes away. */
		if (one_in(2000)) {
			close(sk);
			sk = socket_open(!nobody);
		}
	}
}

/* Policies that one of a name, user or cgroup is set for, and those of reasons */
static int forget_one(struct nl_msg *msg, void *arg)
{
	static const int keys[] = { PIN_REVOKE_A_POLICY_REASON, PIN_REVOKE_A_POLICY_UID,
				    PIN_REVOKE_A_POLICY_CGROUP, PIN_REVOKE_A_POLICY_COMM };
	struct nl_msg *del = nlmsg_alloc();
	struct nl_sock *sk = arg;

	genlmsg_put(del, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST | NLM_F_ACK,
		    PIN_REVOKE_CMD_POLICY_DEL, PIN_REVOKE_FAMILY_VERSION);
	for (size_t i = 0; i < NR(keys); i++) {
		struct nlattr *attr = nlmsg_find_attr(nlmsg_hdr(msg), GENL_HDRLEN, keys[i]);

		if (attr)
			nla_put(del, keys[i], nla_len(attr), nla_data(attr));
	}
	nl_send_auto(sk, del);
	nlmsg_free(del);
	/* A reason for which nothing is set has none to forget. */
	nl_wait_for_ack(sk);
	return NL_OK;
}

static void forget_policies(struct nl_sock *list, struct nl_sock *sk)
{
	struct nl_msg *msg = nlmsg_alloc();

	nl_socket_modify_cb(list, NL_CB_VALID, NL_CB_CUSTOM, forget_one, sk);
	genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, family, 0, NLM_F_REQUEST | NLM_F_DUMP,
		    PIN_REVOKE_CMD_POLICY_GET, PIN_REVOKE_FAMILY_VERSION);
	nl_send_auto(list, msg);
	nlmsg_free(msg);
	nl_recvmsgs_default(list);
}

static void print_commands(const char *what, _Atomic unsigned int *nr)
{
	printf("%s:", what);
	for (unsigned int cmd = 1; cmd <= PIN_REVOKE_CMD_MAX; cmd++)
		printf(" %s=%u", spec_op(cmd)->name, nr[cmd]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	struct nl_sock *list = nl_socket_alloc(), *sk = nl_socket_alloc();
	int status, failed = 0;

	if (argc != 4)
		errx(2, "usage: core-fuzz FILE MESSAGES SEED");
	sums = mmap(NULL, sizeof(*sums), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if (sums == MAP_FAILED || !list || !sk || genl_connect(list) || genl_connect(sk))
		errx(1, "no socket");
	family = genl_ctrl_resolve(sk, PIN_REVOKE_FAMILY_NAME);
	if (family < 0)
		errx(1, "no family");
	fflush(stdout);
	for (unsigned int i = 0; i < PROCESSES; i++)
		if (!fork()) {
			fuzz(argv[1], strtoul(argv[2], NULL, 0), strtoull(argv[3], NULL, 0), i);
			fflush(stdout);
			_exit(0);
		}
	while (wait(&status) > 0)
		if (status) {
			printf("bad: a process ended with %#x\n", status);
			failed = 1;
		}
	forget_policies(list, sk);
	print_commands("accepted", sums->accepted);
	print_commands("refused", sums->refused);
	printf("sent=%u calls=%u bad=%u\n", sums->sent, sums->calls, sums->bad);
	return failed || sums->bad;
}
