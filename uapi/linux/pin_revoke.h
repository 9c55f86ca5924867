/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/pin-revoke.yaml */
/* YNL-GEN uapi header */
/* To regenerate run: tools/net/ynl/ynl-regen.sh */

#ifndef _UAPI_LINUX_PIN_REVOKE_H
#define _UAPI_LINUX_PIN_REVOKE_H

#define PIN_REVOKE_FAMILY_NAME		"pin-revoke"
#define PIN_REVOKE_FAMILY_VERSION	1

#define PIN_REVOKE_MAX_DELAY_MS	15000
#define PIN_REVOKE_MAX_SKIP_MS	300000
#define PIN_REVOKE_MAX_RANGES	64
#define PIN_REVOKE_MAX_WORDS	65536
#define PIN_REVOKE_TIME_BUCKETS	17

/**
 * enum pin_revoke_reason - Name of the trigger, the thing that needs the
 *   pages.
 * @PIN_REVOKE_REASON_UNSPEC: Unknown to this header.
 * @PIN_REVOKE_REASON_WRITEBACK_SYNC: Somebody waits for the data to be on disk
 *   (fsync, msync, sync).
 * @PIN_REVOKE_REASON_WRITEBACK_BACKGROUND: The flusher would like to clean the
 *   pages.
 * @PIN_REVOKE_REASON_WRITEBACK_OTHER: Writeback that nobody was asked about.
 * @PIN_REVOKE_REASON_INVALIDATE: The page table entries were cleared and
 *   nobody was asked: reclaim, migration, O_DIRECT writes.
 * @PIN_REVOKE_REASON_UNMAP: The range was unmapped or moved by its own
 *   process.
 * @PIN_REVOKE_REASON_EXIT: The process is gone.
 * @PIN_REVOKE_REASON_ADMIN: An administrator asked for it.
 * @PIN_REVOKE_REASON_TRUNCATE: The file gets shorter (truncate, O_TRUNC).
 * @PIN_REVOKE_REASON_FALLOCATE: A range of the file is punched out, zeroed,
 *   collapsed, inserted or unshared.
 * @PIN_REVOKE_REASON_REMAP: A range of the file is the source or the target of
 *   a clone, a dedupe, or a copy that clones.
 * @PIN_REVOKE_REASON_OFFLINE: A block of memory goes offline, or is needed in
 *   one piece.
 * @PIN_REVOKE_REASON_DRAIN: An administrator keeps the pin away until the
 *   drain ends: what can be dropped should be.
 * @PIN_REVOKE_REASON_SUSPEND: The machine is about to sleep.
 * @PIN_REVOKE_REASON_PRESSURE: Memory is short; the pin is not taken unless it
 *   is given.
 * @PIN_REVOKE_REASON_DRIVER_UNBIND: The device or its driver goes away; the
 *   pin does not come back.
 * @PIN_REVOKE_REASON_DEVICE: The device that owns the memory wants it back: a
 *   dma-buf is invalidated by its exporter.
 */
enum pin_revoke_reason {
	PIN_REVOKE_REASON_UNSPEC,
	PIN_REVOKE_REASON_WRITEBACK_SYNC,
	PIN_REVOKE_REASON_WRITEBACK_BACKGROUND,
	PIN_REVOKE_REASON_WRITEBACK_OTHER,
	PIN_REVOKE_REASON_INVALIDATE,
	PIN_REVOKE_REASON_UNMAP,
	PIN_REVOKE_REASON_EXIT,
	PIN_REVOKE_REASON_ADMIN,
	PIN_REVOKE_REASON_TRUNCATE,
	PIN_REVOKE_REASON_FALLOCATE,
	PIN_REVOKE_REASON_REMAP,
	PIN_REVOKE_REASON_OFFLINE,
	PIN_REVOKE_REASON_DRAIN,
	PIN_REVOKE_REASON_SUSPEND,
	PIN_REVOKE_REASON_PRESSURE,
	PIN_REVOKE_REASON_DRIVER_UNBIND,
	PIN_REVOKE_REASON_DEVICE,

	/* private: */
	__PIN_REVOKE_REASON_MAX,
	PIN_REVOKE_REASON_MAX = (__PIN_REVOKE_REASON_MAX - 1)
};

