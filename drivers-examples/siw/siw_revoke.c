// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * Revocable memory regions for siw.
 *
 * Owns the lock between an access and a revoke, and how what meets a revoked
 * region waits: received data in its socket, a send queue where it is. Must never
 * sleep in the receive path (it runs in softirq context), never hand a page of a
 * region to TCP, which may send it long after quiesce, and never pin by itself.
 */
#include <linux/bitmap.h>
#include <linux/highmem.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <net/tcp.h>
#include <rdma/ib_umem_revocable.h>

#include "siw.h"
#include "siw_mem.h"

/**
 * struct siw_revoke - the revocable side of user memory
 * @lock: read for one copy, written to change @state
 * @state: may the pages be accessed. GONE is for ever.
 * @region: the pinned memory; NULL after siw_revoke_release()
 * @nr_chunks: of the region
 * @live: chunks whose pages may be accessed; as @state
 */
struct siw_revoke {
	rwlock_t lock;
	enum {
		SIW_REVOKE_REVOKED,
		SIW_REVOKE_LIVE,
		SIW_REVOKE_GONE,
	} state;
	struct ib_umem_revocable *region;
	unsigned long nr_chunks;
	unsigned long live[];
};

/* Tests see from it that a region was wanted meanwhile; a lost count is no matter. */
static unsigned int revoked_hits;
module_param(revoked_hits, uint, 0444);
MODULE_PARM_DESC(revoked_hits, "Accesses that found their region revoked");

/*
 * Lets go on what waits, whatever region it waits for: it looks again. Not from
 * here: reading the socket needs its lock, below which memory is allocated.
 */
static void siw_revoke_kick(struct siw_umem *umem)
{
	struct siw_device *sdev = umem->sdev;
	unsigned long flags;
	struct siw_qp *qp;

	/* Pairs with siw_revoke_enter()'s. */
	smp_mb();
	spin_lock_irqsave(&sdev->lock, flags);
	list_for_each_entry(qp, &sdev->qp_list, devq)
		if (READ_ONCE(qp->revoke.sk) || READ_ONCE(qp->revoke.parked))
			queue_work(system_dfl_wq, &qp->revoke.resume);
	spin_unlock_irqrestore(&sdev->lock, flags);
}

static void siw_revoke_restore(void *priv, unsigned long first,
			       struct sg_table *sgt)
{
	struct siw_umem *umem = priv;
	struct siw_revoke *revoke = umem->revoke;
	struct sg_page_iter iter;
	unsigned long i = first;

	/* Nobody looks at the pages of a chunk that is not live. */
	if (sgt)
		for_each_sgtable_page(sgt, &iter, 0) {
			umem->page_chunk[i >> CHUNK_SHIFT].plist[i & ~CHUNK_MASK] =
				sg_page_iter_page(&iter);
			i++;
		}
	write_lock_bh(&revoke->lock);
	if (sgt)
		__set_bit(first / PIN_REVOKE_CHUNK, revoke->live);
	if (revoke->state != SIW_REVOKE_GONE)
		WRITE_ONCE(revoke->state, SIW_REVOKE_LIVE);
	write_unlock_bh(&revoke->lock);
	siw_revoke_kick(umem);
}

static void siw_revoke_quiesce(void *priv, unsigned long start,
			       unsigned long last, enum pin_revoke_reason reason)
{
	struct siw_revoke *revoke = ((struct siw_umem *)priv)->revoke;

	/*
	 * A reader that has bottom halves off overtakes a waiting writer: turn
	 * away who comes from now on, then wait for who is inside.
	 */
	cmpxchg(&revoke->state, SIW_REVOKE_LIVE, SIW_REVOKE_REVOKED);
	write_lock_bh(&revoke->lock);
	bitmap_zero(revoke->live, revoke->nr_chunks);
	write_unlock_bh(&revoke->lock);
}

