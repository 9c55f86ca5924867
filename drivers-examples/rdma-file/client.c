// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The client: RDMA WRITEs into the server's file at full speed.
 *
 * Knows nothing of pins: it pauses when the server says so. Must never post
 * into a slot that raw-check has not checked (slot.h), nor touch the buffer of
 * a posted WRITE before its completion.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "rdma-file.h"
#include "slot.h"

/* How often to look whether raw-check has unlocked something, when idle. */
#define IDLE_POLL_MS	5

struct client {
	struct conn conn;
	struct hello file;
	struct state *state;
	uint64_t nr_slots;
	uint64_t cursor;	/* where to look for a free slot */
	uint64_t *posted;	/* per slot: last sequence number posted */
	uint64_t seq;		/* last one used */

	/* A ring: completions of one queue pair come in order. */
	struct slot *buf;
	struct ibv_mr *mr;
	uint64_t ring_slot[WINDOW];
	uint64_t head;		/* posted */
	uint64_t tail;		/* completed */

	bool running;		/* the server lets us */
	bool pausing;		/* it waits for us to drain */
};

/* Published by rename: who can open it finds it complete. */
static int state_create(struct client *c, const char *path)
{
	size_t size = state_size(c->file.blocks);
	char tmp[256];
	void *map;
	int fd, err;

	if (snprintf(tmp, sizeof(tmp), "%s.new", path) >= (int)sizeof(tmp)) {
		say("%s: %s", path, strerror(ENAMETOOLONG));
		return -ENAMETOOLONG;
	}
	fd = open(tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, size))
		goto fail;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		goto fail;
	c->state = map;
	c->state->magic = STATE_MAGIC;
	c->state->blocks = c->file.blocks;
	c->state->offset = c->file.offset;
	if (getrandom(&c->state->run, sizeof(c->state->run), 0) < 0 ||
	    rename(tmp, path))
		goto fail;
	close(fd);
	return 0;
fail:
	err = -errno;
	say("%s: %s", tmp, strerror(-err));
	if (fd >= 0)
		close(fd);
	return err;
}

static int setup(struct client *c, const struct options *opts, char *host_port)
{
	struct hello hello = { };
	int err;

	err = conn_open(&c->conn, opts->dev, WINDOW);
	if (!err)
		err = conn_connect(&c->conn, host_port);
	if (!err)
		err = conn_exchange(&c->conn, &hello, &c->file);
	if (err)
		return err;
	if (!c->file.blocks || c->file.blocks > MAX_BLOCKS ||
	    c->file.nr_mrs > MAX_MRS ||
	    (c->file.nr_mrs && c->file.blocks % c->file.nr_mrs)) {
		say("client: the server has no usable file");
		return -EPROTO;
	}
	c->nr_slots = 2 * c->file.blocks;
	c->posted = calloc(c->nr_slots, sizeof(*c->posted));
	c->buf = aligned_alloc(SLOT_SIZE, WINDOW * sizeof(*c->buf));
	if (!c->posted || !c->buf) {
		say("client: %s", strerror(ENOMEM));
		return -ENOMEM;
	}
	c->mr = ibv_reg_mr(c->conn.pd, c->buf, WINDOW * sizeof(*c->buf), 0);
	if (!c->mr) {
		say("client: ibv_reg_mr: %s", strerror(errno));
		return -errno;
	}
	return state_create(c, opts->state);
}

/*
 * First slots first: the second slot of a block is used while the first one
 * waits for raw-check, and the other way round.
 */
static uint64_t slot_at(const struct client *c, uint64_t pos)
{
	return pos < c->file.blocks ? 2 * pos : 2 * (pos - c->file.blocks) + 1;
}

static bool find_free_slot(struct client *c, uint64_t *index)
{
	for (uint64_t n = 0; n < c->nr_slots; n++) {
		uint64_t i = slot_at(c, c->cursor);

		if (c->posted[i] ==
		    atomic_load_explicit(&c->state->slot[i].checked,
					 memory_order_acquire)) {
			*index = i;
			return true;
		}
		c->cursor = (c->cursor + 1) % c->nr_slots;
	}
	return false;
}

/* Of the region that the slot is in, or of one that the server makes for this WRITE. */
static int find_rkey(struct client *c, uint64_t index, uint32_t *rkey)
{
	if (c->file.nr_mrs) {
		*rkey = c->file.rkey[index / (c->nr_slots / c->file.nr_mrs)];
		return 0;
	}
	if (send(c->conn.sock, &index, sizeof(index), MSG_NOSIGNAL) == sizeof(index) &&
	    recv(c->conn.sock, rkey, sizeof(*rkey), MSG_WAITALL) == sizeof(*rkey))
		return 0;
	say("client: the server gives no key");
	return -ECONNRESET;
}

