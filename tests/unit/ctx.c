// SPDX-License-Identifier: GPL-2.0-only
/*
 * What most tests of the library begin with: see ctx.h.
 *
 * Must never judge: the tests do.
 */
#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include "ctx.h"

struct revoke_ctx *ctx;
struct revoke_event event;

void start(void)
{
	fake_start();
	if (revoke_open(NULL, &ctx))
		abort();
}

void stop(void)
{
	revoke_close(ctx);
	fake_stop();
}

void send_event(uint8_t cmd, uint64_t request, unsigned int pins)
{
	fake_send(fake.event_port, fake_request(cmd, request, pins));
}

int next(void)
{
	event.size = sizeof(event);
	return revoke_next_event(ctx, &event);
}

bool got(uint32_t type, uint64_t request, uint64_t pin)
{
	return next() == 1 && event.type == type && event.request == request &&
	       event.pin.id == pin;
}

bool fd_readable(int fd)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	return poll(&pfd, 1, 0) == 1;
}

bool readable(void)
{
	return fd_readable(revoke_fd(ctx));
}

int open_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int nr = 0;

	while (readdir(dir))
		nr++;
	closedir(dir);
	return nr;
}
