// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * pin_revoke_ib: a umem of ordinary user memory that can be taken back.
 *
 * Owns the scatter list and the DMA mapping of the region; the core owns
 * pinning, accounting and the decision when to let go. Must never pin by
 * itself, and must never touch the pages after quiesce: by then the file
 * system may have cleaned them.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/overflow.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <rdma/ib_umem_revocable.h>
#include <rdma/ib_verbs.h>

#include "ib.h"

static int revocable_map(void *priv, struct page **pages,
			 unsigned long nr_pages)
{
	struct ib_umem_revocable *revocable = priv;
	struct ib_umem *umem = &revocable->umem;
	struct sg_append_table *append = &umem->sgt_append;
	int ret;

	memset(append, 0, sizeof(*append));
	ret = sg_alloc_append_table_from_pages(append, pages, nr_pages, 0,
					       nr_pages << PAGE_SHIFT,
					       ib_dma_max_seg_size(umem->ibdev),
					       0, GFP_KERNEL);
	if (!ret)
		ret = ib_dma_map_sgtable_attrs(umem->ibdev, &append->sgt,
					       DMA_BIDIRECTIONAL,
					       revocable->dma_attrs);
	/* A table that was made by half is ours to free, too. */
	if (ret)
		sg_free_append_table(append);
	return ret;
}

static void revocable_restore(void *priv, struct page **pages,
			      unsigned long nr_pages)
{
	struct ib_umem_revocable *revocable = priv;

	revocable->ops->restore(revocable->priv, &revocable->umem);
}

static void revocable_quiesce(void *priv, unsigned long start,
			      unsigned long last, enum pin_revoke_reason reason)
{
	struct ib_umem_revocable *revocable = priv;
	struct ib_umem *umem = &revocable->umem;

	revocable->ops->quiesce(revocable->priv, start, last, reason);
	if (!ib_uses_virt_dma(umem->ibdev))
		dma_sync_sgtable_for_cpu(umem->ibdev->dma_device,
					 &umem->sgt_append.sgt,
					 DMA_BIDIRECTIONAL);
}

static void revocable_unmap(void *priv)
{
	struct ib_umem_revocable *revocable = priv;
	struct ib_umem *umem = &revocable->umem;

	/* Either quiesce has made the data visible, or none was ever written. */
	ib_dma_unmap_sgtable_attrs(umem->ibdev, &umem->sgt_append.sgt,
				   DMA_BIDIRECTIONAL,
				   revocable->dma_attrs | DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_append_table(&umem->sgt_append);
}

static void revocable_gone(void *priv)
{
	struct ib_umem_revocable *revocable = priv;

	if (revocable->ops->gone)
		revocable->ops->gone(revocable->priv);
}

static void revocable_describe(void *priv, char *buf, size_t size)
{
	struct ib_umem_revocable *revocable = priv;
	int len;

	len = scnprintf(buf, size, "%s ",
			dev_name(&revocable->umem.ibdev->dev));
	revocable->ops->describe(revocable->priv, buf + len, size - len);
}

static const struct pin_revoke_ops revocable_pin_ops = {
	.map		= revocable_map,
	.restore	= revocable_restore,
	.quiesce	= revocable_quiesce,
	.unmap		= revocable_unmap,
	.gone		= revocable_gone,
	.describe	= revocable_describe,
	.owner		= THIS_MODULE,
};

/**
 * ib_umem_get_revocable - pin user memory for a device that can let go of it
 * @device: IB device that accesses the memory
 * @addr: start of the range in the calling process
 * @size: length of the range
 * @access: IB access flags
 * @ops: callbacks of the driver
 * @priv: their first argument
 *
 * Like ib_umem_get_va(), but the region can be taken back by whoever needs its
 * pages, and is therefore also allowed in shared file mappings and on fsdax.
 * The callbacks can run as soon as the memory is pinned: the driver has to be
 * ready for them when it calls this.
 *
 * Context: Process context of the owner of the memory, may sleep. No lock may
 * be held that @ops take.
 * Return: the region, or an ERR_PTR: -EINVAL for a bad range, -EPERM if the
 * process may not lock memory, -EOPNOTSUPP if the device cannot use it, or the
 * error of pin_revoke_pin().
 */
struct ib_umem_revocable *
ib_umem_get_revocable(struct ib_device *device, unsigned long addr, size_t size,
		      int access, const struct ib_umem_revocable_ops *ops,
		      void *priv)
{
	struct ib_umem_revocable *revocable;
	unsigned int flags = ops->flags;
	struct pin_revoke_pin *pin;
	struct ib_umem *umem;
	unsigned long end;
	size_t npages;

	if (ib_bounces_dma(device) || (access & IB_ACCESS_ON_DEMAND))
		return ERR_PTR(-EOPNOTSUPP);
	if (check_add_overflow(addr, size, &end) || PAGE_ALIGN(end) < end)
		return ERR_PTR(-EINVAL);
	npages = (PAGE_ALIGN(end) - (addr & PAGE_MASK)) >> PAGE_SHIFT;
	if (!size || npages > UINT_MAX)
		return ERR_PTR(-EINVAL);
	if (!can_do_mlock())
		return ERR_PTR(-EPERM);

	revocable = kzalloc(sizeof(*revocable), GFP_KERNEL);
	if (!revocable)
		return ERR_PTR(-ENOMEM);
	revocable->ops = ops;
	revocable->priv = priv;

	umem = &revocable->umem;
	umem->ibdev = device;
	umem->length = size;
	umem->address = addr;
	umem->iova = addr;
	umem->writable = ib_access_writable(access);
	umem->owning_mm = current->mm;
	mmgrab(umem->owning_mm);

	revocable->dma_attrs = DMA_ATTR_REQUIRE_COHERENT;
	if (access & IB_ACCESS_RELAXED_ORDERING)
		revocable->dma_attrs |= DMA_ATTR_WEAK_ORDERING;

	if (umem->writable)
		flags |= PIN_REVOKE_WRITE;
	pin = pin_revoke_pin(&revocable_pin_ops, revocable, addr, size, flags);
	if (IS_ERR(pin)) {
		mmdrop(umem->owning_mm);
		kfree(revocable);
		return ERR_CAST(pin);
	}
	revocable->pin = pin;
	return revocable;
}
EXPORT_SYMBOL_GPL(ib_umem_get_revocable);

/**
 * ib_umem_release_revocable - give the memory back for good
 * @revocable: what ib_umem_get_revocable() returned
 *
 * The driver has stopped its device and freed the region's keys, or has made
 * them answer with an error.
 *
 * Context: Process context, may sleep. No lock may be held that the callbacks
 * take; none of them runs after this has returned.
 */
void ib_umem_release_revocable(struct ib_umem_revocable *revocable)
{
	pin_revoke_release(revocable->pin);
	mmdrop(revocable->umem.owning_mm);
	kfree(revocable);
}
EXPORT_SYMBOL_GPL(ib_umem_release_revocable);

MODULE_AUTHOR("The pin-revoke authors");
MODULE_DESCRIPTION("Revocable user memory for RDMA drivers");
MODULE_LICENSE("Dual BSD/GPL");
