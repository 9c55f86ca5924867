// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-holder: pins of /dev/pin_dummy and what its device does.
 *
 * Must never judge what the driver says: the scripts do.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <revoke/revoke.h>

#include "../../../drivers-examples/pin_dummy/pin_dummy.h"
#include "holder.h"

static int pins[SLOTS];

/* @arg: PLACE SIZE w|l|a|e|k|- [FROM] */
static int pin_slot(unsigned int nr, char **arg)
{
	struct pin_dummy_pin pin = {
		.addr = (uintptr_t)place(arg[0]),
		.len = number(arg[1]),
		.from = (uintptr_t)place(arg[3]),
		.flags = (strchr(arg[2], 'w') ? PIN_DUMMY_WRITE : 0) |
			 (strchr(arg[2], 'l') ? PIN_DUMMY_LAZY : 0) |
			 (strchr(arg[2], 'a') ? PIN_DUMMY_ADOPT : 0) |
			 (strchr(arg[2], 'e') ? PIN_DUMMY_ENGINE : 0) |
			 (strchr(arg[2], 'k') ? PIN_DUMMY_KNOBS : 0),
	};
	int *fd = &pins[nr];

	/* Stays open over exec. */
	if (*fd <= 0)
		*fd = open("/dev/pin_dummy", O_RDWR);
	return *fd < 0 ? -1 : ioctl(*fd, PIN_DUMMY_IOC_PIN, &pin);
}

/* pin PIN PLACE SIZE w|l|a|e|k|- [FROM] */
void do_pin(char **arg)
{
	if (pin_slot(slot(arg[1]), arg + 2))
		done(-1);
	else
		printf("ok fd=%d\n", pins[slot(arg[1])]);
}

/* pin-many COUNT PLACE SIZE w|l|a|e|k|-: the same range, in slots from 0 on */
void do_pin_many(char **arg)
{
	unsigned int nr = 0;
	int err = 0;

	while (!err && nr < number(arg[1]))
		err = pin_slot(nr++ % SLOTS, arg + 2);
	done(err);
}

/* unpin-many COUNT: they stay open */
void do_unpin_many(char **arg)
{
	unsigned int nr = 0;
	int err = 0;

	while (!err && nr < number(arg[1]))
		err = ioctl(pins[nr++ % SLOTS], PIN_DUMMY_IOC_UNPIN);
	done(err);
}

/* inherit PIN FD */
void do_inherit(char **arg)
{
	pins[slot(arg[1])] = number(arg[2]);
	ok();
}

/* unpin PIN */
void do_unpin(char **arg)
{
	done(ioctl(pins[slot(arg[1])], PIN_DUMMY_IOC_UNPIN));
}

/* dma PIN OFFSET SIZE VALUE */
void do_dma(char **arg)
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
void do_storm(char **arg)
{
	pthread_t thread;

	storm.fd = pins[slot(arg[1])];
	storm.dma.len = number(arg[2]);
	storm.dma.value = number(arg[3]);
	errno = pthread_create(&thread, NULL, device, NULL);
	done(errno ? -1 : 0);
}

/* state PIN */
void do_state(char **arg)
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

/* passes PIN: that the device's engine has finished */
void do_passes(char **arg)
{
	struct pin_dummy_state s;

	if (ioctl(pins[slot(arg[1])], PIN_DUMMY_IOC_STATE, &s))
		done(-1);
	else
		printf("ok %llu\n", (unsigned long long)s.passes);
}
