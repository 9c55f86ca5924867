// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: what /proc knows of a holder and the kernel's list does not: user,
 * cgroup, mapped files, how much it has pinned in all.
 *
 * Must never be needed: whoever is gone, or not ours to look at, is unknown.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <mntent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include "revokectl.h"

static FILE *proc_open(uint32_t pid, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	return fopen(path, "re");
}

/* The number in the line of /proc/PID/status that begins with @field */
static bool status_number(uint32_t pid, const char *field, uint64_t *value)
{
	FILE *file = proc_open(pid, "status");
	size_t len = strlen(field);
	bool found = false;
	char line[256];

	while (file && !found && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, len)) {
			*value = strtoull(line + len, NULL, 10);
			found = true;
		}
	if (file)
		fclose(file);
	return found;
}

bool proc_uid(uint32_t pid, uint32_t *uid)
{
	uint64_t value;

	if (!status_number(pid, "Uid:", &value))
		return false;
	*uid = value;
	return true;
}

/* Its command name, as it is now */
bool proc_comm(uint32_t pid, char comm[static 16])
{
	FILE *file = proc_open(pid, "comm");
	bool found = file && fgets(comm, 16, file);

	if (file)
		fclose(file);
	if (found)
		comm[strcspn(comm, "\n")] = '\0';
	return found;
}

/* All that it has pinned, whoever did: VmPin */
bool proc_pinned(uint32_t pid, uint64_t *bytes)
{
	if (!status_number(pid, "VmPin:", bytes))
		return false;
	*bytes *= 1024;
	return true;
}

static bool cgroup_mount(char *path, size_t size)
{
	FILE *mounts = setmntent("/proc/self/mounts", "re");
	bool found = false;
	struct mntent *ent;

	while (mounts && !found && (ent = getmntent(mounts)))
		if (!strcmp(ent->mnt_type, "cgroup2")) {
			snprintf(path, size, "%s", ent->mnt_dir);
			found = true;
		}
	if (mounts)
		endmntent(mounts);
	return found;
}

/* Is it in this cgroup2 directory, or below? */
bool proc_in_cgroup(uint32_t pid, const struct stat *dir)
{
	char line[4096], path[8192], *end;
	FILE *file = proc_open(pid, "cgroup");
	bool found = false;
	struct stat st;
	size_t top;

	if (!file)
		return false;
	while (!found && fgets(line, sizeof(line), file))
		found = !strncmp(line, "0::/", 4);
	fclose(file);
	if (!found || !cgroup_mount(path, sizeof(path) - sizeof(line)))
		return false;
	top = strlen(path);
	line[strcspn(line, "\n")] = '\0';
	snprintf(path + top, sizeof(path) - top, "%s", line + 3);
	for (;;) {
		if (!stat(path, &st) && st.st_dev == dir->st_dev &&
		    st.st_ino == dir->st_ino)
			return true;
		end = strrchr(path, '/');
		if (!end || (size_t)(end - path) < top)
			return false;
		*end = '\0';
	}
}

/**
 * proc_maps - the files that are mapped in a range of a process
 * @pid: the process
 * @addr: first address
 * @len: bytes
 * @fn: gets the file as it is, its name, and which bytes of it are mapped in
 *	the range; non-zero stops
 * @arg: for @fn
 *
 * What is mapped is asked through map_files, which needs privilege: on btrfs and
 * overlayfs the device in the list of mappings is not the one that stat(2) says.
 *
 * Return: what @fn returned last, 0 if it was not called; -errno if we may not
 * look, or the process is gone.
 */
int proc_maps(uint32_t pid, uint64_t addr, uint64_t len,
	      int (*fn)(const struct proc_map *map, void *arg), void *arg)
{
	FILE *file = proc_open(pid, "maps");
	unsigned long long start, end, offset, ino;
	unsigned int major, minor;
	const uint64_t stop = addr + len;
	char line[4096 + 128], path[96];
	int ret = 0, at;

	if (!file)
		return -errno;
	while (!ret && fgets(line, sizeof(line), file)) {
		struct proc_map map;

		if (sscanf(line, "%llx-%llx %4s %llx %x:%x %llu %n", &start, &end,
			   map.perm, &offset, &major, &minor, &ino, &at) != 7 ||
		    !ino ||
		    end <= addr || start >= stop)
			continue;
		line[strcspn(line, "\n")] = '\0';
		map.name = line + at;
		map.path = path;
		map.offset = offset + (start < addr ? addr - start : 0);
		map.length = (end < stop ? end : stop) -
			     (start < addr ? addr : start);
		snprintf(path, sizeof(path), "/proc/%u/map_files/%llx-%llx", pid,
			 start, end);
		if (stat(path, &map.st))
			map.st = (struct stat){
				.st_dev = makedev(major, minor), .st_ino = ino
			};
		ret = fn(&map, arg);
	}
	fclose(file);
	return ret;
}
