// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family: contexts, answers and single pins; lists are in netlink_list.c, what
 * takes an administrator is in netlink_admin.c. The tables are generated from
 * uapi/pin-revoke.yaml.
 *
 * Every error has a text. Must never decide anything about a pin: that is
 * request.c and pin.c.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/sched.h>
#include <net/genetlink.h>

#include "core.h"
#include "netlink_gen.h"

/*
 * In the initial user namespace, not in that of the socket: containers hold
 * CAP_NET_ADMIN, and often CAP_SYS_ADMIN, in theirs.
 */
bool pinr_admin(const struct sk_buff *skb)
{
	return netlink_capable(skb, CAP_SYS_ADMIN);
}

int pinr_must_be_admin(const struct sk_buff *skb, struct genl_info *info)
{
	if (pinr_admin(skb))
		return 0;
	NL_SET_ERR_MSG(info->extack,
		       "needs CAP_SYS_ADMIN in the initial user namespace");
	return -EPERM;
}

int pinr_reply(struct genl_info *info,
	       int (*fill)(struct sk_buff *skb, const void *arg),
	       const void *arg)
{
	struct sk_buff *skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *hdr;

	if (!skb) {
		NL_SET_ERR_MSG(info->extack, "no memory for the reply");
		return -ENOMEM;
	}
	hdr = genlmsg_put_reply(skb, info, &pin_revoke_nl_family, 0,
				info->genlhdr->cmd);
	if (!hdr || fill(skb, arg)) {
		nlmsg_free(skb);
		NL_SET_ERR_MSG(info->extack, "the reply is too long");
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

struct pinr_open_reply {
	u32 fd, id;
};

static int pinr_fill_open(struct sk_buff *skb, const void *arg)
{
	const struct pinr_open_reply *reply = arg;

	return nla_put_u32(skb, PIN_REVOKE_A_CTX_FD, reply->fd) ?:
	       nla_put_u32(skb, PIN_REVOKE_A_CTX_ID, reply->id);
}

int pin_revoke_nl_open_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pinr_open_reply reply = { };
	struct nlattr *flags = info->attrs[PIN_REVOKE_A_CTX_FLAGS];
	struct file *file;
	int fd, err;

	/* A kernel thread, or a process on its way out. */
	if (!current->mm) {
		NL_SET_ERR_MSG(info->extack, "only a process has contexts");
		return -EINVAL;
	}
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		NL_SET_ERR_MSG(info->extack, "no file descriptor is free");
		return fd;
	}
	file = pinr_ctx_open(genl_info_net(info), info->snd_portid,
			     flags ? nla_get_u32(flags) : 0, &reply.id);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		err = PTR_ERR(file);
		if (err == -EUSERS)
			NL_SET_ERR_MSG(info->extack,
				       "the process has too many contexts");
		else
			NL_SET_ERR_MSG(info->extack, "no memory for a context");
		return err;
	}
	reply.fd = fd;
	err = pinr_reply(info, pinr_fill_open, &reply);
	if (err) {
		fput(file);
		put_unused_fd(fd);
		return err;
	}
	fd_install(fd, file);
	return 0;
}

/* The context that an attribute names, with a reference; NULL: -EBADF. */
struct pinr_ctx *pinr_ctx_of(struct genl_info *info, struct nlattr *fd)
{
	struct pinr_ctx *ctx = pinr_ctx_from_fd(nla_get_u32(fd));

	if (!ctx)
		NL_SET_ERR_MSG_ATTR(info->extack, fd, "not a context");
	return ctx;
}

static int pinr_fill_granted(struct sk_buff *skb, const void *arg)
{
	return nla_put_u32(skb, PIN_REVOKE_A_ACK_GRANTED_MS, *(const u32 *)arg);
}

int pin_revoke_nl_ack_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *pin = info->attrs[PIN_REVOKE_A_ACK_PIN];
	struct nlattr *ms = info->attrs[PIN_REVOKE_A_ACK_EXTEND_MS];
	enum pin_revoke_ack_kind kind;
	unsigned int granted_ms = 0;
	struct pinr_ctx *ctx;
	bool extend;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, PIN_REVOKE_A_ACK_CTX_FD) ||
	    GENL_REQ_ATTR_CHECK(info, PIN_REVOKE_A_ACK_REQUEST) ||
	    GENL_REQ_ATTR_CHECK(info, PIN_REVOKE_A_ACK_KIND)) {
		NL_SET_ERR_MSG(info->extack, "ctx-fd, request and kind are needed");
		return -EINVAL;
	}
	kind = nla_get_u32(info->attrs[PIN_REVOKE_A_ACK_KIND]);
	extend = kind == PIN_REVOKE_ACK_KIND_EXTEND;
	if (extend != !!ms) {
		NL_SET_ERR_MSG(info->extack,
			       "extend-ms goes with the kind extend, and only with it");
		return -EINVAL;
	}

	ctx = pinr_ctx_of(info, info->attrs[PIN_REVOKE_A_ACK_CTX_FD]);
	if (!ctx)
		return -EBADF;
	err = pinr_ack(ctx, nla_get_u64(info->attrs[PIN_REVOKE_A_ACK_REQUEST]),
		       pin ? nla_get_u64(pin) : 0, kind,
		       ms ? nla_get_u32(ms) : 0, &granted_ms, info->extack);
	pinr_ctx_put(ctx);
	if (err || kind != PIN_REVOKE_ACK_KIND_EXTEND)
		return err;
	return pinr_reply(info, pinr_fill_granted, &granted_ms);
}

