// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages about pins and requests: how they look, and the events that are
 * sent without being asked for.
 *
 * An event is a hint. Losing one, for want of memory or because a socket is
 * full, changes nothing: requests can be listed. Must never wait for a reader.
 */
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>

#include "core.h"
#include "netlink_gen.h"

/* Puts the attributes of a pin; into a nest or a message of its own. */
int pinr_put_pin(struct sk_buff *skb, struct pin_revoke_pin *pin)
{
	u32 flags = 0;

	if (pin->flags & PIN_REVOKE_WRITE)
		flags |= PIN_REVOKE_PIN_FLAGS_WRITE;
	if (pin->declared)
		flags |= PIN_REVOKE_PIN_FLAGS_DECLARED;
	else if (pin->adopted)
		flags |= PIN_REVOKE_PIN_FLAGS_ADOPTED;
	if (pin->imported)
		flags |= PIN_REVOKE_PIN_FLAGS_IMPORTED;
	if (READ_ONCE(pin->file))
		flags |= PIN_REVOKE_PIN_FLAGS_FILE;

	if (nla_put_u64_64bit(skb, PIN_REVOKE_A_PIN_ID, pin->id,
			      PIN_REVOKE_A_PIN_PAD) ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_PIN_ADDR, pin->addr,
			      PIN_REVOKE_A_PIN_PAD) ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_PIN_LEN, pin->len,
			      PIN_REVOKE_A_PIN_PAD) ||
	    nla_put_u32(skb, PIN_REVOKE_A_PIN_STATE, READ_ONCE(pin->state)) ||
	    nla_put_u32(skb, PIN_REVOKE_A_PIN_FLAGS, flags) ||
	    nla_put_u32(skb, PIN_REVOKE_A_PIN_PID, pin->pid) ||
	    nla_put_string(skb, PIN_REVOKE_A_PIN_COMM, pin->comm) ||
	    nla_put_string(skb, PIN_REVOKE_A_PIN_DRIVER, pin->driver) ||
	    nla_put_string(skb, PIN_REVOKE_A_PIN_NAME, pin->name) ||
	    nla_put_u32(skb, PIN_REVOKE_A_PIN_REVOKED, READ_ONCE(pin->nr_revoked)) ||
	    nla_put_u32(skb, PIN_REVOKE_A_PIN_FORCED, READ_ONCE(pin->nr_forced)))
		return -EMSGSIZE;
	return 0;
}

int pinr_put_pin_nest(struct sk_buff *skb, struct pin_revoke_pin *pin)
{
	struct nlattr *nest = nla_nest_start(skb, PIN_REVOKE_A_REQUEST_PIN);

	if (!nest)
		return -EMSGSIZE;
	if (pinr_put_pin(skb, pin)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}

/**
 * pinr_put_request - put the attributes of a request, without its pins
 * @skb: the message
 * @req: the request
 * @deadline: of the pins that follow
 * @mono_offset_ns: CLOCK_MONOTONIC of the reader
 * @admin: the reader may know who caused it
 *
 * Return: 0 or -EMSGSIZE.
 */
int pinr_put_request(struct sk_buff *skb, struct pinr_request *req,
		     ktime_t deadline, s64 mono_offset_ns, bool admin)
{
	ktime_t now = ktime_get();
	s64 left = max_t(s64, ktime_to_ns(ktime_sub(deadline, now)), 0);

	if (nla_put_u64_64bit(skb, PIN_REVOKE_A_REQUEST_ID, req->id,
			      PIN_REVOKE_A_REQUEST_PAD) ||
	    nla_put_u32(skb, PIN_REVOKE_A_REQUEST_REASON, req->reason) ||
	    nla_put_u32(skb, PIN_REVOKE_A_REQUEST_FLAGS,
			req->round > 1 ? PIN_REVOKE_EVENT_FLAGS_REPEAT : 0) ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_REQUEST_REMAINING_NS, left,
			      PIN_REVOKE_A_REQUEST_PAD) ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_REQUEST_DEADLINE_NS,
			      ktime_to_ns(deadline) + mono_offset_ns,
			      PIN_REVOKE_A_REQUEST_PAD) ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_REQUEST_ELAPSED_NS,
			      ktime_to_ns(ktime_sub(now, req->begun)),
			      PIN_REVOKE_A_REQUEST_PAD))
		return -EMSGSIZE;
	if (!admin)
		return 0;
	if (nla_put_u32(skb, PIN_REVOKE_A_REQUEST_TRIGGER_PID, req->pid) ||
	    nla_put_string(skb, PIN_REVOKE_A_REQUEST_TRIGGER_COMM, req->comm))
		return -EMSGSIZE;
	return 0;
}

