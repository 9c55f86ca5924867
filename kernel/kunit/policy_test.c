// SPDX-License-Identifier: GPL-2.0-only
/*
 * KUnit: which policy counts, and that a bad one leaves nothing behind.
 *
 * Must never leave a rule behind: they are the machine's.
 */
#include <linux/cgroup.h>
#include <linux/netlink.h>

#include "fake_pin.h"

#define SYNC	PIN_REVOKE_REASON_WRITEBACK_SYNC

static const struct pinr_rule for_all = {
	.reason = SYNC, .by = PIN_REVOKE_POLICY_SOURCE_SET,
}, for_user = {
	.reason = SYNC, .by = PIN_REVOKE_POLICY_SOURCE_UID, .uid = KUIDT_INIT(1234),
}, for_name = {
	.reason = SYNC, .by = PIN_REVOKE_POLICY_SOURCE_COMM, .comm = "fake",
};

static int set(const struct pinr_rule *whose, enum pinr_value value, u32 to)
{
	struct netlink_ext_ack extack = { };
	struct pinr_rule change = *whose;
	int err;

	change.set = BIT(value);
	change.value[value] = to;
	err = pinr_policy_set(&change, &extack);
	/* Every error has a text. */
	return !err == !extack._msg ? err : -EPROTO;
}

/* Whose value it is, and which */
static void expect(struct kunit *test, struct pin_revoke_pin *pin,
		   enum pinr_value value, u32 is,
		   enum pin_revoke_policy_source from)
{
	struct pinr_policy policy = pinr_policy_of(SYNC, pin);

	KUNIT_EXPECT_EQ(test, policy.value[value], is);
	KUNIT_EXPECT_EQ(test, (int)policy.from[value], from);
}

static void most_specific_wins(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);
	struct pinr_rule for_cgroup = {
		.reason = SYNC, .by = PIN_REVOKE_POLICY_SOURCE_CGROUP,
	};

	pin->uid = for_user.uid;
	pin->cgroup = pinr_cgroup_get();
	for_cgroup.cgroup = cgroup_id(pin->cgroup);
	expect(test, pin, PINR_GRACE, 1000, PIN_REVOKE_POLICY_SOURCE_DEFAULT);
	KUNIT_EXPECT_EQ(test, set(&for_cgroup, PINR_GRACE, 4000), 0);
	KUNIT_EXPECT_EQ(test, set(&for_user, PINR_GRACE, 3000), 0);
	KUNIT_EXPECT_EQ(test, set(&for_user, PINR_REPEAT, 30), 0);
	KUNIT_EXPECT_EQ(test, set(&for_all, PINR_GRACE, 2000), 0);
	KUNIT_EXPECT_EQ(test, set(&for_all, PINR_EXTEND, 20), 0);
	expect(test, pin, PINR_GRACE, 4000, PIN_REVOKE_POLICY_SOURCE_CGROUP);
	expect(test, pin, PINR_REPEAT, 30, PIN_REVOKE_POLICY_SOURCE_UID);
	expect(test, pin, PINR_EXTEND, 20, PIN_REVOKE_POLICY_SOURCE_SET);
	expect(test, NULL, PINR_GRACE, 2000, PIN_REVOKE_POLICY_SOURCE_SET);
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_cgroup), 0);
	expect(test, pin, PINR_GRACE, 3000, PIN_REVOKE_POLICY_SOURCE_UID);
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_user), 0);
	expect(test, pin, PINR_GRACE, 2000, PIN_REVOKE_POLICY_SOURCE_SET);
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_all), 0);
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_all), -ENOENT);
	expect(test, pin, PINR_GRACE, 1000, PIN_REVOKE_POLICY_SOURCE_DEFAULT);
	fake_release(pin);
}

static void sysctls_hold_where_nothing_is_set(struct kunit *test)
{
	struct pinr_sysctl was = pinr_sysctl;

	pinr_sysctl.grace_ms = 700;
	expect(test, NULL, PINR_GRACE, 700, PIN_REVOKE_POLICY_SOURCE_SYSCTL);
	expect(test, NULL, PINR_EXTEND, 1000, PIN_REVOKE_POLICY_SOURCE_DEFAULT);
	KUNIT_EXPECT_EQ(test, set(&for_all, PINR_GRACE, 800), 0);
	expect(test, NULL, PINR_GRACE, 800, PIN_REVOKE_POLICY_SOURCE_SET);
	/* But nothing can be set against the one that switches it off. */
	KUNIT_EXPECT_EQ(test, set(&for_all, PINR_ACTION, PIN_REVOKE_ACTION_WAIT), 0);
	pinr_sysctl.enable = 0;
	expect(test, NULL, PINR_ACTION, PIN_REVOKE_ACTION_FORCE,
	       PIN_REVOKE_POLICY_SOURCE_SYSCTL);
	KUNIT_EXPECT_FALSE(test, pinr_policy_asks(SYNC));
	KUNIT_EXPECT_TRUE(test, pinr_policy_asks(PIN_REVOKE_REASON_ADMIN));
	/* Nor does it get into the way of a name's policy. */
	KUNIT_EXPECT_EQ(test, set(&for_name, PINR_ACTION, PIN_REVOKE_ACTION_ASK), 0);
	pinr_sysctl = was;
	KUNIT_EXPECT_TRUE(test, pinr_policy_asks(SYNC));
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_name), 0);
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_all), 0);
}