/**
 * enum pin_revoke_action - What is done about a pin that is in the way. In
 *   this order: each one is softer than those before it.
 * @PIN_REVOKE_ACTION_FORCE: Ask nobody, take the pin when it is in the way,
 *   tell afterwards.
 * @PIN_REVOKE_ACTION_ASK: Ask, wait for nothing. What is given is taken, the
 *   rest not before the pages are really needed.
 * @PIN_REVOKE_ACTION_REPORT: Tell the holder, wait for nothing. Nothing is
 *   taken before the pages are really needed, whatever the answer.
 * @PIN_REVOKE_ACTION_WAIT: Ask, wait for the answer for grace-ms, then take
 *   the pin.
 * @PIN_REVOKE_ACTION_SKIP: Ask, and leave the range out for skip-ms, then take
 *   it. Reason writeback-background only.
 */
enum pin_revoke_action {
	PIN_REVOKE_ACTION_FORCE,
	PIN_REVOKE_ACTION_ASK,
	PIN_REVOKE_ACTION_REPORT,
	PIN_REVOKE_ACTION_WAIT,
	PIN_REVOKE_ACTION_SKIP,

	/* private: */
	__PIN_REVOKE_ACTION_MAX,
	PIN_REVOKE_ACTION_MAX = (__PIN_REVOKE_ACTION_MAX - 1)
};

/**
 * enum pin_revoke_policy_source - Where a value of a policy comes from. What
 *   is set comes before what is more specific.
 * @PIN_REVOKE_POLICY_SOURCE_DEFAULT: Built in.
 * @PIN_REVOKE_POLICY_SOURCE_SET: Set for the reason.
 * @PIN_REVOKE_POLICY_SOURCE_UID: Set for the user.
 * @PIN_REVOKE_POLICY_SOURCE_CGROUP: Set for the cgroup, or one above it.
 * @PIN_REVOKE_POLICY_SOURCE_COMM: Set for the command name, which made it
 *   stricter.
 * @PIN_REVOKE_POLICY_SOURCE_SYSCTL: vm.pin_revoke_grace_ms or
 *   vm.pin_revoke_skip_ms, where nothing is set; or vm.pin_revoke_enable,
 *   which is 0, whatever is set.
 */
enum pin_revoke_policy_source {
	PIN_REVOKE_POLICY_SOURCE_DEFAULT,
	PIN_REVOKE_POLICY_SOURCE_SET,
	PIN_REVOKE_POLICY_SOURCE_UID,
	PIN_REVOKE_POLICY_SOURCE_CGROUP,
	PIN_REVOKE_POLICY_SOURCE_COMM,
	PIN_REVOKE_POLICY_SOURCE_SYSCTL,
};

/**
 * enum pin_revoke_state - Life of a pin.
 * @PIN_REVOKE_STATE_NEW: Registered, never pinned yet.
 * @PIN_REVOKE_STATE_ACTIVE: Pinned; the device may access the pages.
 * @PIN_REVOKE_STATE_ASKED: Pinned, and a request is open.
 * @PIN_REVOKE_STATE_REVOKED: The device is stopped and the pages are given
 *   back.
 * @PIN_REVOKE_STATE_RESTORING: The same range is being pinned again.
 * @PIN_REVOKE_STATE_GONE: The range, or the device, is no longer there; the
 *   pin cannot come back.
 * @PIN_REVOKE_STATE_RELEASED: The driver dropped the pin.
 */
enum pin_revoke_state {
	PIN_REVOKE_STATE_NEW,
	PIN_REVOKE_STATE_ACTIVE,
	PIN_REVOKE_STATE_ASKED,
	PIN_REVOKE_STATE_REVOKED,
	PIN_REVOKE_STATE_RESTORING,
	PIN_REVOKE_STATE_GONE,
	PIN_REVOKE_STATE_RELEASED,
};

/**
 * enum pin_revoke_ack_kind - Answer of a holder.
 * @PIN_REVOKE_ACK_KIND_RELEASED: I dropped the pin.
 * @PIN_REVOKE_ACK_KIND_QUIESCED: I am not using it, take it now; I want it
 *   back afterwards.
 * @PIN_REVOKE_ACK_KIND_EXTEND: I need longer. Granted once, up to the policy's
 *   limit.
 * @PIN_REVOKE_ACK_KIND_DECLINED: I cannot; force it at the deadline.
 */
enum pin_revoke_ack_kind {
	PIN_REVOKE_ACK_KIND_RELEASED,
	PIN_REVOKE_ACK_KIND_QUIESCED,
	PIN_REVOKE_ACK_KIND_EXTEND,
	PIN_REVOKE_ACK_KIND_DECLINED,
};

/**
 * enum pin_revoke_ctx_flags - What a context promises.
 * @PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD: A thread of its own answers:
 *   requests are worth waiting for even if they are caused by the process
 *   itself.
 */
