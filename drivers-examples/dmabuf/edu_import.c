// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI device (QEMU's "edu") that does DMA into memory of another device: it imports
 * a dma-buf, and when its exporter wants that back, the process that uses it is asked
 * by pin-revoke as it is for everything else.
 *
 *   exporter, dma_resv_lock held          here
 *   invalidate_mappings()                 a fence into the buffer, pin_revoke_wanted()
 *   unlock, wait for fences               the holder answers, or its grace is over:
 *                                         ->quiesce() stops the device, signals
 *   lock, unmap, unlock                   <- ->unpin(), from a worker
 *
 * Must never wait for the holder where dma_resv_lock is held, nor take that lock in
 * ->quiesce(): it is outside of reclaim.
 */
#include <linux/delay.h>
#include <linux/dma-buf.h>
#include <linux/dma-fence.h>
#include <linux/dma-resv.h>
#include <linux/fs.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pin_revoke.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "edu_import.h"

/* docs/specs/edu.rst of QEMU */
#define EDU_SRC		0x80
#define EDU_DST		0x88
#define EDU_COUNT	0x90
#define EDU_CMD		0x98
#define EDU_CMD_RUN	BIT(0)
#define EDU_CMD_STORE	BIT(1)
#define EDU_BUFFER	0x40000

/* Ten times what a transfer takes. */
#define EDU_STOP_MS	1000

static struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct miscdevice misc;
	/*
	 * The data path: held for a transfer, 100 ms. Taken in ->quiesce(): nothing
	 * below it allocates.
	 */
	struct mutex run;
} *edu;

/* Outlives its buffer: a fence is anybody's who has seen it. */
struct edu_fence {
	struct dma_fence base;
	spinlock_t lock;		/* of @base: nothing else is behind it */
};

/* One open file. */
struct edu_user {
	struct mutex mutex;		/* ioctls against each other */
	struct dma_buf_attachment *attach;
	struct sg_table *sgt;		/* from import to ->unpin(); dma_resv_lock */
	struct pin_revoke_pin *pin;	/* dma_resv_lock */
	bool wanted;			/* dma_resv_lock */
	struct edu_fence *fence;
	bool live;			/* edu->run */
};

static const char *edu_fence_name(struct dma_fence *fence)
{
	return KBUILD_MODNAME;
}

static const struct dma_fence_ops edu_fence_ops = {
	.get_driver_name = edu_fence_name,
	.get_timeline_name = edu_fence_name,
};

static struct edu_fence *edu_fence_new(void)
{
	struct edu_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;
	spin_lock_init(&fence->lock);
	dma_fence_init(&fence->base, &edu_fence_ops, &fence->lock,
		       dma_fence_context_alloc(1), 1);
	return fence;
}

static void edu_quiesce(void *priv, unsigned long start, unsigned long last,
			enum pin_revoke_reason reason)
{
	struct edu_user *user = priv;

	mutex_lock(&edu->run);
	user->live = false;
	mutex_unlock(&edu->run);
	dma_fence_signal(&user->fence->base);
}

/* Whoever waits for the mapping to go has been told that the device has stopped. */
static void edu_unpin(void *priv)
{
	struct edu_user *user = priv;

	dma_resv_lock(user->attach->dmabuf->resv, NULL);
	dma_buf_unmap_attachment(user->attach, user->sgt, DMA_BIDIRECTIONAL);
	user->sgt = NULL;
	dma_resv_unlock(user->attach->dmabuf->resv);
}

static void edu_describe(void *priv, char *buf, size_t size)
{
	scnprintf(buf, size, "%s", edu->misc.name);
}

static const struct pin_revoke_ops edu_ops = {
	.quiesce	= edu_quiesce,
	.unpin		= edu_unpin,
	.describe	= edu_describe,
	.owner		= THIS_MODULE,
};

/* The exporter holds dma_resv_lock. */
static void edu_invalidate(struct dma_buf_attachment *attach)
{
	struct edu_user *user = attach->importer_priv;
	struct dma_resv *resv = attach->dmabuf->resv;
	unsigned int most_ms = UINT_MAX;

	dma_resv_assert_held(resv);
	/* Once is enough, and what is being imported is not used yet. */
	if (user->wanted || !user->pin) {
		user->wanted = true;
		return;
	}
	user->wanted = true;
	/* Without a fence nobody would know that the device is still at work. */
	if (dma_resv_reserve_fences(resv, 1))
		most_ms = 0;
	else
		dma_resv_add_fence(resv, &user->fence->base, DMA_RESV_USAGE_BOOKKEEP);
	pin_revoke_wanted(user->pin, most_ms);
}

