// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family, what takes an administrator: taking and draining pins; and the
 * counters, which anybody may see. Policies are in netlink_policy.c.
 *
 * Every error has a text. Must never decide anything about a pin: that is
 * trigger_admin.c.
 */
#include <linux/dcache.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <net/genetlink.h>

#include "core.h"
#include "netlink_gen.h"

/*
 * Sets the mapping and file system behind a descriptor of the caller; keys, so
 * that the file need not stay open.
 */
static int pinr_selection_file(struct pinr_selection *sel,
			       struct genl_info *info, struct nlattr *fd)
{
	struct nlattr *offset = info->attrs[PIN_REVOKE_A_REVOKE_OFFSET];
	struct nlattr *length = info->attrs[PIN_REVOKE_A_REVOKE_LENGTH];
	struct file *file = fget(nla_get_u32(fd));
	u64 first, last = U64_MAX;
	struct inode *inode;

	if (!file) {
		NL_SET_ERR_MSG_ATTR(info->extack, fd, "no open file");
		return -EBADF;
	}
	/* On overlayfs the file that is mapped is another. */
	inode = d_real_inode(file_dentry(file));
	if (fd == info->attrs[PIN_REVOKE_A_REVOKE_FS_FD])
		sel->scope.sb = inode->i_sb;
	else
		sel->scope.mapping = inode->i_mapping;
	fput(file);

	first = offset ? nla_get_u64(offset) : 0;
	if (length && check_add_overflow(first, nla_get_u64(length) - 1, &last))
		last = U64_MAX;
	sel->scope.first = first >> PAGE_SHIFT;
	sel->scope.last = last >> PAGE_SHIFT;
	return 0;
}

/* Sets which memory is meant, as attributes of a question say. */
int pinr_selection_memory(struct pinr_selection *sel, struct nlattr *addr,
			  struct nlattr *len, struct nlattr *node,
			  struct netlink_ext_ack *extack)
{
	u64 first, last;

	sel->node = node ? nla_get_u32(node) : NUMA_NO_NODE;
	if (node && (sel->node < 0 || sel->node >= MAX_NUMNODES ||
		     !node_online(sel->node))) {
		NL_SET_ERR_MSG_ATTR(extack, node, "no such node");
		return -ENOENT;
	}
	if (!addr != !len) {
		NL_SET_ERR_MSG(extack, "memory-addr and memory-len go together");
		return -EINVAL;
	}
	if (!addr)
		return 0;
	first = nla_get_u64(addr);
	if (check_add_overflow(first, nla_get_u64(len) - 1, &last))
		last = U64_MAX;
	sel->pfn = first >> PAGE_SHIFT;
	sel->nr_pfns = (last >> PAGE_SHIFT) - sel->pfn + 1;
	return 0;
}

/* What the request means; the strings stay those of the message. */
static int pinr_selection_parse(struct pinr_selection *sel,
				struct genl_info *info)
{
	static const unsigned char selectors[] = {
		PIN_REVOKE_A_REVOKE_PIN, PIN_REVOKE_A_REVOKE_PID,
		PIN_REVOKE_A_REVOKE_DRIVER, PIN_REVOKE_A_REVOKE_DEVICE,
		PIN_REVOKE_A_REVOKE_FILE_FD, PIN_REVOKE_A_REVOKE_FS_FD,
		PIN_REVOKE_A_REVOKE_MEMORY_ADDR, PIN_REVOKE_A_REVOKE_NODE,
	};
	struct nlattr **a = info->attrs;
	unsigned int i;
	int err = 0;

	*sel = (struct pinr_selection){ };
	for (i = 0; i < ARRAY_SIZE(selectors) && !a[selectors[i]]; i++)
		;
	if (i == ARRAY_SIZE(selectors)) {
		NL_SET_ERR_MSG(info->extack,
			       "which pins? name a pin, pid, driver, device, file, file system, memory or node");
		return -EINVAL;
	}
	if ((a[PIN_REVOKE_A_REVOKE_OFFSET] || a[PIN_REVOKE_A_REVOKE_LENGTH]) &&
	    !a[PIN_REVOKE_A_REVOKE_FILE_FD]) {
		NL_SET_ERR_MSG(info->extack, "offset and length go with file-fd");
		return -EINVAL;
	}
	if (a[PIN_REVOKE_A_REVOKE_PIN])
		sel->pin = nla_get_u64(a[PIN_REVOKE_A_REVOKE_PIN]);
	if (a[PIN_REVOKE_A_REVOKE_PID])
		sel->pid = nla_get_u32(a[PIN_REVOKE_A_REVOKE_PID]);
	if (a[PIN_REVOKE_A_REVOKE_DRIVER])
		sel->driver = nla_data(a[PIN_REVOKE_A_REVOKE_DRIVER]);
	if (a[PIN_REVOKE_A_REVOKE_DEVICE])
		sel->device = nla_data(a[PIN_REVOKE_A_REVOKE_DEVICE]);
	if (a[PIN_REVOKE_A_REVOKE_FILE_FD])
		err = pinr_selection_file(sel, info, a[PIN_REVOKE_A_REVOKE_FILE_FD]);
	if (!err && a[PIN_REVOKE_A_REVOKE_FS_FD])
		err = pinr_selection_file(sel, info, a[PIN_REVOKE_A_REVOKE_FS_FD]);
	return err ?: pinr_selection_memory(sel, a[PIN_REVOKE_A_REVOKE_MEMORY_ADDR],
					    a[PIN_REVOKE_A_REVOKE_MEMORY_LEN],
					    a[PIN_REVOKE_A_REVOKE_NODE], info->extack);
}

struct pinr_revoke_reply {
	u64 request;
	u32 pins;
	int fd;				/* -1: none */
};