static void a_name_only_hardens(struct kunit *test)
{
	struct fake_driver driver = { };
	struct pin_revoke_pin *pin = fake_simple(test, &driver, 1);

	strscpy(pin->comm, for_name.comm, sizeof(pin->comm));
	KUNIT_EXPECT_EQ(test, set(&for_name, PINR_GRACE, 1001), -EINVAL);
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_name), -ENOENT);
	KUNIT_EXPECT_EQ(test, set(&for_name, PINR_GRACE, 600), 0);
	KUNIT_EXPECT_EQ(test, set(&for_name, PINR_ACTION, PIN_REVOKE_ACTION_ASK), 0);
	expect(test, pin, PINR_GRACE, 600, PIN_REVOKE_POLICY_SOURCE_COMM);
	expect(test, pin, PINR_ACTION, PIN_REVOKE_ACTION_ASK,
	       PIN_REVOKE_POLICY_SOURCE_COMM);
	/* What is set for all may become the stricter one later. */
	KUNIT_EXPECT_EQ(test, set(&for_all, PINR_GRACE, 500), 0);
	KUNIT_EXPECT_EQ(test, set(&for_all, PINR_ACTION, PIN_REVOKE_ACTION_FORCE), 0);
	expect(test, pin, PINR_GRACE, 500, PIN_REVOKE_POLICY_SOURCE_SET);
	expect(test, pin, PINR_ACTION, PIN_REVOKE_ACTION_FORCE,
	       PIN_REVOKE_POLICY_SOURCE_SET);
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_all), 0);
	KUNIT_EXPECT_EQ(test, pinr_policy_del(&for_name), 0);
	fake_release(pin);
}

#define REASON(name)	BIT(PIN_REVOKE_REASON_##name)
/* Nothing comes after the request */
#define TAKEN	(REASON(ADMIN) | REASON(DRAIN) | REASON(OFFLINE) | \
		 REASON(SUSPEND) | REASON(DRIVER_UNBIND) | REASON(DEVICE))
/* The backstop does */
#define FILES	(REASON(WRITEBACK_SYNC) | REASON(TRUNCATE) | \
		 REASON(FALLOCATE) | REASON(REMAP))

static void actions_fit_reasons(struct kunit *test)
{
	static const unsigned long fit[] = {
		[PIN_REVOKE_ACTION_FORCE] =
			TAKEN | FILES | REASON(WRITEBACK_BACKGROUND),
		[PIN_REVOKE_ACTION_ASK] =
			FILES | REASON(WRITEBACK_BACKGROUND) | REASON(PRESSURE),
		[PIN_REVOKE_ACTION_REPORT] =
			FILES | REASON(WRITEBACK_BACKGROUND) | REASON(PRESSURE),
		[PIN_REVOKE_ACTION_WAIT] = TAKEN | FILES,
		[PIN_REVOKE_ACTION_SKIP] = REASON(WRITEBACK_BACKGROUND),
	};
	unsigned int action, reason;

	for (action = 0; action < ARRAY_SIZE(fit); action++) {
		for (reason = 0; reason < PINR_NR_REASONS; reason++) {
			struct pinr_rule rule = for_user;
			bool fits = fit[action] & BIT(reason);

			rule.reason = reason;
			KUNIT_EXPECT_EQ(test, set(&rule, PINR_ACTION, action),
					fits ? 0 : -EINVAL);
			KUNIT_EXPECT_EQ(test, pinr_policy_del(&rule),
					fits ? 0 : -ENOENT);
		}
	}
}

static struct kunit_case cases[] = {
	KUNIT_CASE(most_specific_wins),
	KUNIT_CASE(sysctls_hold_where_nothing_is_set),
	KUNIT_CASE(a_name_only_hardens),
	KUNIT_CASE(actions_fit_reasons),
	{ }
};

static struct kunit_suite suite = {
	.name = "pin_revoke_policy",
	.init = fake_init,
	.test_cases = cases,
};

kunit_test_suite(suite);
