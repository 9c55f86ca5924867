/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * One reliable RDMA connection with a TCP connection beside it.
 *
 * Owns device, queue pair, completion queue and the control connection. Must
 * never know what is written through it. Calls return 0 or a negative errno
 * and have printed why.
 */
#ifndef RDMA_FILE_CONN_H
#define RDMA_FILE_CONN_H

#include <infiniband/verbs.h>

struct conn {
	struct ibv_context *ctx;
	struct ibv_pd *pd;
	struct ibv_comp_channel *channel;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	union ibv_gid gid;
	int gid_index;
	enum ibv_mtu mtu;
	int sock;
};

#define MAX_MRS	64
#define WINDOW	32	/* WRITEs in flight */

/*
 * What each end tells the other, in host byte order: the magic number tells a
 * peer of another kind.
 */
struct hello {
	uint64_t magic;
	/* From the server only: the part of the file that is for the client. */
	uint64_t addr;
	uint64_t offset;	/* in the file */
	uint64_t blocks;
	uint32_t nr_mrs;	/* of the same size, one behind the other; 0: ask for each slot */
	uint32_t rkey[MAX_MRS];
	uint32_t qpn;
	uint8_t gid[16];
};

#define HELLO_MAGIC	0x316f6c6c65487641ull

/* Control bytes after that. */
#define CTRL_PAUSE	'P'	/* server: stop posting, drain */
#define CTRL_PAUSED	'p'	/* client: nothing of mine is in flight */
#define CTRL_RESUME	'R'	/* server: go on, with the same rkey */
/*
 * With nr_mrs 0 only the last of these, once. Then the client sends the number of a
 * slot (uint64_t) before each WRITE, and gets the key for it (uint32_t).
 */

int conn_open(struct conn *c, const char *dev, int depth);
int conn_listen(struct conn *c, const char *port);
int conn_connect(struct conn *c, char *host_port);
int conn_exchange(struct conn *c, const struct hello *mine,
		  struct hello *theirs);
void conn_close(struct conn *c);

/* One line with the time since boot in front, as in the kernel log. */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* RDMA_FILE_CONN_H */
