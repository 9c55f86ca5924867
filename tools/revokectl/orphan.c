// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl orphan: memory that is registered though the range of the file, or of
 * the process, that it was is gone.
 *
 * Exact where the range is known: our pins and declared ranges. What other drivers
 * have pinned is known only by how much it is: must never be shown as more than an
 * estimate.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "revokectl.h"

/**
 * struct orphan - one line
 * @pin: NULL if it is an estimate, of all that a process has from others
 * @bytes: without a range
 * @pinned: by others
 * @meant: by the filter
 */
struct orphan {
	const struct revoke_pin *pin;
	uint32_t pid;
	char comm[16];
	uint64_t bytes;
	uint64_t pinned;
	bool meant;
};

struct orphans {
	const struct filter *f;
	const struct pins *pins;
	struct orphan *orphan;
	size_t nr;
};

static int add(struct orphans *all, const struct orphan *orphan)
{
	void *more = reallocarray(all->orphan, all->nr + 1, sizeof(*orphan));

	if (!more)
		return -ENOMEM;
	all->orphan = more;
	all->orphan[all->nr++] = *orphan;
	return 0;
}

/* Bytes from @at to @end in holes of a file; @end can be beyond @size, in its last page */
static uint64_t in_holes(const char *path, uint64_t at, uint64_t end, uint64_t size)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	uint64_t sum = 0;
	off_t hole, data;

	while (fd >= 0 && at < end) {
		hole = lseek(fd, at, SEEK_HOLE);
		if (hole < 0 || (uint64_t)hole >= end || (uint64_t)hole >= size)
			break;
		data = lseek(fd, hole, SEEK_DATA);
		at = data < 0 || (uint64_t)data > end ? end : (uint64_t)data;
		sum += at - hole;
	}
	if (fd >= 0)
		close(fd);
	return sum;
}

/*
 * What is mapped of a file, and not in it any more. Pages that nobody has written
 * can be holes of it and still the file's: only where it can be written.
 */
static int on_map(const struct proc_map *map, void *arg)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	uint64_t end = map->offset + map->length;
	uint64_t size, *lost = arg;

	if (map->perm[3] != 's' || !S_ISREG(map->st.st_mode))
		return 0;
	size = (map->st.st_size + page - 1) & -page;
	if (end > size)
		*lost += end - (map->offset > size ? map->offset : size);
	if (map->perm[1] == 'w')
		*lost += in_holes(map->path, map->offset, end < size ? end : size,
				  map->st.st_size);
	return 0;
}

/*
 * Of a pin of ours nothing is held any more when its range is gone. A declared range
 * has lost nothing before the kernel took it.
 */
