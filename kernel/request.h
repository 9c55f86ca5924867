/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Requests and their asks: who is asked for which pins, by when, what is answered, and
 * who waits for it. Included by core.h.
 *
 * What is in these objects must never change but under pinr_lock.
 */
#ifndef _PIN_REVOKE_REQUEST_H
#define _PIN_REVOKE_REQUEST_H

/* request.c */
struct pinr_request {
	struct kref ref;
	u64 id;
	enum pin_revoke_reason reason;
	ktime_t begun, repeat_at;
	ktime_t due;			/* no deadline was earlier when it was opened */
	unsigned int repeat_ms;		/* 0: once */
	pid_t pid;
	char comm[TASK_COMM_LEN];
	struct list_head asks;
	unsigned int nr_open;
	unsigned int round;		/* how often it was told */
	bool joined;			/* not only its opener waits */
	struct delayed_work work;	/* repeats, then forces */
};

struct pinr_ask {
	struct list_head of_request;
	struct list_head of_pin;
	struct pinr_request *req;
	struct pin_revoke_pin *pin;
	struct list_head tolds;
	ktime_t deadline;
	enum pin_revoke_action action;	/* of its policy when it was asked */
	unsigned int max_extend_ms, repeat_ms;
	unsigned int pending;		/* tolds without an answer */
	bool over;			/* about to end, not taken */
	bool open, consent, declined, extended;
	bool charged;			/* to the budget of the pin's user */
	unsigned int round;		/* told to the monitor */
};

struct pinr_told {
	struct list_head of_ask;
	struct list_head of_ctx;
	struct pinr_ask *ask;
	struct pinr_ctx *ctx;
	unsigned int round;
	bool answered;
};

u64 pinr_ask_pins(struct pin_revoke_pin **pins, unsigned int nr,
		  enum pin_revoke_reason reason, unsigned int least_ms,
		  unsigned int most_ms);
struct pinr_request *pinr_request_find(u64 id);
unsigned int pinr_requests_seq(void);
bool pinr_request_ever(u64 id);
void pinr_ask_take(struct pinr_ask *ask);
ktime_t pinr_request_due(struct pinr_request *req);
struct pinr_request *pinr_request_next(u64 *id);
void pinr_request_put(struct pinr_request *req);
void pinr_request_cancel(struct pinr_request *req, bool all);

/* ask.c */
bool pinr_ask_pin(struct pinr_request *req, struct pinr_ask *ask,
		  struct pin_revoke_pin *pin, unsigned int least_ms,
		  unsigned int most_ms);
struct pinr_ask *pinr_ask_of(struct pin_revoke_pin *pin,
			     enum pin_revoke_reason reason);
bool pinr_ask_awaited(const struct pinr_ask *ask);
bool pinr_ask_lapsed(const struct pinr_ask *ask);
void pinr_ask_end(struct pinr_ask *ask);
u64 pinr_asked_for(struct pin_revoke_pin *pin, enum pin_revoke_reason reason);
void pinr_asks_resolve(struct pin_revoke_pin *pin);
void pinr_told_end(struct pinr_told *told);

/* wait.c */
void pinr_wait_pins(struct pin_revoke_pin **pins, unsigned int nr,
		    enum pin_revoke_reason reason, u64 id);

/* ack.c */
int pinr_ack(struct pinr_ctx *ctx, u64 id, u64 pin, enum pin_revoke_ack_kind kind,
	     unsigned int extend_ms, unsigned int *granted_ms,
	     struct netlink_ext_ack *extack);

#endif /* _PIN_REVOKE_REQUEST_H */
