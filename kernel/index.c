// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which pins does a trigger mean: pins by file mapping and page range.
 *
 * A mapping is a key here and never dereferenced; the index keeps no inode and
 * no file. Pins leave it when they are taken, in the notifier: nothing here
 * sleeps or allocates under pinr_lock.
 */
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "core.h"

DEFINE_SPINLOCK(pinr_lock);

static DEFINE_HASHTABLE(pinr_maps, 8);
static unsigned long pinr_collection;

static struct pinr_map *pinr_map_find(const struct address_space *mapping,
				      const struct super_block *sb)
{
	struct pinr_map *map;

	hash_for_each_possible_rcu(pinr_maps, map, hash, (unsigned long)mapping,
				   lockdep_is_held(&pinr_lock))
		if (map->mapping == mapping && (!sb || map->sb == sb))
			return map;
	return NULL;
}

/**
 * pinr_map_get - the map of a file mapping, made if it is new
 * @mapping: the key
 * @sb: its file system, a key too
 *
 * Context: may sleep.
 * Return: the map with a reference, or NULL without memory.
 */
struct pinr_map *pinr_map_get(const struct address_space *mapping,
			      const struct super_block *sb)
{
	struct pinr_map *map, *new = kzalloc(sizeof(*new), GFP_KERNEL_ACCOUNT);

	if (!new)
		return NULL;
	new->mapping = mapping;
	new->sb = sb;
	new->segs = RB_ROOT_CACHED;

	spin_lock(&pinr_lock);
	map = pinr_map_find(mapping, sb);
	if (!map) {
		map = new;
		new = NULL;
		hash_add_rcu(pinr_maps, &map->hash, (unsigned long)mapping);
	}
	map->users++;
	spin_unlock(&pinr_lock);
	kfree(new);
	return map;
}

void pinr_map_put(struct pinr_map *map)
{
	spin_lock(&pinr_lock);
	if (!--map->users) {
		hash_del_rcu(&map->hash);
		kfree_rcu(map, rcu);
	}
	spin_unlock(&pinr_lock);
}

/**
 * pinr_index_has - is any pin, revoked ones too, on this mapping
 * @mapping: the mapping
 *
 * The fast path of every trigger. If there is one, most of them wait for its
 * holder: lockdep hears of that whether or not there is one.
 *
 * Context: process context, not under the lock of a pin.
 * Return: true if there is one.
 */
bool pinr_index_has(const struct address_space *mapping)
{
	bool has;

	pinr_might_wait();
	rcu_read_lock();
	has = pinr_map_find(mapping, NULL);
	rcu_read_unlock();
	return has;
}

/* Caller holds pin->lock. */
void pinr_index_hook(struct pin_revoke_pin *pin)
{
	unsigned int i;

	if (!pin->file)
		return;
	spin_lock(&pinr_lock);
	for (i = 0; i < pin->segs->nr; i++) {
		struct pinr_seg *seg = &pin->segs->seg[i];

		if (!seg->map)
			continue;
		interval_tree_insert(&seg->node, &seg->map->segs);
		seg->hooked = true;
	}
	spin_unlock(&pinr_lock);
}

/* Caller holds pin->lock. Does nothing the second time. */
void pinr_index_unhook(struct pin_revoke_pin *pin)
{
	unsigned int i;

	if (!pin->segs || !pin->file)
		return;
	spin_lock(&pinr_lock);
	for (i = 0; i < pin->segs->nr; i++) {
		struct pinr_seg *seg = &pin->segs->seg[i];

		if (!seg->hooked)
			continue;
		interval_tree_remove(&seg->node, &seg->map->segs);
		seg->hooked = false;
	}
	spin_unlock(&pinr_lock);
}

struct pinr_basket {
	struct pin_revoke_pin **pins;
	unsigned int nr, max;
};

static void pinr_collect_pin(struct pinr_basket *basket,
			     struct pin_revoke_pin *pin)
{
	if (basket->nr < basket->max) {
		pinr_pin_get(pin);
		basket->pins[basket->nr] = pin;
	}
	basket->nr++;
}

/* Are any of its pages in the range there? What is away is in nobody's way. */
static bool pinr_seg_has(struct pinr_seg *seg, pgoff_t first, pgoff_t last)
{
	unsigned long at = (seg->start - seg->pin->start) >> PAGE_SHIFT;

	first = max(first, seg->node.start) - seg->node.start;
	last = min(last, seg->node.last) - seg->node.start;
	return pinr_pin_has(seg->pin, at + first, at + last);
}

