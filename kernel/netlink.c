// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family: contexts, answers and lists; what takes an administrator is in
 * netlink_admin.c. The tables are generated from uapi/pin-revoke.yaml.
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
static bool pinr_admin(const struct sk_buff *skb)
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
static bool pinr_visible(const struct sk_buff *skb, struct pin_revoke_pin *pin)
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

void *pinr_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
			   &pin_revoke_nl_family, NLM_F_MULTI, cmd);
}

int pin_revoke_nl_pin_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	u64 *after = (u64 *)cb->ctx;
	struct pin_revoke_pin *pin;

	while ((pin = pinr_pin_next(*after))) {
		bool full = false;

		if (pinr_visible(cb->skb, pin)) {
			void *hdr = pinr_dump_put(skb, cb, PIN_REVOKE_CMD_PIN_GET);

			full = !hdr || pinr_put_pin(skb, pin);
			if (full && hdr)
				genlmsg_cancel(skb, hdr);
			else if (hdr)
				genlmsg_end(skb, hdr);
		}
		if (!full)
			*after = pin->id;
		pinr_pin_put(pin);
		if (full)
			break;
	}
	return skb->len;
}

/* Where a dump of requests goes on: the pins of one may fill many messages. */
struct pinr_request_cursor {
	u64 id;
	unsigned long ask;
};

/* Has this context still to answer? Caller holds pinr_lock. */
static bool pinr_owes(const struct pinr_ask *ask, u32 ctx)
{
	struct pinr_told *told;

	list_for_each_entry(told, &ask->tolds, of_ask)
		if (told->ctx->id == ctx)
			return !told->answered && !ask->over;
	return false;
}

static int pinr_dump_request(struct sk_buff *skb, struct netlink_callback *cb,
			     struct pinr_request *req)
{
	struct nlattr *ctx = nlmsg_find_attr(cb->nlh, GENL_HDRLEN,
					     PIN_REVOKE_A_REQUEST_CTX);
	struct pinr_request_cursor *cursor = (void *)cb->ctx;
	bool admin = pinr_admin(cb->skb);
	s64 offset_ns = pinr_mono_offset_ns();
	unsigned long at = 0;
	struct pinr_ask *ask;
	ktime_t deadline = 0;
	bool any = false;
	void *hdr = NULL;
	int err = 0;

	spin_lock(&pinr_lock);
	list_for_each_entry(ask, &req->asks, of_request) {
		if (at++ < cursor->ask || !ask->open)
			continue;
		if (ask->pin->holder->mm != current->mm && !admin)
			continue;
		if (ctx && !pinr_owes(ask, nla_get_u32(ctx)))
			continue;
		/* One message has one deadline. */
		if (any && ask->deadline != deadline) {
			genlmsg_end(skb, hdr);
			hdr = NULL;
			any = false;
		}
		if (!hdr) {
			deadline = ask->deadline;
			hdr = pinr_dump_put(skb, cb, PIN_REVOKE_CMD_REQUEST_GET);
			err = hdr ? pinr_put_request(skb, req, ask->deadline,
						     offset_ns, admin) : -EMSGSIZE;
			if (err)
				break;
		}
		err = pinr_put_pin_nest(skb, ask->pin);
		if (err)
			break;
		cursor->ask = at;
		any = true;
	}
	spin_unlock(&pinr_lock);
	/* What fitted goes out, the rest in the next message. */
	if (any)
		genlmsg_end(skb, hdr);
	else if (hdr)
		genlmsg_cancel(skb, hdr);
	return err;
}

int pin_revoke_nl_request_get_dumpit(struct sk_buff *skb,
				     struct netlink_callback *cb)
{
	struct pinr_request_cursor *cursor = (void *)cb->ctx;
	struct pinr_request *req;
	u64 id = cursor->id;

	while ((req = pinr_request_next(&id))) {
		int err;

		if (id != cursor->id) {
			cursor->id = id;
			cursor->ask = 0;
		}
		err = pinr_dump_request(skb, cb, req);
		pinr_request_put(req);
		if (err)
			break;
		cursor->id = ++id;
		cursor->ask = 0;
	}
	return skb->len;
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
