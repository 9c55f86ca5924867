// SPDX-License-Identifier: GPL-2.0-only
/*
 * Calls of the library that the linker leads here (--wrap): receiving can be
 * made to fail as a kernel's socket does, and a multicast group is joined only
 * in name, for the fake sends to a port.
 */
#include <errno.h>
#include <sys/socket.h>
#include "fake_calls.h"

int fake_recv_err[2];
int fake_join_err;
void (*fake_on_join)(void);
__thread fake_hook fake_on_recv;

ssize_t __real_recvfrom(int fd, void *buf, size_t len, int flags,
			struct sockaddr *addr, socklen_t *addrlen);
ssize_t __wrap_recvfrom(int fd, void *buf, size_t len, int flags,
			struct sockaddr *addr, socklen_t *addrlen);
ssize_t __real_recv(int fd, void *buf, size_t len, int flags);
ssize_t __wrap_recv(int fd, void *buf, size_t len, int flags);
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
