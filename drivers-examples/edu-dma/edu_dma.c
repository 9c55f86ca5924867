// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI device that really does DMA (QEMU's "edu"), made revocable: pin, map, let
 * it run, stop it, give the memory back, go on. The shortest driver that has all
 * of this; drivers-examples/pin_dummy has no device.
 *
 * A transfer cannot be stopped once it has begun, only waited for: 100 ms. Must
 * never begin one on a pin that ->quiesce() has closed.
 */
#include <linux/dma-mapping.h>
#include <linux/fs.h>
#include <linux/interrupt.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/pin_revoke.h>
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "edu_dma.h"

/* docs/specs/edu.rst of QEMU */
#define EDU_IRQ_STATUS	0x24
#define EDU_IRQ_ACK	0x64
#define EDU_SRC		0x80
#define EDU_DST		0x88
#define EDU_COUNT	0x90
#define EDU_CMD		0x98
#define EDU_CMD_RUN	BIT(0)
#define EDU_CMD_STORE	BIT(1)
#define EDU_CMD_IRQ	BIT(2)
#define EDU_BUFFER	0x40000

/* Ten times what a transfer takes. */
#define EDU_STOP_MS	1000

static unsigned int dma_bits = 28;
module_param(dma_bits, uint, 0444);
MODULE_PARM_DESC(dma_bits, "Address bits of the device, see QEMU's -device edu,dma_mask");

struct edu {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct miscdevice misc;
	struct mutex mutex;		/* pins come and go; no callback takes it */
	struct list_head users;		/* mutex */
	bool removed;			/* mutex */
	struct kref ref;		/* of the driver and of each open file */

	spinlock_t lock;		/* the data path; protects what follows */
	struct edu_user *running;	/* whose transfer is under way */
	dma_addr_t addr;		/* into what, if it is a store */
	size_t len;
	wait_queue_head_t idle;
};

/* One open file. */
struct edu_user {
	struct edu *edu;
	struct list_head of_edu;
	struct pin_revoke_pin *pin;	/* edu->mutex */
	size_t start, len;		/* of the pin, from its first page */
	struct sg_table sgt;		/* from ->map() to ->unmap() */
	bool live, gone;		/* edu->lock */
};

static int edu_map(void *priv, unsigned long first, struct page **pages,
		   unsigned long nr_pages)
{
	struct edu_user *user = priv;
	struct device *dev = &user->edu->pdev->dev;
	int err;

	err = sg_alloc_table_from_pages(&user->sgt, pages, nr_pages, 0,
					nr_pages << PAGE_SHIFT, GFP_KERNEL);
	if (err)
		return err;
	err = dma_map_sgtable(dev, &user->sgt, DMA_BIDIRECTIONAL, 0);
	if (err)
		sg_free_table(&user->sgt);
	return err;
}

/* What was stored was synced when it was finished: nothing to copy back, see quiesce. */
static void edu_unmap(void *priv, unsigned long first, unsigned long nr_pages)
{
	struct edu_user *user = priv;

	dma_unmap_sgtable(&user->edu->pdev->dev, &user->sgt, DMA_BIDIRECTIONAL,
			  DMA_ATTR_SKIP_CPU_SYNC);
	sg_free_table(&user->sgt);
}

static void edu_restore(void *priv, unsigned long first, struct page **pages,
			unsigned long nr_pages)
{
	struct edu_user *user = priv;

	spin_lock_irq(&user->edu->lock);
	user->live = true;
	spin_unlock_irq(&user->edu->lock);
}

static bool edu_is_idle(struct edu_user *user)
{
	struct edu *edu = user->edu;
	bool idle;

	spin_lock_irq(&edu->lock);
	idle = edu->running != user;
	spin_unlock_irq(&edu->lock);
	return idle;
}

/*
 *   here                                  edu_start()
 *   lock: live = false                    lock: live? running = user, doorbell
 *   wait until running != user            (or -EAGAIN)
 *
 * The interrupt makes the data visible before it says that nothing is running.
 */
static void edu_quiesce(void *priv, unsigned long start, unsigned long last,
			enum pin_revoke_reason reason)
{
	struct edu_user *user = priv;
	struct edu *edu = user->edu;

	spin_lock_irq(&edu->lock);
	user->live = false;
	spin_unlock_irq(&edu->lock);
	if (wait_event_timeout(edu->idle, edu_is_idle(user),
			       msecs_to_jiffies(EDU_STOP_MS)))
		return;
	/* A device that does not stop loses the bus. */
	pci_clear_master(edu->pdev);
	dev_err(&edu->pdev->dev, "transfer did not end, device disabled\n");
}

