// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/pin-revoke.yaml */
/* YNL-GEN kernel source */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/pin_revoke.h>
#include <linux/pin_revoke.h>

/* Integer value ranges */
static const struct netlink_range_validation pin_revoke_a_pin_uid_range = {
	.max	= 4294967294ULL,
};

static const struct netlink_range_validation pin_revoke_a_policy_skip_ms_range = {
	.max	= PIN_REVOKE_MAX_SKIP_MS,
};

/* Common nested types */
const struct nla_policy pin_revoke_range_nl_policy[PIN_REVOKE_A_RANGE_FLAGS + 1] = {
	[PIN_REVOKE_A_RANGE_ADDR] = { .type = NLA_U64, },
	[PIN_REVOKE_A_RANGE_LEN] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_RANGE_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1),
};

/* PIN_REVOKE_CMD_OPEN - do */
static const struct nla_policy pin_revoke_open_nl_policy[PIN_REVOKE_A_CTX_FLAGS + 1] = {
	[PIN_REVOKE_A_CTX_FLAGS] = NLA_POLICY_MASK(NLA_U32, 0x1),
};

/* PIN_REVOKE_CMD_ACK - do */
static const struct nla_policy pin_revoke_ack_nl_policy[PIN_REVOKE_A_ACK_EXTEND_MS + 1] = {
	[PIN_REVOKE_A_ACK_CTX_FD] = { .type = NLA_U32, },
	[PIN_REVOKE_A_ACK_REQUEST] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_ACK_PIN] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_ACK_KIND] = NLA_POLICY_MAX(NLA_U32, 3),
	[PIN_REVOKE_A_ACK_EXTEND_MS] = NLA_POLICY_RANGE(NLA_U32, 1, PIN_REVOKE_MAX_DELAY_MS),
};

/* PIN_REVOKE_CMD_PIN_GET - do */
static const struct nla_policy pin_revoke_pin_get_do_nl_policy[PIN_REVOKE_A_PIN_ID + 1] = {
	[PIN_REVOKE_A_PIN_ID] = { .type = NLA_U64, },
};

/* PIN_REVOKE_CMD_PIN_GET - dump */
static const struct nla_policy pin_revoke_pin_get_dump_nl_policy[PIN_REVOKE_A_PIN_NODE + 1] = {
	[PIN_REVOKE_A_PIN_ID] = { .type = NLA_U64, },
	[PIN_REVOKE_A_PIN_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[PIN_REVOKE_A_PIN_DRIVER] = { .type = NLA_NUL_STRING, .len = 63, },
	[PIN_REVOKE_A_PIN_UID] = NLA_POLICY_FULL_RANGE(NLA_U32, &pin_revoke_a_pin_uid_range),
	[PIN_REVOKE_A_PIN_DEVICE] = { .type = NLA_NUL_STRING, .len = 63, },
	[PIN_REVOKE_A_PIN_CTX] = NLA_POLICY_MIN(NLA_U32, 1),
	[PIN_REVOKE_A_PIN_MEMORY_ADDR] = { .type = NLA_U64, },
	[PIN_REVOKE_A_PIN_MEMORY_LEN] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_PIN_NODE] = { .type = NLA_U32, },
};

/* PIN_REVOKE_CMD_REQUEST_GET - dump */
static const struct nla_policy pin_revoke_request_get_nl_policy[PIN_REVOKE_A_REQUEST_CTX + 1] = {
	[PIN_REVOKE_A_REQUEST_CTX] = { .type = NLA_U32, },
};

/* PIN_REVOKE_CMD_POLICY_GET - do */
static const struct nla_policy pin_revoke_policy_get_nl_policy[PIN_REVOKE_A_POLICY_PIN + 1] = {
	[PIN_REVOKE_A_POLICY_REASON] = NLA_POLICY_MAX(NLA_U32, 16),
	[PIN_REVOKE_A_POLICY_PIN] = NLA_POLICY_MIN(NLA_U64, 1),
};

/* PIN_REVOKE_CMD_POLICY_SET - do */
static const struct nla_policy pin_revoke_policy_set_nl_policy[PIN_REVOKE_A_POLICY_COMM + 1] = {
	[PIN_REVOKE_A_POLICY_REASON] = NLA_POLICY_MAX(NLA_U32, 16),
	[PIN_REVOKE_A_POLICY_GRACE_MS] = NLA_POLICY_MAX(NLA_U32, PIN_REVOKE_MAX_DELAY_MS),
	[PIN_REVOKE_A_POLICY_MAX_EXTEND_MS] = NLA_POLICY_MAX(NLA_U32, PIN_REVOKE_MAX_DELAY_MS),
	[PIN_REVOKE_A_POLICY_SKIP_MS] = NLA_POLICY_FULL_RANGE(NLA_U32, &pin_revoke_a_policy_skip_ms_range),
	[PIN_REVOKE_A_POLICY_ACTION] = NLA_POLICY_MAX(NLA_U32, 4),
	[PIN_REVOKE_A_POLICY_REPEAT_MS] = NLA_POLICY_MAX(NLA_U32, PIN_REVOKE_MAX_DELAY_MS),
	[PIN_REVOKE_A_POLICY_UID] = { .type = NLA_U32, },
	[PIN_REVOKE_A_POLICY_CGROUP] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_POLICY_COMM] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* PIN_REVOKE_CMD_REVOKE - do */
