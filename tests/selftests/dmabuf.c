// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: dmabuf nobody|answer|silent|busy|close
 *
 * Memory of one device that another one (QEMU's edu) writes into, and that its owner
 * wants back. The process that has both hears of it through the library, as of
 * everything else. Prints TAP lines.
 *   nobody	does not listen: the device has stopped when the owner has said it
 *   answer	says QUIESCED; until then the device goes on
 *   silent	never answers: taken when the grace is over
 *   busy	nobody listens, and a transfer is under way: waited for
 *   close	is wanted back by an owner that is closed before anybody answers
 *
 * Must never believe the driver that its device has stopped: what is in the memory
 * afterwards is another's, and must stay as it is.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <revoke/revoke.h>

#include "../../drivers-examples/dmabuf/edu_import.h"
#include "modules/test_export.h"

#define CANARY		0xc5
#define SOON_MS		10000
#define TRANSFER_US	100000

static int owner, buffer, device;
static unsigned char *memory;
static struct revoke_ctx *ctx;
static unsigned int nr;

static void ok(bool yes, const char *what)
{
	printf("%sok %u - %s\n", yes ? "" : "not ", ++nr, what);
	if (!yes)
		printf("# errno %d (%s)\n", errno, strerror(errno));
	fflush(stdout);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void set_up(void)
{
	owner = open("/dev/test_export", O_RDWR | O_CLOEXEC);
	device = open("/dev/edu_import", O_RDWR | O_CLOEXEC);
	buffer = owner < 0 ? -1 : ioctl(owner, TEST_EXPORT_IOC_NEW);
	if (device < 0 || buffer < 0)
		err(1, "set up");
	memory = mmap(NULL, TEST_EXPORT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, buffer, 0);
	if (memory == MAP_FAILED)
		err(1, "mmap");
}

static int import(void)
{
	return ioctl(device, EDU_IMPORT_IOC_IMPORT, &buffer);
}

static int copy(size_t offset, bool store)
{
	struct edu_import_copy arg = { .offset = offset, .len = EDU_IMPORT_MAX, .store = store };

	return ioctl(device, EDU_IMPORT_IOC_COPY, &arg);
}

/* The first page to the device, and from there into the last. */
static bool works(unsigned char byte)
{
	unsigned char *last = memory + TEST_EXPORT_SIZE - 4096;

	memset(memory, byte, 4096);
	memset(last, 0, 4096);
	return !copy(0, false) && !copy(TEST_EXPORT_SIZE - 4096, true) &&
	       !memcmp(last, memory, EDU_IMPORT_MAX) && !last[EDU_IMPORT_MAX];
}

/* By another process: who causes it himself is not asked. */
static int as_owner(unsigned long cmd)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(ioctl(owner, cmd, &buffer) ? errno : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		err(1, "the owner");
	errno = WEXITSTATUS(status);
	return errno ? -1 : 0;
}

static int want(void)
{
	return as_owner(TEST_EXPORT_IOC_WANT);
}

static int wait_idle(void)
{
	return as_owner(TEST_EXPORT_IOC_WAIT);
}

/* It is somebody else's now. A transfer that was under way would have ended meanwhile. */
static bool stays(void)
{
	size_t i;

	memset(memory, CANARY, TEST_EXPORT_SIZE);
	usleep(2 * TRANSFER_US);
	for (i = 0; i < TEST_EXPORT_SIZE; i++)
		if (memory[i] != CANARY)
			return false;
	return true;
}

static bool hears(struct revoke_event *event, uint32_t type)
{
	event->size = sizeof(*event);
	do {
		if (revoke_wait_event(ctx, event, SOON_MS) != 1)
			return false;
	} while (event->flags & PIN_REVOKE_EVENT_FLAGS_REPEAT);
	return event->type == type && event->reason == PIN_REVOKE_REASON_DEVICE;
}

static void stopped(void)
{
	ok(copy(0, true) && errno == ESTALE, "the device does not use it any more");
	ok(stays(), "what somebody else writes there stays");
	ok(!import() && works(0x17), "imported anew it can be used");
}

static void nobody(void)
{
	long begun = now_ms();

	ok(!want(), "it is wanted back");
	printf("# after %ld ms\n", now_ms() - begun);
	ok(copy(0, true) && errno == ESTALE, "the device has stopped at once");
	ok(!wait_idle(), "nothing is mapped");
	stopped();
}

static void attend(void)
{
	struct revoke_open_opts opts = { .size = sizeof(opts) };

	errno = -revoke_open(&opts, &ctx);
	if (errno)
		err(1, "revoke_open");
}

static void answer(void)
{
	struct revoke_event event;
	long begun;

	ok(!want(), "it is wanted back");
	ok(hears(&event, REVOKE_EVENT_RELEASE_SOON), "the holder is asked, by the same library");
	ok(event.pin.flags & PIN_REVOKE_PIN_FLAGS_IMPORTED && !event.pin.addr &&
	   event.pin.len == TEST_EXPORT_SIZE && !strcmp(event.pin.name, "edu_import"),
	   "and told what it is");
	ok(works(0x23), "until it answers the device goes on");
	errno = -revoke_ack(ctx, event.request, 0, PIN_REVOKE_ACK_KIND_QUIESCED);
	ok(!errno, "it answers");
	begun = now_ms();
	ok(!wait_idle(), "the owner gets it then");
	printf("# after %ld ms\n", now_ms() - begun);
	ok(hears(&event, REVOKE_EVENT_REVOKED) && !(event.flags & PIN_REVOKE_EVENT_FLAGS_FORCED),
	   "the holder is told that it is taken");
	stopped();
}

static void silent(long grace_ms)
{
	struct revoke_event event;
	long begun = now_ms(), told, took;

	ok(!want(), "it is wanted back");
	told = now_ms() - begun;
	ok(told < grace_ms / 2, "who says so does not wait for an answer");
	ok(!wait_idle(), "the owner gets it without one");
	took = now_ms() - begun;
	ok(took >= grace_ms - 50 && took < 5 * grace_ms, "when the grace is over");
	printf("# told within %ld ms, taken after %ld, the grace is %ld\n", told, took, grace_ms);
	ok(hears(&event, REVOKE_EVENT_RELEASE_SOON) && hears(&event, REVOKE_EVENT_REVOKED) &&
	   event.flags & PIN_REVOKE_EVENT_FLAGS_FORCED, "the holder is told that it was forced");
	stopped();
}

static void *transfers(void *arg)
{
	while (!copy(8192, true))
		__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
	return (void *)(long)errno;
}

/* The second transfer has begun, or is about to. */
static void busy(void)
{
	pthread_t thread;
	int count = 0;
	void *end;

	if (pthread_create(&thread, NULL, transfers, &count))
		errx(1, "pthread_create");
	while (!__atomic_load_n(&count, __ATOMIC_RELAXED))
		usleep(1000);
	ok(!want() && !wait_idle(), "it is wanted back in the middle of a transfer");
	ok(stays(), "nothing is written after that");
	pthread_join(thread, &end);
	ok((long)end == ESTALE, "and the next transfer is refused");
	stopped();
}

static void closed(void)
{
	struct revoke_event event;

	ok(!want(), "it is wanted back");
	ok(hears(&event, REVOKE_EVENT_RELEASE_SOON), "the holder is asked");
	close(device);
	ok(!wait_idle(), "closed, it is the owner's");
	ok(stays(), "what somebody else writes there stays");
}

int main(int argc, char **argv)
{
	if (argc < 2)
		errx(2, "usage: dmabuf nobody|answer|silent MS|busy|close");
	set_up();
	if (strcmp(argv[1], "nobody") && strcmp(argv[1], "busy"))
		attend();
	ok(!import(), "one device has memory of another");
	ok(works(0x42), "and does DMA with it");
	if (!strcmp(argv[1], "nobody"))
		nobody();
	else if (!strcmp(argv[1], "answer"))
		answer();
	else if (!strcmp(argv[1], "silent") && argc == 3)
		silent(atol(argv[2]));
	else if (!strcmp(argv[1], "busy"))
		busy();
	else if (!strcmp(argv[1], "close"))
		closed();
	else
		errx(2, "no such scene");
	return 0;
}
