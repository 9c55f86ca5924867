// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-bad FILE DISK
 *
 * Registers for RDMA what must not be registered: ranges that are none, memory
 * that may not be written, more than RLIMIT_MEMLOCK; FILE is on a file system
 * with the proof, DISK is a block device. Then that what is good still works.
 * Prints TAP. Must never have rights that the point at hand does not need.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE	4096UL
#define SIZE	(256UL << 10)
#define ACCESS	(IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE)

static struct ibv_pd *pd;
static int tap_n, tap_failed;

static char *map(const char *file, size_t size, int prot)
{
	/* Without the right to write, a mapping is not shared for the kernel. */
	int fd = file ? open(file, O_RDWR) : -1;
	char *mem = mmap(NULL, size, prot, file ? MAP_SHARED :
			 MAP_PRIVATE | MAP_ANONYMOUS, fd, 0);

	if (mem == MAP_FAILED)
		err(1, "%s", file ? file : "memory");
	if (fd >= 0)
		close(fd);
	return mem;
}

/* @wanted: an errno, or 0 */
static void reg(const char *what, void *addr, size_t len, int access,
		int wanted)
{
	struct ibv_mr *mr = ibv_reg_mr(pd, addr, len, access);
	int got = mr ? 0 : errno;
	bool ok = got == wanted;

	if (mr && ibv_dereg_mr(mr))
		err(1, "deregister");
	printf("%sok %d - %s\n", ok ? "" : "not ", ++tap_n, what);
	if (!ok)
		printf("# got %s, wanted %s\n", strerrorname_np(got),
		       strerrorname_np(wanted));
	tap_failed |= !ok;
}

static void limit(rlim_t bytes)
{
	struct rlimit lim = { .rlim_cur = bytes, .rlim_max = bytes };

	if (setrlimit(RLIMIT_MEMLOCK, &lim))
		err(1, "RLIMIT_MEMLOCK");
}

int main(int argc, char **argv)
{
	struct ibv_device **list = ibv_get_device_list(NULL);
	struct ibv_context *ctx = list && list[0] ? ibv_open_device(list[0]) : NULL;
	const int rw = PROT_READ | PROT_WRITE;
	char *file, *hole, *none, *ro, *disk, *anon;

	if (argc != 3)
		errx(2, "usage: rxe-bad FILE DISK");
	pd = ctx ? ibv_alloc_pd(ctx) : NULL;
	if (!pd)
		errx(1, "no RDMA device");
	if (truncate(argv[1], SIZE))
		err(1, "%s", argv[1]);
	file = map(argv[1], SIZE, rw);
	hole = map(argv[1], SIZE, rw);
	none = map(argv[1], SIZE, rw);
	ro = map(argv[1], SIZE, PROT_READ);
	disk = map(argv[2], SIZE, rw);
	anon = map(NULL, SIZE, rw);
	if (munmap(hole + PAGE, PAGE) || mprotect(none + PAGE, PAGE, PROT_NONE))
		err(1, "hole");

	reg("nothing of a file", file, 0, ACCESS, EINVAL);
	reg("nothing of nothing", NULL, 0, ACCESS, EINVAL);
	reg("a range that wraps", (void *)-PAGE, 2 * PAGE, ACCESS, EINVAL);
	reg("a file and the rest of the world", file, -(size_t)file - 1, ACCESS, ENOMEM);
	reg("a range of the kernel", (void *)0xffff888000000000, PAGE, ACCESS, EFAULT);
	reg("an address that is none", (void *)0x800000000000, PAGE, ACCESS, EFAULT);
	reg("memory that is not there", (void *)PAGE, PAGE, ACCESS, EFAULT);
	reg("a file with a hole", hole, SIZE, ACCESS, EFAULT);
	reg("a hole before a file", hole + PAGE, SIZE - PAGE, ACCESS, EFAULT);
	reg("a file with PROT_NONE in it", none, SIZE, ACCESS, EFAULT);
	reg("a file beyond its end", file, SIZE + PAGE, ACCESS, EFAULT);
	reg("a file to read, to write", ro, SIZE, ACCESS, EFAULT);
	reg("a file to read, to read", ro, SIZE, IBV_ACCESS_REMOTE_READ, 0);
	reg("a file system without the proof", disk, SIZE, ACCESS, EOPNOTSUPP);
	reg("that one to read", disk, SIZE, IBV_ACCESS_REMOTE_READ, 0);

	if (setresuid(65534, 65534, 65534))
		err(1, "setresuid");
	limit(SIZE / 2);
	reg("a file over the limit", file, SIZE / 2 + PAGE, ACCESS, ENOMEM);
	reg("memory over the limit", anon, SIZE / 2 + PAGE, ACCESS, ENOMEM);
	reg("a file within the limit", file, SIZE / 2, ACCESS, 0);
	reg("again, as nothing is left of the others", file, SIZE / 2, ACCESS, 0);
	limit(0);
	reg("a file where nothing may be locked", file, PAGE, ACCESS, EPERM);

	printf("1..%d\n", tap_n);
	return tap_failed;
}