static const struct nla_policy pin_revoke_revoke_nl_policy[PIN_REVOKE_A_REVOKE_NODE + 1] = {
	[PIN_REVOKE_A_REVOKE_PIN] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_REVOKE_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[PIN_REVOKE_A_REVOKE_DRIVER] = { .type = NLA_NUL_STRING, .len = 63, },
	[PIN_REVOKE_A_REVOKE_DEVICE] = { .type = NLA_NUL_STRING, .len = 63, },
	[PIN_REVOKE_A_REVOKE_FILE_FD] = { .type = NLA_U32, },
	[PIN_REVOKE_A_REVOKE_OFFSET] = { .type = NLA_U64, },
	[PIN_REVOKE_A_REVOKE_LENGTH] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_REVOKE_FS_FD] = { .type = NLA_U32, },
	[PIN_REVOKE_A_REVOKE_MEMORY_ADDR] = { .type = NLA_U64, },
	[PIN_REVOKE_A_REVOKE_MEMORY_LEN] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_REVOKE_NODE] = { .type = NLA_U32, },
	[PIN_REVOKE_A_REVOKE_GRACE_MS] = NLA_POLICY_MAX(NLA_U32, PIN_REVOKE_MAX_DELAY_MS),
};

/* PIN_REVOKE_CMD_DRAIN - do */
static const struct nla_policy pin_revoke_drain_nl_policy[PIN_REVOKE_A_REVOKE_NODE + 1] = {
	[PIN_REVOKE_A_REVOKE_PIN] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_REVOKE_PID] = NLA_POLICY_MIN(NLA_U32, 1),
	[PIN_REVOKE_A_REVOKE_DRIVER] = { .type = NLA_NUL_STRING, .len = 63, },
	[PIN_REVOKE_A_REVOKE_DEVICE] = { .type = NLA_NUL_STRING, .len = 63, },
	[PIN_REVOKE_A_REVOKE_FILE_FD] = { .type = NLA_U32, },
	[PIN_REVOKE_A_REVOKE_OFFSET] = { .type = NLA_U64, },
	[PIN_REVOKE_A_REVOKE_LENGTH] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_REVOKE_FS_FD] = { .type = NLA_U32, },
	[PIN_REVOKE_A_REVOKE_MEMORY_ADDR] = { .type = NLA_U64, },
	[PIN_REVOKE_A_REVOKE_MEMORY_LEN] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_REVOKE_NODE] = { .type = NLA_U32, },
	[PIN_REVOKE_A_REVOKE_GRACE_MS] = NLA_POLICY_MAX(NLA_U32, PIN_REVOKE_MAX_DELAY_MS),
};

/* PIN_REVOKE_CMD_POLICY_DEL - do */
static const struct nla_policy pin_revoke_policy_del_nl_policy[PIN_REVOKE_A_POLICY_COMM + 1] = {
	[PIN_REVOKE_A_POLICY_REASON] = NLA_POLICY_MAX(NLA_U32, 16),
	[PIN_REVOKE_A_POLICY_UID] = { .type = NLA_U32, },
	[PIN_REVOKE_A_POLICY_CGROUP] = NLA_POLICY_MIN(NLA_U64, 1),
	[PIN_REVOKE_A_POLICY_COMM] = { .type = NLA_NUL_STRING, .len = 15, },
};

