// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ask points on a kernel that knows nothing of us: wraps around its functions,
 * put there with ftrace. In a patched kernel the functions call us directly
 * and this file does not exist.
 *
 * The original is called through static_call() only: a direct call, in our own
 * text. A function pointer would panic a CPU with IBT, because the kernel
 * poisons the ENDBR of functions whose address it does not take itself. It is
 * never a tail call: ftrace must see this module as the caller, or the
 * original would be wrapped again, for ever.
 *
 * Wraps are armed while a pin exists and disarmed after the last, so that a
 * machine without pins runs its own code.
 */
#include <linux/ftrace.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/static_call.h>
#include <linux/wait_bit.h>
#include <linux/writeback.h>

#include "../core.h"

#ifndef ftrace_regs_set_instruction_pointer
#define ftrace_regs_set_instruction_pointer ftrace_instruction_pointer_set
#endif

/* How long to keep wraps after the last pin: pins come and go in bursts. */
#define PINR_LINGER	(2 * HZ)

struct pinr_wrap {
	const char *name;
	void *wrapper;
	void (*set_original)(void *original);
	struct ftrace_ops ops;
	void *original;
	bool armed;
};

/* Tasks inside a wrapper; they may sleep there. */
static atomic_t pinr_inside;

static void pinr_enter(void)
{
	atomic_inc(&pinr_inside);
}

static void pinr_leave(void)
{
	if (atomic_dec_and_test(&pinr_inside))
		wake_up_var(&pinr_inside);
}

/*
 * For each wrapped function: the static call, a function of ours that makes it
 * (its address may be taken), and the wrapper that ftrace sends callers to.
 */
static int no_do_writepages(struct address_space *mapping,
			    struct writeback_control *wbc)
{
	return 0;
}

DEFINE_STATIC_CALL(pinr_do_writepages_orig, no_do_writepages);

static noinline int call_do_writepages(struct address_space *mapping,
				       struct writeback_control *wbc)
{
	int ret = static_call(pinr_do_writepages_orig)(mapping, wbc);

	barrier();	/* not a tail call */
	return ret;
}

static noinline int wrap_do_writepages(struct address_space *mapping,
				       struct writeback_control *wbc)
{
	int ret;

	pinr_enter();
	ret = pinr_do_writepages(mapping, wbc, call_do_writepages);
	pinr_leave();
	return ret;
}

static void set_do_writepages(void *original)
{
	static_call_update(pinr_do_writepages_orig, original);
}

static int no_sync_filesystem(struct super_block *sb)
{
	return 0;
}

DEFINE_STATIC_CALL(pinr_sync_filesystem_orig, no_sync_filesystem);

static noinline int call_sync_filesystem(struct super_block *sb)
{
	int ret = static_call(pinr_sync_filesystem_orig)(sb);

	barrier();	/* not a tail call */
	return ret;
}

static noinline int wrap_sync_filesystem(struct super_block *sb)
{
	int ret;

	pinr_enter();
	ret = pinr_sync_filesystem(sb, call_sync_filesystem);
	pinr_leave();
	return ret;
}

static void set_sync_filesystem(void *original)
{
	static_call_update(pinr_sync_filesystem_orig, original);
}

static void no_sync_inodes_sb(struct super_block *sb)
{
}

DEFINE_STATIC_CALL(pinr_sync_inodes_sb_orig, no_sync_inodes_sb);

static noinline void call_sync_inodes_sb(struct super_block *sb)
{
	static_call(pinr_sync_inodes_sb_orig)(sb);
	barrier();	/* not a tail call */
}

static noinline void wrap_sync_inodes_sb(struct super_block *sb)
{
	pinr_enter();
	pinr_sync_inodes_sb(sb, call_sync_inodes_sb);
	pinr_leave();
}

static void set_sync_inodes_sb(void *original)
{
	static_call_update(pinr_sync_inodes_sb_orig, original);
}

static void no_ksys_sync(void)
{
}

DEFINE_STATIC_CALL(pinr_ksys_sync_orig, no_ksys_sync);

static noinline void call_ksys_sync(void)
{
	static_call(pinr_ksys_sync_orig)();
	barrier();	/* not a tail call */
}

static noinline void wrap_ksys_sync(void)
{
	pinr_enter();
	pinr_ksys_sync(call_ksys_sync);
	pinr_leave();
}

static void set_ksys_sync(void *original)
{
	static_call_update(pinr_ksys_sync_orig, original);
}

static void notrace pinr_redirect(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	struct pinr_wrap *wrap = container_of(ops, struct pinr_wrap, ops);

	if (!within_module(parent_ip, THIS_MODULE))
		ftrace_regs_set_instruction_pointer(fregs,
						    (unsigned long)wrap->wrapper);
}

#define PINR_WRAP(function) {						\
	.name = #function,						\
	.wrapper = wrap_##function,					\
	.set_original = set_##function,					\
	.ops = {							\
		.func = pinr_redirect,					\
		.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | \
			 FTRACE_OPS_FL_RECURSION | FTRACE_OPS_FL_PERMANENT, \
	},								\
}

