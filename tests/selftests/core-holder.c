// SPDX-License-Identifier: GPL-2.0-only
/*
 * A process that shell scripts lead by the hand: it maps, pins with
 * /dev/pin_dummy, listens and answers. Reads one command per line, prints one
 * line for each: "ok ..." or "error ENAME text". See commands[] at the end.
 *
 * Must never wait without a limit that the script gave, except in a system call
 * that is itself the test.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <revoke/revoke.h>

#include "../../drivers-examples/pin_dummy/pin_dummy.h"

#define SLOTS		128
#define MAX_ARGS	8

static struct region {
	char *addr;
	int fd;
} regions[SLOTS];

static int pins[SLOTS];
static pid_t child;

static struct listener {
	struct revoke_ctx *ctx;
	unsigned int skipped;	/* RELEASE_SOON that nobody waited for */
	int answer;		/* ack kind of its thread */
} listeners[SLOTS];

static void ok(void)
{
	puts("ok");
}

/* @err is negative, @text the kernel's words, if any. */
static void failed(int err, const char *text)
{
	const char *name = strerrorname_np(-err);

	printf("error %s%s%s\n", name ? name : "?", *text ? " " : "", text);
}

static void done(int err)
{
	if (err < 0)
		failed(-errno, "");
	else
		ok();
}

static uint64_t number(const char *s)
{
	return s ? strtoull(s, NULL, 0) : 0;
}

static unsigned int slot(const char *s)
{
	return number(s) % SLOTS;
}

/* "REGION+OFFSET", or a plain number. */
static char *place(const char *s)
{
	char *plus = s ? strchr(s, '+') : NULL;

	if (!plus)
		return (char *)(uintptr_t)number(s);
	return regions[slot(s)].addr + number(plus + 1);
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1e3 + ts.tv_nsec / 1e6;
}