/* PIN_REVOKE_CMD_DECLARE - do */
static const struct nla_policy pin_revoke_declare_nl_policy[PIN_REVOKE_A_DECLARE_RANGE + 1] = {
	[PIN_REVOKE_A_DECLARE_CTX_FD] = { .type = NLA_U32, },
	[PIN_REVOKE_A_DECLARE_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[PIN_REVOKE_A_DECLARE_RANGE] = NLA_POLICY_NESTED(pin_revoke_range_nl_policy),
};

/* PIN_REVOKE_CMD_UNDECLARE - do */
static const struct nla_policy pin_revoke_undeclare_nl_policy[PIN_REVOKE_A_DECLARE_ID + 1] = {
	[PIN_REVOKE_A_DECLARE_CTX_FD] = { .type = NLA_U32, },
	[PIN_REVOKE_A_DECLARE_ID] = NLA_POLICY_MIN(NLA_U64, 1),
};

/* PIN_REVOKE_CMD_CLAIM - do */
static const struct nla_policy pin_revoke_claim_nl_policy[PIN_REVOKE_A_DECLARE_ID + 1] = {
	[PIN_REVOKE_A_DECLARE_CTX_FD] = { .type = NLA_U32, },
	[PIN_REVOKE_A_DECLARE_ID] = NLA_POLICY_MIN(NLA_U64, 1),
};

/* PIN_REVOKE_CMD_RESTORE - do */
static const struct nla_policy pin_revoke_restore_nl_policy[PIN_REVOKE_A_PIN_ID + 1] = {
	[PIN_REVOKE_A_PIN_ID] = { .type = NLA_U64, },
};

/* Ops table for pin_revoke */
static const struct genl_split_ops pin_revoke_nl_ops[] = {
	{
		.cmd		= PIN_REVOKE_CMD_OPEN,
		.doit		= pin_revoke_nl_open_doit,
		.policy		= pin_revoke_open_nl_policy,
		.maxattr	= PIN_REVOKE_A_CTX_FLAGS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_ACK,
		.doit		= pin_revoke_nl_ack_doit,
		.policy		= pin_revoke_ack_nl_policy,
		.maxattr	= PIN_REVOKE_A_ACK_EXTEND_MS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_PIN_GET,
		.doit		= pin_revoke_nl_pin_get_doit,
		.policy		= pin_revoke_pin_get_do_nl_policy,
		.maxattr	= PIN_REVOKE_A_PIN_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_PIN_GET,
		.dumpit		= pin_revoke_nl_pin_get_dumpit,
		.policy		= pin_revoke_pin_get_dump_nl_policy,
		.maxattr	= PIN_REVOKE_A_PIN_NODE,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PIN_REVOKE_CMD_REQUEST_GET,
		.dumpit		= pin_revoke_nl_request_get_dumpit,
		.policy		= pin_revoke_request_get_nl_policy,
		.maxattr	= PIN_REVOKE_A_REQUEST_CTX,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PIN_REVOKE_CMD_POLICY_GET,
		.doit		= pin_revoke_nl_policy_get_doit,
		.policy		= pin_revoke_policy_get_nl_policy,
		.maxattr	= PIN_REVOKE_A_POLICY_PIN,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= PIN_REVOKE_CMD_POLICY_GET,
		.dumpit	= pin_revoke_nl_policy_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= PIN_REVOKE_CMD_POLICY_SET,
		.doit		= pin_revoke_nl_policy_set_doit,
		.policy		= pin_revoke_policy_set_nl_policy,
		.maxattr	= PIN_REVOKE_A_POLICY_COMM,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_REVOKE,
		.doit		= pin_revoke_nl_revoke_doit,
		.policy		= pin_revoke_revoke_nl_policy,
		.maxattr	= PIN_REVOKE_A_REVOKE_NODE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_DRAIN,
		.doit		= pin_revoke_nl_drain_doit,
		.policy		= pin_revoke_drain_nl_policy,
		.maxattr	= PIN_REVOKE_A_REVOKE_NODE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= PIN_REVOKE_CMD_STAT_GET,
		.doit	= pin_revoke_nl_stat_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_POLICY_DEL,
		.doit		= pin_revoke_nl_policy_del_doit,
		.policy		= pin_revoke_policy_del_nl_policy,
		.maxattr	= PIN_REVOKE_A_POLICY_COMM,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_DECLARE,
		.doit		= pin_revoke_nl_declare_doit,
		.policy		= pin_revoke_declare_nl_policy,
		.maxattr	= PIN_REVOKE_A_DECLARE_RANGE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_UNDECLARE,
		.doit		= pin_revoke_nl_undeclare_doit,
		.policy		= pin_revoke_undeclare_nl_policy,
		.maxattr	= PIN_REVOKE_A_DECLARE_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_CLAIM,
		.doit		= pin_revoke_nl_claim_doit,
		.policy		= pin_revoke_claim_nl_policy,
		.maxattr	= PIN_REVOKE_A_DECLARE_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= PIN_REVOKE_CMD_RESTORE,
		.doit		= pin_revoke_nl_restore_doit,
		.policy		= pin_revoke_restore_nl_policy,
		.maxattr	= PIN_REVOKE_A_PIN_ID,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= PIN_REVOKE_CMD_FEATURES_GET,
		.doit	= pin_revoke_nl_features_get_doit,
		.flags	= GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group pin_revoke_nl_mcgrps[] = {
	[PIN_REVOKE_NLGRP_MONITOR] = { "monitor", },
};

struct genl_family pin_revoke_nl_family __ro_after_init = {
	.name		= PIN_REVOKE_FAMILY_NAME,
	.version	= PIN_REVOKE_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= pin_revoke_nl_ops,
	.n_split_ops	= ARRAY_SIZE(pin_revoke_nl_ops),
	.mcgrps		= pin_revoke_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(pin_revoke_nl_mcgrps),
};
