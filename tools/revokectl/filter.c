// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: which pins a command line means, and the list of these.
 *
 * The kernel leaves out what it can, this the rest. Must never be what a revocation
 * goes by: there the kernel chooses, at the moment of the request.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include "revokectl.h"

static const char *const words[] = {
	"pid", "comm", "uid", "cgroup", "driver", "device", "file", "offset",
	"length", "fs", "overlap", "top", "reason", "overdue",
};

static bool stat_arg(const char *word, struct stat *st)
{
	if (!stat(word, st))
		return true;
	usage("%s: %s", word, strerror(errno));
	return false;
}

bool is_cgroup(const char *word, struct stat *st)
{
	struct statfs fs;

	if (!stat_arg(word, st))
		return false;
	if (!statfs(word, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC &&
	    S_ISDIR(st->st_mode))
		return true;
	usage("%s is no directory of a cgroup2 file system", word);
	return false;
}

/* ADDR or ADDR+LEN */
static bool parse_range(struct filter *f, const char *arg)
{
	char *addr = strdupa(arg);
	char *plus = strchr(addr, '+');

	f->len = 1;
	if (plus)
		*plus++ = '\0';
	return parse_number("overlap", addr, UINT64_MAX, &f->addr) &&
	       (!plus || parse_number("overlap", plus, UINT64_MAX, &f->len));
}

/**
 * filter_word - one word of a filter and what follows it
 * @f: the filter
 * @name: the word, whole
 * @arg: what follows, NULL if nothing does
 *
 * Return: how many words it took, -1 if it is wrong and the user was told.
 */
int filter_word(struct filter *f, const char *name, const char *arg)
{
	bool good = true;
	uint64_t value;

	if (!strcmp(name, "overdue")) {
		f->overdue = true;
		return 1;
	}
	if (!arg) {
		usage("%s of what?", name);
		return -1;
	}
	if (!strcmp(name, "comm")) {
		f->comm = arg;
	} else if (!strcmp(name, "driver")) {
		f->driver = arg;
	} else if (!strcmp(name, "device")) {
		f->device = arg;
	} else if (!strcmp(name, "cgroup")) {
		good = is_cgroup(arg, &f->cgroup);
		f->by_cgroup = true;
	} else if (!strcmp(name, "file")) {
		good = stat_arg(arg, &f->file);
		f->by_file = true;
	} else if (!strcmp(name, "fs")) {
		good = stat_arg(arg, &f->fs);
		f->by_fs = true;
	} else if (!strcmp(name, "reason")) {
		f->reason = pick_reason(arg);
		good = f->reason > 0;
	} else if (!strcmp(name, "overlap")) {
		good = parse_range(f, arg);
	} else {
		good = parse_number(name, arg, name[0] == 'o' || name[0] == 'l' ?
				    UINT64_MAX : UINT32_MAX, &value);
		if (!strcmp(name, "pid"))
			f->pid = value;
		else if (!strcmp(name, "offset"))
			f->offset = value;
		else if (!strcmp(name, "length"))
			f->length = value;
		else if (!strcmp(name, "top"))
			f->top = value;
		else
			f->uid = value;
		f->by_uid |= !strcmp(name, "uid");
	}
	return good ? 2 : -1;
}

/**
 * filter_parse - the words after "show"
 * @f: the filter, set to nothing
 * @requests: it is about requests, or about who may have some
 *
 * Return: EXIT_OK, or the exit status and the user was told.
 */
int filter_parse(struct filter *f, bool requests, int argc, char **argv)
{
	const size_t nr = sizeof(words) / sizeof(words[0]) - (requests ? 0 : 2);
	int i = 0;

	while (i < argc) {
		int hit = pick("word", argv[i], words, nr);
		int used = hit < 0 ? -1 : filter_word(f, words[hit], argv[i + 1]);

		if (used < 0)
			return EXIT_USAGE;
		i += used;
	}
	if ((f->offset || f->length) && !f->by_file)
		return usage("offset and length are those of a file: say which");
	return EXIT_OK;
}

static int on_map(const struct proc_map *map, void *arg)
{
	const struct filter *f = arg;

	if (f->by_fs && map->st.st_dev != f->fs.st_dev)
		return 0;
	if (!f->by_file)
		return 1;
	return map->st.st_dev == f->file.st_dev &&
	       map->st.st_ino == f->file.st_ino &&
	       map->offset + map->length > f->offset &&
	       (!f->length || map->offset < f->offset + f->length);
}

/* Names of devices end where a word does. */
static bool device_is(const char *name, const char *device)
{
	size_t len = strlen(device);

	return !strncmp(name, device, len) && (!name[len] || name[len] == ' ');
}

/* Return: 1 if it is meant, 0 if not, -errno if we may not know. */
int filter_match(const struct filter *f, const struct revoke_pin *pin)
{
	uint32_t uid;

	if ((f->id && pin->id != f->id) || (f->pid && pin->pid != f->pid) ||
	    (f->comm && strcmp(pin->comm, f->comm)) ||
	    (f->driver && strcmp(pin->driver, f->driver)) ||
	    (f->device && !device_is(pin->name, f->device)) ||
	    (f->len && (pin->addr - f->addr >= f->len &&
			f->addr - pin->addr >= pin->len)))
		return 0;
	if (f->by_uid && (!proc_uid(pin->pid, &uid) || uid != f->uid))
		return 0;
	if (f->by_cgroup && !proc_in_cgroup(pin->pid, &f->cgroup))
		return 0;
	if (f->by_file || f->by_fs) {
		int ret = proc_maps(pin->pid, pin->addr, pin->len, on_map,
				    (void *)f);

		/* It ended since the kernel made its list. */
		return ret == -ENOENT || ret == -ESRCH ? 0 : ret;
	}
	return 1;
}

struct gather {
	const struct filter *f;
	struct pins *pins;
};

static int on_pin(const struct revoke_pin *pin, void *arg)
{
	struct gather *gather = arg;
	struct pins *pins = gather->pins;
	int ret = filter_match(gather->f, pin);

	if (ret <= 0)
		return ret;
	/* Grows by doubling: when the number is a power of two, it is full. */
	if (!(pins->nr & (pins->nr - 1))) {
		void *more = realloc(pins->pin, (pins->nr ? 2 * pins->nr : 1) *
						sizeof(*pin));

		if (!more)
			return -ENOMEM;
		pins->pin = more;
	}
	pins->pin[pins->nr++] = *pin;
	return 0;
}

static int by_size(const void *a, const void *b)
{
	const struct revoke_pin *one = a, *two = b;

	return one->len < two->len ? 1 : one->len > two->len ? -1 :
	       one->id < two->id ? -1 : one->id > two->id;
}

/* The pins that are meant, the largest first if "top" was said. */
int pins_get(struct revoke_nl *nl, const struct filter *f, struct pins *pins)
{
	const struct revoke_want want = {
		.id = f->id, .pid = f->pid, .driver = f->driver, .device = f->device,
		.by_memory = f->by_memory, .memory_addr = f->memory_addr,
		.memory_len = f->memory_len, .by_node = f->by_node, .node = f->node,
	};
	struct gather gather = { .f = f, .pins = pins };
	int err;

	*pins = (struct pins){ 0 };
	err = revoke_nl_pins(nl, &want, on_pin, &gather);
	pins->changed = err == -EAGAIN;
	if (err && !pins->changed) {
		pins_put(pins);
		return err;
	}
	if (f->top && pins->nr) {
		qsort(pins->pin, pins->nr, sizeof(*pins->pin), by_size);
		if (pins->nr > f->top)
			pins->nr = f->top;
	}
	return 0;
}

void pins_put(struct pins *pins)
{
	free(pins->pin);
	*pins = (struct pins){ 0 };
}