static struct pinr_wrap pinr_wraps[] = {
	PINR_WRAP(do_writepages),
	PINR_WRAP(sync_filesystem),
	PINR_WRAP(sync_inodes_sb),
	PINR_WRAP(ksys_sync),
};

static bool ask = true;
module_param(ask, bool, 0444);
MODULE_PARM_DESC(ask, "wrap kernel functions to ask holders (otherwise pins are only forced)");

static DEFINE_MUTEX(pinr_arm_lock);	/* armed */
static atomic_t pinr_users;

static void *pinr_symbol(const char *name)
{
	struct kprobe kp = { .symbol_name = name };
	void *addr;

	if (register_kprobe(&kp))
		return NULL;
	addr = kp.addr;
	unregister_kprobe(&kp);
	return addr;
}

/*
 * Not ftrace_free_filter(): on 6.1 it leaves the pointer to what it freed, and
 * the next ftrace_set_filter_ip() frees that once more.
 */
static void pinr_wrap_unfilter(struct pinr_wrap *wrap)
{
	ftrace_set_filter_ip(&wrap->ops, (unsigned long)wrap->original, 1, 0);
}

static int pinr_wrap_arm(struct pinr_wrap *wrap)
{
	int err;

	wrap->original = pinr_symbol(wrap->name);
	if (!wrap->original)
		return -ENOENT;
	wrap->set_original(wrap->original);
	err = ftrace_set_filter_ip(&wrap->ops, (unsigned long)wrap->original, 0, 0);
	if (err)
		return err;
	err = register_ftrace_function(&wrap->ops);
	if (err)
		pinr_wrap_unfilter(wrap);
	else
		wrap->armed = true;
	return err;
}

static void pinr_disarm_all(void)
{
	struct pinr_wrap *wrap;

	lockdep_assert_held(&pinr_arm_lock);
	for (wrap = pinr_wraps; wrap < pinr_wraps + ARRAY_SIZE(pinr_wraps); wrap++) {
		if (!wrap->armed)
			continue;
		unregister_ftrace_function(&wrap->ops);
		pinr_wrap_unfilter(wrap);
		wrap->armed = false;
	}
}

static void pinr_disarm_work(struct work_struct *work)
{
	mutex_lock(&pinr_arm_lock);
	if (!atomic_read(&pinr_users))
		pinr_disarm_all();
	mutex_unlock(&pinr_arm_lock);
}

static DECLARE_DELAYED_WORK(pinr_disarm_later, pinr_disarm_work);

/**
 * pinr_arm - one more pin wants to be asked for
 *
 * A function that cannot be wrapped (a live patch has it) is reported and left
 * out: its callers meet the backstop.
 *
 * Context: process context without locks that the wrapped functions take.
 */
void pinr_arm(void)
{
	static bool said;
	struct pinr_wrap *wrap;
	char names[80] = "";
	int err;

	mutex_lock(&pinr_arm_lock);
	if (atomic_inc_return(&pinr_users) > 1 || !ask)
		goto out;
	for (wrap = pinr_wraps; wrap < pinr_wraps + ARRAY_SIZE(pinr_wraps); wrap++) {
		if (wrap->armed)
			continue;
		err = pinr_wrap_arm(wrap);
		if (err) {
			pr_warn("%s cannot be wrapped (%d): holders are not asked there\n",
				wrap->name, err);
			continue;
		}
		strlcat(names, " ", sizeof(names));
		strlcat(names, wrap->name, sizeof(names));
	}
	if (!said)
		pr_info("while there are pins, holders are asked in:%s\n",
			names[0] ? names : " nothing");
	said = true;
out:
	mutex_unlock(&pinr_arm_lock);
}

/*
 * One pin less. The last reference can be dropped in a wrapped function, by
 * the flusher or under s_umount: the lock is held over allocations that may
 * wait for these, so it is not taken here.
 */
void pinr_disarm(void)
{
	if (atomic_dec_and_test(&pinr_users))
		mod_delayed_work(system_long_wq, &pinr_disarm_later, PINR_LINGER);
}

int pinr_arm_init(void)
{
	return 0;
}

/*
 *   here                          a task in a wrapped function
 *   unregister (waits until no    is sent to the wrapper
 *     task is between ftrace
 *     and the wrapper)            pinr_enter(), sleeps in the original
 *   inside == 0
 *                                 pinr_leave(), about to return
 *   synchronize_rcu_tasks()       has left the module's text
 */
void pinr_arm_exit(void)
{
	cancel_delayed_work_sync(&pinr_disarm_later);
	mutex_lock(&pinr_arm_lock);
	pinr_disarm_all();
	mutex_unlock(&pinr_arm_lock);
	wait_var_event(&pinr_inside, !atomic_read(&pinr_inside));
	synchronize_rcu_tasks();
}
