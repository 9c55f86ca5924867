// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * One reliable RDMA connection with a TCP connection beside it.
 *
 * The TCP connection carries what the ends must know of each other and later
 * the server's pause and resume. Must never carry data.
 */
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conn.h"

#define PORT_NUM	1

void say(const char *fmt, ...)
{
	char text[256];
	struct timespec now;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	clock_gettime(CLOCK_MONOTONIC, &now);
	/* One write: three programs share the terminal. */
	printf("[%5lld.%03ld] %s\n", (long long)now.tv_sec,
	       now.tv_nsec / 1000000, text);
	fflush(stdout);
}

static int fail(int err, const char *what)
{
	say("%s: %s", what, strerror(err));
	return -err;
}

/* RoCE v2 over the address that the network interface has. */
static int find_gid(struct conn *c, const char *dev)
{
	struct ibv_port_attr port;
	struct ibv_gid_entry entry;
	int err;

	err = ibv_query_port(c->ctx, PORT_NUM, &port);
	if (err)
		return fail(err, "ibv_query_port");
	if (port.state != IBV_PORT_ACTIVE) {
		say("%s: the port is %s", dev, ibv_port_state_str(port.state));
		return -ENETDOWN;
	}
	c->mtu = port.active_mtu;

	for (int i = 0; i < port.gid_tbl_len; i++) {
		if (ibv_query_gid_ex(c->ctx, PORT_NUM, i, &entry, 0) ||
		    entry.gid_type != IBV_GID_TYPE_ROCE_V2)
			continue;
		c->gid = entry.gid;
		c->gid_index = i;
		return 0;
	}
	say("%s: no RoCE v2 address; has its network interface one?", dev);
	return -EADDRNOTAVAIL;
}

static int open_device(struct conn *c, const char *dev)
{
	struct ibv_device **list;
	int err = ENODEV;

	list = ibv_get_device_list(NULL);
	for (int i = 0; list && list[i]; i++) {
		if (strcmp(ibv_get_device_name(list[i]), dev))
			continue;
		c->ctx = ibv_open_device(list[i]);
		err = c->ctx ? 0 : errno;
		break;
	}
	if (list)
		ibv_free_device_list(list);
	return err ? fail(err, dev) : 0;
}

int conn_open(struct conn *c, const char *dev, int depth)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.cap = {
			.max_send_wr = depth,
			.max_recv_wr = 1,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};
	int err;

	*c = (struct conn){ .sock = -1 };
	err = open_device(c, dev);
	if (!err)
		err = find_gid(c, dev);
	if (err)
		return err;

	c->pd = ibv_alloc_pd(c->ctx);
	if (!c->pd)
		return fail(errno, "ibv_alloc_pd");
	c->channel = ibv_create_comp_channel(c->ctx);
	if (!c->channel)
		return fail(errno, "ibv_create_comp_channel");
	c->cq = ibv_create_cq(c->ctx, depth, NULL, c->channel, 0);
	if (!c->cq)
		return fail(errno, "ibv_create_cq");
	init.send_cq = c->cq;
	init.recv_cq = c->cq;
	c->qp = ibv_create_qp(c->pd, &init);
	if (!c->qp)
		return fail(errno, "ibv_create_qp");
	return 0;
}

int conn_listen(struct conn *c, const char *port)
{
	struct addrinfo hints = {
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *ai;
	int fd, on = 1, err;

	/* Without AI_PASSIVE this is the loopback address. */
	err = getaddrinfo(NULL, port, &hints, &ai);
	if (err) {
		say("port %s: %s", port, gai_strerror(err));
		return -EINVAL;
	}
	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, ai->ai_addr, ai->ai_addrlen) || listen(fd, 1)) {
		err = fail(errno, "listen");
	} else {
		say("server: waiting for a client on port %s", port);
		c->sock = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (c->sock < 0)
			err = fail(errno, "accept");
	}
	if (fd >= 0)
		close(fd);
	freeaddrinfo(ai);
	return err;
}

int conn_connect(struct conn *c, char *host_port)
{
	struct addrinfo hints = {
		.ai_family = AF_INET,
		.ai_socktype = SOCK_STREAM,
	};
	char *colon = strrchr(host_port, ':');
	struct addrinfo *ai;
	int err;

	if (!colon) {
		say("%s: not HOST:PORT", host_port);
		return -EINVAL;
	}
	*colon = 0;
	err = getaddrinfo(host_port, colon + 1, &hints, &ai);
	*colon = ':';
	if (err) {
		say("%s: %s", host_port, gai_strerror(err));
		return -EINVAL;
	}
	c->sock = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, 0);
	if (c->sock < 0 || connect(c->sock, ai->ai_addr, ai->ai_addrlen))
		err = fail(errno, host_port);
	freeaddrinfo(ai);
	return err;
}

static int qp_to_init(struct conn *c)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.port_num = PORT_NUM,
		.qp_access_flags = IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ,
	};

	return ibv_modify_qp(c->qp, &attr, IBV_QP_STATE | IBV_QP_PKEY_INDEX |
			     IBV_QP_PORT | IBV_QP_ACCESS_FLAGS);
}

static int qp_to_rtr(struct conn *c, const struct hello *theirs)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = c->mtu,
		.dest_qp_num = theirs->qpn,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = {
			.is_global = 1,
			.port_num = PORT_NUM,
			.grh = {
				.sgid_index = c->gid_index,
				.hop_limit = 64,
			},
		},
	};

	memcpy(&attr.ah_attr.grh.dgid, theirs->gid, sizeof(theirs->gid));
	return ibv_modify_qp(c->qp, &attr, IBV_QP_STATE | IBV_QP_AV |
			     IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
			     IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
			     IBV_QP_MIN_RNR_TIMER);
}

/*
 * A peer whose memory is revoked answers "not ready" until it is back. The
 * value 7 means for ever: an fsync may take as long as the disk needs.
 */
static int qp_to_rts(struct conn *c)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.timeout = 16,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 1,
	};

	return ibv_modify_qp(c->qp, &attr, IBV_QP_STATE | IBV_QP_TIMEOUT |
			     IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY |
			     IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC);
}

/* Both packet sequences start at 0. */
int conn_exchange(struct conn *c, const struct hello *mine,
		  struct hello *theirs)
{
	struct hello out = *mine;
	ssize_t n;
	int err;

	out.magic = HELLO_MAGIC;
	out.qpn = c->qp->qp_num;
	memcpy(out.gid, &c->gid, sizeof(out.gid));
	if (send(c->sock, &out, sizeof(out), MSG_NOSIGNAL) != sizeof(out))
		return fail(errno, "control connection");
	n = recv(c->sock, theirs, sizeof(*theirs), MSG_WAITALL);
	if (n < 0)
		return fail(errno, "control connection");
	if (n != sizeof(*theirs) || theirs->magic != HELLO_MAGIC) {
		say("control connection: the other end is not an rdma-file");
		return -EPROTO;
	}

	err = qp_to_init(c);
	if (!err)
		err = qp_to_rtr(c, theirs);
	if (!err)
		err = qp_to_rts(c);
	return err ? fail(err, "ibv_modify_qp") : 0;
}

void conn_close(struct conn *c)
{
	if (c->qp)
		ibv_destroy_qp(c->qp);
	if (c->cq)
		ibv_destroy_cq(c->cq);
	if (c->channel)
		ibv_destroy_comp_channel(c->channel);
	if (c->pd)
		ibv_dealloc_pd(c->pd);
	if (c->ctx)
		ibv_close_device(c->ctx);
	if (c->sock >= 0)
		close(c->sock);
}
