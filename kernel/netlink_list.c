// SPDX-License-Identifier: GPL-2.0-only
/*
 * The family: lists of pins and of open requests.
 *
 * A list goes on after the last id that it had, however it has changed since: what
 * is there all the time is in it once. That something came or went, NLM_F_DUMP_INTR
 * tells. Must never hold a lock from one message to the next.
 */
#include <linux/sched.h>
#include <linux/uidgid.h>
#include <net/genetlink.h>

#include "core.h"
#include "netlink_gen.h"

/* The caller has set cb->seq. */
void *pinr_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	void *hdr = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				cb->nlh->nlmsg_seq, &pin_revoke_nl_family,
				NLM_F_MULTI, cmd);

	if (hdr)
		genl_dump_check_consistent(cb, hdr);
	return hdr;
}

/* Which pins are wanted: all that is named must fit. */
struct pinr_filter {
	struct pinr_selection sel;
	struct nlattr *uid, *ctx;
};

static struct nlattr *pinr_filter_attr(struct netlink_callback *cb, int type)
{
	return nlmsg_find_attr(cb->nlh, GENL_HDRLEN, type);
}

/* The question is kept as long as its dump is. */
static int pinr_filter_of(struct netlink_callback *cb, struct pinr_filter *filter)
{
	struct nlattr *addr = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_MEMORY_ADDR);
	struct nlattr *len = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_MEMORY_LEN);
	struct nlattr *node = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_NODE);
	struct nlattr *id = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_ID);
	struct nlattr *pid = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_PID);
	struct nlattr *driver = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_DRIVER);
	struct nlattr *device = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_DEVICE);

	*filter = (struct pinr_filter){
		.sel.pin = id ? nla_get_u64(id) : 0,
		.sel.pid = pid ? nla_get_u32(pid) : 0,
		.sel.driver = driver ? nla_data(driver) : NULL,
		.sel.device = device ? nla_data(device) : NULL,
		.uid = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_UID),
		.ctx = pinr_filter_attr(cb, PIN_REVOKE_A_PIN_CTX),
	};
	/* Nobody else learns where in the machine his memory is. */
	if ((addr || len || node) && !pinr_admin(cb->skb)) {
		NL_SET_ERR_MSG(cb->extack,
			       "needs CAP_SYS_ADMIN in the initial user namespace");
		return -EPERM;
	}
	return pinr_selection_memory(&filter->sel, addr, len, node, cb->extack);
}

static bool pinr_filter_fits(const struct pinr_filter *filter,
			     struct pin_revoke_pin *pin)
{
	if (filter->uid &&
	    from_kuid(&init_user_ns, pin->uid) != nla_get_u32(filter->uid))
		return false;
	if (filter->ctx && (u32)READ_ONCE(pin->ctx) != nla_get_u32(filter->ctx))
		return false;
	return pinr_meant_by_name(&filter->sel, pin) &&
	       pinr_meant_by_memory(&filter->sel, pin);
}

static int pinr_dump_pin(struct sk_buff *skb, struct netlink_callback *cb,
			 struct pin_revoke_pin *pin)
{
	void *hdr = pinr_dump_put(skb, cb, PIN_REVOKE_CMD_PIN_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (pinr_put_pin(skb, pin)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

int pin_revoke_nl_pin_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb)
{
	u64 *after = (u64 *)cb->ctx;
	struct pin_revoke_pin *pin;
	struct pinr_filter filter;
	int err = pinr_filter_of(cb, &filter);

	if (err)
		return err;

	/* Who sees his own only does not learn what others do. */
	cb->seq = pinr_pins_seq(pinr_admin(cb->skb) ? NULL : current->mm);
	while ((pin = pinr_pin_next(*after))) {
		if (pinr_visible(cb->skb, pin) && pinr_filter_fits(&filter, pin))
			err = pinr_dump_pin(skb, cb, pin);
		if (!err)
			*after = pin->id;
		pinr_pin_put(pin);
		if (err)
			break;
		cond_resched();
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

	cb->seq = pinr_requests_seq();
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