/* The most that pinr_put_pin_nest() puts, and the most of all the rest of an event. */
#define PINR_PIN_SIZE	(nla_total_size(0) + 3 * nla_total_size_64bit(sizeof(u64)) + \
			 5 * nla_total_size(sizeof(u32)) + nla_total_size(TASK_COMM_LEN) + \
			 nla_total_size(MODULE_NAME_LEN) + nla_total_size(PINR_NAME_LEN))
#define PINR_EVENT_SIZE	(4 * nla_total_size_64bit(sizeof(u64)) + \
			 4 * nla_total_size(sizeof(u32)) + nla_total_size(TASK_COMM_LEN))

/* No larger than it gets: somebody waits while its memory is cleared. */
static struct sk_buff *pinr_event_new(size_t nr_pins, gfp_t gfp)
{
	size_t size = PINR_EVENT_SIZE + nr_pins * PINR_PIN_SIZE;

	return genlmsg_new(min_t(size_t, size, NLMSG_GOODSIZE), gfp);
}

static void *pinr_event_start(struct sk_buff *skb, u8 cmd)
{
	return genlmsg_put(skb, 0, 0, &pin_revoke_nl_family, 0, cmd);
}

static bool pinr_monitored(void)
{
	return genl_has_listeners(&pin_revoke_nl_family, &init_net,
				  PIN_REVOKE_NLGRP_MONITOR);
}

/*
 * The group exists in every network namespace, but only in the initial one is
 * "admin of the namespace" an admin of the machine.
 */
static void pinr_to_monitor(struct sk_buff *skb)
{
	genlmsg_multicast_netns(&pin_revoke_nl_family, &init_net, skb, 0,
				PIN_REVOKE_NLGRP_MONITOR, GFP_NOFS);
}

/* Consumes @skb; NULL is one for which there was no memory. */
static void pinr_to_ctx(struct pinr_ctx *ctx, struct sk_buff *skb, u32 portid)
{
	int err = -ENOMEM;

	/* A full socket marks its reader's loss by itself (ENOBUFS). */
	if (skb)
		err = genlmsg_unicast(ctx->net, skb, portid);
	/* Or else there is no reader any more. */
	if (err && err != -ECONNREFUSED)
		atomic64_inc(&pinr_stats.events_dropped);
}

/* Fills @skb with open asks of one reader; not with all? Caller holds pinr_lock. */
static bool pinr_fill_asks(struct sk_buff *skb, struct pinr_request *req,
			   struct pinr_ctx **to, u8 cmd, bool *more)
{
	bool cancelled = cmd == PIN_REVOKE_CMD_CANCELLED;
	struct pinr_ctx *ctx = NULL;
	struct pinr_told *told;
	struct pinr_ask *ask;
	ktime_t deadline = 0;
	bool any = false;
	void *hdr = NULL;

