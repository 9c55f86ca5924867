/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Trace points: what happened to a pin, in the order of one revocation.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM pin_revoke

#if !defined(_PIN_REVOKE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _PIN_REVOKE_TRACE_H

#include <linux/tracepoint.h>

#include "core.h"

TRACE_EVENT(pin_revoke_request,
	TP_PROTO(struct pinr_request *req),
	TP_ARGS(req),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(unsigned int, reason)
		__field(unsigned int, asks)
	),
	TP_fast_assign(
		__entry->id = req->id;
		__entry->reason = req->reason;
		__entry->asks = req->nr_open;
	),
	TP_printk("request=%llu reason=%u asks=%u", __entry->id,
		  __entry->reason, __entry->asks)
);

TRACE_EVENT(pin_revoke_backstop,
	TP_PROTO(struct pin_revoke_pin *pin, unsigned int event,
		 unsigned long start, unsigned long end),
	TP_ARGS(pin, event, start, end),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(unsigned int, state)
		__field(unsigned int, event)
		__field(unsigned long, start)
		__field(unsigned long, end)
	),
	TP_fast_assign(
		__entry->id = pin->id;
		__entry->state = pin->state;
		__entry->event = event;
		__entry->start = start;
		__entry->end = end;
	),
	TP_printk("pin=%llu state=%u event=%u range=%lx-%lx", __entry->id,
		  __entry->state, __entry->event, __entry->start, __entry->end)
);

TRACE_EVENT(pin_revoke_state,
	TP_PROTO(struct pin_revoke_pin *pin, unsigned int old,
		 unsigned int reason),
	TP_ARGS(pin, old, reason),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(unsigned int, old)
		__field(unsigned int, state)
		__field(unsigned int, reason)
	),
	TP_fast_assign(
		__entry->id = pin->id;
		__entry->old = old;
		__entry->state = pin->state;
		__entry->reason = reason;
	),
	TP_printk("pin=%llu state=%u->%u reason=%u", __entry->id, __entry->old,
		  __entry->state, __entry->reason)
);

DECLARE_EVENT_CLASS(pin_revoke_result,
	TP_PROTO(struct pin_revoke_pin *pin, int err),
	TP_ARGS(pin, err),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->id = pin->id;
		__entry->err = err;
	),
	TP_printk("pin=%llu err=%d", __entry->id, __entry->err)
);

DEFINE_EVENT(pin_revoke_result, pin_revoke_restore,
	TP_PROTO(struct pin_revoke_pin *pin, int err),
	TP_ARGS(pin, err)
);

/* err=1: other pages are mapped there now */
DEFINE_EVENT(pin_revoke_result, pin_revoke_verify,
	TP_PROTO(struct pin_revoke_pin *pin, int err),
	TP_ARGS(pin, err)
);

#endif /* _PIN_REVOKE_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
