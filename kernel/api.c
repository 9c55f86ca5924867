// SPDX-License-Identifier: GPL-2.0-only
/*
 * The driver's calls: registration, release, access.
 *
 * Must never hold pin->lock over pin_user_pages*() (it can call the notifier
 * in the same task), and never need mmu_interval_notifier_remove() to release
 * or to take (it waits for the invalidation that may be waiting for us).
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>

#include "core.h"

static atomic64_t pinr_last_id;
static struct kmem_cache *pinr_pin_cache;

static int pinr_charge(struct mm_struct *mm, unsigned long nr_pages)
{
	unsigned long limit = rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;

	if (atomic64_add_return(nr_pages, &mm->pinned_vm) > limit &&
	    !capable(CAP_IPC_LOCK)) {
		atomic64_sub(nr_pages, &mm->pinned_vm);
		return -ENOMEM;
	}
	return 0;
}

static void pinr_uncharge(struct pin_revoke_pin *pin, struct mm_struct *mm)
{
	if (!pin->adopted)
		atomic64_sub(pin->nr_pages, &mm->pinned_vm);
}

/*
 * The last that is done with a pin that was ended. Waits for invalidations of the
 * memory of its process, all of it.
 */
void pinr_free(struct pin_revoke_pin *pin)
{
	if (!pin->imported)
		mmu_interval_notifier_remove(&pin->notifier);
	pinr_pin_put(pin);
}

/* All that have left since it was queued. Nobody waits for it. */
void pinr_free_work(struct work_struct *work)
{
	struct pinr_holder *holder =
		container_of(to_delayed_work(work), struct pinr_holder, free_work);
	struct llist_node *left = llist_del_all(&holder->left);
	struct pin_revoke_pin *pin, *next;

	/* Each pin has one reference to it, and may be the last. */
	kref_get(&holder->ref);
	llist_for_each_entry_safe(pin, next, left, left) {
		pinr_free(pin);
		cond_resched();
	}
	pinr_holder_put(holder);
}

/* What every pin leaves as it was: initialised when the memory of many is set up. */
static void pinr_pin_once(void *object)
{
	struct pin_revoke_pin *pin = object;
	struct pinr_segs *segs = (struct pinr_segs *)pin->one_seg;

	mutex_init(&pin->op_mutex);
	mutex_init(&pin->lock);
	INIT_LIST_HEAD(&pin->of_holder);
	INIT_LIST_HEAD(&pin->of_ctx);
	INIT_LIST_HEAD(&pin->asks);
	RB_CLEAR_NODE(&pin->by_id);
	segs->own = false;
}

/* A pin with one reference that nobody knows, or NULL. May sleep. */
struct pin_revoke_pin *pinr_pin_new(void)
{
	struct pin_revoke_pin *pin = kmem_cache_alloc(pinr_pin_cache, GFP_KERNEL);

	if (!pin)
		return NULL;
	memset(pin, 0, offsetof(struct pin_revoke_pin, by_id));
	kref_init(&pin->ref);
	/* Each time: what checks these forgets them when the memory is freed. */
	INIT_WORK(&pin->unpin_work, pinr_unpin_work);
	INIT_WORK(&pin->tell_work, pinr_tell_work);
	INIT_DELAYED_WORK(&pin->after_work, pinr_after_work);
	pin->comm[0] = '\0';
	pin->name[0] = '\0';
	pin->driver[0] = '\0';
	return pin;
}

/* By the last reference, or before there was another. */
void pinr_pin_free(struct pin_revoke_pin *pin)
{
	kmem_cache_free(pinr_pin_cache, pin);
}

int pinr_pin_init(void)
{
	pinr_pin_cache = kmem_cache_create("pin_revoke_pin",
					   sizeof(struct pin_revoke_pin), 0,
					   SLAB_ACCOUNT, pinr_pin_once);
	return pinr_pin_cache ? 0 : -ENOMEM;
}

void pinr_pin_exit(void)
{
	kmem_cache_destroy(pinr_pin_cache);
}

/*
 * Teach lockdep, before any load does, above what the lock of a pin is taken:
 * whoever needs one of these under it, a driver's callback above all, is
 * reported from then on. pinr_segs_walk() adds mmap_lock. Folio locks are
 * nothing that lockdep knows.
 */
