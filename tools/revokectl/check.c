// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl check: in words, can what a process has pinned, or what is pinned of a
 * file, be taken back, and where are holders asked on this kernel?
 *
 * Looks at lists, /proc and /sys only. Must never promise: it says what held when
 * it looked, and "unknown" where it may not look.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <mntent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "revokectl.h"

#define XFS_SUPER_MAGIC		0x58465342
#define ASK_POINTS		32
#define PARAMETER(name)		"/sys/module/pin_revoke/parameters/" name
#define ENABLE			"/proc/sys/vm/pin_revoke_enable"

/* Some of it cannot be revoked. */
static bool not_all;

enum verdict { NO, YES, UNKNOWN };

static void say(const char *about, enum verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void say(const char *about, enum verdict verdict, const char *fmt, ...)
{
	static const char *const words[] = { "no", "yes", "unknown" };
	char *text;
	va_list args;
	int len;

	va_start(args, fmt);
	len = vasprintf(&text, fmt, args);
	va_end(args);
	if (len < 0)
		return;
	out_object(NULL);
	out_str("about", "%s: ", about);
	out_str("verdict", "%s: ", words[verdict]);
	out_str("text", "%s\n", text);
	if (options.json)
		out_close();
	free(text);
}

/* A parameter or sysctl. Return: its first character, 0 if it cannot be read. */
static char parameter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char value = 0;

	if (fd < 0 || read(fd, &value, 1) != 1)
		value = 0;
	if (fd >= 0)
		close(fd);
	return value;
}

static FILE *enabled_functions(void)
{
	FILE *file = fopen("/sys/kernel/tracing/enabled_functions", "re");

	if (!file)
		file = fopen("/sys/kernel/debug/tracing/enabled_functions", "re");
	return file;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

/*
 * Functions in which holders are asked now, with a space before each: the kernel's own
 * core names them, those that ftrace sends to the module are words at lines' begin.
 * Return: 0 or an errno.
 */
static int asked_in(char text[static ASK_POINTS * 65 + 1])
{
	FILE *file = fopen(PARAMETER("armed"), "re");
	char line[1024] = " ";
	char names[ASK_POINTS][64];
	size_t i, nr = 0;

	*text = '\0';
	if (file) {
		if (fgets(line + 1, sizeof(line) - 1, file) && line[1] != '\n')
			snprintf(text, ASK_POINTS * 65 + 1, "%.*s",
				 (int)strcspn(line, "\n"), line);
		fclose(file);
		return 0;
	}
	file = enabled_functions();
	if (!file)
		return errno;
	while (nr < ASK_POINTS && fgets(line, sizeof(line), file))
		if (strstr(line, "[pin_revoke]"))
			snprintf(names[nr++], sizeof(names[0]), "%.*s",
				 (int)strcspn(line, " \t\n"), line);
	fclose(file);
	qsort(names, nr, sizeof(names[0]), by_text);
	for (i = 0; i < nr; i++)
		text += sprintf(text, " %s", names[i]);
	return 0;
}

static void check_ask_points(size_t nr_pins)
{
	char text[ASK_POINTS * 65 + 1];
	int err;

	if (parameter(PARAMETER("ask")) == 'N') {
		say("ask points", NO,
		    "pin_revoke was loaded with ask=0: nobody is asked, pins are forced");
		return;
	}
	if (parameter(ENABLE) == '0') {
		say("ask points", NO,
		    "vm.pin_revoke_enable is 0: nobody is asked, pins are forced");
		return;
	}
	err = asked_in(text);
	if (err)
		say("ask points", UNKNOWN,
		    "the kernel's list of wrapped functions cannot be read (%s): mount -t tracefs none /sys/kernel/tracing, as root",
		    strerror(err));
	else if (*text)
		say("ask points", YES, "holders are asked in%s", text);
	else if (nr_pins)
		say("ask points", NO,
		    "there are pins, but no function is wrapped: dmesg says why; pins are forced");
	else
		say("ask points", YES, "armed by the first pin: there is none now");
}

/* A declared range pins nothing: its holder is asked, nobody can take it. */
static bool declared(const struct revoke_pin *pin)
{
	return pin->flags & PIN_REVOKE_PIN_FLAGS_DECLARED;
}

static void say_declared(const char *about, size_t nr)
{
	if (nr)
		say(about, UNKNOWN,
		    "%zu declared ranges: the holder is asked to give them back, nothing takes them",
		    nr);
}

/* What is known of one process's memory, in whole pages */
struct charge charged(const struct pins *pins, uint32_t pid)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	struct charge sum = { 0 };
	size_t i;

	for (i = 0; i < pins->nr; i++) {
		const struct revoke_pin *pin = &pins->pin[i];
		uint64_t bytes = ((pin->addr + pin->len + page - 1) & -page) -
				 (pin->addr & -page);

		if (pin->pid != pid)
			continue;
		if (declared(pin)) {
			sum.nr_declared++;
			sum.declared += bytes;
		} else {
			sum.nr++;
			sum.bytes += bytes;
		}
	}
	return sum;
}