static void siw_revoke_gone(void *priv)
{
	struct siw_umem *umem = priv;

	write_lock_bh(&umem->revoke->lock);
	WRITE_ONCE(umem->revoke->state, SIW_REVOKE_GONE);
	write_unlock_bh(&umem->revoke->lock);
	siw_revoke_kick(umem);
}

static void siw_revoke_describe(void *priv, char *buf, size_t size)
{
	struct siw_umem *umem = priv;

	scnprintf(buf, size, "stag %#x", umem->stag);
}

static const struct ib_umem_revocable_ops siw_revoke_ops = {
	.restore	= siw_revoke_restore,
	.quiesce	= siw_revoke_quiesce,
	.gone		= siw_revoke_gone,
	.describe	= siw_revoke_describe,
	.flags		= PIN_REVOKE_LAZY,
};

/**
 * siw_revoke_umem_get - user memory that can be taken back
 * @base_dev: the device
 * @start: user address of the memory
 * @len: its length
 * @rights: IB access flags
 *
 * Context: Process context.
 * Return: what siw_umem_release() frees, or an ERR_PTR.
 */
struct siw_umem *siw_revoke_umem_get(struct ib_device *base_dev, u64 start,
				     u64 len, int rights)
{
	u64 first_page_va = start & PAGE_MASK;
	u64 pages = PAGE_ALIGN(start + len - first_page_va) >> PAGE_SHIFT;
	u64 chunks = DIV_ROUND_UP(pages, PAGES_PER_CHUNK), i;
	u64 parts = DIV_ROUND_UP(pages, PIN_REVOKE_CHUNK);
	struct ib_umem_revocable *region;
	struct siw_revoke *revoke;
	struct siw_umem *umem;

	/* A user can ask for more than there is. */
	if (pages > UINT_MAX)
		return ERR_PTR(-ENOMEM);
	umem = kzalloc(struct_size(umem, page_chunk, chunks),
		       GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!umem)
		return ERR_PTR(-ENOMEM);
	umem->num_chunks = chunks;
	umem->num_pages = pages;
	umem->fp_addr = first_page_va;
	umem->sdev = to_siw_dev(base_dev);

	revoke = kzalloc(struct_size(revoke, live, BITS_TO_LONGS(parts)),
			 GFP_KERNEL_ACCOUNT);
	umem->revoke = revoke;
	if (!revoke)
		goto err_nomem;
	rwlock_init(&revoke->lock);
	revoke->nr_chunks = parts;
	for (i = 0; i < chunks; i++) {
		umem->page_chunk[i].plist = kcalloc(PAGES_PER_CHUNK,
						    sizeof(struct page *),
						    GFP_KERNEL_ACCOUNT);
		if (!umem->page_chunk[i].plist)
			goto err_nomem;
	}

	region = ib_umem_get_revocable(base_dev, start, len, rights,
				       &siw_revoke_ops, umem);
	if (IS_ERR(region)) {
		siw_umem_release(umem);
		return ERR_CAST(region);
	}
	revoke->region = region;
	return umem;

err_nomem:
	siw_umem_release(umem);
	return ERR_PTR(-ENOMEM);
}

/**
 * siw_revoke_release - unpin memory; what still refers to it gets an error
 * @umem: any user memory
 *
 * Unlike the last reference, which may be dropped in softirq context.
 *
 * Context: Process context.
 */
void siw_revoke_release(struct siw_umem *umem)
{
	struct siw_revoke *revoke = umem->revoke;

	if (!revoke || !revoke->region)
		return;
	siw_revoke_gone(umem);
	/* siw_revoke_enter() may still be asking for the pages. */
	synchronize_rcu();
	ib_umem_release_revocable(revoke->region);
	revoke->region = NULL;
}

/**
 * siw_revoke_free - free the revocable side of memory that nobody uses
 * @umem: any user memory, released unless it was never used
 *
 * Context: Any, after siw_revoke_release().
 */
void siw_revoke_free(struct siw_umem *umem)
{
	siw_revoke_release(umem);
	kfree(umem->revoke);
}

