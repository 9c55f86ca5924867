/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the core share. Drivers see <linux/pin_revoke.h> only.
 *
 * Objects
 *   holder	a process whose memory is pinned (its mm)
 *   pin	one pinned user range
 *   seg	the part of a pin inside one VMA
 *   map	a file mapping that segs point into; a key, never dereferenced
 *   request	one "release soon": id, reason, a set of asks
 *   ask	one pin in one request, with its deadline
 *   told	one context that an ask was sent to
 *   frame	a trigger that is in flight, on the stack of its task
 *
 * Lock order
 *   pin->op_mutex	->map(), ->unmap() and release against each other; may
 *			be held over allocations, never over pin_user_pages*()
 *   freeze, i_rwsem	of a file while its pages are pinned, alone; shared for
 *			DAX, exclusive and a batch at a time for others
 *   [mmap_lock, folio locks, i_mmap, fs_reclaim: the callers of the notifier]
 *   pin->lock		state of the pin; taken by the notifier: never held over
 *			an allocation that may reclaim, a wait, or mmap_lock
 *   pinr_lock		every list and tree that connects the objects; a spinlock
 */
#ifndef _PIN_REVOKE_CORE_H
#define _PIN_REVOKE_CORE_H

#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/interval_tree.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pin_revoke.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/writeback.h>
#include <linux/xarray.h>

#include "policy.h"
#include "state.h"

struct cgroup;
struct genl_info;
struct netlink_callback;
struct netlink_ext_ack;
struct nlattr;
struct pinr_ctx;
struct sk_buff;

#define PINR_NAME_LEN	64

extern spinlock_t pinr_lock;
/* Woken whenever an ask ends. */
extern wait_queue_head_t pinr_answered;

/*
 * lockdep: waiting for a holder. Its deadline takes pin->lock, so whoever has
 * that lock, as every callback of a driver has, may not get here.
 */
extern struct lockdep_map pinr_wait_map;

static inline void pinr_might_wait(void)
{
	lock_map_acquire(&pinr_wait_map);
	lock_map_release(&pinr_wait_map);
}

/* holder.c */
struct pinr_holder {
	struct kref ref;
	struct mm_struct *mm;		/* mmgrab: identity, not the memory */
	struct list_head all;		/* pinr_lock, as all lists below */
	struct list_head pins;
	struct list_head ctxs;
	unsigned int nr_ctxs;		/* until they are freed */
	bool missed;			/* let a deadline pass, not heard since */
};

struct pinr_holder *pinr_holder_get(struct mm_struct *mm);
void pinr_holder_put(struct pinr_holder *holder);

/* vma.c */
struct pinr_map {
	struct hlist_node hash;		/* rcu */
	struct rcu_head rcu;
	const struct address_space *mapping;
	const struct super_block *sb;
	unsigned int users;		/* segs that point here */
	struct rb_root_cached segs;	/* hooked segs by page index */
};

struct pinr_seg {
	struct interval_tree_node node;	/* in map->segs while hooked */
	struct pin_revoke_pin *pin;
	struct pinr_map *map;		/* NULL: not dirty-tracked, longterm */
	unsigned long start, end;	/* user addresses, page aligned */
	struct file *file;		/* only while it is being pinned */
	bool hooked;
};

struct pinr_segs {
	unsigned int nr;
	struct pinr_seg seg[];
};

struct pinr_run {
	unsigned long first, nr;	/* pages of a pin */
};

struct pinr_segs *pinr_segs_walk(struct pin_revoke_pin *pin);
void pinr_segs_free(struct pinr_segs *segs);
int pinr_seg_lock(struct pinr_seg *seg);
void pinr_seg_unlock(struct pinr_seg *seg);
int pinr_seg_lock_dio(struct pinr_seg *seg);
void pinr_seg_unlock_dio(struct pinr_seg *seg);
int pinr_settle(struct pin_revoke_pin *pin, const struct pinr_run *run,
		bool write);

