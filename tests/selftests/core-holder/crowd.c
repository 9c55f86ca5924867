// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-holder: many processes that pin, listen and never answer.
 *
 * Must never leave one of them behind: they die with their leader.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <revoke/revoke.h>

#include "../../../drivers-examples/pin_dummy/pin_dummy.h"
#include "holder.h"

#define PAGE	4096

static pid_t members[SLOTS];
static unsigned int nr_members;

/* One page of one file: all files' first pages, then their second ones. */
static int pin_page(const char *dir, unsigned int nr, unsigned int files, int value)
{
	struct pin_dummy_pin pin = { .len = PAGE, .flags = PIN_DUMMY_WRITE };
	struct pin_dummy_dma dma = { .len = PAGE, .value = value };
	char path[128];
	void *addr;
	int file, dev;

	snprintf(path, sizeof(path), "%s/%u", dir, nr % files);
	file = open(path, O_RDWR | O_CLOEXEC);
	if (file < 0)
		return -1;
	addr = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file,
		    (off_t)(nr / files) * PAGE);
	close(file);
	dev = open("/dev/pin_dummy", O_RDWR | O_CLOEXEC);
	if (addr == MAP_FAILED || dev < 0)
		return -1;
	pin.addr = (uintptr_t)addr;
	return ioctl(dev, PIN_DUMMY_IOC_PIN, &pin) ||
	       ioctl(dev, PIN_DUMMY_IOC_DMA, &dma) ? -1 : 0;
}

/* What it says to its leader: errno, or 0 */
static int member(char **arg, unsigned int first)
{
	unsigned int nr = number(arg[2]), files = number(arg[3]);
	struct revoke_ctx *ctx;
	int err;

	err = revoke_open(NULL, &ctx);
	for (unsigned int i = 0; i < nr && !err; i++)
		if (pin_page(arg[4], first + i, files, number(arg[5])))
			err = -errno;
	return -err;
}

/* crowd PROCESSES PINS FILES DIR VALUE: each has so many, and all are written */
void do_crowd(char **arg)
{
	unsigned int nr = number(arg[1]);
	int ready[2], err = 0;

	if (nr > SLOTS || pipe(ready)) {
		done(-1);
		return;
	}
	for (nr_members = 0; nr_members < nr; nr_members++) {
		pid_t pid = fork();

		if (!pid) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			err = member(arg, nr_members * number(arg[2]));
			if (write(ready[1], &err, sizeof(err)) != sizeof(err))
				_exit(1);
			for (;;)
				pause();
		}
		if (pid < 0)
			break;
		members[nr_members] = pid;
	}
	close(ready[1]);
	for (unsigned int i = 0; i < nr_members && !err; i++)
		if (read(ready[0], &err, sizeof(err)) != sizeof(err))
			err = EIO;
	close(ready[0]);
	if (err || nr_members < nr)
		failed(err ? -err : -EAGAIN, "");
	else
		printf("ok pid=%d\n", members[0]);
}

/* disperse: all are killed */
void do_disperse(char **arg)
{
	int err = 0;

	(void)arg;
	for (unsigned int i = 0; i < nr_members; i++)
		kill(members[i], SIGKILL);
	while (nr_members && !err)
		err = waitpid(members[--nr_members], NULL, 0) < 0;
	done(err ? -1 : 0);
}