static void edu_gone(void *priv)
{
	struct edu_user *user = priv;

	WRITE_ONCE(user->gone, true);
}

static void edu_describe(void *priv, char *buf, size_t size)
{
	struct edu_user *user = priv;

	scnprintf(buf, size, "%s", user->edu->misc.name);
}

static const struct pin_revoke_ops edu_ops = {
	.map		= edu_map,
	.restore	= edu_restore,
	.quiesce	= edu_quiesce,
	.unmap		= edu_unmap,
	.gone		= edu_gone,
	.describe	= edu_describe,
	.owner		= THIS_MODULE,
};

static irqreturn_t edu_interrupt(int irq, void *arg)
{
	struct edu *edu = arg;
	u32 status = readl(edu->regs + EDU_IRQ_STATUS);

	if (!status)
		return IRQ_NONE;
	writel(status, edu->regs + EDU_IRQ_ACK);
	spin_lock(&edu->lock);
	/* A bounce buffer is copied for exactly what the device wrote. */
	if (edu->running && edu->len)
		dma_sync_single_for_cpu(&edu->pdev->dev, edu->addr, edu->len,
					DMA_FROM_DEVICE);
	edu->running = NULL;
	spin_unlock(&edu->lock);
	wake_up_all(&edu->idle);
	return IRQ_HANDLED;
}

/* Where the device finds a byte; the caller holds edu->lock and saw the pin live. */
static dma_addr_t edu_address(struct edu_user *user, size_t pos)
{
	struct scatterlist *sg;
	unsigned int i;

	for_each_sgtable_dma_sg(&user->sgt, sg, i) {
		if (pos < sg_dma_len(sg))
			return sg_dma_address(sg) + pos;
		pos -= sg_dma_len(sg);
	}
	return DMA_MAPPING_ERROR;
}

/* Caller holds edu->mutex. */
static int edu_start(struct edu_user *user, void __user *uarg)
{
	struct edu *edu = user->edu;
	struct edu_dma_copy copy;
	dma_addr_t addr;
	size_t pos;
	int err = 0;

	if (copy_from_user(&copy, uarg, sizeof(copy)))
		return -EFAULT;
	if (!user->pin)
		return -ENXIO;
	pos = user->start + copy.offset;
	if (!copy.len || copy.len > EDU_DMA_MAX || copy.offset > user->len ||
	    copy.len > user->len - copy.offset ||
	    offset_in_page(pos) + copy.len > PAGE_SIZE)
		return -ERANGE;

	spin_lock_irq(&edu->lock);
	if (!user->live) {
		err = READ_ONCE(user->gone) ? -EFAULT : -EAGAIN;
	} else if (edu->running) {
		err = -EBUSY;
	} else {
		addr = edu_address(user, pos);
		dma_sync_single_for_device(&edu->pdev->dev, addr, copy.len,
					   DMA_BIDIRECTIONAL);
		edu->running = user;
		edu->addr = addr;
		edu->len = copy.store ? copy.len : 0;
		writeq(copy.store ? EDU_BUFFER : addr, edu->regs + EDU_SRC);
		writeq(copy.store ? addr : EDU_BUFFER, edu->regs + EDU_DST);
		writeq(copy.len, edu->regs + EDU_COUNT);
		writeq(EDU_CMD_RUN | EDU_CMD_IRQ |
		       (copy.store ? EDU_CMD_STORE : 0), edu->regs + EDU_CMD);
	}
	spin_unlock_irq(&edu->lock);
	return err;
}

/* Caller holds edu->mutex. */
static int edu_pin(struct edu_user *user, void __user *uarg)
{
	struct pin_revoke_pin *pin;
	struct edu_dma_pin arg;

	if (copy_from_user(&arg, uarg, sizeof(arg)))
		return -EFAULT;
	if (user->pin)
		return -EBUSY;
	/* All that a callback needs: the first comes before we get the pin. */
	user->start = offset_in_page(arg.addr);
	user->len = arg.len;
	user->gone = false;
	pin = pin_revoke_pin(&edu_ops, user, arg.addr, arg.len, PIN_REVOKE_WRITE);
	if (IS_ERR(pin))
		return PTR_ERR(pin);
	user->pin = pin;
	return 0;
}

/* Caller holds edu->mutex. */
static int edu_unpin(struct edu_user *user)
{
	if (!user->pin)
		return -ENXIO;
	pin_revoke_release(user->pin);
	user->pin = NULL;
	return 0;
}