/* What somebody else has pinned of it; ours are charged while they are away, too. */
static uint64_t by_others(const struct pins *pins, uint32_t pid)
{
	const uint64_t ours = charged(pins, pid).bytes;
	uint64_t all = 0;

	return proc_pinned(pid, &all) && all > ours ? all - ours : 0;
}

static int check_pid(uint32_t pid, const struct pins *pins)
{
	uint64_t others, all;
	char about[32], size[16];
	struct charge ours;

	snprintf(about, sizeof(about), "process %u", pid);
	if (!proc_pinned(pid, &all))
		return usage("%s: there is none: revokectl holder show has those with pins",
			     about);
	ours = charged(pins, pid);
	others = by_others(pins, pid);
	if (ours.nr)
		say(about, YES, "%zu pins of %s can be revoked: revokectl pin revoke pid %u",
		    ours.nr, size_text(ours.bytes, size), pid);
	say_declared(about, ours.nr_declared);
	if (others) {
		say(about, NO,
		    "%s are pinned by a driver without pin-revoke, or io_uring: only the process can give them back, or end",
		    size_text(others, size));
		not_all = true;
	}
	if (!ours.nr && !ours.nr_declared && !others)
		say(about, YES, "nothing is pinned that the kernel counts");
	return EXIT_OK;
}

/* The line of /proc/mounts for a device number; later ones hide earlier ones. */
static bool mount_of(dev_t dev, char *type, size_t size, bool *journals_data)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	bool found = false;
	struct mntent *ent;
	struct stat st;

	while (mounts && (ent = getmntent(mounts))) {
		if (stat(ent->mnt_dir, &st) || st.st_dev != dev)
			continue;
		snprintf(type, size, "%s", ent->mnt_type);
		*journals_data = hasmntopt(ent, "data") &&
				 strstr(hasmntopt(ent, "data"), "data=journal");
		found = true;
	}
	if (mounts)
		endmntent(mounts);
	return found;
}

/* The same question that the core asks for each writable pin */
static void check_writable(const char *path, const struct stat *st)
{
	char type[64] = "this file system";
	bool journals_data = false;
	struct statfs fs;
	int flags, fd;

	if (statfs(path, &fs))
		return say(path, UNKNOWN, "%s", strerror(errno));
	if (!S_ISREG(st->st_mode) && !S_ISBLK(st->st_mode))
		return say(path, NO, "only files and block devices can be mapped and pinned");
	if (S_ISBLK(st->st_mode))
		snprintf(type, sizeof(type), "a block device");
	else
		mount_of(st->st_dev, type, sizeof(type), &journals_data);
	if (S_ISREG(st->st_mode) && (fs.f_type == TMPFS_MAGIC ||
				     fs.f_type == HUGETLBFS_MAGIC))
		return say(path, YES, "%s is memory: it can be pinned, and given back", type);
	if (S_ISREG(st->st_mode) &&
	    (fs.f_type == XFS_SUPER_MAGIC || fs.f_type == BTRFS_SUPER_MAGIC))
		return say(path, YES, "writable pins are let through on %s", type);
	if (S_ISREG(st->st_mode) && fs.f_type == EXT4_SUPER_MAGIC) {
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && !ioctl(fd, FS_IOC_GETFLAGS, &flags))
			journals_data |= !!(flags & FS_JOURNAL_DATA_FL);
		if (fd >= 0)
			close(fd);
		if (!journals_data || fs.f_bsize == sysconf(_SC_PAGESIZE))
			return say(path, YES, "writable pins are let through on %s", type);
		snprintf(type, sizeof(type), "ext4 that journals data, with small blocks");
	}
	switch (parameter(PARAMETER("any_fs"))) {
	case 'Y':
		return say(path, YES, "writable pins are let through on %s, because any_fs is set",
			   type);
	case 'N':
		return say(path, NO,
			   "writable pins are refused on %s, which is not known to keep the promise; parameter any_fs of pin_revoke lets them through",
			   type);
	default:
		say(path, UNKNOWN, "writable pins on %s depend on the parameter any_fs of pin_revoke",
		    type);
	}
}

