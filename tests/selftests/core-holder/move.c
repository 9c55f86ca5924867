// SPDX-License-Identifier: GPL-2.0-only
/*
 * core-holder: memory and extents that are moved, dropped, merged or poisoned
 * under a pin. Nobody is asked about any of these.
 *
 * Must never use a wrapper of libc that a kernel of ours could be too old for:
 * what a kernel does not know is an answer.
 */
#include <errno.h>
#include <linux/mempolicy.h>
#include <linux/mman.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "holder.h"

#define PAGE	4096

/* fs/ext4/ext4.h is not for users. */
struct move_extent {
	uint32_t reserved;
	uint32_t donor_fd;
	uint64_t orig_start;
	uint64_t donor_start;
	uint64_t len;
	uint64_t moved_len;
};

#define EXT4_IOC_MOVE_EXT	_IOWR('f', 15, struct move_extent)

static const struct {
	const char *name;
	int advice;
} advices[] = {
	{ "cold", MADV_COLD },
	{ "collapse", 25 },	/* MADV_COLLAPSE, since 6.1 */
	{ "free", MADV_FREE },
	{ "hugepage", MADV_HUGEPAGE },
	{ "hwpoison", MADV_HWPOISON },
	{ "mergeable", MADV_MERGEABLE },
	{ "pageout", MADV_PAGEOUT },
	{ "soft-offline", 101 },
};

/* Whoever poisons memory is told by a signal, and lives if it is handled. */
static void survive(int signal)
{
	(void)signal;
}

/* advise PLACE SIZE ADVICE: see advices[] */
void do_advise(char **arg)
{
	signal(SIGBUS, survive);
	for (size_t i = 0; i < sizeof(advices) / sizeof(*advices); i++) {
		if (strcmp(advices[i].name, arg[3]))
			continue;
		done(madvise(place(arg[1]), number(arg[2]), advices[i].advice));
		return;
	}
	failed(-EINVAL, "no such advice");
}

/* bind NODE: memory that this process is the first to touch is that node's, or none */
void do_bind(char **arg)
{
	unsigned long nodes = 1UL << number(arg[1]);

	done(syscall(SYS_set_mempolicy, MPOL_BIND, &nodes, 64UL));
}

/* remap PLACE SIZE NEWSIZE [leave|REGION]: elsewhere, or stays if there is none */
void do_remap(char **arg)
{
	char *to = arg[4] && strcmp(arg[4], "leave") ? place(arg[4]) : NULL;
	int flags = !arg[4] ? 0 :
		    to ? MREMAP_MAYMOVE | MREMAP_FIXED : MREMAP_MAYMOVE | MREMAP_DONTUNMAP;

	done(mremap(place(arg[1]), number(arg[2]), number(arg[3]), flags, to) ==
	     MAP_FAILED ? -1 : 0);
}

/* move-pages PLACE SIZE NODE: how many are there now */
void do_move_pages(char **arg)
{
	char *addr = place(arg[1]);
	size_t nr = number(arg[2]) / PAGE, moved = 0;
	int node = number(arg[3]);

	for (size_t i = 0; i < nr; i++) {
		void *page = addr + i * PAGE;
		int status = -1;

		if (syscall(SYS_move_pages, 0, 1UL, &page, &node, &status, 2) < 0) {
			done(-1);
			return;
		}
		moved += status == node;
	}
	printf("ok moved=%zu\n", moved);
}

/* migrate FROM TO: all of this process's pages, from one node to the other */
void do_migrate(char **arg)
{
	unsigned long from = 1UL << number(arg[1]), to = 1UL << number(arg[2]);
	long left = syscall(SYS_migrate_pages, 0, 64UL, &from, &to);

	if (left < 0)
		done(-1);
	else
		printf("ok left=%ld\n", left);
}

/* move-ext REGION DONOR SIZE: extents of the donor's file for those of the first */
void do_move_ext(char **arg)
{
	struct move_extent move = {
		.donor_fd = region_fd(arg[2]),
		.len = number(arg[3]) / PAGE,
	};

	if (ioctl(region_fd(arg[1]), EXT4_IOC_MOVE_EXT, &move))
		done(-1);
	else
		printf("ok moved=%llu\n", (unsigned long long)move.moved_len);
}
