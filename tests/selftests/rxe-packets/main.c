// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: rxe-packets FILE [persistent]
 *
 * A region over FILE is taken away before each packet of each kind of operation, in
 * the middle of each, and after the last. Nothing is left to chance: the gate of
 * ../modules/rxe_gate.c stops everything at that packet. Before: the file system is
 * frozen, which takes the region and keeps it away; the packet finds that, and nothing
 * of it is in the memory. Inside: the mapping is dropped while the packet is being
 * copied, which has to wait for the copy. Either way the operation then completes with
 * the right data, or as documented: that of an unreliable queue pair is lost. Prints TAP.
 *
 * Must never pause to make a race go one way.
 */
#include "op.h"
#include "../rdma-gate.h"

#define TRIES		5	/* of a peer with few retries, on a busy machine */

static bool before(unsigned int n)
{
	bool ok, late = n == op->accesses, rc = op->type == IBV_QPT_RC;
	char was[GRH + LEN];
	enum ibv_wc_status status;
	unsigned long start;

	prepare();
	start = hits();
	gate("before", n);
	post();
	if (!reached(n))
		return false;
	freeze();
	memcpy(was, file_mem, sizeof(was));
	gate_open();
	if (late) {
		/* Nobody wants the region any more. */
		ok = complete() && hits() == start;
		thaw();
		return ok;
	}
	ok = met(start) && !memcmp(was, file_mem, sizeof(was));
	if (!ok)
		printf("# met %lu times\n", hits() - start);
	if ((rc || op->local) && poll_one(&a, &status)) {
		printf("# has completed: %s\n", ibv_wc_status_str(status));
		ok = false;
	}
	thaw();
	return ok && (rc || op->local ? complete() : lost());
}

/*
 * Refused once, and then again before packet @n: a peer with a single retry gives up,
 * as its manual says. A READ whose response has begun waits.
 */
static bool twice(unsigned int n)
{
	enum ibv_wc_status status = IBV_WC_SUCCESS;
	double limit = now() + LIMIT;
	char was[GRH + LEN];
	unsigned long start;
	bool ok;

	prepare();
	start = hits();
	gate("before", 0);
	post();
	freeze();
	gate("before", n);
	ok = met(start);
	thaw();
	if (!ok || !reached(n))
		return false;
	freeze();
	memcpy(was, file_mem, sizeof(was));
	start = hits();
	gate_open();
	ok = met(start);
	while (op->kind != READ && !poll_one(&a, &status) && now() < limit)
		;
	ok = ok && !memcmp(was, file_mem, sizeof(was));
	thaw();
	if (op->kind == READ)
		return ok && complete();
	if (status != IBV_WC_RNR_RETRY_EXC_ERR)
		printf("# %s\n", ibv_wc_status_str(status));
	return ok && status == IBV_WC_RNR_RETRY_EXC_ERR;
}

static bool inside(unsigned int n)
{
	bool late = n + 1 == op->accesses;
	struct taker taker;

	prepare();
	take_inside(&taker, n);
	post();
	if (!taken(&taker))
		return false;
	return op->type == IBV_QPT_RC || op->local || late ? complete() : lost();
}

/* The region is a new one for each: one that is taken often stays away longer. */
static bool positions(bool (*test)(unsigned int n), unsigned int last, unsigned int tries)
{
	for (unsigned int n = test == twice; n <= last; n++) {
		bool ok = false;

		/* The header and the message are one packet. */
		if (test == before && op->type == IBV_QPT_UD && n == 1 && !op->local)
			continue;
		for (unsigned int i = 0; !ok && i < tries; i++) {
			begin();
			ok = test(n);
			end();
		}
		if (!ok) {
			printf("# %s, packet %u\n", op->name, n);
			return false;
		}
	}
	return true;
}

static void test_retries(unsigned int retries, unsigned int tries)
{
	bool ok = true;
	char what[80];

	rnr_retry = retries;
	for (op = ops; op < ops + ARRAY_SIZE(ops); op++)
		if (op->type == IBV_QPT_RC && !op->local && !absent())
			ok = positions(before, retries == 1 ? op->accesses > 1 :
				       op->accesses - 1, tries) && ok;
	snprintf(what, sizeof(what), "before packets, with rnr_retry %u", retries);
	result(ok, what);
	for (op = ops; retries == 1 && op < ops + ARRAY_SIZE(ops); op++) {
		if (op->type != IBV_QPT_RC || op->local || op->accesses == 1 || absent())
			continue;
		snprintf(what, sizeof(what), "twice, with rnr_retry 1: %s", op->name);
		result(positions(twice, 1, tries), what);
	}
	rnr_retry = 7;
}

int main(int argc, char **argv)
{
	char what[80];

	if (argc != 2 && argc != 3)
		errx(2, "usage: rxe-packets FILE [persistent]");
	persistent = argc == 3;
#ifdef HAVE_IBV_FLUSH
	file_access |= persistent ? IBV_ACCESS_FLUSH_PERSISTENT : IBV_ACCESS_FLUSH_GLOBAL;
	more_ops = IBV_QP_EX_WITH_FLUSH;
#endif
	ack_timeout = 0;	/* what nobody wakes up hangs */
	set_up(argv[1]);
	ibv_dereg_mr(file_mr);
	use_gate(argv[1]);

	for (op = ops; op < ops + ARRAY_SIZE(ops); op++) {
		if (absent())
			continue;
		snprintf(what, sizeof(what), "before each packet: %s", op->name);
		result(positions(before, op->accesses, 1), what);
		snprintf(what, sizeof(what), "inside each packet: %s", op->name);
		result(positions(inside, op->accesses - 1, 1), what);
	}
	test_retries(6, TRIES);
	test_retries(1, TRIES);
	printf("1..%d\n", tap_n);
	return tap_failed;
}
