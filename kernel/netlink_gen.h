/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/pin-revoke.yaml */
/* YNL-GEN kernel header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _LINUX_PIN_REVOKE_GEN_H
#define _LINUX_PIN_REVOKE_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/pin_revoke.h>
#include <linux/pin_revoke.h>

/* Common nested types */
extern const struct nla_policy pin_revoke_range_nl_policy[PIN_REVOKE_A_RANGE_FLAGS + 1];

int pin_revoke_nl_open_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_ack_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_pin_get_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_pin_get_dumpit(struct sk_buff *skb,
				 struct netlink_callback *cb);
int pin_revoke_nl_request_get_dumpit(struct sk_buff *skb,
				     struct netlink_callback *cb);
int pin_revoke_nl_policy_get_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_policy_get_dumpit(struct sk_buff *skb,
				    struct netlink_callback *cb);
int pin_revoke_nl_policy_set_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_revoke_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_drain_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_stat_get_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_policy_del_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_declare_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_undeclare_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_claim_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_restore_doit(struct sk_buff *skb, struct genl_info *info);
int pin_revoke_nl_features_get_doit(struct sk_buff *skb,
				    struct genl_info *info);

enum {
	PIN_REVOKE_NLGRP_MONITOR,
};

extern struct genl_family pin_revoke_nl_family;

#endif /* _LINUX_PIN_REVOKE_GEN_H */