static void pinr_teach_order(struct pin_revoke_pin *pin)
{
	if (!IS_ENABLED(CONFIG_PROVE_LOCKING))
		return;
	mutex_lock(&pin->op_mutex);
	fs_reclaim_acquire(GFP_KERNEL);
	might_lock(&pin->lock);
	fs_reclaim_release(GFP_KERNEL);
	mutex_unlock(&pin->op_mutex);

	lock_map_acquire(&pinr_wait_map);
	might_lock(&pin->lock);
	lock_map_release(&pinr_wait_map);
}

/* Nobody knows it yet, and nothing is pinned. */
struct pin_revoke_pin *pinr_new(const struct pin_revoke_ops *ops, void *priv,
				unsigned long addr, size_t len,
				unsigned int flags, bool adopted, bool imported,
				struct pinr_ctx *ctx)
{
	struct pin_revoke_pin *pin;
	unsigned long last;
	int err = -ENOMEM;

	if (!len || check_add_overflow(addr, len - 1, &last) ||
	    last >= TASK_SIZE_MAX || !current->mm ||
	    (flags & ~(PIN_REVOKE_WRITE | PIN_REVOKE_LAZY)))
		return ERR_PTR(-EINVAL);

	pin = pinr_pin_new();
	if (!pin)
		return ERR_PTR(-ENOMEM);
	pin->ops = ops;
	pin->priv = priv;
	pin->addr = addr;
	pin->len = len;
	pin->start = addr & PAGE_MASK;
	pin->end = (last & PAGE_MASK) + PAGE_SIZE;
	pin->nr_pages = (pin->end - pin->start) >> PAGE_SHIFT;
	pin->chunk = flags & PIN_REVOKE_LAZY ? PIN_REVOKE_CHUNK : pin->nr_pages;
	pin->nr_chunks = DIV_ROUND_UP(pin->nr_pages, pin->chunk);
	pin->flags = flags;
	pin->adopted = adopted;
	pin->declared = ctx;
	pin->imported = imported;
	pin->ctx = ctx ? ctx->id : 0;
	pin->pid = task_tgid_nr(current);
	/* As tracepoints do: it always ends, and nobody asks how long it is. */
	memcpy(pin->comm, current->comm, sizeof(pin->comm));
	pin->uid = current_uid();
	if (!ctx)
		strscpy(pin->driver, module_name(ops->owner), sizeof(pin->driver));
	pinr_teach_order(pin);

	/* The limit first: the array is as large as the user says. */
	if (!adopted) {
		err = pinr_charge(current->mm, pin->nr_pages);
		if (err)
			goto err_pin;
		err = -ENOMEM;
	}
	/* Nor is any length that somebody thinks of a reason for a warning. */
	if (!ctx && !imported)
		pin->pages = kvcalloc(pin->nr_pages, sizeof(*pin->pages),
				      GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!ctx && !imported && !pin->pages)
		goto err_charge;
	pin->wanted = pin->few;
	if (pin->nr_chunks > BITS_PER_LONG)
		pin->wanted = kcalloc(2 * BITS_TO_LONGS(pin->nr_chunks), sizeof(long),
				      GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!pin->wanted)
		goto err_pages;
	pin->present = pin->wanted + BITS_TO_LONGS(pin->nr_chunks);
	pin->id = atomic64_inc_return(&pinr_last_id);
	if (ctx) {
		kref_get(&ctx->holder->ref);
		pin->holder = ctx->holder;
	} else {
		pin->holder = pinr_holder_get(current->mm);
	}
	if (!pin->holder)
		goto err_pages;
	if (ctx ? ctx->limited : pinr_user_limited()) {
		pin->user = ctx ? pinr_user_keep(ctx->user) : pinr_user_get();
		if (!pin->user)
			goto err_holder;
	}
	if (ctx) {
		err = pinr_word_first(ctx, pin);
		if (err)
			goto err_user;
	}
	pin->cgroup = pinr_cgroup_get();
	__module_get(THIS_MODULE);
	return pin;

err_user:
	pinr_user_put(pin->user);
err_holder:
	pinr_holder_put(pin->holder);
err_pages:
	pinr_free_arrays(pin);
err_charge:
	pinr_uncharge(pin, current->mm);
err_pin:
	pinr_pin_free(pin);
	return ERR_PTR(err);
}

void pinr_publish(struct pin_revoke_pin *pin)
{
	if (pin->ops->describe)
		pin->ops->describe(pin->priv, pin->name, sizeof(pin->name));
	spin_lock(&pinr_lock);
	pinr_pin_add(pin);
	list_add_tail(&pin->of_holder, &pin->holder->pins);
	pinr_pins_changed(pin->holder);
	spin_unlock(&pinr_lock);
	atomic64_inc(&pinr_stats.pins);
}

