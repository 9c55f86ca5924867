// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning what can be taken back, for a kernel that cannot be told so: there it is
 * like any other pin.
 */
#include <linux/mm.h>

#include "../core.h"

int pinr_gup_guarded(struct pin_revoke_pin *pin, unsigned long addr, int nr,
		     unsigned int gup, struct page **pages)
{
	return pin_user_pages_fast(addr, nr, gup, pages);
}
