// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke: tokens of the specification.
 *
 * Do not edit: made from uapi/pin-revoke.yaml by uapi/gen-names.py.
 */
#include "internal.h"

REVOKE_EXPORT const char *revoke_reason_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_REASON_UNSPEC:
		return "unspec";
	case PIN_REVOKE_REASON_WRITEBACK_SYNC:
		return "writeback-sync";
	case PIN_REVOKE_REASON_WRITEBACK_BACKGROUND:
		return "writeback-background";
	case PIN_REVOKE_REASON_WRITEBACK_OTHER:
		return "writeback-other";
	case PIN_REVOKE_REASON_INVALIDATE:
		return "invalidate";
	case PIN_REVOKE_REASON_UNMAP:
		return "unmap";
	case PIN_REVOKE_REASON_EXIT:
		return "exit";
	case PIN_REVOKE_REASON_ADMIN:
		return "admin";
	case PIN_REVOKE_REASON_TRUNCATE:
		return "truncate";
	case PIN_REVOKE_REASON_FALLOCATE:
		return "fallocate";
	case PIN_REVOKE_REASON_REMAP:
		return "remap";
	case PIN_REVOKE_REASON_OFFLINE:
		return "offline";
	case PIN_REVOKE_REASON_DRAIN:
		return "drain";
	case PIN_REVOKE_REASON_SUSPEND:
		return "suspend";
	case PIN_REVOKE_REASON_PRESSURE:
		return "pressure";
	case PIN_REVOKE_REASON_DRIVER_UNBIND:
		return "driver-unbind";
	case PIN_REVOKE_REASON_DEVICE:
		return "device";
	default:
		return "?";
	}
}

const char *revoke_action_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_ACTION_FORCE:
		return "force";
	case PIN_REVOKE_ACTION_ASK:
		return "ask";
	case PIN_REVOKE_ACTION_REPORT:
		return "report";
	case PIN_REVOKE_ACTION_WAIT:
		return "wait";
	case PIN_REVOKE_ACTION_SKIP:
		return "skip";
	default:
		return "?";
	}
}

const char *revoke_policy_source_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_POLICY_SOURCE_DEFAULT:
		return "default";
	case PIN_REVOKE_POLICY_SOURCE_SET:
		return "set";
	case PIN_REVOKE_POLICY_SOURCE_UID:
		return "uid";
	case PIN_REVOKE_POLICY_SOURCE_CGROUP:
		return "cgroup";
	case PIN_REVOKE_POLICY_SOURCE_COMM:
		return "comm";
	case PIN_REVOKE_POLICY_SOURCE_SYSCTL:
		return "sysctl";
	default:
		return "?";
	}
}

REVOKE_EXPORT const char *revoke_state_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_STATE_NEW:
		return "new";
	case PIN_REVOKE_STATE_ACTIVE:
		return "active";
	case PIN_REVOKE_STATE_ASKED:
		return "asked";
	case PIN_REVOKE_STATE_REVOKED:
		return "revoked";
	case PIN_REVOKE_STATE_RESTORING:
		return "restoring";
	case PIN_REVOKE_STATE_GONE:
		return "gone";
	case PIN_REVOKE_STATE_RELEASED:
		return "released";
	default:
		return "?";
	}
}

REVOKE_EXPORT const char *revoke_ack_kind_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_ACK_KIND_RELEASED:
		return "released";
	case PIN_REVOKE_ACK_KIND_QUIESCED:
		return "quiesced";
	case PIN_REVOKE_ACK_KIND_EXTEND:
		return "extend";
	case PIN_REVOKE_ACK_KIND_DECLINED:
		return "declined";
	default:
		return "?";
	}
}

const char *revoke_ctx_flags_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD:
		return "answering-thread";
	default:
		return "?";
	}
}

const char *revoke_event_flags_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_EVENT_FLAGS_REPEAT:
		return "repeat";
	case PIN_REVOKE_EVENT_FLAGS_FORCED:
		return "forced";
	default:
		return "?";
	}
}

const char *revoke_pin_flags_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_PIN_FLAGS_WRITE:
		return "write";
	case PIN_REVOKE_PIN_FLAGS_FILE:
		return "file";
	case PIN_REVOKE_PIN_FLAGS_ADOPTED:
		return "adopted";
	case PIN_REVOKE_PIN_FLAGS_DECLARED:
		return "declared";
	case PIN_REVOKE_PIN_FLAGS_IMPORTED:
		return "imported";
	default:
		return "?";
	}
}

const char *revoke_range_flags_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_RANGE_FLAGS_WRITE:
		return "write";
	default:
		return "?";
	}
}

const char *revoke_feature_flags_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_FEATURE_FLAGS_DECLARE_IOCTL:
		return "declare-ioctl";
	case PIN_REVOKE_FEATURE_FLAGS_PIN_FILTER:
		return "pin-filter";
	case PIN_REVOKE_FEATURE_FLAGS_DAX:
		return "dax";
	default:
		return "?";
	}
}

const char *revoke_cmd_name(uint32_t value)
{
	switch (value) {
	case PIN_REVOKE_CMD_OPEN:
		return "open";
	case PIN_REVOKE_CMD_ACK:
		return "ack";
	case PIN_REVOKE_CMD_PIN_GET:
		return "pin-get";
	case PIN_REVOKE_CMD_REQUEST_GET:
		return "request-get";
	case PIN_REVOKE_CMD_POLICY_GET:
		return "policy-get";
	case PIN_REVOKE_CMD_POLICY_SET:
		return "policy-set";
	case PIN_REVOKE_CMD_REVOKE:
		return "revoke";
	case PIN_REVOKE_CMD_RELEASE_SOON:
		return "release-soon";
	case PIN_REVOKE_CMD_REVOKED:
		return "revoked";
	case PIN_REVOKE_CMD_RESTORED:
		return "restored";
	case PIN_REVOKE_CMD_CANCELLED:
		return "cancelled";
	case PIN_REVOKE_CMD_GONE:
		return "gone";
	case PIN_REVOKE_CMD_ACKED:
		return "acked";
	case PIN_REVOKE_CMD_DRAIN:
		return "drain";
	case PIN_REVOKE_CMD_STAT_GET:
		return "stat-get";
	case PIN_REVOKE_CMD_POLICY_DEL:
		return "policy-del";
	case PIN_REVOKE_CMD_DECLARE:
		return "declare";
	case PIN_REVOKE_CMD_UNDECLARE:
		return "undeclare";
	case PIN_REVOKE_CMD_CLAIM:
		return "claim";
	case PIN_REVOKE_CMD_RESTORE:
		return "restore";
	case PIN_REVOKE_CMD_FEATURES_GET:
		return "features-get";
	default:
		return "?";
	}
}
