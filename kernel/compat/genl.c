// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generated tables have an entry for "do" and one for "dump" of a command; a
 * kernel without split ops wants one for both, which takes what either takes: in
 * the specification one of the two has all attributes of the other. See compat.h
 * for the names.
 */
#undef genl_register_family
#include <net/genetlink.h>
#include <uapi/linux/pin_revoke.h>

int compat_genl_register_family(struct genl_family *family);

static struct genl_ops merged[PIN_REVOKE_CMD_MAX];

/**
 * compat_genl_register_family - register a family with split ops
 * @family: as generated; its table is replaced by a merged one
 *
 * Return: as genl_register_family().
 */
int compat_genl_register_family(struct genl_family *family)
{
	unsigned int i, nr = 0;

	for (i = 0; i < family->n_ops; i++) {
		const struct genl_ops *op = &family->ops[i];

		if (nr && merged[nr - 1].cmd == op->cmd) {
			merged[nr - 1].dumpit = op->dumpit;
			merged[nr - 1].flags |= op->flags;
			if (op->maxattr > merged[nr - 1].maxattr) {
				merged[nr - 1].policy = op->policy;
				merged[nr - 1].maxattr = op->maxattr;
			}
		} else {
			merged[nr++] = *op;
		}
	}
	family->ops = merged;
	family->n_ops = nr;
	return genl_register_family(family);
}
