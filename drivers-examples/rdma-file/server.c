// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * The server: maps a file, registers it for RDMA and answers the kernel.
 *
 * This is what a program has to do that wants to be asked before its memory is
 * taken: pause whoever uses it, say QUIESCED, go on when it is back. The key
 * it gave away stays the same. The loop must never touch the mapping or the
 * file system: then it could wait for the very trigger it has to answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <revoke/revoke.h>

#include "conn.h"
#include "rdma-file.h"
#include "slot.h"

struct server {
	struct conn conn;
	struct revoke_ctx *revoke;
	void *map;
	size_t size;
	struct ibv_mr *mr[MAX_MRS];
	unsigned int nr_mrs;
	uint64_t stale;		/* request that was over when it was answered */
	bool paused;
};

/*
 * Zeroes that are written and on disk, so that every block has its place
 * before the first WRITE and what is found there later was written by us. In a
 * sparse one they find their place when they are pinned.
 */
static int make_file(const char *path, size_t size, bool sparse)
{
	static const char zeroes[1 << 20];
	size_t done = sparse ? size : 0;
	int fd, err = 0;

	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	while (!err && done < size) {
		size_t left = size - done;
		ssize_t n = write(fd, zeroes, left < sizeof(zeroes) ?
				  left : sizeof(zeroes));

		if (n < 0)
			err = -errno;
		else
			done += n;
	}
	if (!err && (ftruncate(fd, size) || fsync(fd)))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static int map_file(struct server *s, const struct options *opts)
{
	void *map;
	int fd, err = 0;

	s->size = opts->offset + opts->blocks * 2 * SLOT_SIZE;
	fd = make_file(opts->file, s->size, opts->sparse);
	if (fd < 0) {
		say("%s: %s", opts->file, strerror(-fd));
		return fd;
	}
	map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		err = -errno;
		say("%s: mmap: %s", opts->file, strerror(errno));
	} else {
		s->map = map;
	}
	close(fd);
	return err;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

static int access_flags(const struct options *opts)
{
	return IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
	       IBV_ACCESS_REMOTE_READ | (opts->odp ? IBV_ACCESS_ON_DEMAND : 0);
}

static int register_file(struct server *s, const struct options *opts)
{
	size_t size = opts->blocks / opts->nr_mrs * 2 * SLOT_SIZE;
	char *begin = (char *)s->map + opts->offset;
	uint64_t start = now_ms();
	int err;

	for (; s->nr_mrs < opts->nr_mrs; s->nr_mrs++) {
		s->mr[s->nr_mrs] = ibv_reg_mr(s->conn.pd, begin + s->nr_mrs * size,
					      size, access_flags(opts));
		if (s->mr[s->nr_mrs])
			continue;
		err = errno;
		say("server: the kernel refused to register the file: %s",
		    strerror(err));
		return -err;
	}
	say("server: registered %s, %zu MiB, in %llu ms, rkey 0x%x",
	    opts->file, s->size >> 20,
	    (unsigned long long)(now_ms() - start), s->mr[0]->rkey);
	return 0;
}

static int open_librevoke(struct server *s, const struct options *opts)
{
	struct revoke_open_opts open_opts = {
		.size = sizeof(open_opts),
		.flags = PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD,
	};
	int err;

	if (!opts->librevoke) {
		say("server: does not ask to be asked (--no-librevoke)");
		return 0;
	}
	err = revoke_open(&open_opts, &s->revoke);
	if (err == -ENOSYS) {
		say("server: this kernel has no pin-revoke, going on without");
		return 0;
	}
	if (err)
		say("server: revoke_open: %s", strerror(-err));
	return err;
}

static int tell_client(struct server *s, char msg)
{
	if (send(s->conn.sock, &msg, 1, MSG_NOSIGNAL) != 1)
		return -errno;
	s->paused = msg == CTRL_PAUSE;
	return 0;
}

/* Returns when nothing of the client is in flight any more. */
static int pause_client(struct server *s)
{
	char answer;
	int err;

	if (s->paused)
		return 0;
	err = tell_client(s, CTRL_PAUSE);
	if (!err && (recv(s->conn.sock, &answer, 1, 0) != 1 ||
		     answer != CTRL_PAUSED))
		err = -ECONNRESET;
	return err;
}

static int resume_client(struct server *s, const char *why)
{
	if (!s->paused)
		return 0;
	say("server: %s: client goes on, rkey 0x%x as before", why,
	    s->mr[0]->rkey);
	return tell_client(s, CTRL_RESUME);
}

static int release_soon(struct server *s, uint64_t request, uint32_t reason,
			uint64_t remaining_ns)
{
	uint64_t start = now_ms();
	int err;

	err = pause_client(s);
	if (err)
		return err;
	err = revoke_ack(s->revoke, request, 0, PIN_REVOKE_ACK_KIND_QUIESCED);
	/* There is an event for each region: one line is enough. */
	if (err == -EALREADY || (err == -ESTALE && request == s->stale))
		return 0;
	if (err == -ESTALE)
		s->stale = request;
	say("server: %s wants the file within %llu ms: client paused, said QUIESCED after %llu ms%s%s",
	    revoke_reason_name(reason),
	    (unsigned long long)remaining_ns / 1000000,
	    (unsigned long long)(now_ms() - start),
	    err ? ": " : "",
	    err == -ESTALE ? "too late" : err ? strerror(-err) : "");
	/* Too late: REVOKED or CANCELLED is on its way and lets us go on. */
	return err == -ESTALE ? 0 : err;
}

struct resync {
	struct server *server;
	bool open;
};

static int resync_request(const struct revoke_request *req, void *arg)
{
	struct resync *resync = arg;

	resync->open = true;
	return release_soon(resync->server, req->id, req->reason,
			    req->remaining_ns);
}

/*
 * Events were lost. Answer what is open; if nothing is, whatever we waited
 * for has happened, and a key that is still revoked answers "not ready".
 */
static int resync(struct server *s)
{
	struct resync resync = { .server = s };
	int err;

	err = revoke_request_list(s->revoke, resync_request, &resync);
	if (!err && !resync.open)
		err = resume_client(s, "no request is open");
	return err;
}

static int handle_event(struct server *s, const struct revoke_event *event)
{
	switch (event->type) {
	case REVOKE_EVENT_RELEASE_SOON:
		return release_soon(s, event->request, event->reason,
				    event->remaining_ns);
	case REVOKE_EVENT_RESTORED:
		return resume_client(s, "restored");
	case REVOKE_EVENT_CANCELLED:
		return resume_client(s, "the request is over");
	case REVOKE_EVENT_REVOKED:
		/* A pin that was forced comes back when it is accessed. */
		if (event->flags & PIN_REVOKE_EVENT_FLAGS_FORCED)
			return resume_client(s, "taken without our answer");
		return 0;
	case REVOKE_EVENT_GONE:
		say("server: the file's pages are gone for good");
		return -EFAULT;
	case REVOKE_EVENT_RESYNC:
		return resync(s);
	default:
		return 0;
	}
}

static int handle_events(struct server *s)
{
	struct revoke_event event = { .size = sizeof(event) };
	int n = 0, err = 0;

	while (!err && (n = revoke_next_event(s->revoke, &event)) > 0)
		err = handle_event(s, &event);
	return err ?: n;
}

/* Until the client closes its control connection. */
static int serve(struct server *s)
{
	struct pollfd pfd[] = {
		{ .fd = s->conn.sock, .events = POLLIN },
		{ .fd = s->revoke ? revoke_fd(s->revoke) : -1,
		  .events = POLLIN },
	};
	char end;
	int err;

	/* The queue pair is ready: from here on the client may write. */
	err = tell_client(s, CTRL_RESUME);
	while (!err) {
		if (poll(pfd, 2, -1) < 0 && errno != EINTR)
			return -errno;
		if (pfd[0].revents && recv(s->conn.sock, &end, 1, 0) > 0)
			err = -EPROTO;
		else if (pfd[0].revents)
			return 0;
		else if (pfd[1].revents)
			err = handle_events(s);
	}
	/* It left with our word unread, or while we spoke. */
	if (err == -ECONNRESET || err == -EPIPE)
		return 0;
	say("server: %s", strerror(-err));
	return err;
}

/*
 * A region for each WRITE, until the client ends. It is deregistered when its place in
 * the client's window is needed again: by then the WRITE has completed. What the kernel
 * wants back meanwhile it takes: the connection is busy with keys.
 */
static int serve_each(struct server *s, const struct options *opts)
{
	uint64_t slot;
	ssize_t n = 0;
	int err;

	err = tell_client(s, CTRL_RESUME);
	for (unsigned int at = 0; !err; at = (at + 1) % WINDOW) {
		n = recv(s->conn.sock, &slot, sizeof(slot), MSG_WAITALL);
		if (n != sizeof(slot) || slot >= 2 * opts->blocks)
			break;
		if (at < s->nr_mrs)
			ibv_dereg_mr(s->mr[at]);
		else
			s->nr_mrs++;
		s->mr[at] = ibv_reg_mr(s->conn.pd, (char *)s->map + opts->offset +
				       slot * SLOT_SIZE, SLOT_SIZE, access_flags(opts));
		if (!s->mr[at]) {
			err = -errno;
			say("server: the kernel refused to register a slot: %s",
			    strerror(-err));
			/* No hole among those that are left to deregister. */
			s->mr[at] = s->mr[--s->nr_mrs];
		} else if (send(s->conn.sock, &s->mr[at]->rkey, sizeof(uint32_t),
				MSG_NOSIGNAL) != sizeof(uint32_t)) {
			err = -errno;
		}
	}
	if (!err && n)
		err = -EPROTO;
	if (err)
		say("server: %s", strerror(-err));
	return err;
}

int server_run(const struct options *opts)
{
	struct hello mine = { }, theirs;
	struct server s = { };
	int err, status;

	err = conn_open(&s.conn, opts->dev, 1);
	if (!err)
		err = map_file(&s, opts);
	/* Before the first pin, so that no request finds nobody to ask. */
	if (!err && !opts->per_write)
		err = open_librevoke(&s, opts);
	status = err ? EXIT_FAILED : EXIT_OK;
	if (!err && !opts->per_write) {
		err = register_file(&s, opts);
		status = err ? EXIT_REFUSED : EXIT_OK;
	}
	if (!err) {
		mine.addr = (uintptr_t)s.map + opts->offset;
		mine.offset = opts->offset;
		mine.blocks = opts->blocks;
		mine.nr_mrs = s.nr_mrs;
		for (unsigned int i = 0; i < s.nr_mrs; i++)
			mine.rkey[i] = s.mr[i]->rkey;
		err = conn_listen(&s.conn, opts->port);
		if (!err)
			err = conn_exchange(&s.conn, &mine, &theirs);
		if (!err)
			err = opts->per_write ? serve_each(&s, opts) : serve(&s);
		status = err ? EXIT_FAILED : EXIT_OK;
	}

	while (s.nr_mrs)
		ibv_dereg_mr(s.mr[--s.nr_mrs]);
	revoke_close(s.revoke);
	if (s.map)
		munmap(s.map, s.size);
	conn_close(&s.conn);
	return status;
}
