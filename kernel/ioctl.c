// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ranges declared by ioctl(2) on the descriptor of a context: what the family's
 * commands declare and undeclare do, for programs to which two messages each time
 * are too dear.
 *
 * Must never decide what becomes of a range: that is declare.c.
 */
#include <linux/uaccess.h>
#include <uapi/linux/pin_revoke_ioctl.h>

#include "core.h"

/* What is wrong with a range of user space, or NULL. */
static const char *pinr_range_wrong(const struct pin_revoke_range *range)
{
	if (!range->len)
		return "a range of no bytes";
	if (range->flags & ~PIN_REVOKE_RANGE_FLAGS_WRITE)
		return "flags that are not known";
	return NULL;
}

static int pinr_ioctl_declare_one(struct pinr_ctx *ctx, const char *name,
				  struct pin_revoke_range __user *user,
				  const char **text)
{
	struct pin_revoke_pin *pin;
	struct pin_revoke_range arg;
	struct pinr_range range;

	if (copy_from_user(&arg, user, sizeof(arg)))
		return -EFAULT;
	*text = pinr_range_wrong(&arg);
	if (*text)
		return arg.len ? -EINVAL : -ERANGE;
	range = (struct pinr_range) {
		.addr = arg.addr,
		.len = arg.len,
		.flags = arg.flags & PIN_REVOKE_RANGE_FLAGS_WRITE ? PIN_REVOKE_WRITE : 0,
	};
	pin = pinr_declare(ctx, name, &range);
	if (IS_ERR(pin)) {
		*text = pinr_declare_text(PTR_ERR(pin));
		return PTR_ERR(pin);
	}
	arg.word = pin->word_nr;
	arg.id = pin->id;
	arg.generation = pin->generation;
	pinr_pin_put(pin);
	if (!copy_to_user(user, &arg, sizeof(arg)))
		return 0;
	/* What the caller does not hear of is not declared. */
	pinr_undeclare(ctx, arg.id);
	return -EFAULT;
}

static int pinr_ioctl_end(struct pinr_ctx *ctx,
			  struct pin_revoke_range __user *user, unsigned int nr)
{
	unsigned int i;
	int err = 0;
	u64 id;

	for (i = 0; i < nr && !err; i++) {
		if (get_user(id, &user[i].id))
			return -EFAULT;
		err = pinr_undeclare(ctx, id);
	}
	return err;
}

static int pinr_ioctl_declare(struct pinr_ctx *ctx,
			      const struct pin_revoke_ranges *arg,
			      const char **text)
{
	struct pin_revoke_range __user *user = u64_to_user_ptr(arg->ranges);
	char name[PINR_NAME_LEN] = "";
	unsigned int i;
	long len = 0;
	int err = 0;

	if (arg->name)
		len = strncpy_from_user(name, u64_to_user_ptr(arg->name), sizeof(name));
	if (len < 0)
		return len;
	if (len == sizeof(name)) {
		*text = "the name is too long";
		return -ERANGE;
	}
	for (i = 0; i < arg->nr && !err; i++)
		err = pinr_ioctl_declare_one(ctx, name, &user[i], text);
	/* The last is the one that failed; whoever changes ids meanwhile keeps some. */
	if (err && i > 1)
		pinr_ioctl_end(ctx, user, i - 1);
	return err;
}

static int pinr_ioctl_undeclare(struct pinr_ctx *ctx,
				const struct pin_revoke_ranges *arg,
				const char **text)
{
	int err;

	if (arg->name) {
		*text = "no name is taken";
		return -EINVAL;
	}
	err = pinr_ioctl_end(ctx, u64_to_user_ptr(arg->ranges), arg->nr);
	if (err == -ENOENT)
		*text = "this context has declared no such range";
	return err;
}

static int pinr_ioctl_do(struct pinr_ctx *ctx, unsigned int cmd,
			 const struct pin_revoke_ranges *arg, const char **text)
{
	if (!arg->nr || arg->nr > PIN_REVOKE_MAX_RANGES) {
		*text = "from 1 to 64 ranges go into a call";
		return -EINVAL;
	}
	/* A child of fork() has inherited it. */
	if (ctx->holder->mm != current->mm) {
		*text = "the context belongs to another process";
		return -EPERM;
	}
	return cmd == PIN_REVOKE_IOC_DECLARE ? pinr_ioctl_declare(ctx, arg, text) :
					       pinr_ioctl_undeclare(ctx, arg, text);
}

/* The caller's descriptor keeps the context. */
long pinr_ctx_ioctl(struct file *file, unsigned int cmd, unsigned long user)
{
	struct pin_revoke_ranges arg;
	const char *text = NULL;
	u32 size;
	int err;

	if (cmd != PIN_REVOKE_IOC_DECLARE && cmd != PIN_REVOKE_IOC_UNDECLARE)
		return -ENOTTY;
	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < sizeof(arg) || size > PAGE_SIZE)
		return -EINVAL;
	err = copy_struct_from_user(&arg, sizeof(arg), (void __user *)user, size);
	if (err)
		return err;
	err = pinr_ioctl_do(file->private_data, cmd, &arg, &text);
	if (text && arg.text &&
	    copy_to_user(u64_to_user_ptr(arg.text), text, strlen(text) + 1))
		return -EFAULT;
	return err;
}