static const struct dma_buf_attach_ops edu_attach_ops = {
	.allow_peer2peer	= true,
	.invalidate_mappings	= edu_invalidate,
};

/* Caller holds user->mutex, but no dma_resv_lock: ->unpin() takes it. */
static void edu_drop(struct edu_user *user)
{
	struct dma_resv *resv = user->attach->dmabuf->resv;
	struct dma_buf *dmabuf = user->attach->dmabuf;
	struct pin_revoke_pin *pin;

	dma_resv_lock(resv, NULL);
	pin = user->pin;
	user->pin = NULL;
	dma_resv_unlock(resv);
	if (pin)
		pin_revoke_release(pin);
	else if (user->sgt)
		edu_unpin(user);
	dma_buf_detach(dmabuf, user->attach);
	dma_buf_put(dmabuf);
	dma_fence_put(&user->fence->base);
	user->attach = NULL;
}

static int edu_map(struct edu_user *user)
{
	struct dma_resv *resv = user->attach->dmabuf->resv;
	struct sg_table *sgt;
	long left;

	dma_resv_lock(resv, NULL);
	sgt = dma_buf_map_attachment(user->attach, DMA_BIDIRECTIONAL);
	if (!IS_ERR(sgt))
		user->sgt = sgt;
	dma_resv_unlock(resv);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	/* It may still be on its way to where it is mapped. */
	left = dma_resv_wait_timeout(resv, DMA_RESV_USAGE_KERNEL, true, 5 * HZ);
	return left > 0 ? 0 : left ?: -ETIMEDOUT;
}

static int edu_register(struct edu_user *user)
{
	struct dma_resv *resv = user->attach->dmabuf->resv;
	struct pin_revoke_pin *pin;
	int err = 0;

	/* Not under dma_resv_lock: see ->unpin(). */
	user->live = true;
	pin = pin_revoke_import(&edu_ops, user, user->attach->dmabuf->size,
				PIN_REVOKE_WRITE);
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	dma_resv_lock(resv, NULL);
	user->pin = pin;
	if (user->wanted)
		err = -EAGAIN;
	dma_resv_unlock(resv);
	return err;
}

/* Caller holds user->mutex. */
static int edu_import(struct edu_user *user, void __user *uarg)
{
	struct dma_buf *dmabuf;
	int fd, err;

	if (get_user(fd, (int __user *)uarg))
		return -EFAULT;
	if (user->attach)
		edu_drop(user);
	user->wanted = false;
	user->fence = edu_fence_new();
	if (!user->fence)
		return -ENOMEM;
	dmabuf = dma_buf_get(fd);
	err = PTR_ERR_OR_ZERO(dmabuf);
	if (err)
		goto err_fence;
	user->attach = dma_buf_dynamic_attach(dmabuf, &edu->pdev->dev, &edu_attach_ops,
					      user);
	if (IS_ERR(user->attach)) {
		err = PTR_ERR(user->attach);
		user->attach = NULL;
		dma_buf_put(dmabuf);
		goto err_fence;
	}
	err = edu_map(user) ?: edu_register(user);
	if (err)
		edu_drop(user);
	return err;

err_fence:
	dma_fence_put(&user->fence->base);
	return err;
}

/* Caller holds edu->run and saw the user live. */
static int edu_run(struct edu_user *user, const struct edu_import_copy *copy)
{
	unsigned long pos = copy->offset, end = jiffies + msecs_to_jiffies(EDU_STOP_MS);
	dma_addr_t addr = DMA_MAPPING_ERROR;
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(user->sgt, sg, i) {
		if (pos < sg_dma_len(sg)) {
			addr = sg_dma_address(sg) + pos;
			break;
		}
		pos -= sg_dma_len(sg);
	}
	writeq(copy->store ? EDU_BUFFER : addr, edu->regs + EDU_SRC);
	writeq(copy->store ? addr : EDU_BUFFER, edu->regs + EDU_DST);
	writeq(copy->len, edu->regs + EDU_COUNT);
	writeq(EDU_CMD_RUN | (copy->store ? EDU_CMD_STORE : 0), edu->regs + EDU_CMD);
	while (readq(edu->regs + EDU_CMD) & EDU_CMD_RUN) {
		if (time_after(jiffies, end)) {
			/* A device that does not stop loses the bus. */
			pci_clear_master(edu->pdev);
			return -EIO;
		}
		usleep_range(500, 1000);
	}
	return 0;
}

