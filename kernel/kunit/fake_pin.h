/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pins for KUnit: without pages and without a notifier, of files that are only
 * addresses, by a driver that counts. All else about them is the core's.
 */
#ifndef _PIN_REVOKE_FAKE_PIN_H
#define _PIN_REVOKE_FAKE_PIN_H

#include <kunit/test.h>

#include "../core.h"

#define FAKE_FILES	4

/* Keys: what they are is nobody's business. */
extern const struct address_space fake_files[FAKE_FILES];
extern const struct super_block *const fake_sb[2];

struct fake_driver {
	unsigned int quiesces, restores;
};

/* Part of a file: @nr pages from @first on */
struct fake_seg {
	unsigned int file;	/* the first two are on fake_sb[0] */
	pgoff_t first, nr;
};

int fake_init(struct kunit *test);
struct pin_revoke_pin *fake_pin(struct kunit *test, struct fake_driver *driver,
				unsigned int flags,
				const struct fake_seg *segs, unsigned int nr);
void fake_restored(struct pin_revoke_pin *pin);
void fake_release(struct pin_revoke_pin *pin);

/* A pin of the first @nr pages of fake_files[0] */
static inline struct pin_revoke_pin *fake_simple(struct kunit *test,
						 struct fake_driver *driver,
						 pgoff_t nr)
{
	const struct fake_seg seg = { .nr = nr };

	return fake_pin(test, driver, PIN_REVOKE_WRITE, &seg, 1);
}

#endif /* _PIN_REVOKE_FAKE_PIN_H */