static int look_at_pin(struct orphans *all, const struct revoke_pin *pin)
{
	bool declared = pin->flags & PIN_REVOKE_PIN_FLAGS_DECLARED;
	struct orphan orphan = { .pin = pin, .pid = pin->pid };
	int err = filter_match(all->f, pin);

	if (err < 0)
		return err;
	orphan.meant = err;
	if (pin->state == PIN_REVOKE_STATE_GONE) {
		orphan.bytes = declared ? pin->len : 0;
		return add(all, &orphan);
	}
	err = 0;
	if (declared && pin->state == PIN_REVOKE_STATE_REVOKED)
		err = proc_maps(pin->pid, pin->addr, pin->len, on_map, &orphan.bytes);
	/* It ended since the kernel made its list. */
	if (err < 0 && err != -ENOENT && err != -ESRCH)
		return err;
	return orphan.bytes ? add(all, &orphan) : 0;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/*
 * No more than others have pinned, than its regions are long, and than is mapped
 * of files without being in them; what was declared counts there, not here. Of whom
 * we may not look at nothing is known.
 */
static int look_at_process(struct orphans *all, uint32_t pid)
{
	struct revoke_pin whole = { .pid = pid, .len = UINT64_MAX };
	uint64_t regions, pinned, lost = 0;
	struct orphan orphan = { .pid = pid, .meant = true };
	struct charge known;
	size_t i;

	if (!proc_pinned(pid, &pinned) || !pinned || !proc_comm(pid, whole.comm))
		return 0;
	known = charged(all->pins, pid);
	orphan.pinned = minus(pinned, known.bytes + known.declared);
	if (!orphan.pinned)
		return 0;
	if (filter_match(all->f, &whole) <= 0 ||
	    proc_maps(pid, 0, UINT64_MAX, on_map, &lost) < 0)
		return 0;
	for (i = 0; i < all->nr; i++)
		if (all->orphan[i].pid == pid)
			lost = minus(lost, all->orphan[i].bytes);
	orphan.bytes = least(orphan.pinned, lost);
	if (regions_bytes(pid, &regions))
		orphan.bytes = least(orphan.bytes, regions);
	memcpy(orphan.comm, whole.comm, sizeof(orphan.comm));
	return orphan.bytes ? add(all, &orphan) : 0;
}

static int look(struct orphans *all)
{
	DIR *proc = opendir("/proc");
	struct dirent *ent;
	int err = 0;
	size_t i;

	if (!proc)
		return -errno;
	for (i = 0; !err && i < all->pins->nr; i++)
		err = look_at_pin(all, &all->pins->pin[i]);
	while (!err && (ent = readdir(proc))) {
		uint32_t pid = strtoul(ent->d_name, NULL, 10);

		if (pid)
			err = look_at_process(all, pid);
	}
	closedir(proc);
	return err;
}

/**
 * orphans_bytes - what "orphan show" would show, summed up
 * @pins: all of them
 * @exact: of pins and declared ranges
 * @estimate: of what others have pinned, at most
 *
 * Return: 0, or -errno, also if we may not look at somebody's memory.
 */
int orphans_bytes(const struct pins *pins, uint64_t *exact, uint64_t *estimate)
{
	const struct filter everything = { 0 };
	struct orphans all = { .f = &everything, .pins = pins };
	int err = look(&all);
	size_t i;

	*exact = 0;
	*estimate = 0;
	for (i = 0; i < all.nr; i++)
		*(all.orphan[i].pin ? exact : estimate) += all.orphan[i].bytes;
	free(all.orphan);
	return err;
}

static int by_bytes(const void *a, const void *b)
{
	const struct orphan *one = a, *two = b;

	return one->bytes < two->bytes ? 1 : one->bytes > two->bytes ? -1 :
	       one->pid < two->pid ? -1 : one->pid > two->pid;
}

static void orphan_out(const struct orphan *orphan)
{
	char bytes[16], pinned[16];

	size_text(orphan->bytes, bytes);
	out_object(NULL);
	out_str("how", NULL, orphan->pin ? "exact" : "estimate");
	out_u64("orphan_bytes", NULL, orphan->bytes);
	if (orphan->pin) {
		pin_out("pin", orphan->pin, true);
		if (orphan->bytes)
			out_text("  orphan %s\n", bytes);
		else
			out_text("  registered, nothing is held\n");
	} else {
		out_str("comm", "%s", orphan->comm);
		out_u64("pid", "/%llu", orphan->pid);
		out_u64("pinned_bytes", NULL, orphan->pinned);
		out_text("  estimate: up to %s of %s that other drivers have pinned\n",
			 bytes, size_text(orphan->pinned, pinned));
	}
	if (options.json)
		out_close();
}

static int show(int argc, char **argv)
{
	const struct filter everything = { 0 };
	struct filter f = { 0 };
	struct orphans all = { .f = &f };
	struct revoke_nl nl;
	struct pins pins;
	size_t i, shown = 0;
	int err;

	err = filter_parse(&f, false, argc, argv);
	if (err)
		return err;
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "orphan show");
	err = pins_get(&nl, &everything, &pins);
	revoke_nl_close(&nl);
	if (err)
		return fail(err, "orphan show");
	all.pins = &pins;
	err = look(&all);
	if (all.nr)
		qsort(all.orphan, all.nr, sizeof(*all.orphan), by_bytes);
	if (!err) {
		out_array(NULL);
		for (i = 0; i < all.nr && (!f.top || shown < f.top); i++)
			if (all.orphan[i].meant) {
				orphan_out(&all.orphan[i]);
				shown++;
			}
		out_close();
		if (!shown)
			hint_scope();
	}
	free(all.orphan);
	pins_put(&pins);
	return err ? fail(err, "orphan show") : EXIT_OK;
}

int orphan_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show,
		  "[ FILTER ]... [ top NUMBER ]\n"
		  "  FILTER: as in revokectl pin show" },
		{ 0 }
	};

	return run_command("orphan", commands, argc, argv);
}