/* Caller holds user->mutex. */
static int edu_copy(struct edu_user *user, void __user *uarg)
{
	struct edu_import_copy copy;
	int err = -ESTALE;

	if (copy_from_user(&copy, uarg, sizeof(copy)))
		return -EFAULT;
	if (!user->attach)
		return -ENXIO;
	if (!copy.len || copy.len > EDU_IMPORT_MAX ||
	    copy.offset >= user->attach->dmabuf->size ||
	    offset_in_page(copy.offset) + copy.len > PAGE_SIZE)
		return -ERANGE;
	mutex_lock(&edu->run);
	if (user->live)
		err = edu_run(user, &copy);
	mutex_unlock(&edu->run);
	return err;
}

static long edu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct edu_user *user = file->private_data;
	void __user *uarg = (void __user *)arg;
	long ret;

	ret = mutex_lock_interruptible(&user->mutex);
	if (ret)
		return ret;
	if (cmd == EDU_IMPORT_IOC_IMPORT)
		ret = edu_import(user, uarg);
	else if (cmd == EDU_IMPORT_IOC_COPY)
		ret = edu_copy(user, uarg);
	else
		ret = -ENOTTY;
	mutex_unlock(&user->mutex);
	return ret;
}

static int edu_open(struct inode *inode, struct file *file)
{
	struct edu_user *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);

	if (!user)
		return -ENOMEM;
	mutex_init(&user->mutex);
	file->private_data = user;
	return 0;
}

static int edu_release(struct inode *inode, struct file *file)
{
	struct edu_user *user = file->private_data;

	if (user->attach)
		edu_drop(user);
	kfree(user);
	return 0;
}

static const struct file_operations edu_fops = {
	.owner		= THIS_MODULE,
	.open		= edu_open,
	.release	= edu_release,
	.unlocked_ioctl	= edu_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	int err;

	if (edu)
		return -EBUSY;
	err = pcim_enable_device(pdev);
	if (!err)
		err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(64));
	if (err)
		return err;
	edu = devm_kzalloc(&pdev->dev, sizeof(*edu), GFP_KERNEL);
	if (!edu)
		return -ENOMEM;
	edu->pdev = pdev;
	edu->regs = pcim_iomap(pdev, 0, 0);
	mutex_init(&edu->run);
	edu->misc.minor = MISC_DYNAMIC_MINOR;
	edu->misc.name = "edu_import";
	edu->misc.fops = &edu_fops;
	pci_set_master(pdev);
	err = edu->regs ? misc_register(&edu->misc) : -ENOMEM;
	if (err)
		edu = NULL;
	return err;
}

/* Open files keep the module: nobody has any. Unbinding by hand is not for this one. */
static void edu_remove(struct pci_dev *pdev)
{
	misc_deregister(&edu->misc);
	pci_clear_master(pdev);
	edu = NULL;
}

static const struct pci_device_id edu_ids[] = {
	{ PCI_DEVICE(0x1234, 0x11e8) },
	{ }
};
MODULE_DEVICE_TABLE(pci, edu_ids);

static struct pci_driver edu_driver = {
	.name		= KBUILD_MODNAME,
	.id_table	= edu_ids,
	.probe		= edu_probe,
	.remove		= edu_remove,
	.driver.suppress_bind_attrs = true,
};
module_pci_driver(edu_driver);

/* MODULE_IMPORT_NS() takes a string since 6.13, a word before. */
MODULE_INFO(import_ns, "DMA_BUF");
MODULE_DESCRIPTION("Example importer of a dma-buf that can be asked for: QEMU's edu device");
MODULE_LICENSE("GPL");
