// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of the library that the linker leads here (--wrap): receiving can be
 * made to fail as a kernel's socket does, a multicast group is joined only
 * in name, for the fake sends to a port, and ranges are declared by the
 * ioctl of a descriptor that has none. A directory can be there and not be opened.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <linux/pin_revoke_ioctl.h>
#include "fake_calls.h"
#include "fake_peer.h"

int fake_recv_err[2];
int fake_join_err;
int fake_opendir_err;
void (*fake_on_join)(void);
__thread fake_hook fake_on_recv;

ssize_t __real_recvfrom(int fd, void *buf, size_t len, int flags,
			struct sockaddr *addr, socklen_t *addrlen);
ssize_t __wrap_recvfrom(int fd, void *buf, size_t len, int flags,
			struct sockaddr *addr, socklen_t *addrlen);
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
DIR *__real_opendir(const char *path);
DIR *__wrap_opendir(const char *path);
int __wrap_genl_ctrl_resolve_grp(void);
int __wrap_nl_socket_add_membership(void);

static int inject(int *err)
{
	if (!*err)
		return 0;
	errno = *err;
	*err = 0;
	return -1;
}

ssize_t __wrap_recvfrom(int fd, void *buf, size_t len, int flags,
			struct sockaddr *addr, socklen_t *addrlen)
{
	if (fake_on_recv)
		fake_on_recv();
	/* only the library peeks */
	if ((flags & MSG_PEEK) && inject(&fake_recv_err[0]))
		return -1;
	return __real_recvfrom(fd, buf, len, flags, addr, addrlen);
}

ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags)
{
	if (inject(&fake_recv_err[1]))
		return -1;
	return __real_recv(fd, buf, len, flags);
}

DIR *__wrap_opendir(const char *path)
{
	return inject(&fake_opendir_err) ? NULL : __real_opendir(path);
}

int __wrap_genl_ctrl_resolve_grp(void)
{
	return 1;
}

int __wrap_nl_socket_add_membership(void)
{
	if (fake_on_join)
		fake_on_join();
	return fake_join_err;
}

static void give_declared(struct pin_revoke_range *range, unsigned int nr)
{
	if (++fake.declares == fake.declare_fails) {
		fake.err = -EDQUOT;
		fake.text = "too many";
	}
	for (; !fake.err && nr; nr--, range++) {
		fake.range.addr = range->addr;
		fake.range.len = range->len;
		fake.range.flags = range->flags;
		range->id = ++fake.declared;
		range->word = fake.word;
		range->generation = 0;
	}
}

/* What the kernel does on the descriptor of a context; and everybody else's. */
int __wrap_ioctl(int fd, unsigned long cmd, void *arg);
int __real_ioctl(int fd, unsigned long cmd, void *arg);
int __wrap_ioctl(int fd, unsigned long cmd, void *arg)
{
	struct pin_revoke_ranges *ranges = arg;
	const char *name;
	int err;

	if (cmd != PIN_REVOKE_IOC_DECLARE && cmd != PIN_REVOKE_IOC_UNDECLARE)
		return __real_ioctl(fd, cmd, arg);
	fake_must(ranges->size == sizeof(*ranges) && ranges->nr &&
		  ranges->nr <= PIN_REVOKE_MAX_RANGES, "ranges");
	name = (const char *)(uintptr_t)ranges->name;
	if (cmd == PIN_REVOKE_IOC_DECLARE) {
		snprintf(fake.name, sizeof(fake.name), "%s", name ? name : "");
		give_declared((void *)(uintptr_t)ranges->ranges, ranges->nr);
	} else if (!fake.err) {
		fake_must(!name, "no name");
		fake.undeclared += ranges->nr;
	}
	if (fake.text)
		snprintf((char *)(uintptr_t)ranges->text, PIN_REVOKE_TEXT_LEN, "%s",
			 fake.text);
	err = fake.err;
	fake.err = 0;
	fake.text = NULL;
	errno = err ? -err : errno;
	return err ? -1 : 0;
}
