// SPDX-License-Identifier: GPL-2.0-only
/*
 * torture: pins, the device that writes through them, and who answers for them.
 *
 * Must never call a write complete that the driver has not finished, or whose range
 * somebody took away since it began.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <revoke/revoke.h>

#include "../../../drivers-examples/pin_dummy/pin_dummy.h"
#include "torture.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct slot_state slots[SLOTS];
static uint64_t last_seq;

static int pins[REGIONS];
static pthread_mutex_t pin_lock[REGIONS];
static atomic_ulong written, refused, pinned, answered;
static struct revoke_ctx *ctx;

uint64_t slot_offset(unsigned int nr)
{
	return (uint64_t)(nr / REGION_SLOTS) * REGION_SIZE + SHIFT +
	       nr % REGION_SLOTS * PAGE;
}

/*
 * The first time, or after it was gone for good: may fail, is tried again. A region
 * that is being remapped is nobody's, or becomes DAX under the core's hands.
 */
static void pin(unsigned int region, bool lazy)
{
	struct pin_dummy_pin arg = {
		.addr = (uintptr_t)t.map + region * REGION_SIZE,
		.len = REGION_SIZE,
		.flags = PIN_DUMMY_WRITE | (lazy ? PIN_DUMMY_LAZY : 0),
	};

	if (t.cpu)
		return;
	pthread_mutex_lock(&pin_lock[region]);
	ioctl(pins[region], PIN_DUMMY_IOC_UNPIN);
	if (!ioctl(pins[region], PIN_DUMMY_IOC_PIN, &arg))
		pinned++;
	else if (errno != EFAULT && errno != EOPNOTSUPP)
		die("pin");
	pthread_mutex_unlock(&pin_lock[region]);
}

void device_begin(void)
{
	struct revoke_open_opts opts = {
		.size = sizeof(opts),
		.flags = PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD,
	};

	errno = -revoke_open(&opts, &ctx);
	if (errno)
		die("revoke_open");
	for (unsigned int i = 0; i < REGIONS; i++) {
		pthread_mutex_init(&pin_lock[i], NULL);
		pins[i] = open("/dev/pin_dummy", O_RDWR | O_CLOEXEC);
		if (pins[i] < 0)
			die("/dev/pin_dummy");
		pin(i, i & 1);
	}
}

/* A slot that nobody has, or -1 */
static int slot_take(uint64_t *random, uint64_t *seq, unsigned int *voids)
{
	int nr = random_next(random) % SLOTS;
	struct slot_state *s = &slots[nr];

	pthread_mutex_lock(&lock);
	if (s->busy || s->held) {
		nr = -1;
	} else {
		s->busy = true;
		s->completed = 0;
		*voids = s->voids;
		*seq = ++last_seq;
		box_set(nr, 0);
		box_write();
	}
	pthread_mutex_unlock(&lock);
	return nr;
}

static void slot_give(int nr, uint64_t completed, unsigned int voids)
{
	struct slot_state *s = &slots[nr];

	pthread_mutex_lock(&lock);
	s->busy = false;
	if (!s->closed && s->voids == voids)
		s->completed = completed;
	pthread_mutex_unlock(&lock);
}

/* Through the page table, as a store; what is not mapped is an error. */
static int store(int nr, const struct slot *data, int pipe[2])
{
	if (write(pipe[1], data, sizeof(*data)) != sizeof(*data))
		die("pipe");
	if (read(pipe[0], t.map + slot_offset(nr), sizeof(*data)) == sizeof(*data))
		return 0;
	read(pipe[0], &(struct slot){ }, sizeof(*data));
	return -EAGAIN;
}

/* Returns 0 when all of it is written. */
static int dma(int nr, const struct slot *data)
{
	struct pin_dummy_dma arg = {
		.offset = SHIFT + nr % REGION_SLOTS * PAGE,
		.len = sizeof(*data),
		.from = (uintptr_t)data,
	};

	return ioctl(pins[nr / REGION_SLOTS], PIN_DUMMY_IOC_DMA, &arg) ? -errno : 0;
}

void *device(void *random)
{
	struct slot data;
	unsigned int voids;
	int nr, err, through[2];
	uint64_t seq;

	if (pipe2(through, O_CLOEXEC | O_NONBLOCK))
		die("pipe");
	while (!t.stop) {
		nr = slot_take(random, &seq, &voids);
		if (nr < 0) {
			sched_yield();
			continue;
		}
		slot_fill(&data, t.run, nr, seq);
		err = t.cpu ? store(nr, &data, through) : dma(nr, &data);
		slot_give(nr, err ? 0 : seq, voids);
		if (!err) {
			written++;
		} else if (err == -EAGAIN) {
			refused++;
			usleep(200);
		} else if (err == -EFAULT || err == -ENXIO) {
			pin(nr / REGION_SLOTS, random_next(random) & 1);
			usleep(200);
		} else {
			errno = -err;
			die("dma");
		}
	}
	return NULL;
}

/* Mostly says that it can be taken; sometimes no, sometimes nothing. */
void *listen(void *random)
{
	struct revoke_event e = { .size = sizeof(e) };
	struct pollfd pfd = { revoke_fd(ctx), POLLIN, 0 };

	while (!t.stop) {
		unsigned int mood = random_next(random) % 16;

		if (revoke_next_event(ctx, &e) <= 0)
			poll(&pfd, 1, 100);
		else if (e.type == REVOKE_EVENT_RELEASE_SOON && mood)
			answered += !revoke_ack(ctx, e.request, 0, mood < 4 ?
						PIN_REVOKE_ACK_KIND_DECLINED :
						PIN_REVOKE_ACK_KIND_QUIESCED);
	}
	return NULL;
}

/* The newest completed slot of each block: @wanted says what must be in it. */
void slots_hold(uint64_t *wanted)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < SLOTS; i += 2) {
		unsigned int nr = i + (slots[i + 1].completed > slots[i].completed);

		wanted[i] = 0;
		wanted[i + 1] = 0;
		wanted[nr] = slots[nr].completed;
		slots[nr].held = wanted[nr];
	}
	pthread_mutex_unlock(&lock);
}

/* Returns whether @wanted had to be there all the time. */
bool slots_release(unsigned int nr, uint64_t wanted)
{
	bool still;

	pthread_mutex_lock(&lock);
	still = slots[nr].completed == wanted;
	slots[nr].held = false;
	if (still)
		box_set(nr, wanted);
	pthread_mutex_unlock(&lock);
	return still;
}

/* What was released until now, and is still there, survives a power cut. */
void slots_promise(void)
{
	pthread_mutex_lock(&lock);
	box_write();
	pthread_mutex_unlock(&lock);
}

static void void_range(uint64_t first, uint64_t end, int closed)
{
	pthread_mutex_lock(&lock);
	for (unsigned int i = 0; i < SLOTS; i++) {
		if (slot_offset(i) >= end || slot_offset(i) + SLOT_SIZE <= first)
			continue;
		slots[i].completed = 0;
		slots[i].voids++;
		slots[i].closed += closed;
		box_set(i, 0);
	}
	box_write();
	pthread_mutex_unlock(&lock);
}

/* What is there may go, until void_end(): nothing in it counts as completed. */
void void_begin(uint64_t first, uint64_t end)
{
	void_range(first, end, 1);
}

void void_end(uint64_t first, uint64_t end)
{
	void_range(first, end, -1);
}

void device_print(void)
{
	printf(" %lu writes, %lu refused, %lu pins, %lu answers", written, refused,
	       pinned, answered);
}
