// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: requests, from the question to whatever ends them. The holder is the
 * test's own thread; its sockets are nobody's, as a dead process's are, because
 * no message decides anything.
 *
 * Must never wait for a deadline that the test did not make short.
 */
#include <linux/delay.h>
#include <linux/file.h>
#include <linux/netlink.h>
#include <net/net_namespace.h>

#include "fake_pin.h"

#define SHORT_MS	300
#define LONG_MS		15000
#define SYNC		PIN_REVOKE_REASON_WRITEBACK_SYNC
#define TRUNCATE	PIN_REVOKE_REASON_TRUNCATE

static struct file *listen(struct kunit *test)
{
	struct file *file;
	u32 id;

	/* The thread that waits is the one that is asked: it says it can. */
	file = pinr_ctx_open(&init_net, U32_MAX,
			     PIN_REVOKE_CTX_FLAGS_ANSWERING_THREAD, &id);
	KUNIT_ASSERT_FALSE(test, IS_ERR(file));
	return file;
}

static u64 ask(struct pin_revoke_pin *pin, enum pin_revoke_reason reason,
	       unsigned int grace_ms)
{
	return pinr_ask_pins(&pin, 1, reason, grace_ms, grace_ms);
}

static u64 asked(struct pin_revoke_pin *pin, enum pin_revoke_reason reason)
{
	u64 id;

	spin_lock(&pinr_lock);
	id = pinr_asked_for(pin, reason);
	spin_unlock(&pinr_lock);
	return id;
}

static int answer(struct file *ctx, u64 id, enum pin_revoke_ack_kind kind)
{
	struct netlink_ext_ack extack = { };
	unsigned int granted_ms = 0;

	return pinr_ack(ctx->private_data, id, 0, kind, LONG_MS, &granted_ms,
			&extack);
}

static void nobody_listens(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);

	KUNIT_EXPECT_EQ(test, ask(pin, SYNC, LONG_MS), 0);
	KUNIT_EXPECT_EQ(test, (int)pin->state, PIN_REVOKE_STATE_ACTIVE);
	KUNIT_EXPECT_EQ(test, asked(pin, SYNC), 0);
	fake_release(pin);
}

static void no_answer(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct file *ctx = listen(test);
	u64 id = ask(pin, SYNC, SHORT_MS);

	KUNIT_EXPECT_NE(test, id, 0);
	KUNIT_EXPECT_EQ(test, asked(pin, SYNC), id);
	KUNIT_EXPECT_EQ(test, (int)pin->state, PIN_REVOKE_STATE_ASKED);
	KUNIT_EXPECT_EQ(test, driver.quiesces, 0);
	pinr_wait_pins(&pin, 1, SYNC, id);
	KUNIT_EXPECT_EQ(test, (int)pin->state, PIN_REVOKE_STATE_REVOKED);
	KUNIT_EXPECT_TRUE(test, pin->forced);
	KUNIT_EXPECT_EQ(test, driver.quiesces, 1);
	/* Forced by the queue as well as by the one who waits: once. */
	pinr_pin_input(pin, PINR_FORCE, SYNC);
	KUNIT_EXPECT_EQ(test, driver.quiesces, 1);

	/* It let a deadline pass: it is not asked, until it says something. */
	fake_restored(pin);
	KUNIT_EXPECT_EQ(test, ask(pin, SYNC, LONG_MS), 0);
	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_QUIESCED),
			-ESTALE);
	KUNIT_EXPECT_NE(test, ask(pin, SYNC, LONG_MS), 0);
	fake_release(pin);
	fput(ctx);
}

static void a_yes(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct file *ctx = listen(test);
	u64 id = ask(pin, SYNC, LONG_MS);

	KUNIT_EXPECT_EQ(test, answer(ctx, id + 1, PIN_REVOKE_ACK_KIND_QUIESCED),
			-ENOENT);
	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_RELEASED),
			-EBUSY);
	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_QUIESCED), 0);
	KUNIT_EXPECT_EQ(test, (int)pin->state, PIN_REVOKE_STATE_REVOKED);
	KUNIT_EXPECT_FALSE(test, pin->forced);
	KUNIT_EXPECT_EQ(test, driver.quiesces, 1);
	KUNIT_EXPECT_EQ(test, asked(pin, SYNC), 0);
	pinr_wait_pins(&pin, 1, SYNC, id);
	fake_release(pin);
	fput(ctx);
}