enum pin_revoke_ctx_flags {
	PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD = 1,
};

/**
 * enum pin_revoke_event_flags - More about an event.
 * @PIN_REVOKE_EVENT_FLAGS_REPEAT: This request was told before and is not
 *   answered.
 * @PIN_REVOKE_EVENT_FLAGS_FORCED: The pin was taken without the holder's
 *   consent.
 */
enum pin_revoke_event_flags {
	PIN_REVOKE_EVENT_FLAGS_REPEAT = 1,
	PIN_REVOKE_EVENT_FLAGS_FORCED = 2,
};

/**
 * enum pin_revoke_pin_flags - What is pinned and how.
 * @PIN_REVOKE_PIN_FLAGS_WRITE: The device may write.
 * @PIN_REVOKE_PIN_FLAGS_FILE: Some of it is a shared mapping of a file.
 * @PIN_REVOKE_PIN_FLAGS_ADOPTED: The driver pinned the pages itself; they are
 *   not restored.
 * @PIN_REVOKE_PIN_FLAGS_DECLARED: The process says that a driver, which knows
 *   nothing of this, uses the range. The kernel cannot stop that device; it is
 *   not restored.
 * @PIN_REVOKE_PIN_FLAGS_IMPORTED: The driver has imported memory of another
 *   device; it has no address and is not restored.
 */
enum pin_revoke_pin_flags {
	PIN_REVOKE_PIN_FLAGS_WRITE = 1,
	PIN_REVOKE_PIN_FLAGS_FILE = 2,
	PIN_REVOKE_PIN_FLAGS_ADOPTED = 4,
	PIN_REVOKE_PIN_FLAGS_DECLARED = 8,
	PIN_REVOKE_PIN_FLAGS_IMPORTED = 16,
};

/**
 * enum pin_revoke_range_flags - How a declared range is used.
 * @PIN_REVOKE_RANGE_FLAGS_WRITE: The device may write.
 */
enum pin_revoke_range_flags {
	PIN_REVOKE_RANGE_FLAGS_WRITE = 1,
};

/**
 * enum pin_revoke_feature_flags - What this kernel's module can do.
 * @PIN_REVOKE_FEATURE_FLAGS_DECLARE_IOCTL: Ranges are declared by ioctl() on
 *   the context's descriptor, too.
 * @PIN_REVOKE_FEATURE_FLAGS_PIN_FILTER: A dump of pins takes filters.
 * @PIN_REVOKE_FEATURE_FLAGS_DAX: Files on persistent memory that is mapped
 *   directly can be pinned.
 */
enum pin_revoke_feature_flags {
	PIN_REVOKE_FEATURE_FLAGS_DECLARE_IOCTL = 1,
	PIN_REVOKE_FEATURE_FLAGS_PIN_FILTER = 2,
	PIN_REVOKE_FEATURE_FLAGS_DAX = 4,
};

enum {
	PIN_REVOKE_A_FEATURES_FLAGS = 1,
	PIN_REVOKE_A_FEATURES_ASKS,

	__PIN_REVOKE_A_FEATURES_MAX,
	PIN_REVOKE_A_FEATURES_MAX = (__PIN_REVOKE_A_FEATURES_MAX - 1)
};

enum {
	PIN_REVOKE_A_CTX_FD = 1,
	PIN_REVOKE_A_CTX_FLAGS,
	PIN_REVOKE_A_CTX_ID,

	__PIN_REVOKE_A_CTX_MAX,
	PIN_REVOKE_A_CTX_MAX = (__PIN_REVOKE_A_CTX_MAX - 1)
};

enum {
	PIN_REVOKE_A_PIN_PAD = 1,
	PIN_REVOKE_A_PIN_ID,
	PIN_REVOKE_A_PIN_ADDR,
	PIN_REVOKE_A_PIN_LEN,
	PIN_REVOKE_A_PIN_STATE,
	PIN_REVOKE_A_PIN_FLAGS,
	PIN_REVOKE_A_PIN_PID,
	PIN_REVOKE_A_PIN_COMM,
	PIN_REVOKE_A_PIN_DRIVER,
	PIN_REVOKE_A_PIN_NAME,
	PIN_REVOKE_A_PIN_REVOKED,
	PIN_REVOKE_A_PIN_FORCED,
	PIN_REVOKE_A_PIN_UID,
	PIN_REVOKE_A_PIN_DEVICE,
	PIN_REVOKE_A_PIN_CTX,
	PIN_REVOKE_A_PIN_MEMORY_ADDR,
	PIN_REVOKE_A_PIN_MEMORY_LEN,
	PIN_REVOKE_A_PIN_NODE,