	lockdep_assert_held(&pinr_lock);
	list_for_each_entry(ask, &req->asks, of_request) {
		if (!ask->open || ask->over != cancelled)
			continue;
		list_for_each_entry(told, &ask->tolds, of_ask) {
			if (told->round >= req->round || !told->ctx->portid ||
			    (told->answered && !ask->over))
				continue;
			if (ctx && (told->ctx != ctx || ask->deadline != deadline)) {
				*more = true;
				continue;
			}
			if (!ctx) {
				ctx = told->ctx;
				deadline = ask->deadline;
				hdr = pinr_event_start(skb, cmd);
				if (!hdr || pinr_put_request(skb, req, ask->deadline,
							     ctx->mono_offset_ns,
							     false))
					return false;
			}
			if (pinr_put_pin_nest(skb, ask->pin)) {
				/* One that never fits is left out. */
				*more = any;
				goto full;
			}
			told->round = req->round;
			any = true;
		}
	}
	if (!ctx)
		return false;
full:
	genlmsg_end(skb, hdr);
	kref_get(&ctx->ref);
	*to = ctx;
	return true;
}

static bool pinr_fill_monitor(struct sk_buff *skb, struct pinr_request *req,
			      u8 cmd, bool *more)
{
	bool cancelled = cmd == PIN_REVOKE_CMD_CANCELLED;
	struct pinr_ask *ask;
	ktime_t deadline = 0;
	bool any = false;
	void *hdr = NULL;

	lockdep_assert_held(&pinr_lock);
	list_for_each_entry(ask, &req->asks, of_request) {
		if (!ask->open || ask->round >= req->round ||
		    ask->over != cancelled)
			continue;
		if (hdr && ask->deadline != deadline) {
			*more = true;
			continue;
		}
		if (!hdr) {
			deadline = ask->deadline;
			hdr = pinr_event_start(skb, cmd);
			if (!hdr || pinr_put_request(skb, req, ask->deadline, 0,
						     true))
				return false;
		}
		if (pinr_put_pin_nest(skb, ask->pin)) {
			*more = any;
			break;
		}
		ask->round = req->round;
		any = true;
	}
	if (hdr)
		genlmsg_end(skb, hdr);
	return hdr;
}

/* Sends @cmd to everybody who was told of an ask that is open. */
static void pinr_tell_asks(struct pinr_request *req, u8 cmd)
{
	struct pinr_ctx *ctx = NULL;
	struct sk_buff *skb;
	bool filled, more;
	u32 portid = 0;

	/* Pins that are asked for come to be fewer, never more. */
	do {
		skb = pinr_event_new(READ_ONCE(req->nr_open), GFP_NOFS);
		if (!skb) {
			atomic64_inc(&pinr_stats.events_dropped);
			return;
		}
		more = false;
		spin_lock(&pinr_lock);
		filled = pinr_fill_asks(skb, req, &ctx, cmd, &more);
		if (filled)
			portid = ctx->portid;
		spin_unlock(&pinr_lock);
		if (!filled) {
			nlmsg_free(skb);
			break;
		}
		pinr_to_ctx(ctx, skb, portid);
		pinr_ctx_put(ctx);
	} while (more);

	for (more = pinr_monitored(); more;) {
		skb = pinr_event_new(READ_ONCE(req->nr_open), GFP_NOFS);
		if (!skb)
			return;
		more = false;
		spin_lock(&pinr_lock);
		filled = pinr_fill_monitor(skb, req, cmd, &more);
		spin_unlock(&pinr_lock);
		if (!filled) {
			nlmsg_free(skb);
			return;
		}
		pinr_to_monitor(skb);
	}
}

/**
 * pinr_tell_request - send RELEASE_SOON, or repeat it
 * @req: the request; req->round says which time this is
 *
 * Context: may sleep; does not enter file systems.
 */
void pinr_tell_request(struct pinr_request *req)
{
	pinr_tell_asks(req, PIN_REVOKE_CMD_RELEASE_SOON);
}

/* As pinr_tell_request(): those of its asks that are over are not taken. */
void pinr_tell_cancelled(struct pinr_request *req)
{
	spin_lock(&pinr_lock);
	req->round++;
	spin_unlock(&pinr_lock);
	pinr_tell_asks(req, PIN_REVOKE_CMD_CANCELLED);
}