static void a_no(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct file *ctx = listen(test);
	ktime_t begun = ktime_get();
	u64 id = ask(pin, SYNC, SHORT_MS);

	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_DECLINED), 0);
	pinr_wait_pins(&pin, 1, SYNC, id);
	KUNIT_EXPECT_GE(test, ktime_ms_delta(ktime_get(), begun), SHORT_MS);
	KUNIT_EXPECT_TRUE(test, pin->forced);
	fake_release(pin);
	fput(ctx);
}

static void more_time_once(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct file *ctx = listen(test);
	u64 id = ask(pin, SYNC, LONG_MS);

	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_EXTEND), 0);
	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_EXTEND),
			-EALREADY);
	KUNIT_EXPECT_EQ(test, (int)pin->state, PIN_REVOKE_STATE_ASKED);
	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_QUIESCED), 0);
	KUNIT_EXPECT_EQ(test, (int)pin->state, PIN_REVOKE_STATE_REVOKED);
	fake_release(pin);
	fput(ctx);
}

/* Does it come true? Nobody waits for it who could see to that. */
static bool comes(bool (*what)(const void *arg), const void *arg)
{
	unsigned long until = jiffies + 10 * HZ;

	while (!what(arg) && time_before(jiffies, until))
		fsleep(1000);
	return what(arg);
}

static bool is_taken(const void *pin)
{
	return READ_ONCE(((const struct pin_revoke_pin *)pin)->state) ==
	       PIN_REVOKE_STATE_REVOKED;
}

/* The deadline is over, and the work waits for the pin's lock: it runs that long. */
static bool is_stuck(const void *arg)
{
	const struct pinr_request *req = arg;
	unsigned int i;

	if (ktime_ms_delta(ktime_get(), req->begun) <= SHORT_MS)
		return false;
	for (i = 0; i < 50; i++) {
		if (!(work_busy((struct work_struct *)&req->work.work) & WORK_BUSY_RUNNING))
			return false;
		fsleep(1000);
	}
	return true;
}

static void more_time_when_it_is_over(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct file *ctx = listen(test);
	u64 id = ask(pin, PIN_REVOKE_REASON_DEVICE, SHORT_MS);
	struct pinr_request *req = pinr_request_find(id);
	bool stuck;

	KUNIT_ASSERT_NOT_NULL(test, req);
	mutex_lock(&pin->lock);
	stuck = comes(is_stuck, req);
	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_EXTEND), 0);
	mutex_unlock(&pin->lock);
	KUNIT_EXPECT_TRUE(test, stuck);
	KUNIT_EXPECT_FALSE(test, is_taken(pin));
	KUNIT_EXPECT_TRUE(test, comes(is_taken, pin));
	pinr_request_put(req);
	fake_release(pin);
	fput(ctx);
}

static void two_have_a_say(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct file *one = listen(test), *two = listen(test);
	u64 id = ask(pin, SYNC, LONG_MS);

	KUNIT_EXPECT_EQ(test, answer(one, id, PIN_REVOKE_ACK_KIND_QUIESCED), 0);
	KUNIT_EXPECT_EQ(test, answer(one, id, PIN_REVOKE_ACK_KIND_QUIESCED),
			-EALREADY);
	KUNIT_EXPECT_EQ(test, (int)pin->state, PIN_REVOKE_STATE_ASKED);
	/* The other goes: nobody is left to wait for. */
	fput(two);
	pinr_wait_pins(&pin, 1, SYNC, id);
	KUNIT_EXPECT_EQ(test, (int)pin->state, PIN_REVOKE_STATE_REVOKED);
	KUNIT_EXPECT_FALSE(test, pin->forced);
	fake_release(pin);
	fput(one);
}