/* pin.c */
struct pin_revoke_pin {
	struct kref ref;
	u64 id;
	const struct pin_revoke_ops *ops;
	void *priv;
	struct pinr_holder *holder;
	struct list_head of_holder;
	unsigned long addr, len;	/* as the driver said */
	unsigned long start, end;	/* page aligned */
	unsigned long nr_pages;
	unsigned int flags;
	bool adopted;			/* not ours to pin, nor to restore */
	bool declared;			/* and without pages: declare.c */
	u64 ctx;			/* the one that is told; 0: all */
	struct list_head of_ctx;	/* its pins */
	struct pinr_ctx *word_ctx;	/* valid.c; NULL: has no word */
	unsigned int word_nr;
	u64 *word;			/* under lock */
	u64 generation;			/* of the word, when the pin got it */
	bool armed;			/* counted by pinr_arm() */
	pid_t pid;			/* who registered it, then */
	char comm[TASK_COMM_LEN];
	kuid_t uid;
	struct cgroup *cgroup;
	char name[PINR_NAME_LEN];
	char driver[MODULE_NAME_LEN];

	struct mutex op_mutex;		/* see the top of this file */
	bool released;			/* op_mutex: no driver callback any more */

	struct mutex lock;		/* see the top of this file */
	enum pin_revoke_state state;
	enum pin_revoke_reason reason;	/* of the last revocation */
	struct pinr_segs *segs;		/* what @pages were pinned from */
	struct page **pages;
	bool file;			/* some of it is dirty-tracked */
	bool pinned;			/* set under lock, cleared under op_mutex */
	bool forced;			/* the last revocation was */
	bool write_first;		/* clean the range before it comes back */
	bool want;			/* somebody waits for it to come back */
	unsigned long chunk;		/* its pages: what comes back at a time */
	unsigned long nr_chunks;
	unsigned long nr_present;	/* pages that the device may access */
	unsigned long *wanted;		/* chunks; atomic */
	unsigned long *present;		/* chunks; set under lock, cleared under op_mutex */
	unsigned long few[2];		/* both, if a word each is enough */
	unsigned int held;		/* drains that keep it away */
	bool verify;			/* are the pages still what is mapped? */
	unsigned int tell;		/* PINR_TELL_* not sent yet */
	ktime_t restored_at, revoked_at;
	ktime_t not_before;		/* hold-off */
	unsigned int holdoff_ms;
	u32 nr_revoked, nr_forced;

	struct mmu_interval_notifier notifier;
	struct work_struct unpin_work;
	struct work_struct tell_work;
	struct delayed_work after_work;	/* verifies and restores */
	struct work_struct free_work;

	struct list_head asks;		/* pinr_lock */
	unsigned long collected;	/* pinr_lock, index.c */
};

#define PINR_TELL_REVOKED	BIT(0)
#define PINR_TELL_RESTORED	BIT(1)
#define PINR_TELL_GONE		BIT(2)

void pinr_free_arrays(struct pin_revoke_pin *pin);
void pinr_pin_get(struct pin_revoke_pin *pin);
void pinr_pin_put(struct pin_revoke_pin *pin);
struct pin_revoke_pin *pinr_pin_find(u64 id);
struct pin_revoke_pin *pinr_pin_next(u64 after);
void __pinr_pin_input(struct pin_revoke_pin *pin, enum pinr_input input,
		      enum pin_revoke_reason reason);
void pinr_pin_input(struct pin_revoke_pin *pin, enum pinr_input input,
		    enum pin_revoke_reason reason);
void pinr_pin_after(struct pin_revoke_pin *pin);
extern struct xarray pinr_pins;	/* pinr_lock */
/*
 * Unpins; tells, ends requests and removes notifiers, waits for neither user
 * space nor I/O; verifies and restores, can be full of faults that never end.
 */
extern struct workqueue_struct *pinr_unpin_wq, *pinr_prompt_wq, *pinr_after_wq;

/* api.c */
struct pin_revoke_pin *pinr_register(const struct pin_revoke_ops *ops,
				     void *priv, unsigned long addr, size_t len,
				     unsigned int flags, struct page **pages,
				     struct pinr_ctx *ctx);
void pinr_end(struct pin_revoke_pin *pin);
void pinr_free(struct pin_revoke_pin *pin);