/* map REGION FILE|anon|memfd SIZE shared|private|ro [PLACE]: over what is there */
static void do_map(char **arg)
{
	struct region *r = &regions[slot(arg[1])];
	bool ro = !strcmp(arg[4], "ro");
	char *at = place(arg[5]);
	int flags = !strcmp(arg[4], "private") ? MAP_PRIVATE : MAP_SHARED;
	size_t size = number(arg[3]);

	r->fd = -1;
	if (!strcmp(arg[2], "anon"))
		flags = MAP_PRIVATE | MAP_ANONYMOUS;
	else if (!strcmp(arg[2], "memfd"))
		r->fd = memfd_create("core-holder", MFD_CLOEXEC);
	else
		r->fd = open(arg[2], (ro ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if ((r->fd < 0 && !(flags & MAP_ANONYMOUS)) ||
	    (!strcmp(arg[2], "memfd") && ftruncate(r->fd, size))) {
		done(-1);
		return;
	}
	r->addr = mmap(at, size, PROT_READ | (ro ? 0 : PROT_WRITE),
		       flags | (at ? MAP_FIXED : 0), r->fd, 0);
	done(r->addr == MAP_FAILED ? -1 : 0);
}

/* unmap PLACE SIZE */
static void do_unmap(char **arg)
{
	done(munmap(place(arg[1]), number(arg[2])));
}

/* drop PLACE SIZE: out of the page table, not out of the mapping */
static void do_drop(char **arg)
{
	done(madvise(place(arg[1]), number(arg[2]), MADV_DONTNEED));
}

/* touch PLACE SIZE VALUE: written by the processor */
static void do_touch(char **arg)
{
	memset(place(arg[1]), number(arg[3]), number(arg[2]));
	ok();
}

/* look PLACE: one byte */
static void do_look(char **arg)
{
	printf("ok %u\n", *(unsigned char *)place(arg[1]));
}

/* pin PIN PLACE SIZE w|l|a|- [FROM] */
static void do_pin(char **arg)
{
	struct pin_dummy_pin pin = {
		.addr = (uintptr_t)place(arg[2]),
		.len = number(arg[3]),
		.from = (uintptr_t)place(arg[5]),
		.flags = (strchr(arg[4], 'w') ? PIN_DUMMY_WRITE : 0) |
			 (strchr(arg[4], 'l') ? PIN_DUMMY_LAZY : 0) |
			 (strchr(arg[4], 'a') ? PIN_DUMMY_ADOPT : 0),
	};
	int *fd = &pins[slot(arg[1])];

	/* Stays open over exec. */
	if (*fd <= 0)
		*fd = open("/dev/pin_dummy", O_RDWR);
	if (*fd < 0 || ioctl(*fd, PIN_DUMMY_IOC_PIN, &pin))
		done(-1);
	else
		printf("ok fd=%d\n", *fd);
}

/* inherit PIN FD */
static void do_inherit(char **arg)
{
	pins[slot(arg[1])] = number(arg[2]);
	ok();
}

/* unpin PIN */
static void do_unpin(char **arg)
{
	done(ioctl(pins[slot(arg[1])], PIN_DUMMY_IOC_UNPIN));
}

/* dma PIN OFFSET SIZE VALUE */
static void do_dma(char **arg)
{
	struct pin_dummy_dma dma = {
		.offset = number(arg[2]),
		.len = number(arg[3]),
		.value = number(arg[4]),
	};

	done(ioctl(pins[slot(arg[1])], PIN_DUMMY_IOC_DMA, &dma));
}

static struct storm {
	int fd;
	struct pin_dummy_dma dma;
} storm;

/* Revoked: not now. Anything else is the end of it. */
static void *device(void *arg)
{
	(void)arg;
	while (!ioctl(storm.fd, PIN_DUMMY_IOC_DMA, &storm.dma) || errno == EAGAIN)
		sched_yield();
	return NULL;
}

/* storm PIN SIZE VALUE: the device writes all the time, in one pin at most */
static void do_storm(char **arg)
{
	pthread_t thread;

	storm.fd = pins[slot(arg[1])];
	storm.dma.len = number(arg[2]);
	storm.dma.value = number(arg[3]);
	errno = pthread_create(&thread, NULL, device, NULL);
	done(errno ? -1 : 0);
}

/* state PIN */
static void do_state(char **arg)
{
	struct pin_dummy_state s;

	if (ioctl(pins[slot(arg[1])], PIN_DUMMY_IOC_STATE, &s))
		done(-1);
	else
		printf("ok live=%u quiesces=%u restores=%u maps=%u unmaps=%u unpins=%u gones=%u reason=%s\n",
		       s.live, s.quiesces,
		       s.restores, s.maps, s.unmaps, s.unpins, s.gones,
		       revoke_reason_name(s.reason));
}

/* listen CTX [thread] */
static void do_listen(char **arg)
{
	struct revoke_open_opts opts = {
		.size = sizeof(opts),
		.flags = arg[2] ? PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD : 0,
	};
	struct listener *l = &listeners[slot(arg[1])];
	int err = revoke_open(&opts, &l->ctx);

	if (err)
		failed(err, revoke_last_error(NULL));
	else
		ok();
}

/* close CTX */
static void do_close(char **arg)
{
	struct listener *l = &listeners[slot(arg[1])];

	revoke_close(l->ctx);
	l->ctx = NULL;
	ok();
}

/* Takes the next event, waits for one if there is time: 1, 0 or -errno. */
static int next_event(struct listener *l, struct revoke_event *event,
		      double until)
{
	int ret;

	for (;;) {
		struct pollfd pfd = { revoke_fd(l->ctx), POLLIN, 0 };
		double left = until - now();

		ret = revoke_next_event(l->ctx, event);
		if (ret || left <= 0)
			return ret;
		poll(&pfd, 1, (int)left + 1);
	}
}

/*
 * wait CTX EVENT MS: skips others, counts the requests among these; EVENT is
 * "release-soon", "repeat" (the same, told again), "revoked", "restored", ...
 */
static void do_wait(char **arg)
{
	struct listener *l = &listeners[slot(arg[1])];
	struct revoke_event e = { .size = sizeof(e) };
	double until = now() + number(arg[3]);
	int ret;

	while ((ret = next_event(l, &e, until)) > 0) {
		const char *name = revoke_event_name(e.type);

		if (e.type == REVOKE_EVENT_RELEASE_SOON &&
		    (e.flags & PIN_REVOKE_EVENT_FLAGS_REPEAT))
			name = "repeat";
		if (!strcmp(name, arg[2]))
			break;
		l->skipped += !strcmp(name, "release-soon");
	}
	if (ret < 0) {
		failed(ret, revoke_last_error(l->ctx));
	} else if (!ret) {
		printf("ok nothing skipped=%u\n", l->skipped);
	} else {
		printf("ok %s request=%llu reason=%s forced=%d left=%llu pin=%llu skipped=%u\n",
		       arg[2], (unsigned long long)e.request,
		       revoke_reason_name(e.reason),
		       !!(e.flags & PIN_REVOKE_EVENT_FLAGS_FORCED),
		       (unsigned long long)e.remaining_ns / 1000000,
		       (unsigned long long)e.pin.id, l->skipped);
		l->skipped = 0;
	}
}

static int ack_kind(const char *s)
{
	int kind;

	for (kind = 0; kind <= PIN_REVOKE_ACK_KIND_DECLINED; kind++)
		if (!strcmp(s, revoke_ack_kind_name(kind)))
			return kind;
	return -1;
}

/* ack CTX REQUEST PIN KIND [MS] */
static void do_ack(char **arg)
{
	struct revoke_ctx *ctx = listeners[slot(arg[1])].ctx;
	uint64_t request = number(arg[2]), pin = number(arg[3]);
	int kind = ack_kind(arg[4]);
	int ret = kind == PIN_REVOKE_ACK_KIND_EXTEND ?
		  revoke_extend(ctx, request, pin, number(arg[5])) :
		  revoke_ack(ctx, request, pin, kind);

	if (ret < 0)
		failed(ret, revoke_last_error(ctx));
	else if (kind == PIN_REVOKE_ACK_KIND_EXTEND)
		printf("ok granted=%d\n", ret);
	else
		ok();
}

static void *answer(void *arg)
{
	struct revoke_event e = { .size = sizeof(e) };
	struct listener *l = arg;

	for (;;) {
		if (next_event(l, &e, now() + 1000) > 0 &&
		    e.type == REVOKE_EVENT_RELEASE_SOON)
			revoke_ack(l->ctx, e.request, 0, l->answer);
	}
	return NULL;
}

/* answer CTX KIND: a thread does, from now on */
static void do_answer(char **arg)
{
	struct listener *l = &listeners[slot(arg[1])];
	pthread_t thread;

	l->answer = ack_kind(arg[2]);
	errno = pthread_create(&thread, NULL, answer, l);
	done(errno ? -1 : 0);
}

static int count_pin(const struct revoke_pin *pin, void *nr)
{
	printf(" %llu:%s", (unsigned long long)pin->id,
	       revoke_state_name(pin->state));
	++*(int *)nr;
	return 0;
}

/* pins CTX */
static void do_pins(char **arg)
{
	struct revoke_ctx *ctx = listeners[slot(arg[1])].ctx;
	int err, nr = 0;

	printf("ok");
	err = revoke_pin_list(ctx, count_pin, &nr);
	printf(" nr=%d%s\n", nr, err ? " incomplete" : "");
}

static int count_request(const struct revoke_request *req, void *nr)
{
	printf(" %llu:%s:%zu:%s", (unsigned long long)req->id,
	       revoke_reason_name(req->reason), req->nr_pins,
	       req->trigger_pid ? req->trigger_comm : "-");
	++*(int *)nr;
	return 0;
}

/* requests CTX */
static void do_requests(char **arg)
{
	struct revoke_ctx *ctx = listeners[slot(arg[1])].ctx;
	int err, nr = 0;

	printf("ok");
	err = revoke_request_list(ctx, count_request, &nr);
	printf(" nr=%d%s\n", nr, err ? " incomplete" : "");
}

/*
 * msync REGION SIZE, fsync REGION, syncfs REGION, sync, truncate REGION SIZE,
 * punch REGION OFFSET SIZE: how long it takes
 */
static void do_timed(char **arg)
{
	struct region *r = &regions[slot(arg[1])];
	double begun = now();
	int err = 0;

	if (!strcmp(arg[0], "fsync"))
		err = fsync(r->fd);
	else if (!strcmp(arg[0], "msync"))
		err = msync(r->addr, number(arg[2]), MS_SYNC);
	else if (!strcmp(arg[0], "syncfs"))
		err = syncfs(r->fd);
	else if (!strcmp(arg[0], "truncate"))
		err = ftruncate(r->fd, number(arg[2]));
	else if (!strcmp(arg[0], "punch"))
		err = fallocate(r->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				number(arg[2]), number(arg[3]));
	else
		sync();
	if (err)
		done(err);
	else
		printf("ok ms=%d\n", (int)(now() - begun));
}

static void *hammer(void *arg)
{
	struct region *r = arg;

	for (;;) {
		r->addr[0]++;
		fsync(r->fd);
	}
	return NULL;
}

/* hammer REGION: a thread writes its first byte and fsyncs, until the end */
static void do_hammer(char **arg)
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, hammer, &regions[slot(arg[1])]);
	done(errno ? -1 : 0);
}

