// SPDX-License-Identifier: GPL-2.0-only
/*
 * Contexts: the holder's end of the conversation. A context is a file
 * descriptor; whoever has it may answer, and its last close ends it.
 *
 * Events go to the netlink socket that opened it. Must never keep a process,
 * its memory or a trigger waiting for the fate of that socket.
 */
#include <linux/anon_inodes.h>
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/nsproxy.h>
#include <linux/slab.h>
#include <linux/time_namespace.h>
#include <net/net_namespace.h>

#include "core.h"

/*
 * Contexts of one process: the application's and one of each library. Every
 * request walks them with pinr_lock held.
 */
#define PINR_MAX_CTXS	64

static LIST_HEAD(pinr_ctxs);
static u64 pinr_last_ctx;	/* pinr_lock */

static void pinr_ctx_last(struct kref *ref)
{
	struct pinr_ctx *ctx = container_of(ref, struct pinr_ctx, ref);

	spin_lock(&pinr_lock);
	ctx->holder->nr_ctxs--;
	spin_unlock(&pinr_lock);
	pinr_words_free(ctx);
	pinr_user_put(ctx->user);
	pinr_holder_put(ctx->holder);
	put_net(ctx->net);
	kfree(ctx);
}

void pinr_ctx_put(struct pinr_ctx *ctx)
{
	kref_put(&ctx->ref, pinr_ctx_last);
}

/* Nobody hears it any more: what it was told of does not wait for it. */
static void pinr_ctx_deaf(struct pinr_ctx *ctx)
{
	struct pinr_told *told, *next;

	lockdep_assert_held(&pinr_lock);
	ctx->portid = 0;
	list_for_each_entry_safe(told, next, &ctx->tolds, of_ctx)
		pinr_told_end(told);
}

static int pinr_ctx_release(struct inode *inode, struct file *file)
{
	struct pinr_ctx *ctx = file->private_data;

	spin_lock(&pinr_lock);
	pinr_ctx_deaf(ctx);
	list_del(&ctx->of_holder);
	list_del(&ctx->all);
	ctx->closed = true;
	spin_unlock(&pinr_lock);
	pinr_ctx_leave(ctx);
	pinr_ctx_put(ctx);
	return 0;
}

static const struct file_operations pinr_ctx_fops = {
	.owner = THIS_MODULE,
	.release = pinr_ctx_release,
	.mmap = pinr_words_mmap,
	.unlocked_ioctl = pinr_ctx_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/**
 * pinr_ctx_from_fd - the context behind a file descriptor of the caller
 * @fd: the descriptor
 *
 * Context: process context of whoever answers.
 * Return: the context with a reference, or NULL if @fd is something else.
 */
struct pinr_ctx *pinr_ctx_from_fd(unsigned int fd)
{
	struct pinr_ctx *ctx = NULL;
	struct file *file = fget(fd);

	if (!file)
		return NULL;
	if (file->f_op == &pinr_ctx_fops) {
		ctx = file->private_data;
		kref_get(&ctx->ref);
	}
	fput(file);
	return ctx;
}

/* What CLOCK_MONOTONIC of the caller is ahead of ours. */
s64 pinr_mono_offset_ns(void)
{
	struct timespec64 offset = { };

	timens_add_monotonic(&offset);
	return timespec64_to_ns(&offset);
}

/**
 * pinr_ctx_open - make a context for the calling process
 * @net: network namespace of its socket
 * @portid: port of its socket
 * @flags: enum pin_revoke_ctx_flags
 * @id: gets its number
 *
 * Context: process context.
 * Return: a file that is not in any table yet, or ERR_PTR: -EUSERS the process
 * has too many contexts; or no memory.
 */
struct file *pinr_ctx_open(struct net *net, u32 portid, u32 flags, u32 *id)
{
	struct pinr_ctx *ctx;
	int err = -ENOMEM;
	struct file *file;
	bool full;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	kref_init(&ctx->ref);
	INIT_LIST_HEAD(&ctx->tolds);
	INIT_LIST_HEAD(&ctx->pins);
	ida_init(&ctx->words);
	ctx->flags = flags;
	ctx->portid = portid;
	ctx->mono_offset_ns = pinr_mono_offset_ns();
	ctx->holder = pinr_holder_get(current->mm);
	if (!ctx->holder)
		goto err_ctx;
	ctx->user = pinr_user_get();
	if (!ctx->user)
		goto err_holder;
	ctx->limited = pinr_user_limited();
	spin_lock(&pinr_lock);
	full = ctx->holder->nr_ctxs >= PINR_MAX_CTXS;
	if (!full)
		ctx->holder->nr_ctxs++;
	spin_unlock(&pinr_lock);
	err = -EUSERS;
	if (full)
		goto err_user;
	ctx->net = get_net(net);

	file = anon_inode_getfile("[pin-revoke]", &pinr_ctx_fops, ctx,
				  O_RDWR | O_CLOEXEC);
	if (IS_ERR(file)) {
		pinr_ctx_put(ctx);
		return file;
	}
	spin_lock(&pinr_lock);
	/* Under the lock: events go by a list in the order of ids. */
	ctx->id = ++pinr_last_ctx;
	*id = ctx->id;
	list_add_tail(&ctx->of_holder, &ctx->holder->ctxs);
	/* Somebody new listens, who has missed nothing. */
	ctx->holder->missed = false;
	list_add_tail(&ctx->all, &pinr_ctxs);
	spin_unlock(&pinr_lock);
	return file;

err_user:
	pinr_user_put(ctx->user);
err_holder:
	pinr_holder_put(ctx->holder);
err_ctx:
	kfree(ctx);
	return ERR_PTR(err);
}

/* A netlink socket is gone, and with it whoever heard a context's events. */
static int pinr_netlink_event(struct notifier_block *nb, unsigned long event,
			      void *data)
{
	const struct netlink_notify *notify = data;
	struct pinr_ctx *ctx;

	if (event != NETLINK_URELEASE || notify->protocol != NETLINK_GENERIC)
		return NOTIFY_DONE;
	spin_lock(&pinr_lock);
	list_for_each_entry(ctx, &pinr_ctxs, all)
		if (ctx->portid == notify->portid && ctx->net == notify->net)
			pinr_ctx_deaf(ctx);
	spin_unlock(&pinr_lock);
	return NOTIFY_DONE;
}

static struct notifier_block pinr_netlink_nb = {
	.notifier_call = pinr_netlink_event,
};

int pinr_ctx_init(void)
{
	return netlink_register_notifier(&pinr_netlink_nb);
}

void pinr_ctx_exit(void)
{
	netlink_unregister_notifier(&pinr_netlink_nb);
}
