// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: life of a context.
 *
 * Owns open and close, and the rule that a child of fork() has no context.
 * Two sockets: events come to the one that sent OPEN, so nothing else may be
 * asked on it afterwards, or an event could be taken for an answer; except for
 * what is open, which event.c asks for and reads as events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include "internal.h"

/* Room for some hundred events; the kernel cuts it down to net.core.rmem_max */
#define RCVBUF_DEFAULT (256 * 1024)

#define WORDS_SIZE (PIN_REVOKE_MAX_WORDS * sizeof(uint64_t))

/* Return: 0, or -ECHILD in a child of the process that opened @ctx. */
int revoke_enter(const struct revoke_ctx *ctx)
{
	revoke_clear_error();
	return *ctx->alive ? 0 : -ECHILD;
}

static int on_open(struct nlmsghdr *nlh, void *arg)
{
	static struct nla_policy policy[PIN_REVOKE_A_CTX_MAX + 1] = {
		[PIN_REVOKE_A_CTX_FD] = { .type = NLA_U32 },
		[PIN_REVOKE_A_CTX_ID] = { .type = NLA_U32 },
	};
	struct nlattr *tb[PIN_REVOKE_A_CTX_MAX + 1];
	struct revoke_ctx *ctx = arg;

	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_CTX_MAX, policy) < 0 ||
	    !tb[PIN_REVOKE_A_CTX_FD])
		return -EPROTO;
	ctx->fd = nla_get_u32(tb[PIN_REVOKE_A_CTX_FD]);
	if (!tb[PIN_REVOKE_A_CTX_ID])
		return -EPROTO;
	ctx->stream.ctx = nla_get_u32(tb[PIN_REVOKE_A_CTX_ID]);
	return 0;
}

static int send_open(struct revoke_ctx *ctx, uint32_t flags)
{
	struct nl_msg *msg;

	/* No NLM_F_ACK: an event may already stand before it. */
	msg = revoke_nl_msg(&ctx->event, PIN_REVOKE_CMD_OPEN, NLM_F_REQUEST);
	if (msg && flags && nla_put_u32(msg, PIN_REVOKE_A_CTX_FLAGS, flags)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return revoke_nl_call(&ctx->event, msg, on_open, ctx,
			      &ctx->stream.lost);
}

/* Everything that revoke_close() undoes, also when half of it is done. */
static int start(struct revoke_ctx *ctx, const struct revoke_open_opts *opts)
{
	int rcvbuf = opts->rcvbuf ? opts->rcvbuf : RCVBUF_DEFAULT;
	size_t page = sysconf(_SC_PAGESIZE);
	void *words;
	int err;

	ctx->alive = mmap(NULL, page, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ctx->alive == MAP_FAILED) {
		ctx->alive = NULL;
		return -ENOMEM;
	}
	if (madvise(ctx->alive, page, MADV_WIPEONFORK))
		return -errno;
	*ctx->alive = 1;

	err = revoke_nl_connect(&ctx->event);
	if (err)
		return err;
	err = revoke_nl_connect(&ctx->cmd);
	if (err)
		return err;
	revoke_stream_init(&ctx->stream, &ctx->event);
	setsockopt(ctx->stream.fd, SOL_SOCKET, SO_RCVBUF, &rcvbuf,
		   sizeof(rcvbuf));
	err = send_open(ctx, opts->flags);
	if (err)
		return err;
	words = mmap(NULL, WORDS_SIZE, PROT_READ, MAP_SHARED, ctx->fd, 0);
	if (words == MAP_FAILED)
		return -errno;
	ctx->words = words;
	return 0;
}

static int check_opts(const struct revoke_open_opts *opts)
{
	const unsigned char *tail = (const unsigned char *)opts;
	size_t i;

	if (opts->size < sizeof(*opts) || opts->rcvbuf > INT32_MAX)
		return -EINVAL;
	/* A caller newer than us may not ask for what we do not know. */
	for (i = sizeof(*opts); i < opts->size; i++)
		if (tail[i])
			return -EINVAL;
	return 0;
}

static int do_open(const struct revoke_open_opts *opts,
		   struct revoke_ctx **ctxp)
{
	struct revoke_ctx *ctx;
	int err;

	err = check_opts(opts);
	if (err)
		return err;
	ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return -ENOMEM;
	ctx->fd = -1;
	pthread_mutex_init(&ctx->event_lock, NULL);
	pthread_mutex_init(&ctx->dispatch.lock, NULL);
	err = start(ctx, opts);
	if (err)
		revoke_close(ctx);
	else
		*ctxp = ctx;
	return err;
}

REVOKE_EXPORT int revoke_open(const struct revoke_open_opts *opts,
			      struct revoke_ctx **ctx)
{
	static const struct revoke_open_opts none = { .size = sizeof(none) };
	int saved = errno;
	int err;

	revoke_clear_error();
	err = do_open(opts ? opts : &none, ctx);
	errno = saved;
	return err;
}

/* Safe in a child too: it only drops the child's copies. */
REVOKE_EXPORT void revoke_close(struct revoke_ctx *ctx)
{
	int saved = errno;

	if (!ctx)
		return;
	/* In a child there is no such thread. */
	if (ctx->dispatch.running && revoke_dispatch_stop(ctx) == -ECHILD)
		close(ctx->dispatch.stop_fd);
	/* The mapping keeps the context, too. */
	if (ctx->words)
		munmap((void *)ctx->words, WORDS_SIZE);
	if (ctx->fd >= 0)
		close(ctx->fd);
	revoke_nl_close(&ctx->event);
	revoke_nl_close(&ctx->cmd);
	pthread_mutex_destroy(&ctx->event_lock);
	pthread_mutex_destroy(&ctx->dispatch.lock);
	if (ctx->alive)
		munmap(ctx->alive, sysconf(_SC_PAGESIZE));
	free(ctx);
	errno = saved;
}

REVOKE_EXPORT int revoke_fd(const struct revoke_ctx *ctx)
{
	return *ctx->alive ? ctx->stream.fd : -ECHILD;
}
