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
#include <linux/llist.h>
#include <linux/lockdep.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pin_revoke.h>
#include <linux/rbtree.h>
#include <linux/sched.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/writeback.h>
#include <linux/xarray.h>

#include "policy.h"
#include "state.h"
#include "user.h"

struct cgroup;
struct genl_info;
struct mnt_idmap;	/* its name on 6.1 is another: nobody looks inside */
struct netlink_callback;
struct netlink_ext_ack;
struct nlattr;
struct pinr_ctx;
struct pinr_request;
struct pinr_selection;
struct pinr_told;
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
	struct list_head pins, ctxs;
	unsigned int nr_ctxs;		/* until they are freed */
	bool missed;			/* let a deadline pass, not heard since */
	unsigned int seq;		/* when its pins changed last */
	struct mutex claiming;		/* one at a time: a pin gets one word */
	struct llist_head left;		/* pins that were released */
	struct delayed_work free_work;	/* frees them: the mm's notifier may be busy */
};

struct pinr_holder *pinr_holder_get(struct mm_struct *mm);
void pinr_holder_put(struct pinr_holder *holder);
void pinr_pins_changed(struct pinr_holder *holder);
unsigned int pinr_pins_seq(struct mm_struct *mm);

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
	bool own;			/* the memory is the pin's */
	struct pinr_seg seg[];
};

#define PINR_ONE_SEG	(sizeof(struct pinr_segs) + sizeof(struct pinr_seg))

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
	unsigned long addr, len;	/* as the driver said */
	unsigned long start, end;	/* page aligned */
	unsigned long nr_pages;
	unsigned int flags;
	bool adopted;			/* not ours to pin, nor to restore */
	bool declared;			/* and without pages: declare.c */
	bool imported;			/* the same, without an address: trigger_device.c */
	u64 ctx;			/* the one that is told; 0: all */
	struct pinr_ctx *word_ctx;	/* valid.c; NULL: has no word */
	unsigned int word_nr;
	u64 *word;			/* under lock */
	u64 generation;			/* of the word, when the pin got it */
	bool armed;			/* counted by pinr_arm() */
	pid_t pid;			/* who registered it, then */
	kuid_t uid;
	struct cgroup *cgroup;
	struct pinr_user *user;		/* whose budget it is; NULL: no limit */

	bool released;			/* op_mutex: no driver callback any more */
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
	unsigned long collected;	/* pinr_lock, index.c */

	/* All before this is zero in a new pin, all behind it pinr_pin_new() knows. */
	struct rb_node by_id;		/* pinr_lock; empty: it cannot be found */
	struct list_head of_holder;
	struct list_head of_ctx;	/* its pins */
	struct list_head asks;		/* pinr_lock */
	struct mutex op_mutex;		/* see the top of this file */
	struct mutex lock;		/* see the top of this file */
	struct mmu_interval_notifier notifier;
	struct work_struct unpin_work;
	struct work_struct tell_work;
	struct delayed_work after_work;	/* verifies and restores */
	struct llist_node left;
	long one_seg[PINR_ONE_SEG / sizeof(long)];	/* most have one */
	char comm[TASK_COMM_LEN];
	char name[PINR_NAME_LEN];
	char driver[MODULE_NAME_LEN];
};

#define PINR_TELL_REVOKED	BIT(0)
#define PINR_TELL_RESTORED	BIT(1)
#define PINR_TELL_GONE		BIT(2)

void pinr_free_arrays(struct pin_revoke_pin *pin);
void pinr_pin_get(struct pin_revoke_pin *pin);
void pinr_pin_put(struct pin_revoke_pin *pin);
void pinr_pin_add(struct pin_revoke_pin *pin);
struct pin_revoke_pin *__pinr_pin_find(u64 id);
struct pin_revoke_pin *pinr_pin_find(u64 id);
struct pin_revoke_pin *pinr_pin_next(u64 after);
void __pinr_pin_input(struct pin_revoke_pin *pin, enum pinr_input input,
		      enum pin_revoke_reason reason);
void pinr_pin_input(struct pin_revoke_pin *pin, enum pinr_input input,
		    enum pin_revoke_reason reason);
void pinr_pin_after(struct pin_revoke_pin *pin);
extern struct rb_root pinr_pins;	/* pinr_lock; by id */
/*
 * Unpins; tells, ends requests and removes notifiers, waits for neither user
 * space nor I/O; verifies and restores, can be full of faults that never end.
 */
extern struct workqueue_struct *pinr_unpin_wq, *pinr_prompt_wq, *pinr_after_wq;

/* api.c */
struct pin_revoke_pin *pinr_pin_new(void);
void pinr_pin_free(struct pin_revoke_pin *pin);
int pinr_pin_init(void);
void pinr_pin_exit(void);
struct pin_revoke_pin *pinr_register(const struct pin_revoke_ops *ops,
				     void *priv, unsigned long addr, size_t len,
				     unsigned int flags, struct page **pages,
				     struct pinr_ctx *ctx);