static void the_second_joins(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct file *ctx = listen(test);
	u64 id = ask(pin, SYNC, LONG_MS), other;

	KUNIT_EXPECT_EQ(test, ask(pin, SYNC, LONG_MS), 0);
	KUNIT_EXPECT_EQ(test, asked(pin, SYNC), id);
	other = ask(pin, TRUNCATE, LONG_MS);
	KUNIT_EXPECT_NE(test, other, 0);
	KUNIT_EXPECT_EQ(test, asked(pin, SYNC), id);
	/* In more of a hurry: all end when that is over. */
	KUNIT_EXPECT_EQ(test, ask(pin, SYNC, SHORT_MS), 0);
	pinr_wait_pins(&pin, 1, SYNC, id);
	KUNIT_EXPECT_EQ(test, driver.quiesces, 1);
	KUNIT_EXPECT_EQ(test, asked(pin, TRUNCATE), 0);
	pinr_wait_pins(&pin, 1, TRUNCATE, other);
	fake_release(pin);
	fput(ctx);
}

static void released_while_asked(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct file *ctx = listen(test);
	u64 id = ask(pin, SYNC, LONG_MS);

	pinr_pin_get(pin);
	fake_release(pin);
	KUNIT_EXPECT_EQ(test, asked(pin, SYNC), 0);
	pinr_wait_pins(&pin, 1, SYNC, id);
	KUNIT_EXPECT_EQ(test, driver.quiesces, 1);
	pinr_pin_put(pin);
	fput(ctx);
}

/*
 * A reason without a backstop: whatever there is no memory for, the pin is asked
 * for or taken. (kunit.sh lets allocations that may reclaim fail, too.)
 */
static void without_memory(struct kunit *test)
{
	unsigned int nth, failed = 0;

	for (nth = 1; nth <= 8; nth++) {
		struct fake_driver driver = { };
		struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
		struct file *ctx = listen(test);
		u64 id;

		WRITE_ONCE(current->fail_nth, nth);
		id = ask(pin, PIN_REVOKE_REASON_ADMIN, LONG_MS);
		failed += !READ_ONCE(current->fail_nth);
		WRITE_ONCE(current->fail_nth, 0);
		KUNIT_EXPECT_EQ(test, (int)pin->state,
				id ? PIN_REVOKE_STATE_ASKED :
				     PIN_REVOKE_STATE_REVOKED);
		fake_release(pin);
		fput(ctx);
	}
	/* The request, what finds it, an ask, a told: all of them did. */
	KUNIT_EXPECT_GE(test, failed, 3);
}

/* What the flusher leaves out: only what is asked for in its name. */
static void left_out_while_asked(struct kunit *test)
{
	const struct fake_seg seg = { .first = 10, .nr = 10 };
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_pin(test, &driver, PIN_REVOKE_WRITE,
					      &seg, 1);
	const struct address_space *file = &fake_files[0];
	struct file *ctx = listen(test);
	pgoff_t first = 0, last = 0;
	u64 id = ask(pin, SYNC, LONG_MS);

	KUNIT_EXPECT_FALSE(test, pinr_index_skipped(file, 0, &first, &last));
	id = ask(pin, PIN_REVOKE_REASON_WRITEBACK_BACKGROUND, LONG_MS);
	KUNIT_EXPECT_TRUE(test, pinr_index_skipped(file, 0, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 10);
	KUNIT_EXPECT_EQ(test, last, 19);
	KUNIT_EXPECT_TRUE(test, pinr_index_skipped(file, 15, &first, &last));
	KUNIT_EXPECT_EQ(test, first, 15);
	KUNIT_EXPECT_FALSE(test, pinr_index_skipped(file, 20, &first, &last));
	KUNIT_EXPECT_EQ(test, answer(ctx, id, PIN_REVOKE_ACK_KIND_QUIESCED), 0);
	KUNIT_EXPECT_FALSE(test, pinr_index_skipped(file, 0, &first, &last));
	KUNIT_EXPECT_TRUE(test, pin->write_first);
	fake_release(pin);
	fput(ctx);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(nobody_listens),
	KUNIT_CASE(no_answer),
	KUNIT_CASE(a_yes),
	KUNIT_CASE(a_no),
	KUNIT_CASE(more_time_once),
	KUNIT_CASE(more_time_when_it_is_over),
	KUNIT_CASE(two_have_a_say),
	KUNIT_CASE(the_second_joins),
	KUNIT_CASE(released_while_asked),
	KUNIT_CASE(without_memory),
	KUNIT_CASE(left_out_while_asked),
	{ }
};

static struct kunit_suite suite = {
	.name = "pin_revoke_request",
	.init = fake_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
