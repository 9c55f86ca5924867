// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-fuzz: the other ways in: calls on the descriptor of a context, the mapping of its
 * words, pins of a device, and memory that moves under them.
 *
 * Must never keep more than it can find again: a pin, a mapping of words, the contexts.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <linux/pin_revoke_ioctl.h>

#include "../../../drivers-examples/pin_dummy/pin_dummy.h"
#include "fuzz.h"

static uint64_t address(void)
{
	switch (below(8)) {
	case 0:
		return 0;
	case 1:
		return rnd();
	case 2:
		return (uintptr_t)&address;
	case 3:
		return -(uint64_t)below(3 * PAGE);
	default:
		return (uintptr_t)known.memory + below(MEMORY_PAGES * PAGE);
	}
}

static void call_ranges(int fd)
{
	static struct pin_revoke_range range[PIN_REVOKE_MAX_RANGES];
	static char name[100], text[PIN_REVOKE_TEXT_LEN];
	/* What is behind the end of a page that nobody has */
	struct {
		struct pin_revoke_ranges ranges;
		uint64_t more;
	} arg = { .ranges = {
		.size = one_in(10) ? below(2 * sizeof(arg)) : sizeof(arg.ranges),
		.nr = one_in(10) ? rnd() : 1 + below(one_in(8) ? 70 : 3),
		.ranges = one_in(10) ? address() : (uintptr_t)range,
		.name = one_in(4) ? one_in(4) ? address() : (uintptr_t)name : 0,
		.text = one_in(2) ? one_in(4) ? address() : (uintptr_t)text : 0,
	}, .more = one_in(2) };
	bool declare = !one_in(3);

	memset(name, 'n', sizeof(name));
	name[below(sizeof(name))] = '\0';
	for (unsigned int i = 0; i < PIN_REVOKE_MAX_RANGES; i++) {
		range[i].addr = one_in(20) ? rnd() : address();
		range[i].len = one_in(20) ? rnd() : below(3 * PAGE);
		range[i].flags = one_in(20) ? rnd() : below(2);
		range[i].id = known.pins[below(REMEMBER)];
	}
	if (!declare && !one_in(4))
		arg.ranges.name = 0;
	if (ioctl(fd, declare ? PIN_REVOKE_IOC_DECLARE : PIN_REVOKE_IOC_UNDECLARE, &arg)) {
		if (errno != EBADF && errno != ENOTTY && errno != EAGAIN && errno != ENOMEM &&
		    errno != E2BIG && errno != EINTR && !spec_error(errno))
			bad("ioctl: %s is not in the specification", strerrorname_np(errno));
	} else if (declare && arg.ranges.ranges == (uintptr_t)range) {
		remember(known.pins, range[0].id);
	}
}

/* Words can be read, and nothing else. */
static void call_mmap(int fd)
{
	static const int prots[] = { PROT_READ, PROT_READ, PROT_READ, PROT_NONE,
		PROT_READ | PROT_WRITE, PROT_EXEC };
	unsigned int prot = prots[below(NR(prots))], pages = 1 + below(130);
	char *words = mmap(NULL, pages * PAGE, prot, one_in(8) ? MAP_PRIVATE : MAP_SHARED, fd,
			   (off_t)PAGE * (one_in(4) ? below(200) : 0));
	int pipes[2];

	if (words == MAP_FAILED)
		return;
	if (prot & PROT_WRITE)
		bad("words can be mapped to be written");
	if (!mprotect(words, PAGE, PROT_READ | PROT_WRITE))
		bad("words can be made writable");
	/* A word that no pin has had may not be there: the kernel reads it, without a signal. */
	if (prot == PROT_READ && !pipe2(pipes, O_NONBLOCK | O_CLOEXEC)) {
		if (write(pipes[1], words, 8) < 0 && errno != EFAULT)
			bad("words: %s", strerrorname_np(errno));
		close(pipes[0]);
		close(pipes[1]);
	}
	if (one_in(2)) {
		unsigned int more = 1 + below(200);
		char *moved = mremap(words, pages * PAGE, more * PAGE, MREMAP_MAYMOVE);

		if (moved != MAP_FAILED) {
			words = moved;
			pages = more;
		}
	}
	munmap(words, pages * PAGE);
}

static void call_other(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = rnd() };
	char buf[64];

	switch (below(5)) {
	case 0:
		poll(&poll_fd, 1, 0);
		break;
	case 1:
		if (read(fd, buf, sizeof(buf)) >= 0 || write(fd, buf, 8) >= 0)
			bad("a context is read or written");
		break;
	case 2:
		lseek(fd, rnd(), below(5));
		break;
	case 3:
		ioctl(fd, rnd(), address());
		break;
	default:
		ioctl(fd, _IO(PIN_REVOKE_IOC_MAGIC, below(4)), address());
		break;
	}
}

/* The real thing, for the others to trip over */
static void call_pin(void)
{
	static int device = -1;
	struct pin_dummy_pin pin = {
		.addr = (uintptr_t)known.memory + below(MEMORY_PAGES) * PAGE,
		.len = (1 + below(4)) * PAGE,
		.flags = below(4),
	};
	struct pin_dummy_dma dma = { .offset = below(PAGE), .len = below(64), .value = 1 };

	if (device < 0)
		device = open("/dev/pin_dummy", O_RDWR | O_CLOEXEC);
	if (device < 0)
		return;
	switch (below(4)) {
	case 0:
		ioctl(device, PIN_DUMMY_IOC_PIN, &pin);
		break;
	case 1:
		ioctl(device, PIN_DUMMY_IOC_UNPIN);
		break;
	case 2:
		close(device);
		device = -1;
		break;
	default:
		ioctl(device, PIN_DUMMY_IOC_DMA, &dma);
		break;
	}
}

static void call_memory(void)
{
	char *page = known.memory + below(MEMORY_PAGES) * PAGE;

	switch (below(6)) {
	case 0:
		munmap(page, PAGE);
		break;
	case 1:
		madvise(page, PAGE, MADV_DONTNEED);
		break;
	case 2:
		mprotect(page, PAGE, PROT_READ);
		break;
	case 3:
		fdatasync(known.file);
		break;
	default:
		mmap(known.memory, MEMORY_PAGES * PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_FIXED, known.file, 0);
		break;
	}
}

void make_call(void)
{
	int fd = known.fds[below(REMEMBER)];

	sums->calls++;
	switch (below(16)) {
	case 0 ... 7:
		call_ranges(fd);
		break;
	case 8 ... 10:
		call_mmap(fd);
		break;
	case 11:
		call_other(fd);
		break;
	case 12 ... 13:
		call_pin();
		break;
	case 14:
		call_memory();
		break;
	default:
		remember_fd(dup(fd));
		break;
	}
}
