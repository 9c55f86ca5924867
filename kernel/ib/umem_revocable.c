// SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
/*
 * pin_revoke_ib: a umem of ordinary user memory that can be taken back.
 *
 * Owns the scatter lists and the DMA mapping of the region; the core owns
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

#include "umem_revocable.h"

struct ib_umem_revocable_part {
	struct sg_append_table append;	/* from ->map() to ->unmap() */
	bool live;			/* from ->restore() to ->quiesce() */
};

static unsigned long revocable_part_of(struct ib_umem_revocable *revocable,
				       unsigned long page)
{
	return revocable->nr_parts > 1 ? page / PIN_REVOKE_CHUNK : 0;
}

static void revocable_unmap_part(struct ib_umem_revocable *revocable,
				 struct ib_umem_revocable_part *part)
{
	/* Either quiesce has made the data visible, or none was ever written. */
	ib_dma_unmap_sgtable_attrs(revocable->umem.ibdev, &part->append.sgt,
				   DMA_BIDIRECTIONAL,
				   revocable->dma_attrs | DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_append_table(&part->append);
}

static int revocable_map_part(struct ib_umem_revocable *revocable,
			      struct ib_umem_revocable_part *part,
			      struct page **pages, unsigned long nr)
{
	struct sg_append_table *append = &part->append;
	struct ib_device *device = revocable->umem.ibdev;
	int ret;

	memset(append, 0, sizeof(*append));
	ret = sg_alloc_append_table_from_pages(append, pages, nr, 0,
					       nr << PAGE_SHIFT,
					       ib_dma_max_seg_size(device),
					       0, GFP_KERNEL);
	if (!ret)
		ret = ib_dma_map_sgtable_attrs(device, &append->sgt,
					       DMA_BIDIRECTIONAL,
					       revocable->dma_attrs);
	/* A table that was made by half is ours to free, too. */
	if (ret)
		sg_free_append_table(append);
	return ret;
}

static void revocable_unmap(void *priv, unsigned long first,
			    unsigned long nr_pages)
{
	struct ib_umem_revocable *revocable = priv;
	unsigned long at = revocable_part_of(revocable, first);
	unsigned long last = revocable_part_of(revocable, first + nr_pages - 1);

	for (; at <= last; at++)
		revocable_unmap_part(revocable, &revocable->parts[at]);
}

static int revocable_map(void *priv, unsigned long first, struct page **pages,
			 unsigned long nr_pages)
{
	struct ib_umem_revocable *revocable = priv;
	unsigned long size = revocable->nr_parts > 1 ? PIN_REVOKE_CHUNK : nr_pages;
	unsigned long done, nr;
	int ret = 0;

	for (done = 0; done < nr_pages && !ret; done += nr) {
		nr = min(size, nr_pages - done);
		ret = revocable_map_part(revocable,
					 &revocable->parts[revocable_part_of(revocable,
									     first + done)],
					 pages + done, nr);
	}
	if (ret && done > nr)
		revocable_unmap(priv, first, done - nr);
	return ret;
}

static void revocable_restore(void *priv, unsigned long first,
			      struct page **pages, unsigned long nr_pages)
{
	struct ib_umem_revocable *revocable = priv;
	unsigned long at = revocable_part_of(revocable, first), last;

	if (!nr_pages) {
		revocable->ops->restore(revocable->priv, 0, NULL);
		return;
	}
	last = revocable_part_of(revocable, first + nr_pages - 1);
	for (; at <= last; at++) {
		revocable->parts[at].live = true;
		revocable->ops->restore(revocable->priv, at * PIN_REVOKE_CHUNK,
					&revocable->parts[at].append.sgt);
	}
}

static void revocable_quiesce(void *priv, unsigned long start,
			      unsigned long last, enum pin_revoke_reason reason)
{
	struct ib_umem_revocable *revocable = priv;
	struct ib_device *device = revocable->umem.ibdev;
	unsigned long i;

	revocable->ops->quiesce(revocable->priv, start, last, reason);
	for (i = 0; i < revocable->nr_parts; i++) {
		struct ib_umem_revocable_part *part = &revocable->parts[i];

		if (!part->live)
			continue;
		part->live = false;
		if (!ib_uses_virt_dma(device))
			dma_sync_sgtable_for_cpu(device->dma_device,
						 &part->append.sgt,
						 DMA_BIDIRECTIONAL);
	}
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
	revocable->nr_parts = flags & PIN_REVOKE_LAZY ?
			      DIV_ROUND_UP(npages, PIN_REVOKE_CHUNK) : 1;
	revocable->parts = kvcalloc(revocable->nr_parts,
				    sizeof(*revocable->parts), GFP_KERNEL);
	if (!revocable->parts) {
		kfree(revocable);
		return ERR_PTR(-ENOMEM);
	}

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
	revocable->pin_ops = revocable_pin_ops;
	revocable->pin_ops.owner = device->ops.owner;
	pin = pin_revoke_pin(&revocable->pin_ops, revocable, addr, size, flags);
	if (IS_ERR(pin)) {
		mmdrop(umem->owning_mm);
		kvfree(revocable->parts);
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
	kvfree(revocable->parts);
	kfree(revocable);
}
EXPORT_SYMBOL_GPL(ib_umem_release_revocable);

MODULE_AUTHOR("The pin-revoke authors");
MODULE_DESCRIPTION("Revocable user memory for RDMA drivers");
MODULE_LICENSE("Dual BSD/GPL");
