// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * A holder with a thread that does nothing but answer: it can be asked whatever
 * the others do, even for its own fsync(). Who uses the device holds the lock.
 *
 * cc -pthread dispatcher.c $(pkg-config --cflags --libs librevoke); ./a.out FILE
 */
#include <errno.h>
#include <pthread.h>
#include <revoke/revoke.h>
#include "device.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool working = true, gone;	/* lock */
static struct device dev;

static int find_out(const struct revoke_pin *pin, void *working)
{
	if (pin->addr == dev.buffer && pin->pid == (uint32_t)getpid())
		*(bool *)working = pin->state == PIN_REVOKE_STATE_ACTIVE;
	return 0;
}

/* The library's thread, with no lock of the library */
static void handle(struct revoke_ctx *ctx, const struct revoke_event *event,
		   void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	printf("%s %s\n", revoke_event_name(event->type),
	       revoke_reason_name(event->reason));
	switch (event->type) {
	case REVOKE_EVENT_RELEASE_SOON:
		working = false;
		if (revoke_ack(ctx, event->request, event->pin.id,
			       PIN_REVOKE_ACK_KIND_QUIESCED) == -ESTALE)
			revoke_pin_list(ctx, find_out, &working);
		break;
	case REVOKE_EVENT_REVOKED:
		working = false;
		break;
	case REVOKE_EVENT_RESTORED:
		working = true;
		break;
	case REVOKE_EVENT_GONE:
		gone = true;
		break;
	default:	/* CANCELLED, but another may be open; RESYNC */
		revoke_pin_list(ctx, find_out, &working);
		break;
	}
	pthread_cond_signal(&changed);
	pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv)
{
	struct revoke_open_opts opts = {
		.size = sizeof(opts),
		.flags = PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD,
	};
	struct revoke_ctx *ctx;
	int i;

	setlinebuf(stdout);
	if (argc != 2 || revoke_open(&opts, &ctx) ||
	    revoke_dispatch_start(ctx, handle, NULL))
		return 1;
	device_open(&dev, argv[1]);
	device_write(&dev);
	puts("at work");
	pthread_mutex_lock(&lock);
	for (i = 0; !gone; i++) {
		if (working)
			device_write(&dev);
		else
			pthread_cond_wait(&changed, &lock);
		pthread_mutex_unlock(&lock);
		check(i % 1000 == 0 && fsync(dev.file), "fsync");
		pthread_mutex_lock(&lock);
	}
	pthread_mutex_unlock(&lock);
	revoke_close(ctx);
	return 0;
}