static int post_write(struct client *c, uint64_t index)
{
	unsigned int ring = c->head % WINDOW;
	struct ibv_sge sge = {
		.addr = (uintptr_t)&c->buf[ring],
		.length = SLOT_SIZE,
		.lkey = c->mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = {
			.remote_addr = c->file.addr + index * SLOT_SIZE,
		},
	};
	struct ibv_send_wr *bad_wr;
	int err;

	err = find_rkey(c, index, &wr.wr.rdma.rkey);
	if (err)
		return err;
	slot_fill(&c->buf[ring], c->state->run, index, ++c->seq);
	err = ibv_post_send(c->conn.qp, &wr, &bad_wr);
	if (err) {
		say("client: ibv_post_send: %s", strerror(err));
		return -err;
	}
	c->posted[index] = c->seq;
	c->ring_slot[ring] = index;
	c->head++;
	return 0;
}

static int reap(struct client *c)
{
	struct ibv_wc wc[WINDOW];
	int n;

	n = ibv_poll_cq(c->conn.cq, WINDOW, wc);
	for (int i = 0; i < n; i++) {
		uint64_t index = c->ring_slot[c->tail % WINDOW];

		if (wc[i].status != IBV_WC_SUCCESS) {
			say("client: RDMA WRITE failed: %s",
			    ibv_wc_status_str(wc[i].status));
			return -EIO;
		}
		atomic_store_explicit(&c->state->slot[index].completed,
				      c->posted[index], memory_order_release);
		c->tail++;
	}
	return n;
}

static int read_control(struct client *c)
{
	char msg;
	ssize_t n = recv(c->conn.sock, &msg, 1, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n != 1) {
		say("client: the server is gone");
		return -ECONNRESET;
	}
	c->running = msg == CTRL_RESUME;
	c->pausing = msg == CTRL_PAUSE;
	return 0;
}

/*
 * Sleep until there is a completion or a word from the server. Nobody wakes a
 * client that has run out of unlocked slots, so it looks now and then.
 */
static int wait_for_news(struct client *c, bool idle)
{
	struct pollfd pfd[] = {
		{ .fd = c->conn.channel->fd, .events = POLLIN },
		{ .fd = c->conn.sock, .events = POLLIN },
	};
	struct ibv_cq *cq;
	void *arg;
	int n;

	/* Armed before the last look: a completion in between is seen. */
	if (ibv_req_notify_cq(c->conn.cq, 0))
		return -EIO;
	n = reap(c);
	if (n)
		return n < 0 ? n : 0;
	if (poll(pfd, 2, idle ? IDLE_POLL_MS : -1) < 0 && errno != EINTR)
		return -errno;
	if (pfd[0].revents & POLLIN) {
		if (ibv_get_cq_event(c->conn.channel, &cq, &arg))
			return -errno;
		ibv_ack_cq_events(cq, 1);
	}
	return pfd[1].revents ? read_control(c) : 0;
}

static int write_until_stopped(struct client *c)
{
	static const char paused = CTRL_PAUSED;
	uint64_t index;
	int err = 0;

	while (!err && (c->head != c->tail || !atomic_load(&c->state->stop))) {
		while (!err && c->running && !atomic_load(&c->state->stop) &&
		       c->head - c->tail < WINDOW && find_free_slot(c, &index))
			err = post_write(c, index);
		if (!err && c->pausing && c->head == c->tail) {
			c->pausing = false;
			if (send(c->conn.sock, &paused, 1, MSG_NOSIGNAL) != 1)
				err = -errno;
		}
		if (!err)
			err = wait_for_news(c, c->head == c->tail);
	}
	return err;
}

int client_run(const struct options *opts)
{
	struct client c = { };
	int err;

	err = setup(&c, opts, opts->connect);
	if (!err) {
		say("client: writing into %llu blocks of two slots, rkey 0x%x",
		    (unsigned long long)c.file.blocks, c.file.rkey[0]);
		err = write_until_stopped(&c);
		say("client: %llu RDMA WRITEs completed",
		    (unsigned long long)c.tail);
	}
	if (c.mr)
		ibv_dereg_mr(c.mr);
	conn_close(&c.conn);
	if (c.state)
		munmap(c.state, state_size(c.file.blocks));
	free(c.buf);
	free(c.posted);
	return err ? EXIT_FAILED : EXIT_OK;
}
