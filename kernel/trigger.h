/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Triggers: who needs pages that are pinned, and where that is noticed. Included by
 * core.h.
 *
 * @orig is what the kernel would have done without us: must never be left out.
 */
#ifndef _PIN_REVOKE_TRIGGER_H
#define _PIN_REVOKE_TRIGGER_H

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
bool pinr_may_wait(void);
bool pinr_frame_covers(struct pin_revoke_pin *pin);
void pinr_frame_ask(struct pinr_frame *frames, unsigned int nr,
		    enum pin_revoke_reason reason);
void pinr_put_pins(struct pin_revoke_pin **pins, unsigned int nr);

/* trigger_mmu.c */
extern const struct mmu_interval_notifier_ops pinr_notifier_ops;

/* trigger_writeback.c */
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
int pinr_do_truncate(struct mnt_idmap *idmap, struct dentry *dentry,
		     loff_t length, unsigned int time_attrs, struct file *filp,
		     int (*orig)(struct mnt_idmap *idmap, struct dentry *dentry,
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

bool pinr_meant_by_name(const struct pinr_selection *sel,
			struct pin_revoke_pin *pin);
bool pinr_meant_by_memory(const struct pinr_selection *sel,
			  struct pin_revoke_pin *pin);
int pinr_select(const struct pinr_selection *sel, struct pin_revoke_pin ***found,
		unsigned int *nr);
u64 pinr_revoke(struct pin_revoke_pin **pins, unsigned int nr,
		enum pin_revoke_reason reason, unsigned int least_ms,
		unsigned int most_ms);
struct file *pinr_drain_open(struct pin_revoke_pin **pins, unsigned int nr);

/* trigger_power.c, trigger_pressure.c; the API is in trigger_unbind.c, trigger_device.c */
int pinr_power_init(void);
void pinr_power_exit(void);
int pinr_pressure_init(void);
void pinr_pressure_exit(void);

/* trigger_memory.c */
void pinr_memory_ask(unsigned long first, unsigned long nr_pfns);
int pinr_memory_init(void);
void pinr_memory_exit(void);

#endif /* _PIN_REVOKE_TRIGGER_H */