/* May the caller see this pin? */
bool pinr_visible(const struct sk_buff *skb, struct pin_revoke_pin *pin)
{
	return pin->holder->mm == current->mm || pinr_admin(skb);
}

static int pinr_fill_pin_reply(struct sk_buff *skb, const void *arg)
{
	return pinr_put_pin(skb, (struct pin_revoke_pin *)arg);
}

static struct pin_revoke_pin *pinr_pin_of(struct genl_info *info,
					  struct nlattr *id)
{
	struct pin_revoke_pin *pin = pinr_pin_find(nla_get_u64(id));

	if (!pin)
		NL_SET_ERR_MSG_ATTR(info->extack, id, "no such pin");
	return pin;
}

int pin_revoke_nl_pin_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pin_revoke_pin *pin;
	int err;

	if (GENL_REQ_ATTR_CHECK(info, PIN_REVOKE_A_PIN_ID)) {
		NL_SET_ERR_MSG(info->extack, "id is needed");
		return -EINVAL;
	}
	pin = pinr_pin_of(info, info->attrs[PIN_REVOKE_A_PIN_ID]);
	if (!pin)
		return -ENOENT;
	if (pinr_visible(skb, pin)) {
		err = pinr_reply(info, pinr_fill_pin_reply, pin);
	} else {
		NL_SET_ERR_MSG(info->extack, "the pin belongs to somebody else");
		err = -EPERM;
	}
	pinr_pin_put(pin);
	return err;
}

int pin_revoke_nl_restore_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct pin_revoke_pin *pin;
	int err = 0;

	if (GENL_REQ_ATTR_CHECK(info, PIN_REVOKE_A_PIN_ID)) {
		NL_SET_ERR_MSG(info->extack, "id is needed");
		return -EINVAL;
	}
	pin = pinr_pin_of(info, info->attrs[PIN_REVOKE_A_PIN_ID]);
	if (!pin)
		return -ENOENT;
	if (!pinr_visible(skb, pin)) {
		NL_SET_ERR_MSG(info->extack, "the pin belongs to somebody else");
		err = -EPERM;
	} else if (pin->adopted) {
		NL_SET_ERR_MSG(info->extack, "only its driver pins it again");
		err = -EOPNOTSUPP;
	} else {
		pin_revoke_access(pin, 0, pin->len);
	}
	pinr_pin_put(pin);
	return err;
}

static int pinr_fill_features(struct sk_buff *skb, const void *arg)
{
	u32 flags = PIN_REVOKE_FEATURE_FLAGS_DECLARE_IOCTL |
		    PIN_REVOKE_FEATURE_FLAGS_PIN_FILTER;
	enum pin_revoke_reason reason;
	u32 asks = 0;

	if (IS_ENABLED(CONFIG_FS_DAX))
		flags |= PIN_REVOKE_FEATURE_FLAGS_DAX;
	for (reason = 0; reason < PINR_NR_REASONS; reason++)
		if (pinr_reason_asks(reason) && !pinr_reason_off(reason))
			asks |= BIT(reason);
	return nla_put_u32(skb, PIN_REVOKE_A_FEATURES_FLAGS, flags) ?:
	       nla_put_u32(skb, PIN_REVOKE_A_FEATURES_ASKS,
			   asks & ~pinr_unasked());
}

int pin_revoke_nl_features_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pinr_reply(info, pinr_fill_features, NULL);
}

static struct genl_multicast_group pinr_groups[] = {
	[PIN_REVOKE_NLGRP_MONITOR] = {
		.name = PIN_REVOKE_MCGRP_MONITOR,
		/* The generator knows no flags of groups. */
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

int pinr_netlink_init(void)
{
	pin_revoke_nl_family.mcgrps = pinr_groups;
	return genl_register_family(&pin_revoke_nl_family);
}

void pinr_netlink_exit(void)
{
	genl_unregister_family(&pin_revoke_nl_family);
}
