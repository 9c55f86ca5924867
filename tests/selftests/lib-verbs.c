// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: lib-verbs FILE revocable|declared
 *
 * <revoke/verbs.h>: messages into a region over FILE, which somebody else needs
 * meanwhile. The driver can give the region back, or it cannot. Prints TAP.
 *
 * Must never look at an event of its own but to drain the queues: that is for
 * revoke_mr_event().
 */
#include <revoke/verbs.h>

#include "rdma-pair.h"

#define TIMES		5
#define DRAIN_MS	5000

static struct revoke_ctx *holder;
static struct revoke_mr *mr;
static unsigned int in_flight, sent, asked, back;
static bool bad_message;

static void send_one(void)
{
	struct ibv_sge from = sge(anon_mr, anon_mem, MSG);
	struct ibv_sge to = sge(mr->mr, file_mem, MSG);
	struct ibv_send_wr wr = {
		.opcode = IBV_WR_SEND, .sg_list = &from, .num_sge = 1,
		.send_flags = IBV_SEND_SIGNALED,
	}, *bad;

	fill(anon_mem, ++sent, MSG);
	recv_into(&to, 1);
	if (ibv_post_send(a.qp, &wr, &bad))
		err(1, "post send");
	in_flight = 1;
}

static unsigned int received(const struct ibv_wc *wc, void *arg)
{
	unsigned int *left = arg;

	bad_message |= wc->status != IBV_WC_SUCCESS;
	return --*left;
}

/* Nothing of ours is in the file any more, nor on its way there. */
static void drain(void)
{
	unsigned int of_a = in_flight, of_b = in_flight;

	if (!in_flight)
		return;
	if (revoke_drain_cq(a.cq, received, &of_a, DRAIN_MS) ||
	    revoke_drain_cq(b.cq, received, &of_b, DRAIN_MS))
		errx(1, "nothing completes");
	bad_message |= !same(file_mem, sent, MSG);
	in_flight = 0;
}

static void events(int timeout_ms)
{
	struct revoke_event event = { .size = sizeof(event) };
	int ret;

	while ((ret = revoke_wait_event(holder, &event, timeout_ms)) == 1) {
		timeout_ms = 0;
		if (event.type == REVOKE_EVENT_RELEASE_SOON) {
			asked++;
			drain();
		}
		back += event.type == REVOKE_EVENT_RESTORED;
		ret = revoke_mr_event(mr, &event);
		if (ret)
			errx(1, "%s: %s", revoke_event_name(event.type), strerror(-ret));
	}
	if (ret)
		errx(1, "events: %s", strerror(-ret));
}

static void get_region(void)
{
	int ret = revoke_mr_reg(holder, pd, file_mem, SIZE, ACCESS, &mr);

	if (ret)
		errx(1, "register: %s", strerror(-ret));
}

static bool wait_for_end(void)
{
	double limit = now() + LIMIT;

	while (mr->state != REVOKE_MR_ENDED && now() < limit)
		events(100);
	return mr->state == REVOKE_MR_ENDED && !mr->mr && !revoke_mr_dereg(mr);
}

static int count(const struct revoke_pin *pin, void *arg)
{
	struct revoke_pin *sum = arg;

	if (pin->pid != (uint32_t)getpid())
		return 0;
	sum->id++;
	sum->revoked += pin->revoked;
	sum->forced += pin->forced;
	return 0;
}

static struct revoke_pin pins(void)
{
	struct revoke_pin sum = {};
	int ret;

	do {
		sum = (struct revoke_pin){};
		ret = revoke_pin_list(holder, count, &sum);
	} while (ret == -EAGAIN);
	if (ret)
		errx(1, "list: %s", strerror(-ret));
	return sum;
}

static void revocable(void)
{
	uint32_t rkey = mr->mr->rkey;
	double limit = now() + 2 * LIMIT;
	pid_t pid = start_fsync();
	struct revoke_pin sum;

	while (back < TIMES && now() < limit) {
		if (mr->state == REVOKE_MR_USABLE)
			send_one();
		events(mr->state == REVOKE_MR_USABLE ? 0 : 100);
		drain();
	}
	stop_fsync(pid);
	sum = pins();
	printf("# %u messages, asked %u times, taken %u times, %u forced, %lu hits\n",
	       sent, asked, sum.revoked, sum.forced, hits());
	result(asked >= TIMES && back >= TIMES, "it is asked for and comes back");
	result(sum.revoked > sum.forced, "by consent");
	result(mr->mr->rkey == rkey && sum.id == 1, "the same key, one pin");
	result(!bad_message, "every message has arrived");
	if (ftruncate(file_fd, 0))
		err(1, "truncate");
	result(wait_for_end(), "its file is cut: it ends");
}

/* An unconverted driver has no files that are synced: an administrator asks. */
static pid_t start_admin(void)
{
	pid_t pid = fork();
	char id[24];

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(id, sizeof(id), "%u", getppid());
	execlp("revokectl", "revokectl", "pin", "revoke", "pid", id, "wait", NULL);
	err(1, "revokectl");
}

static void declared(void)
{
	double took = -now();
	pid_t pid;
	int status;

	send_one();
	pid = start_admin();
	result(wait_for_end() && asked == 1, "it is asked for and ends");
	waitpid(pid, &status, 0);
	took += now();
	printf("# %.1f s\n", took);
	result(!status && took < 10, "who asked goes on at once");
	result(!pins().id, "no range is left");

	get_region();
	send_one();
	result(done(&a) && done(&b) && same(file_mem, sent, MSG) &&
	       !bad_message && revoke_pin_valid(&mr->range),
	       "registered again, it works and is what is mapped");
	munmap(file_mem, SIZE);
	in_flight = 0;
	result(wait_for_end() && asked == 1, "it is unmapped: it ends");
}

int main(int argc, char **argv)
{
	bool can = argc == 3 && !strcmp(argv[2], "revocable");
	int ret;

	if (argc != 3)
		errx(2, "usage: lib-verbs FILE revocable|declared");
	set_up(argv[1]);
	if (ibv_dereg_mr(file_mr))
		err(1, "deregister");
	pair_up(IBV_QPT_RC, false);
	ret = revoke_open(NULL, &holder);
	if (ret)
		errx(1, "open: %s", strerror(-ret));
	get_region();
	result(mr->revocable == can && mr->range.id && pins().id == 1,
	       can ? "the driver's pin is claimed" : "the range is declared");
	if (can)
		revocable();
	else
		declared();
	result(!pins().id, "no pin is left");
	revoke_close(holder);
	destroy(&a);
	destroy(&b);
	printf("1..%d\n", tap_n);
	return tap_failed;
}