/**
 * siw_revocable - can the pages be taken back
 * @mem: any memory
 */
bool siw_revocable(struct siw_mem *mem)
{
	return mem->mem_obj && !mem->is_pbl && mem->umem->revoke;
}

static bool siw_revoke_live(struct siw_umem *umem, u64 addr, unsigned int len)
{
	struct siw_revoke *revoke = umem->revoke;
	u64 offset = addr - umem->fp_addr;
	unsigned long at = (offset >> PAGE_SHIFT) / PIN_REVOKE_CHUNK;
	unsigned long last = ((offset + max(len, 1u) - 1) >> PAGE_SHIFT) /
			     PIN_REVOKE_CHUNK;

	if (READ_ONCE(revoke->state) != SIW_REVOKE_LIVE)
		return false;
	for (; at <= last; at++)
		if (!test_bit(at, revoke->live))
			return false;
	return true;
}

/* From now on siw_revoke_kick() finds it. */
static void siw_revoke_park(struct siw_qp *qp, enum siw_revoke_side side)
{
	if (side == SIW_REVOKE_TX) {
		WRITE_ONCE(qp->revoke.parked, true);
	} else if (!qp->revoke.sk) {
		sock_hold(qp->attrs.sk->sk);
		WRITE_ONCE(qp->revoke.sk, qp->attrs.sk->sk);
	}
}

/**
 * siw_revoke_enter - begin an access to memory
 * @qp: queue pair that does it; it holds the lock of its socket, or of its sq
 * @side: which of the two
 * @umem: any user memory
 * @addr: user address of the first byte
 * @len: how many; within the memory
 *
 * Context: Any but hard interrupt. On success bottom halves are off and nothing
 * may sleep until siw_revoke_leave().
 * Return: 0, -EFAULT if the pages do not come back, or -EAGAIN: this side of the
 * queue pair is resumed when they may be there.
 */
int siw_revoke_enter(struct siw_qp *qp, enum siw_revoke_side side,
		     struct siw_umem *umem, u64 addr, unsigned int len)
{
	struct siw_revoke *revoke = umem->revoke;
	struct ib_umem_revocable *region;

	if (!revoke)
		return 0;
	if (siw_revoke_live(umem, addr, len)) {
		read_lock_bh(&revoke->lock);
		if (siw_revoke_live(umem, addr, len))
			return 0;
		read_unlock_bh(&revoke->lock);
	}

	rcu_read_lock();
	if (READ_ONCE(revoke->state) == SIW_REVOKE_GONE) {
		rcu_read_unlock();
		return -EFAULT;
	}
	revoked_hits++;
	siw_revoke_park(qp, side);
	region = revoke->region;
	pin_revoke_access(region->pin, addr - region->umem.address, max(len, 1u));
	rcu_read_unlock();

	/* Who parks now is found by siw_revoke_kick(), or sees this. */
	smp_mb();
	if (READ_ONCE(revoke->state) == SIW_REVOKE_GONE ||
	    siw_revoke_live(umem, addr, len))
		queue_work(system_dfl_wq, &qp->revoke.resume);
	return -EAGAIN;
}

/**
 * siw_revoke_leave - end what siw_revoke_enter() has begun
 * @umem: the same memory
 */
void siw_revoke_leave(struct siw_umem *umem)
{
	if (umem->revoke)
		read_unlock_bh(&umem->revoke->lock);
}

/**
 * siw_revoke_copy - what is in a page, for TCP
 * @qp: queue pair that sends it
 * @umem: revocable memory
 * @addr: user address of the first byte
 * @len: how many; within one page
 *
 * Context: Process context, not inside siw_revoke_enter(): allocates.
 * Return: a page with these bytes at the same place, for siw_revoke_put_copies(),
 * or what siw_revoke_enter() says.
 */
