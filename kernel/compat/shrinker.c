// SPDX-License-Identifier: GPL-2.0-only
/*
 * A shrinker that is allocated, on a kernel where its user brings the memory.
 * See compat.h for the names.
 *
 * One that could not be registered is never called, and is freed all the same.
 */
#include <linux/mm.h>	/* the next wants its types */
#include <linux/shrinker.h>
#include <linux/slab.h>

struct compat_shrinker {
	struct shrinker shrinker;
	const char *name;
};

struct shrinker *compat_shrinker_alloc(unsigned int flags, const char *name)
{
	struct compat_shrinker *compat = kzalloc(sizeof(*compat), GFP_KERNEL);

	if (!compat)
		return NULL;
	compat->shrinker.flags = flags;
	compat->name = name;
	return &compat->shrinker;
}

void compat_shrinker_register(struct shrinker *shrinker)
{
	struct compat_shrinker *compat =
		container_of(shrinker, struct compat_shrinker, shrinker);

	if (register_shrinker(shrinker, "%s", compat->name))
		pr_warn("pin-revoke: nobody is asked when memory is short\n");
}

void compat_shrinker_free(struct shrinker *shrinker)
{
	unregister_shrinker(shrinker);
	kfree(container_of(shrinker, struct compat_shrinker, shrinker));
}