static struct sk_buff *pinr_pin_event(struct pin_revoke_pin *pin, u8 cmd)
{
	struct sk_buff *skb = pinr_event_new(1, GFP_KERNEL);
	u32 flags = pin->forced ? PIN_REVOKE_EVENT_FLAGS_FORCED : 0;
	void *hdr;

	if (!skb)
		return NULL;
	hdr = pinr_event_start(skb, cmd);
	if (!hdr ||
	    (cmd != PIN_REVOKE_CMD_RESTORED &&
	     nla_put_u32(skb, PIN_REVOKE_A_REQUEST_REASON, pin->reason)) ||
	    (cmd == PIN_REVOKE_CMD_REVOKED &&
	     nla_put_u32(skb, PIN_REVOKE_A_REQUEST_FLAGS, flags)) ||
	    pinr_put_pin_nest(skb, pin)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, hdr);
	return skb;
}

/* Next context that hears of a pin, after the one with number @after. */
static struct pinr_ctx *pinr_ctx_next(struct pin_revoke_pin *pin, u64 after,
				      u32 *portid)
{
	struct pinr_ctx *ctx, *found = NULL;

	spin_lock(&pinr_lock);
	list_for_each_entry(ctx, &pin->holder->ctxs, of_holder) {
		if (!pinr_ctx_hears(ctx, pin) || ctx->id <= after)
			continue;
		kref_get(&ctx->ref);
		*portid = ctx->portid;
		found = ctx;
		break;
	}
	spin_unlock(&pinr_lock);
	return found;
}

/**
 * pinr_tell_pin - tell what became of a pin
 * @pin: the pin
 * @what: one of PINR_TELL_*
 *
 * Context: process context, no locks.
 */
void pinr_tell_pin(struct pin_revoke_pin *pin, unsigned int what)
{
	u8 cmd = what == PINR_TELL_REVOKED  ? PIN_REVOKE_CMD_REVOKED :
		 what == PINR_TELL_RESTORED ? PIN_REVOKE_CMD_RESTORED :
					      PIN_REVOKE_CMD_GONE;
	struct pinr_ctx *ctx;
	struct sk_buff *skb;
	u64 after = 0;
	u32 portid;

	while ((ctx = pinr_ctx_next(pin, after, &portid))) {
		after = ctx->id;
		pinr_to_ctx(ctx, pinr_pin_event(pin, cmd), portid);
		pinr_ctx_put(ctx);
	}
	if (!pinr_monitored())
		return;
	skb = pinr_pin_event(pin, cmd);
	if (skb)
		pinr_to_monitor(skb);
}

/**
 * pinr_tell_acked - tell the monitor who answered
 * @req: the request
 * @pin: one pin of the answer
 * @ctx: who
 * @kind: what
 *
 * Context: process context, no locks.
 */
void pinr_tell_acked(struct pinr_request *req, struct pin_revoke_pin *pin,
		     struct pinr_ctx *ctx, enum pin_revoke_ack_kind kind)
{
	struct sk_buff *skb;
	void *hdr;

	if (!pinr_monitored())
		return;
	skb = pinr_event_new(1, GFP_KERNEL);
	if (!skb)
		return;
	hdr = pinr_event_start(skb, PIN_REVOKE_CMD_ACKED);
	if (!hdr ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_REQUEST_ID, req->id,
			      PIN_REVOKE_A_REQUEST_PAD) ||
	    nla_put_u32(skb, PIN_REVOKE_A_REQUEST_REASON, req->reason) ||
	    nla_put_u64_64bit(skb, PIN_REVOKE_A_REQUEST_ELAPSED_NS,
			      ktime_to_ns(ktime_sub(ktime_get(), req->begun)),
			      PIN_REVOKE_A_REQUEST_PAD) ||
	    nla_put_u32(skb, PIN_REVOKE_A_REQUEST_ACK, kind) ||
	    nla_put_u32(skb, PIN_REVOKE_A_REQUEST_CTX, ctx->id) ||
	    pinr_put_pin_nest(skb, pin)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, hdr);
	pinr_to_monitor(skb);
}