struct page *siw_revoke_copy(struct siw_qp *qp, struct siw_umem *umem, u64 addr,
			     unsigned int len)
{
	struct page *copy = alloc_page(GFP_KERNEL);
	int rv;

	if (!copy) {
		/* Once more, when others have had a chance. */
		siw_revoke_park(qp, SIW_REVOKE_TX);
		queue_work(system_dfl_wq, &qp->revoke.resume);
		return ERR_PTR(-EAGAIN);
	}
	rv = siw_revoke_enter(qp, SIW_REVOKE_TX, umem, addr, len);
	if (rv) {
		put_page(copy);
		return ERR_PTR(rv);
	}
	memcpy_page(copy, offset_in_page(addr), siw_get_upage(umem, addr),
		    offset_in_page(addr), len);
	siw_revoke_leave(umem);
	return copy;
}

/**
 * siw_revoke_put_copies - TCP has taken what it wants
 * @pages: some pages
 * @copies: bits of those that siw_revoke_copy() made
 */
void siw_revoke_put_copies(struct page **pages, unsigned long copies)
{
	unsigned int i;

	for_each_set_bit(i, &copies, BITS_PER_LONG)
		put_page(pages[i]);
}

/* Caller has the socket's lock, as softirq has when data arrives. */
static void siw_revoke_receive(struct siw_qp *qp, struct sock *sk)
{
	read_descriptor_t rd_desc = { .arg.data = qp, .count = 1 };

	read_lock(&sk->sk_callback_lock);
	if (qp->attrs.state == SIW_QP_STATE_RTS && !qp->rx_stream.rx_suspend)
		tcp_read_sock(sk, &rd_desc, siw_tcp_rx_data);
	read_unlock(&sk->sk_callback_lock);

	/* The peer's close was put off until here. */
	if (!qp->revoke.sk && sk->sk_state == TCP_CLOSE_WAIT)
		sk->sk_state_change(sk);
}

static void siw_revoke_resume(struct work_struct *work)
{
	struct siw_qp *qp = container_of(work, struct siw_qp, revoke.resume);
	struct sock *sk = READ_ONCE(qp->revoke.sk);

	down_read(&qp->state_lock);
	if (sk) {
		lock_sock(sk);
		WRITE_ONCE(qp->revoke.sk, NULL);
		siw_revoke_receive(qp, sk);
		release_sock(sk);
		sock_put(sk);
	}
	mutex_lock(&qp->revoke.sq);
	if (qp->revoke.parked && qp->attrs.state == SIW_QP_STATE_RTS) {
		WRITE_ONCE(qp->revoke.parked, false);
		siw_sq_start(qp);
	}
	mutex_unlock(&qp->revoke.sq);
	up_read(&qp->state_lock);
}

/**
 * siw_revoke_qp_init - nothing waits yet
 * @qp: a new queue pair, not yet in the device's list
 */
void siw_revoke_qp_init(struct siw_qp *qp)
{
	INIT_WORK(&qp->revoke.resume, siw_revoke_resume);
	mutex_init(&qp->revoke.sq);
}

/**
 * siw_revoke_qp_destroy - nothing waits any more
 * @qp: a queue pair that has left the device's list
 */
void siw_revoke_qp_destroy(struct siw_qp *qp)
{
	cancel_work_sync(&qp->revoke.resume);
	if (qp->revoke.sk)
		sock_put(qp->revoke.sk);
}

/**
 * siw_revoke_sq_lock - somebody processes the send queue from now on
 * @qp: the queue pair
 */
void siw_revoke_sq_lock(struct siw_qp *qp)
{
	mutex_lock(&qp->revoke.sq);
	WRITE_ONCE(qp->revoke.parked, false);
}

/**
 * siw_revoke_sq_unlock - nobody does
 * @qp: the queue pair
 */
void siw_revoke_sq_unlock(struct siw_qp *qp)
{
	mutex_unlock(&qp->revoke.sq);
}

/**
 * siw_revoke_rx_parked - is there received data that waits for its region
 * @qp: the queue pair; its socket is locked
 */
bool siw_revoke_rx_parked(struct siw_qp *qp)
{
	return qp->revoke.sk;
}