	__PIN_REVOKE_A_PIN_MAX,
	PIN_REVOKE_A_PIN_MAX = (__PIN_REVOKE_A_PIN_MAX - 1)
};

enum {
	PIN_REVOKE_A_REQUEST_PAD = 1,
	PIN_REVOKE_A_REQUEST_ID,
	PIN_REVOKE_A_REQUEST_REASON,
	PIN_REVOKE_A_REQUEST_FLAGS,
	PIN_REVOKE_A_REQUEST_REMAINING_NS,
	PIN_REVOKE_A_REQUEST_DEADLINE_NS,
	PIN_REVOKE_A_REQUEST_ELAPSED_NS,
	PIN_REVOKE_A_REQUEST_TRIGGER_PID,
	PIN_REVOKE_A_REQUEST_TRIGGER_COMM,
	PIN_REVOKE_A_REQUEST_ACK,
	PIN_REVOKE_A_REQUEST_CTX,
	PIN_REVOKE_A_REQUEST_PIN,

	__PIN_REVOKE_A_REQUEST_MAX,
	PIN_REVOKE_A_REQUEST_MAX = (__PIN_REVOKE_A_REQUEST_MAX - 1)
};

enum {
	PIN_REVOKE_A_ACK_PAD = 1,
	PIN_REVOKE_A_ACK_CTX_FD,
	PIN_REVOKE_A_ACK_REQUEST,
	PIN_REVOKE_A_ACK_PIN,
	PIN_REVOKE_A_ACK_KIND,
	PIN_REVOKE_A_ACK_EXTEND_MS,
	PIN_REVOKE_A_ACK_GRANTED_MS,

	__PIN_REVOKE_A_ACK_MAX,
	PIN_REVOKE_A_ACK_MAX = (__PIN_REVOKE_A_ACK_MAX - 1)
};

enum {
	PIN_REVOKE_A_POLICY_REASON = 1,
	PIN_REVOKE_A_POLICY_GRACE_MS,
	PIN_REVOKE_A_POLICY_MAX_EXTEND_MS,
	PIN_REVOKE_A_POLICY_SKIP_MS,
	PIN_REVOKE_A_POLICY_PAD,
	PIN_REVOKE_A_POLICY_ACTION,
	PIN_REVOKE_A_POLICY_REPEAT_MS,
	PIN_REVOKE_A_POLICY_UID,
	PIN_REVOKE_A_POLICY_CGROUP,
	PIN_REVOKE_A_POLICY_COMM,
	PIN_REVOKE_A_POLICY_PIN,
	PIN_REVOKE_A_POLICY_ACTION_FROM,
	PIN_REVOKE_A_POLICY_GRACE_FROM,
	PIN_REVOKE_A_POLICY_MAX_EXTEND_FROM,
	PIN_REVOKE_A_POLICY_SKIP_FROM,
	PIN_REVOKE_A_POLICY_REPEAT_FROM,
	PIN_REVOKE_A_POLICY_LEFT_MS,

	__PIN_REVOKE_A_POLICY_MAX,
	PIN_REVOKE_A_POLICY_MAX = (__PIN_REVOKE_A_POLICY_MAX - 1)
};

enum {
	PIN_REVOKE_A_REVOKE_PAD = 1,
	PIN_REVOKE_A_REVOKE_PIN,
	PIN_REVOKE_A_REVOKE_GRACE_MS,
	PIN_REVOKE_A_REVOKE_REQUEST,
	PIN_REVOKE_A_REVOKE_PID,
	PIN_REVOKE_A_REVOKE_DRIVER,
	PIN_REVOKE_A_REVOKE_DEVICE,
	PIN_REVOKE_A_REVOKE_FILE_FD,
	PIN_REVOKE_A_REVOKE_OFFSET,
	PIN_REVOKE_A_REVOKE_LENGTH,
	PIN_REVOKE_A_REVOKE_FS_FD,
	PIN_REVOKE_A_REVOKE_MEMORY_ADDR,
	PIN_REVOKE_A_REVOKE_MEMORY_LEN,
	PIN_REVOKE_A_REVOKE_NODE,
	PIN_REVOKE_A_REVOKE_PINS,
	PIN_REVOKE_A_REVOKE_DRAIN_FD,

	__PIN_REVOKE_A_REVOKE_MAX,
	PIN_REVOKE_A_REVOKE_MAX = (__PIN_REVOKE_A_REVOKE_MAX - 1)
};

