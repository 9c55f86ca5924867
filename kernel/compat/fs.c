// SPDX-License-Identifier: GPL-2.0-only
/*
 * What file systems tell nobody outside of them.
 *
 * Must never be needed inside the kernel's tree: there they can be asked.
 */
#include <linux/kallsyms.h>
#include <linux/string.h>

#include "../core.h"

/**
 * pinr_journals_data - does ext4 write the data of this file by its journal
 * @mapping: of a file on ext4
 *
 * By its mount or by the file's flag: it has operations of its own then.
 */
bool pinr_journals_data(const struct address_space *mapping)
{
	char name[KSYM_SYMBOL_LEN];

	sprint_symbol_no_offset(name, (unsigned long)mapping->a_ops->dirty_folio);
	return strstarts(name, "ext4_journalled_dirty_folio");
}