static int pinr_fill_revoke(struct sk_buff *skb, const void *arg)
{
	const struct pinr_revoke_reply *reply = arg;

	if (reply->request &&
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_REVOKE_REQUEST, reply->request,
			      PIN_REVOKE_A_REVOKE_PAD))
		return -EMSGSIZE;
	if (reply->fd >= 0 &&
	    nla_put_u32(skb, PIN_REVOKE_A_REVOKE_DRAIN_FD, reply->fd))
		return -EMSGSIZE;
	return nla_put_u32(skb, PIN_REVOKE_A_REVOKE_PINS, reply->pins);
}

/*
 * Finds the pins of a revoke or drain. Return: 0, with none if none is meant,
 * or an error.
 */
static int pinr_revoke_select(struct sk_buff *skb, struct genl_info *info,
			      struct pin_revoke_pin ***pins, unsigned int *nr)
{
	struct pinr_selection sel;
	int err = pinr_must_be_admin(skb, info);

	if (!err)
		err = pinr_selection_parse(&sel, info);
	if (err)
		return err;
	err = pinr_select(&sel, pins, nr);
	if (err) {
		NL_SET_ERR_MSG(info->extack, "no memory to look for pins");
		return err;
	}
	if (!*nr && sel.pin) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[PIN_REVOKE_A_REVOKE_PIN],
				    "no such pin");
		return -ENOENT;
	}
	return 0;
}

/* The request says how long, or else the policy of each pin. */
static u64 pinr_revoke_as_told(struct genl_info *info,
			       struct pin_revoke_pin **pins, unsigned int nr,
			       enum pin_revoke_reason reason)
{
	struct nlattr *grace = info->attrs[PIN_REVOKE_A_REVOKE_GRACE_MS];

	return pinr_revoke(pins, nr, reason, grace ? nla_get_u32(grace) : 0,
			   grace ? nla_get_u32(grace) : UINT_MAX);
}

int pin_revoke_nl_revoke_doit(struct sk_buff *skb, struct genl_info *info)
{
	enum pin_revoke_reason reason = PIN_REVOKE_REASON_ADMIN;
	struct pinr_revoke_reply reply = { .fd = -1 };
	struct pin_revoke_pin **pins;
	int err = pinr_revoke_select(skb, info, &pins, &reply.pins);

	if (err)
		return err;
	reply.request = pinr_revoke_as_told(info, pins, reply.pins, reason);
	pinr_put_pins(pins, reply.pins);
	return pinr_reply(info, pinr_fill_revoke, &reply);
}

int pin_revoke_nl_drain_doit(struct sk_buff *skb, struct genl_info *info)
{
	enum pin_revoke_reason reason = PIN_REVOKE_REASON_DRAIN;
	struct pinr_revoke_reply reply = { };
	struct pin_revoke_pin **pins;
	struct file *file;
	int err = pinr_revoke_select(skb, info, &pins, &reply.pins);

	if (err)
		return err;
	reply.fd = get_unused_fd_flags(O_CLOEXEC);
	if (reply.fd < 0) {
		NL_SET_ERR_MSG(info->extack, "no file descriptor is free");
		pinr_put_pins(pins, reply.pins);
		return reply.fd;
	}
	file = pinr_drain_open(pins, reply.pins);
	if (IS_ERR(file)) {
		NL_SET_ERR_MSG(info->extack, "no memory for a drain");
		pinr_put_pins(pins, reply.pins);
		err = PTR_ERR(file);
		goto err_fd;
	}
	/* The file has the pins now; it is ours until it is installed. */
	reply.request = pinr_revoke_as_told(info, pins, reply.pins, reason);
	err = pinr_reply(info, pinr_fill_revoke, &reply);
	if (err)
		goto err_file;
	fd_install(reply.fd, file);
	return 0;

err_file:
	fput(file);
err_fd:
	put_unused_fd(reply.fd);
	return err;
}

static int pinr_fill_stats(struct sk_buff *skb, const void *arg)
{
	const struct {
		int attr;
		atomic64_t *value;
		unsigned int shift;
	} stats[] = {
		{ PIN_REVOKE_A_STAT_PINS, &pinr_stats.pins },
		{ PIN_REVOKE_A_STAT_PINNED_BYTES, &pinr_stats.pinned_pages, PAGE_SHIFT },
		{ PIN_REVOKE_A_STAT_REQUESTS, &pinr_stats.requests },
		{ PIN_REVOKE_A_STAT_REVOKED, &pinr_stats.revoked },
		{ PIN_REVOKE_A_STAT_FORCED, &pinr_stats.forced },
		{ PIN_REVOKE_A_STAT_RESTORED, &pinr_stats.restored },
		{ PIN_REVOKE_A_STAT_MISSED, &pinr_stats.missed },
		{ PIN_REVOKE_A_STAT_PRESSURE_BYTES, &pinr_stats.pressure_pages, PAGE_SHIFT },
		{ PIN_REVOKE_A_STAT_EVENTS_DROPPED, &pinr_stats.events_dropped },
		{ PIN_REVOKE_A_STAT_BROKE, &pinr_stats.broke },
		{ PIN_REVOKE_A_STAT_DELAYED_NS, &pinr_stats.delayed_ns },
		{ PIN_REVOKE_A_STAT_OVERRAN, &pinr_stats.overran },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stats); i++)
		if (nla_put_u64_64bit(skb, stats[i].attr,
				      (u64)atomic64_read(stats[i].value) << stats[i].shift,
				      PIN_REVOKE_A_STAT_PAD))
			return -EMSGSIZE;
	return pinr_put_times(skb);
}

int pin_revoke_nl_stat_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	return pinr_reply(info, pinr_fill_stats, NULL);
}
