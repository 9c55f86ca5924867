// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exports memory as a dma-buf, and wants it back when a test says so: udmabuf, the only
 * exporter that needs no hardware, never does.
 *
 * Must never touch the memory: the test maps it, and sees what a device does to it.
 */
#include <linux/dma-buf.h>
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/wait.h>

#include "test_export.h"

#define WAIT_S	30

struct exported {
	void *memory;
	unsigned int mapped;		/* dma_resv_lock */
	wait_queue_head_t unmapped;
};

/* Dynamic: whoever maps it holds dma_resv_lock. It never moves while it is pinned. */
static int export_pin(struct dma_buf_attachment *attach)
{
	return 0;
}

static void export_unpin(struct dma_buf_attachment *attach)
{
}

static struct sg_table *export_map(struct dma_buf_attachment *attach,
				   enum dma_data_direction dir)
{
	struct exported *exported = attach->dmabuf->priv;
	struct sg_table *sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	int err = -ENOMEM;

	if (!sgt)
		return ERR_PTR(err);
	if (sg_alloc_table(sgt, 1, GFP_KERNEL))
		goto err_sgt;
	sg_set_page(sgt->sgl, virt_to_page(exported->memory), TEST_EXPORT_SIZE, 0);
	err = dma_map_sgtable(attach->dev, sgt, dir, 0);
	if (err)
		goto err_table;
	exported->mapped++;
	return sgt;

err_table:
	sg_free_table(sgt);
err_sgt:
	kfree(sgt);
	return ERR_PTR(err);
}

static void export_unmap(struct dma_buf_attachment *attach, struct sg_table *sgt,
			 enum dma_data_direction dir)
{
	struct exported *exported = attach->dmabuf->priv;

	dma_unmap_sgtable(attach->dev, sgt, dir, 0);
	sg_free_table(sgt);
	kfree(sgt);
	WRITE_ONCE(exported->mapped, exported->mapped - 1);
	wake_up_all(&exported->unmapped);
}

static int export_mmap(struct dma_buf *dmabuf, struct vm_area_struct *vma)
{
	struct exported *exported = dmabuf->priv;

	return remap_pfn_range(vma, vma->vm_start,
			       (virt_to_phys(exported->memory) >> PAGE_SHIFT) + vma->vm_pgoff,
			       vma->vm_end - vma->vm_start, vma->vm_page_prot);
}

static void export_release(struct dma_buf *dmabuf)
{
	struct exported *exported = dmabuf->priv;

	free_pages_exact(exported->memory, TEST_EXPORT_SIZE);
	kfree(exported);
}

static const struct dma_buf_ops export_ops = {
	.pin		= export_pin,
	.unpin		= export_unpin,
	.map_dma_buf	= export_map,
	.unmap_dma_buf	= export_unmap,
	.mmap		= export_mmap,
	.release	= export_release,
};

static int export_new(void)
{
	DEFINE_DMA_BUF_EXPORT_INFO(info);
	struct exported *exported = kzalloc(sizeof(*exported), GFP_KERNEL);
	struct dma_buf *dmabuf;
	int fd;

	if (!exported)
		return -ENOMEM;
	init_waitqueue_head(&exported->unmapped);
	exported->memory = alloc_pages_exact(TEST_EXPORT_SIZE, GFP_KERNEL | __GFP_ZERO);
	if (!exported->memory) {
		kfree(exported);
		return -ENOMEM;
	}
	info.ops = &export_ops;
	info.size = TEST_EXPORT_SIZE;
	info.flags = O_RDWR;
	info.priv = exported;
	dmabuf = dma_buf_export(&info);
	if (IS_ERR(dmabuf)) {
		free_pages_exact(exported->memory, TEST_EXPORT_SIZE);
		kfree(exported);
		return PTR_ERR(dmabuf);
	}
	fd = dma_buf_fd(dmabuf, O_CLOEXEC);
	if (fd < 0)
		dma_buf_put(dmabuf);
	return fd;
}

static void export_want(struct dma_buf *dmabuf)
{
	dma_resv_lock(dmabuf->resv, NULL);
	dma_buf_invalidate_mappings(dmabuf);
	dma_resv_unlock(dmabuf->resv);
}

/* Not under dma_resv_lock: who unmaps takes it. */
static long export_wait(struct dma_buf *dmabuf)
{
	struct exported *exported = dmabuf->priv;
	long left;

	left = dma_resv_wait_timeout(dmabuf->resv, DMA_RESV_USAGE_BOOKKEEP, true,
				     WAIT_S * HZ);
	if (left > 0)
		left = wait_event_interruptible_timeout(exported->unmapped,
							!READ_ONCE(exported->mapped),
							WAIT_S * HZ);
	return left > 0 ? 0 : left ?: -ETIMEDOUT;
}

static long export_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct dma_buf *dmabuf;
	long ret = -EINVAL;
	int fd;

	if (cmd == TEST_EXPORT_IOC_NEW)
		return export_new();
	if (get_user(fd, (int __user *)arg))
		return -EFAULT;
	dmabuf = dma_buf_get(fd);
	if (IS_ERR(dmabuf))
		return PTR_ERR(dmabuf);
	if (cmd == TEST_EXPORT_IOC_WAIT && dmabuf->ops == &export_ops) {
		ret = export_wait(dmabuf);
	} else if (cmd == TEST_EXPORT_IOC_WANT && dmabuf->ops == &export_ops) {
		export_want(dmabuf);
		ret = 0;
	}
	dma_buf_put(dmabuf);
	return ret;
}

static const struct file_operations export_fops = {
	.owner		= THIS_MODULE,
	.unlocked_ioctl	= export_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static struct miscdevice export_misc = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "test_export",
	.fops	= &export_fops,
};
module_misc_device(export_misc);

/* MODULE_IMPORT_NS() takes a string since 6.13, a word before. */
MODULE_INFO(import_ns, "DMA_BUF");
MODULE_DESCRIPTION("Exporter of a dma-buf that tests can want back");
MODULE_LICENSE("GPL");