/**
 * pinr_register - make a pin
 * @ops: as pin_revoke_pin(), as are the next four
 * @priv: passed to them
 * @addr: first byte
 * @len: length in bytes
 * @flags: PIN_REVOKE_*
 * @pages: as pin_revoke_register(); NULL: the core pins
 * @ctx: it is a range that this context declares; NULL: a driver pins
 *
 * Context: as pin_revoke_pin().
 * Return: as pin_revoke_pin().
 */
struct pin_revoke_pin *pinr_register(const struct pin_revoke_ops *ops,
				     void *priv, unsigned long addr, size_t len,
				     unsigned int flags, struct page **pages,
				     struct pinr_ctx *ctx)
{
	struct pin_revoke_pin *pin = pinr_new(ops, priv, addr, len, flags,
					      pages || ctx, false, ctx);
	int err;

	if (IS_ERR(pin))
		return pin;
	err = mmu_interval_notifier_insert(&pin->notifier, current->mm,
					   pin->start, pin->end - pin->start,
					   &pinr_notifier_ops);
	if (err) {
		pinr_uncharge(pin, current->mm);
		pinr_pin_put(pin);
		return ERR_PTR(err);
	}

	pinr_publish(pin);
	pinr_pin_input(pin, PINR_START, PIN_REVOKE_REASON_UNSPEC);
	err = ctx ? pinr_fill_declare(pin) :
	      pages ? pinr_fill_adopt(pin, pages) : pinr_fill_pin(pin);
	if (err) {
		pin_revoke_release(pin);
		/* Unmapped while it was being pinned: there is nothing there. */
		return ERR_PTR(err == -ECANCELED ? -EFAULT : err);
	}
	/* Nobody cleans other memory: nothing to ask for. */
	if (pin->file) {
		pin->armed = true;
		pinr_arm();
	}
	return pin;
}

/**
 * pin_revoke_pin - pin user memory that can be taken back
 * @ops: callbacks of the driver; like @priv there until pin_revoke_release()
 *	has returned
 * @priv: passed to them
 * @addr: first byte, in the memory of the calling process
 * @len: length in bytes
 * @flags: PIN_REVOKE_WRITE, PIN_REVOKE_LAZY
 *
 * Pins, calls ->map() and ->restore(). From then on ->quiesce() can come at
 * any time, even before this returns. Shared file mappings are pinned without
 * FOLL_LONGTERM, everything else with. The pages are charged to the process
 * (RLIMIT_MEMLOCK) until pin_revoke_release(), revoked or not.
 *
 * Context: process context, no locks that ->map() or a page fault may take, nor
 * i_rwsem of a file.
 * Return: the pin, or ERR_PTR: -EINVAL empty or impossible range; -EFAULT not
 * mapped, or not writable; -EOPNOTSUPP a writable pin on a file system that is
 * not known to keep the promise (see parameter any_fs); -ENOMEM no memory, or
 * over RLIMIT_MEMLOCK; -EAGAIN the range does not keep still; -EINTR; or what
 * ->map() returned; -EBUSY it is being drained.
 */
struct pin_revoke_pin *pin_revoke_pin(const struct pin_revoke_ops *ops,
				      void *priv, unsigned long addr,
				      size_t len, unsigned int flags)
{
	if (WARN_ON_ONCE(!ops->quiesce || !ops->restore))
		return ERR_PTR(-EINVAL);
	return pinr_register(ops, priv, addr, len, flags, NULL, NULL);
}
EXPORT_SYMBOL_GPL(pin_revoke_pin);

/**
 * pin_revoke_register - make pages revocable that the driver pinned itself
 * @ops: callbacks of the driver; ->unpin() is mandatory
 * @priv: passed to them
 * @addr: first byte, in the memory of the calling process
 * @len: length in bytes
 * @pages: the pinned pages, in order; not needed after the call
 * @flags: PIN_REVOKE_WRITE
 *
 * For holders of FOLL_LONGTERM pins: the pages stay theirs, the core only
 * adds the callbacks. Such a pin is not restored; after ->unpin() the driver
 * pins and registers again.
 *
 * Context: as pin_revoke_pin().
 * Return: the pin, or ERR_PTR: -EAGAIN a page is not the one that is mapped
 * there now, unpin and pin again; otherwise as pin_revoke_pin().
 */