enum {
	PIN_REVOKE_A_RANGE_PAD = 1,
	PIN_REVOKE_A_RANGE_ADDR,
	PIN_REVOKE_A_RANGE_LEN,
	PIN_REVOKE_A_RANGE_FLAGS,

	__PIN_REVOKE_A_RANGE_MAX,
	PIN_REVOKE_A_RANGE_MAX = (__PIN_REVOKE_A_RANGE_MAX - 1)
};

enum {
	PIN_REVOKE_A_DECLARED_PAD = 1,
	PIN_REVOKE_A_DECLARED_ID,
	PIN_REVOKE_A_DECLARED_WORD,
	PIN_REVOKE_A_DECLARED_GENERATION,

	__PIN_REVOKE_A_DECLARED_MAX,
	PIN_REVOKE_A_DECLARED_MAX = (__PIN_REVOKE_A_DECLARED_MAX - 1)
};

enum {
	PIN_REVOKE_A_DECLARE_PAD = 1,
	PIN_REVOKE_A_DECLARE_CTX_FD,
	PIN_REVOKE_A_DECLARE_NAME,
	PIN_REVOKE_A_DECLARE_RANGE,
	PIN_REVOKE_A_DECLARE_DECLARED,
	PIN_REVOKE_A_DECLARE_ID,

	__PIN_REVOKE_A_DECLARE_MAX,
	PIN_REVOKE_A_DECLARE_MAX = (__PIN_REVOKE_A_DECLARE_MAX - 1)
};

enum {
	PIN_REVOKE_A_TIMES_PAD = 1,
	PIN_REVOKE_A_TIMES_REASON,
	PIN_REVOKE_A_TIMES_SUM_NS,
	PIN_REVOKE_A_TIMES_BUCKETS,

	__PIN_REVOKE_A_TIMES_MAX,
	PIN_REVOKE_A_TIMES_MAX = (__PIN_REVOKE_A_TIMES_MAX - 1)
};

enum {
	PIN_REVOKE_A_STAT_PAD = 1,
	PIN_REVOKE_A_STAT_PINS,
	PIN_REVOKE_A_STAT_PINNED_BYTES,
	PIN_REVOKE_A_STAT_REQUESTS,
	PIN_REVOKE_A_STAT_REVOKED,
	PIN_REVOKE_A_STAT_FORCED,
	PIN_REVOKE_A_STAT_RESTORED,
	PIN_REVOKE_A_STAT_MISSED,
	PIN_REVOKE_A_STAT_PRESSURE_BYTES,
	PIN_REVOKE_A_STAT_EVENTS_DROPPED,
	PIN_REVOKE_A_STAT_TIMES,
	PIN_REVOKE_A_STAT_BROKE,
	PIN_REVOKE_A_STAT_DELAYED_NS,
	PIN_REVOKE_A_STAT_OVERRAN,

	__PIN_REVOKE_A_STAT_MAX,
	PIN_REVOKE_A_STAT_MAX = (__PIN_REVOKE_A_STAT_MAX - 1)
};

enum {
	PIN_REVOKE_CMD_OPEN = 1,
	PIN_REVOKE_CMD_ACK,
	PIN_REVOKE_CMD_PIN_GET,
	PIN_REVOKE_CMD_REQUEST_GET,
	PIN_REVOKE_CMD_POLICY_GET,
	PIN_REVOKE_CMD_POLICY_SET,
	PIN_REVOKE_CMD_REVOKE,
	PIN_REVOKE_CMD_RELEASE_SOON,
	PIN_REVOKE_CMD_REVOKED,
	PIN_REVOKE_CMD_RESTORED,
	PIN_REVOKE_CMD_CANCELLED,
	PIN_REVOKE_CMD_GONE,
	PIN_REVOKE_CMD_ACKED,
	PIN_REVOKE_CMD_DRAIN,
	PIN_REVOKE_CMD_STAT_GET,
	PIN_REVOKE_CMD_POLICY_DEL,
	PIN_REVOKE_CMD_DECLARE,
	PIN_REVOKE_CMD_UNDECLARE,
	PIN_REVOKE_CMD_CLAIM,
	PIN_REVOKE_CMD_RESTORE,
	PIN_REVOKE_CMD_FEATURES_GET,

	__PIN_REVOKE_CMD_MAX,
	PIN_REVOKE_CMD_MAX = (__PIN_REVOKE_CMD_MAX - 1)
};

#define PIN_REVOKE_MCGRP_MONITOR	"monitor"

#endif /* _UAPI_LINUX_PIN_REVOKE_H */
