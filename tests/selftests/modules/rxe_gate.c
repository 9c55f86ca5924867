// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * A gate in soft-RoCE, for tests: after so many accesses to revocable regions
 * everything stands still, between two packets or in the middle of one, until the
 * test has taken the region.
 *
 * Owns the functions that the linker puts around those of the driver, which is the
 * one of ../../../drivers-examples/rxe, object by object (tests/vm/build-module.sh).
 * Must never decide what becomes of a packet, nor stay closed when its test ends.
 */
#include <linux/delay.h>
#include <linux/ioport.h>
#include <linux/module.h>

#include "rxe.h"
#include "rxe_loc.h"
#include "rxe_compat.h"
#include "rxe_gate.h"

/* Somebody inside whom nobody takes away goes on then. */
#define GATE_LIMIT_S	20

/* Who waits for him has this long to return without. */
#define GATE_LINGER_MS	10

static unsigned int gate_before = UINT_MAX;
static unsigned int gate_inside = UINT_MAX;
static atomic_t gate_seen;
static bool gate_left;
static struct rxe_dev *gate_rxe;

static int gate_set(const char *val, const struct kernel_param *kp)
{
	unsigned int before = UINT_MAX, inside = UINT_MAX;
	struct rxe_dev *rxe;

	if (!sysfs_streq(val, "open") && sscanf(val, "before %u", &before) != 1 &&
	    sscanf(val, "inside %u", &inside) != 1)
		return -EINVAL;
	atomic_set(&gate_seen, 0);
	WRITE_ONCE(gate_left, false);
	WRITE_ONCE(gate_inside, inside);
	WRITE_ONCE(gate_before, before);
	/* What stands still is scheduled, as by a restore. */
	rxe = xchg(&gate_rxe, NULL);
	if (rxe)
		rxe_revoke_kick(rxe);
	return 0;
}

/* How many accesses there were, and whether the one inside has been left. */
static int gate_get(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%u %u\n", atomic_read(&gate_seen),
			  READ_ONCE(gate_left));
}

static const struct kernel_param_ops gate_ops = {
	.set = gate_set,
	.get = gate_get,
};

module_param_cb(gate, &gate_ops, NULL, 0600);

int __wrap_rxe_revoke_enter(struct rxe_mr *mr, u64 iova, unsigned int length)
{
	int ret = __real_rxe_revoke_enter(mr, iova, length);
	ktime_t limit;

	if (ret || !mr->revoke ||
	    atomic_inc_return(&gate_seen) != READ_ONCE(gate_inside))
		return ret;

	/* Nothing may sleep here, and somebody else comes to take it. */
	limit = ktime_add(ktime_get(), ktime_set(GATE_LIMIT_S, 0));
	while (READ_ONCE(mr->revoke->state) == RXE_REVOKE_LIVE &&
	       ktime_before(ktime_get(), limit))
		cpu_relax();
	mdelay(GATE_LINGER_MS);
	WRITE_ONCE(gate_left, true);
	return 0;
}

static bool gate_closed(struct rxe_qp *qp)
{
	if (atomic_read(&gate_seen) < READ_ONCE(gate_before))
		return false;
	xchg(&gate_rxe, to_rdev(qp->ibqp.device));
	/* Opened meanwhile: whoever did it may not have seen the device. */
	return atomic_read(&gate_seen) >= READ_ONCE(gate_before);
}

/* The guest's memory that survives is not an NVDIMM's; only its name differs. */
int __wrap_region_intersects(resource_size_t start, size_t size, unsigned long flags,
			     unsigned long desc)
{
	if (desc == IORES_DESC_PERSISTENT_MEMORY)
		desc = IORES_DESC_PERSISTENT_MEMORY_LEGACY;
	return __real_region_intersects(start, size, flags, desc);
}

/* Each of these does one packet at a time, and is called until it says no. */
#ifdef RXE_BUF_PER_MAP
int __wrap_rxe_requester(void *arg)
{
	return gate_closed(arg) ? -EAGAIN : __real_rxe_requester(arg);
}

int __wrap_rxe_completer(void *arg)
{
	return gate_closed(arg) ? -EAGAIN : __real_rxe_completer(arg);
}

int __wrap_rxe_responder(void *arg)
{
	return gate_closed(arg) ? -EAGAIN : __real_rxe_responder(arg);
}
#else
int __wrap_rxe_sender(struct rxe_qp *qp)
{
	return gate_closed(qp) ? -EAGAIN : __real_rxe_sender(qp);
}

int __wrap_rxe_receiver(struct rxe_qp *qp)
{
	return gate_closed(qp) ? -EAGAIN : __real_rxe_receiver(qp);
}
#endif