static void pinr_collect_map(struct pinr_basket *basket, struct pinr_map *map,
			     pgoff_t first, pgoff_t last, bool readers)
{
	struct interval_tree_node *node;

	for (node = interval_tree_iter_first(&map->segs, first, last); node;
	     node = interval_tree_iter_next(node, first, last)) {
		struct pinr_seg *seg = container_of(node, struct pinr_seg, node);
		struct pin_revoke_pin *pin = seg->pin;

		/* Writeback and its kin leave read pins alone. */
		if ((!readers && !(pin->flags & PIN_REVOKE_WRITE)) ||
		    pin->collected == pinr_collection ||
		    !pinr_seg_has(seg, first, last))
			continue;
		pin->collected = pinr_collection;
		pinr_collect_pin(basket, pin);
	}
}

static void pinr_collect(struct pinr_basket *basket,
			 const struct pinr_scope *scope)
{
	struct rb_node *node;
	struct pinr_map *map;
	unsigned int bucket;

	spin_lock(&pinr_lock);
	pinr_collection++;
	if (scope->anon) {
		for (node = rb_first(&pinr_pins); node; node = rb_next(node))
			pinr_collect_pin(basket, rb_entry(node, struct pin_revoke_pin,
							  by_id));
	} else if (scope->mapping) {
		map = pinr_map_find(scope->mapping, NULL);
		if (map)
			pinr_collect_map(basket, map, scope->first, scope->last,
					 scope->readers);
	} else {
		hash_for_each(pinr_maps, bucket, map, hash)
			if (!scope->sb || scope->sb == map->sb)
				pinr_collect_map(basket, map, 0, ULONG_MAX, false);
	}
	spin_unlock(&pinr_lock);
}

/**
 * pinr_index_collect - the pins that a trigger means
 * @scope: a mapping and range, a file system, or everything
 * @nr: how many were found
 *
 * Context: may sleep; does not enter file systems.
 * Return: an array of @nr pins with a reference each, for the caller to put
 * and kvfree(); NULL if there is none or no memory: then nobody is asked and
 * the backstop does its work.
 */
struct pin_revoke_pin **pinr_index_collect(const struct pinr_scope *scope,
					   unsigned int *nr)
{
	struct pin_revoke_pin **pins;

	pinr_index_list(scope, &pins, nr);
	return pins;
}

/* The same for who must know why there is none. Return: 0 or -ENOMEM. */
int pinr_index_list(const struct pinr_scope *scope, struct pin_revoke_pin ***pins,
		    unsigned int *nr)
{
	struct pinr_basket basket = { };

	pinr_collect(&basket, scope);
	*pins = NULL;
	*nr = 0;
	if (!basket.nr)
		return 0;
	/* Some may come meanwhile: they are as if they had come later. */
	basket.max = basket.nr;
	basket.nr = 0;
	basket.pins = kvcalloc(basket.max, sizeof(*basket.pins), GFP_NOFS);
	if (!basket.pins)
		return -ENOMEM;
	pinr_collect(&basket, scope);
	*pins = basket.pins;
	*nr = min(basket.nr, basket.max);
	return 0;
}

/**
 * pinr_index_skipped - next range that background writeback leaves out
 * @mapping: the mapping
 * @pos: where to start looking, a page index
 * @first: first page of the range, at least @pos
 * @last: its last page
 *
 * Context: any.
 * Return: false if there is none from @pos on.
 */
bool pinr_index_skipped(const struct address_space *mapping, pgoff_t pos,
			pgoff_t *first, pgoff_t *last)
{
	struct interval_tree_node *node = NULL;
	struct pinr_map *map;

	spin_lock(&pinr_lock);
	map = pinr_map_find(mapping, NULL);
	if (map)
		node = interval_tree_iter_first(&map->segs, pos, ULONG_MAX);
	while (node) {
		struct pin_revoke_pin *pin =
			container_of(node, struct pinr_seg, node)->pin;

		if (pinr_asked_for(pin, PIN_REVOKE_REASON_WRITEBACK_BACKGROUND)) {
			*first = max_t(pgoff_t, node->start, pos);
			*last = node->last;
			break;
		}
		node = interval_tree_iter_next(node, pos, ULONG_MAX);
	}
	spin_unlock(&pinr_lock);
	return node;
}