/* pages.c */
int pinr_pin_populate(struct pin_revoke_pin *pin, const struct pinr_run *run);
bool pinr_pin_has(struct pin_revoke_pin *pin, unsigned long first,
		  unsigned long last);
bool pinr_pin_misses(struct pin_revoke_pin *pin, struct pinr_run *run);
int pinr_fill_pin(struct pin_revoke_pin *pin);
int pinr_fill_adopt(struct pin_revoke_pin *pin, struct page **pages);
int pinr_pin_verify(struct pin_revoke_pin *pin);
void pinr_pages_come(struct pin_revoke_pin *pin, const struct pinr_run *run);
void pinr_drop_pages(struct pin_revoke_pin *pin);
void pinr_unpin_work(struct work_struct *work);

/* restore.c */
void pinr_after_work(struct work_struct *work);
void pinr_tell_work(struct work_struct *work);
void pinr_holdoff(struct pin_revoke_pin *pin);
void pinr_hold(struct pin_revoke_pin **pins, unsigned int nr, bool hold);

/* index.c */
struct pinr_scope {
	const struct address_space *mapping;	/* this mapping, or */
	const struct super_block *sb;		/* this file system; or all */
	pgoff_t first, last;			/* of mapping */
	bool readers;				/* means read pins as well */
	bool anon;				/* and memory that is no file */
};

struct pinr_map *pinr_map_get(const struct address_space *mapping,
			      const struct super_block *sb);
void pinr_map_put(struct pinr_map *map);
bool pinr_index_has(const struct address_space *mapping);
void pinr_index_hook(struct pin_revoke_pin *pin);
void pinr_index_unhook(struct pin_revoke_pin *pin);
struct pin_revoke_pin **pinr_index_collect(const struct pinr_scope *scope,
					   unsigned int *nr);
bool pinr_index_skipped(const struct address_space *mapping, pgoff_t pos,
			pgoff_t *first, pgoff_t *last);