struct pin_revoke_pin *pinr_new(const struct pin_revoke_ops *ops, void *priv,
				unsigned long addr, size_t len,
				unsigned int flags, bool adopted, bool imported,
				struct pinr_ctx *ctx);
void pinr_publish(struct pin_revoke_pin *pin);
void pinr_end(struct pin_revoke_pin *pin);
void pinr_free(struct pin_revoke_pin *pin);
void pinr_free_work(struct work_struct *work);

/* pages.c */
#define PINR_BATCH	256	/* pages pinned at a time */

int pinr_pin_populate(struct pin_revoke_pin *pin, const struct pinr_run *run);
bool pinr_pin_has(struct pin_revoke_pin *pin, unsigned long first,
		  unsigned long last);
bool pinr_pin_misses(struct pin_revoke_pin *pin, struct pinr_run *run);
int pinr_fill_pin(struct pin_revoke_pin *pin);
int pinr_fill_adopt(struct pin_revoke_pin *pin, struct page **pages);
void pinr_pages_come(struct pin_revoke_pin *pin, const struct pinr_run *run);
void pinr_drop_pages(struct pin_revoke_pin *pin);
void pinr_unpin_work(struct work_struct *work);

/* verify.c */
int pinr_pin_verify(struct pin_revoke_pin *pin);

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
int pinr_index_list(const struct pinr_scope *scope, struct pin_revoke_pin ***pins,
		    unsigned int *nr);
bool pinr_index_skipped(const struct address_space *mapping, pgoff_t pos,
			pgoff_t *first, pgoff_t *last);

/* declare.c */
struct pinr_range {
	u64 addr, len;
	unsigned int flags;		/* PIN_REVOKE_* of the driver's API */
};

struct pin_revoke_pin *pinr_declare(struct pinr_ctx *ctx, const char *name,
				    const struct pinr_range *range);
int pinr_fill_declare(struct pin_revoke_pin *pin);
int pinr_undeclare(struct pinr_ctx *ctx, u64 id);
void pinr_declared_end(struct pinr_ctx *ctx, struct pin_revoke_pin *pin);
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
	struct pinr_user *user;
	bool limited;			/* he was, when it was opened */
	struct list_head all;
	struct list_head of_holder;
	struct list_head tolds;
	struct list_head pins;		/* that it declared, or claimed */
	bool closed;			/* pinr_lock: gets no more of them */
	struct ida words;
	int spare_word;			/* + 1: was given back last; 0: none */
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
int pinr_word_first(struct pinr_ctx *ctx, struct pin_revoke_pin *pin);
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
	atomic64_t missed, pressure_pages, events_dropped, broke, delayed_ns;
	atomic64_t overran;
};

extern struct pinr_stats pinr_stats;

/* sysctl.c */
int pinr_sysctl_init(void);
void pinr_sysctl_exit(void);

/* times.c */
void pinr_times_add(enum pin_revoke_reason reason, s64 ns);
int pinr_put_times(struct sk_buff *skb);

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
bool pinr_admin(const struct sk_buff *skb);
int pinr_must_be_admin(const struct sk_buff *skb, struct genl_info *info);
bool pinr_visible(const struct sk_buff *skb, struct pin_revoke_pin *pin);
int pinr_reply(struct genl_info *info,
	       int (*fill)(struct sk_buff *skb, const void *arg),
	       const void *arg);
int pinr_netlink_init(void);
void pinr_netlink_exit(void);

/* netlink_admin.c */
int pinr_selection_memory(struct pinr_selection *sel, struct nlattr *addr,
			  struct nlattr *len, struct nlattr *node,
			  struct netlink_ext_ack *extack);

/* netlink_list.c */
void *pinr_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);

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

/*
 * What is done in one way by a kernel that was made to call us, and in another by
 * one that was not.
 */

/* Arms the ask points. */
void pinr_arm(void);
void pinr_disarm(void);
u32 pinr_unasked(void);
int pinr_arm_init(void);
void pinr_arm_exit(void);

/* Background writeback without the ranges whose holders are being asked. */
int pinr_write_gaps(struct address_space *mapping,
		    struct writeback_control *wbc,
		    typeof(do_writepages) *orig);

/* pin_user_pages_fast() of what the pin's notifier guards. */
int pinr_gup_guarded(struct pin_revoke_pin *pin, unsigned long addr, int nr,
		     unsigned int gup, struct page **pages);

/* Does ext4 write the data of this file by its journal? */
bool pinr_journals_data(const struct address_space *mapping);

#include "request.h"
#include "trigger.h"

#endif /* _PIN_REVOKE_CORE_H */
