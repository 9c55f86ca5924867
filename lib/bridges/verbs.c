// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke-verbs: which pin is a region's, and what an event means for it.
 *
 * Must never believe that it knows which drivers can give a region back: whether
 * there is a pin after the registration tells.
 */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <time.h>
#include <revoke/verbs.h>

#define REVOKE_EXPORT __attribute__((visibility("default")))
#define ACCESS_WRITE (IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE | \
		      IBV_ACCESS_REMOTE_ATOMIC | IBV_ACCESS_MW_BIND)
/* A range that is changed for as long is in use by somebody else. */
#define TRIES 64

struct search {
	struct revoke_mr *mr;
	uint64_t since;
};

/* The driver's pin is younger than what was declared before it pinned. */
static int claim_new(const struct revoke_pin *pin, void *arg)
{
	struct search *search = arg;
	struct revoke_range *range = &search->mr->range;
	int err;

	if (pin->id <= search->since || pin->addr != range->addr ||
	    pin->len != range->len || pin->flags & PIN_REVOKE_PIN_FLAGS_DECLARED)
		return 0;
	range->id = pin->id;
	err = revoke_claim(search->mr->ctx, range, 1);
	/* Root sees those of other processes, too. */
	return err == -EPERM || err == -ENOENT ? 0 : err ?: 1;
}

/*
 * Declared before the driver pins, checked after it: that is what is mapped. A
 * driver's own pin, if there is one, takes over.
 */
static int reg(struct revoke_mr *mr, struct ibv_pd *pd, int access)
{
	struct revoke_range declared = mr->range;
	struct search search = { .mr = mr };
	int err;

	err = revoke_declare(mr->ctx, "ibv_mr", &declared, 1);
	if (err)
		return err;
	search.since = declared.id;
	mr->mr = ibv_reg_mr(pd, (void *)(uintptr_t)declared.addr, declared.len,
			    access);
	if (!mr->mr) {
		err = -errno;
	} else {
		err = revoke_pin_list(mr->ctx, claim_new, &search);
		/* Other pins came and went. */
		if (err == -EAGAIN)
			err = 0;
		mr->revocable = err == 1;
		if (!err && !revoke_pin_valid(&declared))
			err = -EAGAIN;
	}
	if (!err) {
		mr->range = declared;
		return 0;
	}
	if (err < 0 && mr->mr)
		ibv_dereg_mr(mr->mr);
	revoke_undeclare(mr->ctx, &declared, 1);
	return err < 0 ? err : 0;
}

REVOKE_EXPORT int revoke_mr_reg(struct revoke_ctx *ctx, struct ibv_pd *pd, void *addr,
				size_t length, int access, struct revoke_mr **result)
{
	struct revoke_mr *mr = calloc(1, sizeof(*mr));
	int saved = errno, tries = 0, err;

	if (!mr)
		return -ENOMEM;
	mr->ctx = ctx;
	mr->range.size = sizeof(mr->range);
	mr->range.addr = (uintptr_t)addr;
	mr->range.len = length;
	mr->range.flags = access & ACCESS_WRITE ? REVOKE_RANGE_WRITE : 0;
	do {
		err = reg(mr, pd, access);
	} while (err == -EAGAIN && ++tries < TRIES);
	if (err)
		free(mr);
	else
		*result = mr;
	errno = saved;
	return err;
}

static int end(struct revoke_mr *mr)
{
	int err = ibv_dereg_mr(mr->mr);

	if (err)
		return -err;
	mr->mr = NULL;
	mr->state = REVOKE_MR_ENDED;
	return mr->revocable ? 0 : revoke_undeclare(mr->ctx, &mr->range, 1);
}

REVOKE_EXPORT int revoke_mr_dereg(struct revoke_mr *mr)
{
	int saved = errno, err = 0;

	if (mr && mr->mr)
		err = end(mr);
	if (!mr || !mr->mr)
		free(mr);
	errno = saved;
	return err;
}

/* Valid in another generation, see revoke_claim(). */
static int back(struct revoke_mr *mr)
{
	int err = revoke_claim(mr->ctx, &mr->range, 1);

	mr->state = err ? REVOKE_MR_AWAY : REVOKE_MR_USABLE;
	return err;
}

static int find(const struct revoke_pin *pin, void *arg)
{
	struct revoke_pin *found = arg;

	if (pin->id != found->id)
		return 0;
	*found = *pin;
	return 1;
}

/* What became of it, where an event does not say. */
static int look(struct revoke_mr *mr)
{
	struct revoke_pin pin = { .id = mr->range.id };
	int err;

	err = revoke_pin_list(mr->ctx, find, &pin);
	if (err == -EAGAIN)
		err = 0;
	if (err < 0)
		return err;
	if (!err || pin.state == PIN_REVOKE_STATE_GONE)
		return end(mr);
	if (pin.state == PIN_REVOKE_STATE_ACTIVE)
		return mr->revocable ? back(mr) : 0;
	/* ASKED: its event comes. A declared range does not come back. */
	if (pin.state == PIN_REVOKE_STATE_ASKED)
		return 0;
	if (!mr->revocable)
		return end(mr);
	mr->state = REVOKE_MR_AWAY;
	return 0;
}

static int release_soon(struct revoke_mr *mr, uint64_t request)
{
	int err;

	if (!mr->revocable)
		return end(mr);
	mr->state = REVOKE_MR_AWAY;
	err = revoke_ack(mr->ctx, request, mr->range.id,
			 PIN_REVOKE_ACK_KIND_QUIESCED);
	if (err == -ESTALE)
		return look(mr);
	/* It was told again before it heard the answer. */
	return err == -EALREADY ? 0 : err;
}

static int revoked(struct revoke_mr *mr, uint32_t flags)
{
	int err = 0;

	if (!mr->revocable)
		return end(mr);
	mr->state = REVOKE_MR_AWAY;
	/* Given, it comes back by itself; forced, when it is accessed. */
	if (flags & PIN_REVOKE_EVENT_FLAGS_FORCED)
		err = revoke_restore(mr->ctx, mr->range.id);
	return err == -EOPNOTSUPP ? 0 : err;
}

static int happened(struct revoke_mr *mr, const struct revoke_event *event)
{
	switch (event->type) {
	case REVOKE_EVENT_RELEASE_SOON:
		return release_soon(mr, event->request);
	case REVOKE_EVENT_REVOKED:
		return revoked(mr, event->flags);
	case REVOKE_EVENT_RESTORED:
		return back(mr);
	case REVOKE_EVENT_GONE:
		return end(mr);
	default:	/* CANCELLED, but another may be open; RESYNC */
		return look(mr);
	}
}

REVOKE_EXPORT int revoke_mr_event(struct revoke_mr *mr, const struct revoke_event *event)
{
	int saved = errno, err = 0;

	if (mr->mr && (event->type == REVOKE_EVENT_RESYNC ||
		       event->pin.id == mr->range.id))
		err = happened(mr, event);
	errno = saved;
	return err;
}

static uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ull + now.tv_nsec / 1000000;
}

REVOKE_EXPORT int revoke_drain_cq(struct ibv_cq *cq,
				  unsigned int (*fn)(const struct ibv_wc *wc, void *arg),
				  void *arg, unsigned int timeout_ms)
{
	uint64_t deadline = now_ms() + timeout_ms;
	struct ibv_wc wc;
	int n;

	for (;;) {
		n = ibv_poll_cq(cq, 1, &wc);
		if (n < 0)
			return -EIO;
		if (n && !fn(&wc, arg))
			return 0;
		if (n)
			continue;
		if (now_ms() >= deadline)
			return -ETIME;
		sched_yield();
	}
}