/* request.c */
struct pinr_request {
	struct kref ref;
	u64 id;
	enum pin_revoke_reason reason;
	ktime_t begun, repeat_at;
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
struct pinr_ask *pinr_ask_of(struct pin_revoke_pin *pin,
			     enum pin_revoke_reason reason);
bool pinr_ask_awaited(const struct pinr_ask *ask);
u64 pinr_asked_for(struct pin_revoke_pin *pin, enum pin_revoke_reason reason);
void pinr_asks_resolve(struct pin_revoke_pin *pin);
struct pinr_request *pinr_request_find(u64 id);
bool pinr_request_ever(u64 id);
bool pinr_request_due(struct pinr_request *req, ktime_t *next);
struct pinr_request *pinr_request_next(u64 *id);
void pinr_request_put(struct pinr_request *req);
void pinr_request_cancel(struct pinr_request *req, bool all);
void pinr_told_end(struct pinr_told *told);

/* wait.c */
void pinr_wait_pins(struct pin_revoke_pin **pins, unsigned int nr,
		    enum pin_revoke_reason reason, u64 id);

/* ack.c */
int pinr_ack(struct pinr_ctx *ctx, u64 id, u64 pin, enum pin_revoke_ack_kind kind,
	     unsigned int extend_ms, unsigned int *granted_ms,
	     struct netlink_ext_ack *extack);

/* declare.c */
struct pinr_range {
	u64 addr, len;
	unsigned int flags;		/* PIN_REVOKE_* of the driver's API */
};

struct pin_revoke_pin *pinr_declare(struct pinr_ctx *ctx, const char *name,
				    const struct pinr_range *range);
int pinr_fill_declare(struct pin_revoke_pin *pin);
int pinr_undeclare(struct pinr_ctx *ctx, u64 id);
void pinr_declared_end(struct pin_revoke_pin *pin);
void pinr_undeclare_dead(struct pin_revoke_pin *pin);
const char *pinr_declare_text(int err);

/* ioctl.c */
long pinr_ctx_ioctl(struct file *file, unsigned int cmd, unsigned long user);

/* context.c */
#define PINR_WORD_PAGES	(PIN_REVOKE_MAX_WORDS * sizeof(u64) / PAGE_SIZE)

struct pinr_ctx {
	struct kref ref;
	u64 id;				/* user space sees 32 bits of it */
	u32 flags;			/* enum pin_revoke_ctx_flags */
	u32 portid;			/* pinr_lock; 0: nobody listens */
	struct net *net;
	s64 mono_offset_ns;		/* of the reader's time namespace */
	struct pinr_holder *holder;
	struct list_head all;
	struct list_head of_holder;
	struct list_head tolds;
	struct list_head pins;		/* that it declared, or claimed */
	bool closed;			/* pinr_lock: gets no more of them */
	struct ida words;
	struct page *pages[PINR_WORD_PAGES];
};

/* Is it told of this pin? Caller holds pinr_lock. */
static inline bool pinr_ctx_hears(const struct pinr_ctx *ctx,
				  const struct pin_revoke_pin *pin)
{
	return ctx->portid && (!pin->ctx || pin->ctx == ctx->id);
}

struct pinr_ctx *pinr_ctx_from_fd(unsigned int fd);
s64 pinr_mono_offset_ns(void);
void pinr_ctx_put(struct pinr_ctx *ctx);
struct file *pinr_ctx_open(struct net *net, u32 portid, u32 flags, u32 *id);
int pinr_ctx_init(void);
void pinr_ctx_exit(void);

/* claim.c */
int pinr_claim(struct pinr_ctx *ctx, struct pin_revoke_pin *pin);
void pinr_ctx_leave(struct pinr_ctx *ctx);

/* valid.c */
int pinr_word_get(struct pinr_ctx *ctx, struct pin_revoke_pin *pin);
void pinr_word_put(struct pin_revoke_pin *pin);
void pinr_words_free(struct pinr_ctx *ctx);
int pinr_words_mmap(struct file *file, struct vm_area_struct *vma);

/* It is being taken. Caller holds pin->lock. */
static inline void pinr_word_change(struct pin_revoke_pin *pin)
{
	if (!pin->word)
		return;
	/* Pairs with revoke_pin_valid() of <revoke/revoke.h>. */
	smp_store_release(pin->word, *pin->word + 1);
}

/* main.c: what `stat` shows */
struct pinr_stats {
	atomic64_t pins, pinned_pages, requests, revoked, forced, restored;
	atomic64_t missed, pressure_pages, events_dropped;
};

extern struct pinr_stats pinr_stats;

/* times.c */
void pinr_times_add(enum pin_revoke_reason reason, s64 ns);
int pinr_put_times(struct sk_buff *skb);

/* trigger.c */
#define PINR_MAX_FRAMES	2

struct pinr_frame {
	struct list_head all;
	struct pinr_scope scope;
	struct task_struct *task;
	ktime_t begun;
	bool waited;
};

void pinr_frame_begin(struct pinr_frame *frame);
void pinr_frame_end(struct pinr_frame *frame);
bool pinr_frame_covers(struct pin_revoke_pin *pin);
void pinr_frame_ask(struct pinr_frame *frames, unsigned int nr,
		    enum pin_revoke_reason reason);
void pinr_put_pins(struct pin_revoke_pin **pins, unsigned int nr);

/* trigger_mmu.c */
extern const struct mmu_interval_notifier_ops pinr_notifier_ops;

/* trigger_writeback.c: @orig is what the kernel would have done without us. */
int pinr_do_writepages(struct address_space *mapping,
		       struct writeback_control *wbc,
		       typeof(do_writepages) *orig);
int pinr_sync_filesystem(struct super_block *sb,
			 typeof(sync_filesystem) *orig);
int pinr_sync_inodes_sb(struct super_block *sb,
			int (*orig)(struct super_block *sb));
int pinr_ksys_sync(void *nothing, int (*orig)(void *nothing));
int pinr_sync_file_range(struct file *file, loff_t offset, loff_t nbytes,
			 unsigned int flags,
			 int (*orig)(struct file *file, loff_t offset,
				     loff_t nbytes, unsigned int flags));

/* trigger_range.c */
int pinr_do_truncate(void *idmap, struct dentry *dentry, loff_t length,
		     unsigned int time_attrs, struct file *filp,
		     int (*orig)(void *idmap, struct dentry *dentry,
				 loff_t length, unsigned int time_attrs,
				 struct file *filp));
int pinr_vfs_fallocate(struct file *file, int mode, loff_t offset, loff_t len,
		       typeof(vfs_fallocate) *orig);
loff_t pinr_vfs_clone_file_range(struct file *file_in, loff_t pos_in,
				 struct file *file_out, loff_t pos_out,
				 loff_t len, unsigned int flags,
				 typeof(vfs_clone_file_range) *orig);
loff_t pinr_vfs_dedupe_file_range_one(struct file *file_in, loff_t pos_in,
				      struct file *file_out, loff_t pos_out,
				      loff_t len, unsigned int flags,
				      typeof(vfs_dedupe_file_range_one) *orig);
ssize_t pinr_vfs_copy_file_range(struct file *file_in, loff_t pos_in,
				 struct file *file_out, loff_t pos_out,
				 size_t len, unsigned int flags,
				 typeof(vfs_copy_file_range) *orig);

/* trigger_admin.c */
struct pinr_selection {			/* what is 0 or NULL means all */
	u64 pin;
	u32 pid;
	const char *driver, *device;
	struct pinr_scope scope;	/* mapping and sb */
	unsigned long pfn, nr_pfns;
	int node;			/* NUMA_NO_NODE: all */
};

struct pin_revoke_pin **pinr_select(const struct pinr_selection *sel,
				    unsigned int *nr);
u64 pinr_revoke(struct pin_revoke_pin **pins, unsigned int nr,
		enum pin_revoke_reason reason, unsigned int least_ms,
		unsigned int most_ms);
struct file *pinr_drain_open(struct pin_revoke_pin **pins, unsigned int nr);

/* trigger_power.c, trigger_pressure.c; trigger_unbind.c has the driver's API */
int pinr_power_init(void);
void pinr_power_exit(void);
int pinr_pressure_init(void);
void pinr_pressure_exit(void);

/* trigger_memory.c */
int pinr_memory_init(void);
void pinr_memory_exit(void);

/* event.c */
void pinr_tell_request(struct pinr_request *req);
void pinr_tell_cancelled(struct pinr_request *req);
void pinr_tell_pin(struct pin_revoke_pin *pin, unsigned int what);
void pinr_tell_acked(struct pinr_request *req, struct pin_revoke_pin *pin,
		     struct pinr_ctx *ctx, enum pin_revoke_ack_kind kind);
int pinr_put_pin(struct sk_buff *skb, struct pin_revoke_pin *pin);
int pinr_put_request(struct sk_buff *skb, struct pinr_request *req,
		     ktime_t deadline, s64 mono_offset_ns, bool admin);
int pinr_put_pin_nest(struct sk_buff *skb, struct pin_revoke_pin *pin);

/* netlink.c */
struct pinr_ctx *pinr_ctx_of(struct genl_info *info, struct nlattr *fd);
int pinr_must_be_admin(const struct sk_buff *skb, struct genl_info *info);
void *pinr_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);
int pinr_reply(struct genl_info *info,
	       int (*fill)(struct sk_buff *skb, const void *arg),
	       const void *arg);
int pinr_netlink_init(void);
void pinr_netlink_exit(void);

/*
 * Breaks the core on purpose, in test builds only: a durability test that
 * does not notice these does not test.
 */
#define PINR_FAULT_SKIP_SYNC	1	/* WB_SYNC_ALL returns without writing */
#define PINR_FAULT_NO_QUIESCE	2	/* the device is not stopped */
#ifdef PIN_REVOKE_FAULT
extern unsigned int pinr_fault_mask;
#define pinr_fault(what)	(READ_ONCE(pinr_fault_mask) & (what))
#else
#define pinr_fault(what)	((void)(what), false)
#endif

/* Whatever arms the ask points: compat/wraps.c outside the kernel. */
void pinr_arm(void);
void pinr_disarm(void);
int pinr_arm_init(void);
void pinr_arm_exit(void);

#endif /* _PIN_REVOKE_CORE_H */