static long edu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct edu_user *user = file->private_data;
	void __user *uarg = (void __user *)arg;
	struct edu *edu = user->edu;
	long ret;

	if (cmd == EDU_DMA_IOC_WAIT)
		return wait_event_interruptible(edu->idle, !READ_ONCE(edu->running));
	ret = mutex_lock_interruptible(&edu->mutex);
	if (ret)
		return ret;
	if (edu->removed)
		ret = -ENXIO;
	else if (cmd == EDU_DMA_IOC_PIN)
		ret = edu_pin(user, uarg);
	else if (cmd == EDU_DMA_IOC_UNPIN)
		ret = edu_unpin(user);
	else if (cmd == EDU_DMA_IOC_START)
		ret = edu_start(user, uarg);
	else
		ret = -ENOTTY;
	mutex_unlock(&edu->mutex);
	return ret;
}

static void edu_free(struct kref *ref)
{
	kfree(container_of(ref, struct edu, ref));
}

static int edu_open(struct inode *inode, struct file *file)
{
	struct edu *edu = container_of(file->private_data, struct edu, misc);
	struct edu_user *user = kzalloc(sizeof(*user), GFP_KERNEL_ACCOUNT);

	if (!user)
		return -ENOMEM;
	user->edu = edu;
	/* misc_deregister() waits for us: the driver still has its reference. */
	kref_get(&edu->ref);
	mutex_lock(&edu->mutex);
	list_add(&user->of_edu, &edu->users);
	mutex_unlock(&edu->mutex);
	file->private_data = user;
	return 0;
}

static int edu_release(struct inode *inode, struct file *file)
{
	struct edu_user *user = file->private_data;
	struct edu *edu = user->edu;

	mutex_lock(&edu->mutex);
	edu_unpin(user);
	list_del(&user->of_edu);
	mutex_unlock(&edu->mutex);
	kfree(user);
	kref_put(&edu->ref, edu_free);
	return 0;
}

static const struct file_operations edu_fops = {
	.owner		= THIS_MODULE,
	.open		= edu_open,
	.release	= edu_release,
	.unlocked_ioctl	= edu_ioctl,
	.compat_ioctl	= compat_ptr_ioctl,
};

static int edu_set_up(struct edu *edu)
{
	struct pci_dev *pdev = edu->pdev;
	int err;

	err = pcim_enable_device(pdev);
	if (!err)
		err = dma_set_mask_and_coherent(&pdev->dev, DMA_BIT_MASK(dma_bits));
	if (err)
		return err;
	edu->regs = pcim_iomap(pdev, 0, 0);
	if (!edu->regs)
		return -ENOMEM;
	pci_set_master(pdev);
	err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (err < 0)
		return err;
	err = request_irq(pci_irq_vector(pdev, 0), edu_interrupt, IRQF_SHARED,
			  KBUILD_MODNAME, edu);
	if (err)
		pci_free_irq_vectors(pdev);
	return err;
}

static void edu_shut_down(struct edu *edu)
{
	pci_clear_master(edu->pdev);
	free_irq(pci_irq_vector(edu->pdev, 0), edu);
	pci_free_irq_vectors(edu->pdev);
}

static int edu_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct edu *edu = kzalloc(sizeof(*edu), GFP_KERNEL);
	int err;

	if (!edu)
		return -ENOMEM;
	edu->pdev = pdev;
	kref_init(&edu->ref);
	mutex_init(&edu->mutex);
	spin_lock_init(&edu->lock);
	init_waitqueue_head(&edu->idle);
	INIT_LIST_HEAD(&edu->users);
	err = edu_set_up(edu);
	if (err)
		goto err_free;
	edu->misc.minor = MISC_DYNAMIC_MINOR;
	edu->misc.name = "edu_dma";
	edu->misc.fops = &edu_fops;
	err = misc_register(&edu->misc);
	if (err)
		goto err_down;
	pci_set_drvdata(pdev, edu);
	return 0;

err_down:
	edu_shut_down(edu);
err_free:
	kfree(edu);
	return err;
}

/* Files may stay open; their pins do not. */
static void edu_remove(struct pci_dev *pdev)
{
	struct edu *edu = pci_get_drvdata(pdev);
	struct edu_user *user;

	misc_deregister(&edu->misc);
	mutex_lock(&edu->mutex);
	edu->removed = true;
	list_for_each_entry(user, &edu->users, of_edu)
		edu_unpin(user);
	mutex_unlock(&edu->mutex);
	edu_shut_down(edu);
	kref_put(&edu->ref, edu_free);
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
};
module_pci_driver(edu_driver);

MODULE_DESCRIPTION("Example driver for revocable pins: QEMU's edu device");
MODULE_LICENSE("GPL");
