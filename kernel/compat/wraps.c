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
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

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
/* How long a pin waits until it will be asked for. */
#define PINR_ARMING	(10 * HZ)

struct pinr_wrap {
	const char *name;
	void *wrapper;
	void (*set_original)(void *original);
	struct ftrace_ops ops;
	void *original;
	u32 reasons;			/* bits; holders are asked for there */
	bool armed;
	bool failed;			/* the last time */
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
 * (its address may be taken), and the wrapper that ftrace sends callers to. One
 * that takes or returns nothing is wrapped as if it did: nobody looks at it.
 */
#define PINR_WRAPPED(type, name, params, ...)				\
static type no_##name params						\
{									\
	return 0;							\
}									\
									\
DEFINE_STATIC_CALL(pinr_##name##_orig, no_##name);			\
									\
static noinline type call_##name params					\
{									\
	type ret = static_call(pinr_##name##_orig)(__VA_ARGS__);	\
									\
	barrier();	/* not a tail call */				\
	return ret;							\
}									\
									\
static noinline type wrap_##name params					\
{									\
	type ret;							\
									\
	pinr_enter();							\
	ret = pinr_##name(__VA_ARGS__, call_##name);			\
	pinr_leave();							\
	return ret;							\
}									\
									\
static void set_##name(void *original)					\
{									\
	static_call_update(pinr_##name##_orig, original);		\
}

PINR_WRAPPED(int, do_writepages,
	     (struct address_space *mapping, struct writeback_control *wbc),
	     mapping, wbc)
PINR_WRAPPED(int, sync_filesystem, (struct super_block *sb), sb)
PINR_WRAPPED(int, sync_inodes_sb, (struct super_block *sb), sb)
PINR_WRAPPED(int, ksys_sync, (void *nothing), nothing)
PINR_WRAPPED(int, sync_file_range,
	     (struct file *file, loff_t offset, loff_t nbytes, unsigned int flags),
	     file, offset, nbytes, flags)
PINR_WRAPPED(int, do_truncate,
	     (struct mnt_idmap *idmap, struct dentry *dentry, loff_t length,
	      unsigned int time_attrs, struct file *filp),
	     idmap, dentry, length, time_attrs, filp)
PINR_WRAPPED(int, vfs_fallocate,
	     (struct file *file, int mode, loff_t offset, loff_t len),
	     file, mode, offset, len)
PINR_WRAPPED(loff_t, vfs_clone_file_range,
	     (struct file *file_in, loff_t pos_in, struct file *file_out,
	      loff_t pos_out, loff_t len, unsigned int flags),
	     file_in, pos_in, file_out, pos_out, len, flags)
PINR_WRAPPED(loff_t, vfs_dedupe_file_range_one,
	     (struct file *file_in, loff_t pos_in, struct file *file_out,
	      loff_t pos_out, loff_t len, unsigned int flags),
	     file_in, pos_in, file_out, pos_out, len, flags)
PINR_WRAPPED(ssize_t, vfs_copy_file_range,
	     (struct file *file_in, loff_t pos_in, struct file *file_out,
	      loff_t pos_out, size_t len, unsigned int flags),
	     file_in, pos_in, file_out, pos_out, len, flags)

static void notrace pinr_redirect(unsigned long ip, unsigned long parent_ip,
				  struct ftrace_ops *ops,
				  struct ftrace_regs *fregs)
{
	struct pinr_wrap *wrap = container_of(ops, struct pinr_wrap, ops);

	if (!within_module(parent_ip, THIS_MODULE))
		ftrace_regs_set_instruction_pointer(fregs,
						    (unsigned long)wrap->wrapper);
}

#define PINR_WRAP(function, ...) {					\
	.name = #function,						\
	.reasons = __VA_ARGS__,						\
	.wrapper = wrap_##function,					\
	.set_original = set_##function,					\
	.ops = {							\
		.func = pinr_redirect,					\
		.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY | \
			 FTRACE_OPS_FL_RECURSION | FTRACE_OPS_FL_PERMANENT, \
	},								\
}

static struct pinr_wrap pinr_wraps[] = {
	PINR_WRAP(do_writepages, BIT(PIN_REVOKE_REASON_WRITEBACK_SYNC) |
		  BIT(PIN_REVOKE_REASON_WRITEBACK_BACKGROUND)),
	PINR_WRAP(sync_filesystem, BIT(PIN_REVOKE_REASON_WRITEBACK_SYNC)),
	PINR_WRAP(sync_inodes_sb, BIT(PIN_REVOKE_REASON_WRITEBACK_SYNC)),
	PINR_WRAP(ksys_sync, BIT(PIN_REVOKE_REASON_WRITEBACK_SYNC)),
	PINR_WRAP(sync_file_range, BIT(PIN_REVOKE_REASON_WRITEBACK_SYNC)),
	PINR_WRAP(do_truncate, BIT(PIN_REVOKE_REASON_TRUNCATE)),
	PINR_WRAP(vfs_fallocate, BIT(PIN_REVOKE_REASON_FALLOCATE)),
	PINR_WRAP(vfs_clone_file_range, BIT(PIN_REVOKE_REASON_REMAP)),
	PINR_WRAP(vfs_dedupe_file_range_one, BIT(PIN_REVOKE_REASON_REMAP)),
	PINR_WRAP(vfs_copy_file_range, BIT(PIN_REVOKE_REASON_REMAP)),
};

static bool ask = true;
module_param(ask, bool, 0444);
MODULE_PARM_DESC(ask, "wrap kernel functions to ask holders (otherwise pins are only forced)");

static DEFINE_MUTEX(pinr_arm_lock);	/* wraps */
static atomic_t pinr_users;
static bool pinr_is_armed;
static DECLARE_WAIT_QUEUE_HEAD(pinr_arming);

static void *pinr_symbol(const char *name)
{
	/* Only looked up: a breakpoint would patch the function twice more. */
	struct kprobe kp = {
		.symbol_name = name,
		.flags = KPROBE_FLAG_DISABLED,
	};
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

static void pinr_arm_all(void)
{
	static bool said;
	struct pinr_wrap *wrap;
	char names[200] = "";
	int err;

	lockdep_assert_held(&pinr_arm_lock);
	for (wrap = pinr_wraps; wrap < pinr_wraps + ARRAY_SIZE(pinr_wraps); wrap++) {
		if (wrap->armed)
			continue;
		err = pinr_wrap_arm(wrap);
		WRITE_ONCE(wrap->failed, err);
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
	WRITE_ONCE(pinr_is_armed, true);
	wake_up_all(&pinr_arming);
}

/*
 * Whatever is unregistered waits until each task has slept or was seen in user
 * space: with tasks that avoid both it is long. Stops when somebody pins.
 */
static void pinr_disarm_all(void)
{
	struct pinr_wrap *wrap;

	lockdep_assert_held(&pinr_arm_lock);
	WRITE_ONCE(pinr_is_armed, false);
	smp_mb();	/* pairs with that of atomic_inc_return() in pinr_arm() */
	for (wrap = pinr_wraps; wrap < pinr_wraps + ARRAY_SIZE(pinr_wraps); wrap++) {
		if (atomic_read(&pinr_users))
			return;
		if (!wrap->armed)
			continue;
		unregister_ftrace_function(&wrap->ops);
		pinr_wrap_unfilter(wrap);
		wrap->armed = false;
	}
}

static void pinr_arm_work(struct work_struct *work)
{
	mutex_lock(&pinr_arm_lock);
	if (atomic_read(&pinr_users))
		pinr_arm_all();
	mutex_unlock(&pinr_arm_lock);
}

static void pinr_disarm_work(struct work_struct *work)
{
	mutex_lock(&pinr_arm_lock);
	if (!atomic_read(&pinr_users))
		pinr_disarm_all();
	/* Who came meanwhile may have seen what was armed. */
	if (ask && atomic_read(&pinr_users))
		pinr_arm_all();
	mutex_unlock(&pinr_arm_lock);
}

static DECLARE_WORK(pinr_arm_now, pinr_arm_work);
static DECLARE_DELAYED_WORK(pinr_disarm_later, pinr_disarm_work);

/**
 * pinr_arm - one more pin wants to be asked for
 *
 * A function that cannot be wrapped (a live patch has it) is reported and left
 * out: its callers meet the backstop. So do all of them for as long as it takes,
 * if it takes too long.
 *
 * Context: process context without locks that the wrapped functions take.
 */
void pinr_arm(void)
{
	atomic_inc_return(&pinr_users);	/* orders: see pinr_disarm_all() */
	if (!ask || READ_ONCE(pinr_is_armed))
		return;
	queue_work(system_long_wq, &pinr_arm_now);
	wait_event_killable_timeout(pinr_arming, READ_ONCE(pinr_is_armed), PINR_ARMING);
}

/* Reasons for which nobody is asked, because no function could be wrapped; bits. */
u32 pinr_unasked(void)
{
	struct pinr_wrap *wrap;
	u32 all = 0, asked = 0;

	for (wrap = pinr_wraps; wrap < pinr_wraps + ARRAY_SIZE(pinr_wraps); wrap++) {
		all |= wrap->reasons;
		if (ask && !READ_ONCE(wrap->failed))
			asked |= wrap->reasons;
	}
	return all & ~asked;
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
	cancel_work_sync(&pinr_arm_now);
	cancel_delayed_work_sync(&pinr_disarm_later);
	mutex_lock(&pinr_arm_lock);
	pinr_disarm_all();
	mutex_unlock(&pinr_arm_lock);
	wait_var_event(&pinr_inside, !atomic_read(&pinr_inside));
	synchronize_rcu_tasks();
}