static int same_file(const struct proc_map *map, void *arg)
{
	const struct stat *st = arg;

	return map->st.st_dev == st->st_dev && map->st.st_ino == st->st_ino;
}

/* Processes that map the file and have pinned more than we know of */
static void check_foreign(const char *path, const struct stat *st,
			  const struct pins *pins)
{
	DIR *proc = opendir("/proc");
	struct dirent *ent;
	char size[16];

	if (!proc)
		return say(path, UNKNOWN, "/proc: %s", strerror(errno));
	while ((ent = readdir(proc))) {
		uint32_t pid = strtoul(ent->d_name, NULL, 10);
		uint64_t others = pid ? by_others(pins, pid) : 0;

		if (!others || proc_maps(pid, 0, UINT64_MAX, same_file,
					 (void *)st) != 1)
			continue;
		say(path, NO,
		    "process %u maps it and has %s pinned by a driver without pin-revoke, or io_uring; if they are of this file they cannot be revoked",
		    pid, size_text(others, size));
		not_all = true;
	}
	closedir(proc);
}

static int check_file(const char *path, const struct stat *st,
		      const struct pins *pins)
{
	struct filter f = { .by_file = true, .file = *st };
	char size[16];
	uint64_t sum = 0;
	size_t i, nr = 0, nr_declared = 0;

	check_writable(path, st);
	for (i = 0; i < pins->nr; i++) {
		if (filter_match(&f, &pins->pin[i]) != 1)
			continue;
		nr_declared += declared(&pins->pin[i]);
		if (declared(&pins->pin[i]))
			continue;
		nr++;
		sum += pins->pin[i].len;
	}
	if (nr)
		say(path, YES, "%zu pins of %s have pages of it and can be revoked: revokectl pin revoke file %s",
		    nr, size_text(sum, size), path);
	else
		say(path, YES, "no revocable pin has pages of it");
	say_declared(path, nr_declared);
	check_foreign(path, st, pins);
	return EXIT_OK;
}

int check_main(int argc, char **argv)
{
	const struct filter all = { 0 };
	struct revoke_nl nl;
	struct pins pins;
	struct stat st;
	bool by_pid;
	uint64_t pid;
	int err;

	if (argc != 1)
		return usage("check what? a file, or the number of a process");
	by_pid = isdigit((unsigned char)*argv[0]);
	if (by_pid) {
		if (!parse_number("check", argv[0], UINT32_MAX, &pid))
			return EXIT_USAGE;
	} else if (stat(argv[0], &st)) {
		return usage("%s: %s", argv[0], strerror(errno));
	}
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "check");
	err = pins_get(&nl, &all, &pins);
	revoke_nl_close(&nl);
	if (err)
		return fail(err, "check");
	out_array(NULL);
	not_all = false;
	err = by_pid ? check_pid(pid, &pins) : check_file(argv[0], &st, &pins);
	if (!err) {
		check_ask_points(pins.nr);
		out_close();
		if (geteuid())
			fputs("revokectl: pins of others count as not revocable here: run it as root\n",
			      stderr);
	} else {
		out_abandon();
	}
	pins_put(&pins);
	return err ? err : not_all ? EXIT_HOLDERS : EXIT_OK;
}