/* fork: the child does nothing, until "reap" */
static void do_fork(char **arg)
{
	(void)arg;
	child = fork();
	if (!child)
		for (;;)
			pause();
	if (child < 0)
		done(-1);
	else
		printf("ok pid=%d\n", child);
}

static void do_reap(char **arg)
{
	(void)arg;
	done(kill(child, SIGKILL) || waitpid(child, NULL, 0) != child ? -1 : 0);
}

/* exec: this program anew, which has only its descriptors, and says ok */
static void do_exec(char **arg)
{
	(void)arg;
	execl("/proc/self/exe", "core-holder", "again", NULL);
	done(-1);
}

static const struct {
	const char *name;
	int min_args;
	void (*run)(char **arg);
} commands[] = {
	{ "ack", 4, do_ack },
	{ "answer", 2, do_answer },
	{ "close", 1, do_close },
	{ "dma", 4, do_dma },
	{ "drop", 2, do_drop },
	{ "exec", 0, do_exec },
	{ "fork", 0, do_fork },
	{ "fsync", 1, do_timed },
	{ "hammer", 1, do_hammer },
	{ "inherit", 2, do_inherit },
	{ "listen", 1, do_listen },
	{ "look", 1, do_look },
	{ "map", 4, do_map },
	{ "msync", 2, do_timed },
	{ "pin", 4, do_pin },
	{ "pins", 1, do_pins },
	{ "punch", 3, do_timed },
	{ "reap", 0, do_reap },
	{ "requests", 1, do_requests },
	{ "state", 1, do_state },
	{ "storm", 3, do_storm },
	{ "sync", 0, do_timed },
	{ "syncfs", 1, do_timed },
	{ "touch", 3, do_touch },
	{ "truncate", 2, do_timed },
	{ "unmap", 2, do_unmap },
	{ "unpin", 1, do_unpin },
	{ "wait", 3, do_wait },
};

static void run(char *line)
{
	char *arg[MAX_ARGS + 1] = { };
	int nr = 0;

	for (char *s = strtok(line, "\n "); s && nr < MAX_ARGS; s = strtok(NULL, "\n "))
		arg[nr++] = s;
	for (size_t i = 0; nr && i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, arg[0]))
			continue;
		if (nr > commands[i].min_args) {
			commands[i].run(arg);
			return;
		}
	}
	printf("error usage: %s\n", nr ? arg[0] : "");
}

int main(int argc, char **argv)
{
	char line[256];

	(void)argv;
	setlinebuf(stdout);
	if (argc > 1)
		ok();
	while (fgets(line, sizeof(line), stdin))
		run(line);
	return 0;
}
