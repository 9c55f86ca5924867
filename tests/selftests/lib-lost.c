// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: lib-lost stopped|running|late COUNT
 *
 * A process with COUNT declared ranges and a receive buffer of 4 KiB is asked for
 * each of them in a request of its own, all open at once: many times more than the
 * buffer holds. "stopped": it is stopped meanwhile; "running": it answers,
 * by a dispatcher that is ended and started again and again; "late": stopped, and
 * the last request comes when it has just been told of the last but one. Prints
 * what it answered and what was taken before.
 *
 * Must never ask the kernel what is open: that is the library's part.
 */
#include <err.h>
#include <errno.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <revoke/revoke.h>

#define PAGE	4096
#define RCVBUF	4096
#define RESTART	100		/* answers of one dispatcher */
#define QUIET_S	5		/* before the kernel repeats a request: it was lost */

static struct revoke_range *ranges;
static unsigned char *answered;
static unsigned int count, nr_answered, nr_taken, resyncs;
static bool late;
static int to;			/* the administrator */
static sem_t progress;

/* The administrator: a request for each pin, each as soon as the last is open. */
struct revoke_msg {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	struct nlattr pin;
	uint32_t id[2];
	struct nlattr grace;
	uint32_t grace_ms;
};

static void revoke_each(uint64_t first, unsigned int nr)
{
	struct revoke_msg msg = {
		.nlh = { .nlmsg_len = sizeof(msg), .nlmsg_flags = NLM_F_REQUEST },
		.genl = { .cmd = PIN_REVOKE_CMD_REVOKE,
			  .version = PIN_REVOKE_FAMILY_VERSION },
		.pin = { 12, PIN_REVOKE_A_REVOKE_PIN },
		.grace = { 8, PIN_REVOKE_A_REVOKE_GRACE_MS },
		.grace_ms = PIN_REVOKE_MAX_DELAY_MS,
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	char buf[4096] __attribute__((aligned(8)));
	struct nl_sock *sk = nl_socket_alloc();
	int family, fd;

	if (!sk || genl_connect(sk))
		errx(1, "no socket");
	family = genl_ctrl_resolve(sk, PIN_REVOKE_FAMILY_NAME);
	if (family < 0)
		errx(1, "no family");
	fd = nl_socket_get_fd(sk);
	msg.nlh.nlmsg_type = family;
	for (uint64_t id = first; id < first + nr; id++) {
		memcpy(msg.id, &id, sizeof(id));
		if (sendto(fd, &msg, sizeof(msg), 0, (struct sockaddr *)&kernel,
			   sizeof(kernel)) < 0 || recv(fd, buf, sizeof(buf), 0) < 0)
			err(1, "revoke");
		if (((struct nlmsghdr *)buf)->nlmsg_type == NLMSG_ERROR)
			errx(1, "revoke: the kernel refuses");
	}
	nl_socket_free(sk);
}

/* The holder: answers what it hears, for each pin once. */
static void on_event(struct revoke_ctx *ctx, const struct revoke_event *event,
		     void *arg)
{
	uint64_t nr = event->pin.id - ranges[0].id;
	unsigned int done;
	int ret;

	(void)arg;
	resyncs += event->type == REVOKE_EVENT_RESYNC;
	if (event->type != REVOKE_EVENT_RELEASE_SOON || nr >= count || answered[nr])
		return;
	ret = revoke_ack(ctx, event->request, 0, PIN_REVOKE_ACK_KIND_QUIESCED);
	if (ret && ret != -ESTALE)
		errx(1, "ack: %s", revoke_last_error(ctx));
	answered[nr] = 1;
	nr_answered += !ret;
	nr_taken += !!ret;
	done = nr_answered + nr_taken;
	if (late && done == count - 1)
		revoke_each(ranges[count - 1].id, 1);
	if (!(done % RESTART))
		sem_post(&progress);
}

static void answer_running(struct revoke_ctx *ctx)
{
	struct timespec until;
	int ret = 0;

	while (!ret && nr_answered + nr_taken < count) {
		if (revoke_dispatch_start(ctx, on_event, NULL))
			errx(1, "no dispatcher");
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += QUIET_S;
		ret = sem_timedwait(&progress, &until);
		if (revoke_dispatch_stop(ctx))
			errx(1, "the dispatcher ended by itself");
	}
}

static void answer_stopped(struct revoke_ctx *ctx)
{
	struct revoke_event event = { .size = sizeof(event) };

	while (nr_answered + nr_taken < count &&
	       revoke_wait_event(ctx, &event, QUIET_S * 1000) == 1)
		on_event(ctx, &event, NULL);
}

static void holder(bool running)
{
	struct revoke_open_opts opts = {
		.size = sizeof(opts), .rcvbuf = RCVBUF,
		.flags = PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD,
	};
	struct revoke_ctx *ctx;
	char *memory;

	memory = mmap(NULL, (size_t)PAGE * count, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ranges = calloc(count, sizeof(*ranges));
	answered = calloc(count, 1);
	if (memory == MAP_FAILED || !ranges || !answered || sem_init(&progress, 0, 0))
		err(1, "memory");
	if (revoke_open(&opts, &ctx))
		errx(1, "no context: %s", revoke_last_error(NULL));
	for (unsigned int i = 0; i < count; i++)
		ranges[i] = (struct revoke_range){
			.size = sizeof(*ranges), .len = PAGE,
			.addr = (uintptr_t)memory + (size_t)i * PAGE,
		};
	if (revoke_declare(ctx, "lost", ranges, count))
		errx(1, "declare: %s", revoke_last_error(ctx));
	if (write(to, &ranges[0].id, sizeof(ranges[0].id)) < 0)
		err(1, "pipe");
	if (running)
		answer_running(ctx);
	else
		answer_stopped(ctx);
	printf("answered=%u taken=%u lost=%s resyncs=%u\n", nr_answered, nr_taken,
	       resyncs ? "yes" : "no", resyncs);
	revoke_close(ctx);
	exit(0);
}

int main(int argc, char **argv)
{
	bool running = argc == 3 && !strcmp(argv[1], "running");
	int status, ends[2];
	uint64_t first;
	pid_t pid;

	late = argc == 3 && !strcmp(argv[1], "late");
	count = argc == 3 ? atoi(argv[2]) : 0;
	if (!count || (!running && !late && strcmp(argv[1], "stopped")))
		errx(2, "usage: lib-lost stopped|running|late COUNT");
	if (pipe(ends))
		err(1, "pipe");
	to = ends[1];
	pid = fork();
	if (!pid)
		holder(running);
	close(ends[1]);
	if (read(ends[0], &first, sizeof(first)) != sizeof(first))
		errx(1, "the holder failed");
	if (!running &&
	    (kill(pid, SIGSTOP) || waitpid(pid, &status, WUNTRACED) != pid))
		err(1, "stop");
	revoke_each(first, late ? count - 1 : count);
	kill(pid, SIGCONT);
	return waitpid(pid, &status, 0) != pid || status;
}