struct pin_revoke_pin *pin_revoke_register(const struct pin_revoke_ops *ops,
					   void *priv, unsigned long addr,
					   size_t len, struct page **pages,
					   unsigned int flags)
{
	if (WARN_ON_ONCE(!ops->quiesce || !ops->unpin || !pages) ||
	    (flags & PIN_REVOKE_LAZY))
		return ERR_PTR(-EINVAL);
	return pinr_register(ops, priv, addr, len, flags, pages, NULL);
}
EXPORT_SYMBOL_GPL(pin_revoke_register);

/* All of pin_revoke_release() but pinr_free(). */
void pinr_end(struct pin_revoke_pin *pin)
{
	mutex_lock(&pin->op_mutex);
	mutex_lock(&pin->lock);
	__pinr_pin_input(pin, PINR_RELEASE, PIN_REVOKE_REASON_UNSPEC);
	mutex_unlock(&pin->lock);
	pinr_drop_pages(pin);
	pin->released = true;
	mutex_unlock(&pin->op_mutex);

	pinr_uncharge(pin, pin->holder->mm);
	spin_lock(&pinr_lock);
	rb_erase(&pin->by_id, &pinr_pins);
	RB_CLEAR_NODE(&pin->by_id);
	list_del_init(&pin->of_holder);
	list_del_init(&pin->of_ctx);
	pinr_pins_changed(pin->holder);
	spin_unlock(&pinr_lock);
	atomic64_dec(&pinr_stats.pins);
}

/**
 * pin_revoke_release - end a pin
 * @pin: the pin; not to be used afterwards
 *
 * ->quiesce() runs if the device may still access the pages, then ->unmap();
 * the pages are unpinned (adopted ones by ->unpin()), and no callback runs once
 * this has returned. Waits for callbacks, never for user space.
 *
 * Context: process context; not from a callback.
 */
void pin_revoke_release(struct pin_revoke_pin *pin)
{
	struct pinr_holder *holder = pin->holder;

	pinr_end(pin);
	/*
	 * Removing the notifier waits for invalidations of the mm: not here, see the
	 * top. Nor is a worker woken for each: a tick later there may be many. Who
	 * finds the list empty queues, and nobody else touches the pin from then on.
	 */
	if (llist_add(&pin->left, &holder->left))
		queue_delayed_work(pinr_prompt_wq, &holder->free_work, 1);
}
EXPORT_SYMBOL_GPL(pin_revoke_release);

/**
 * pin_revoke_access - the device wants to access pages that are not there
 * @pin: the pin
 * @offset: first byte, from the start of the pin
 * @len: how many
 *
 * Has the pin restored if it waits for its first access, and these pages
 * (PIN_REVOKE_LAZY). The hold-off is kept: an access does not shorten it.
 *
 * Context: any, atomic too.
 */
void pin_revoke_access(struct pin_revoke_pin *pin, unsigned long offset,
		       size_t len)
{
	unsigned long at = offset_in_page(pin->addr) + offset, chunk, last;
	enum pin_revoke_state state;
	bool news = false;

	last = min(((at + len - 1) >> PAGE_SHIFT) / pin->chunk, pin->nr_chunks - 1);
	for (chunk = (at >> PAGE_SHIFT) / pin->chunk; chunk <= last; chunk++)
		news |= !test_and_set_bit(chunk, pin->wanted);
	if (!READ_ONCE(pin->want)) {
		WRITE_ONCE(pin->want, true);
		news = true;
	}
	if (!news)
		return;
	/*
	 * Either this sees a state in which nobody looks, or the worker that
	 * follows every revocation, and every restore, sees what is wanted.
	 */
	smp_mb();
	state = READ_ONCE(pin->state);
	if (state == PIN_REVOKE_STATE_REVOKED || state == PIN_REVOKE_STATE_ACTIVE)
		pinr_pin_after(pin);
}
EXPORT_SYMBOL_GPL(pin_revoke_access);

/**
 * pin_revoke_retry_ms - when to try again to access a revoked pin
 * @pin: the pin
 *
 * Context: any.
 * Return: milliseconds until the hold-off is over, at least 1: an estimate,
 * the trigger may take longer.
 */
unsigned int pin_revoke_retry_ms(struct pin_revoke_pin *pin)
{
	s64 ms = ktime_ms_delta(READ_ONCE(pin->not_before), ktime_get());

	return clamp_t(s64, ms, 1, PIN_REVOKE_MAX_DELAY_MS);
}
EXPORT_SYMBOL_GPL(pin_revoke_retry_ms);
