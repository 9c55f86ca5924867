// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shared library, loaded and unloaded by a program that does not link it,
 * as plugins are: nothing may pile up. What it leaves behind without a pointer
 * to it LeakSanitizer reports at the end.
 */
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <revoke/revoke.h>
#include "tap.h"

#define ROUNDS 200

static char path[4096];
static int wanted = -ENOSYS;

/* Without the family it says so; with it a context comes and goes. */
static void *round_of(void *arg)
{
	int (*open_ctx)(const struct revoke_open_opts *opts,
			struct revoke_ctx **ctx);
	void (*close_ctx)(struct revoke_ctx *ctx);
	struct revoke_ctx *ctx = NULL;
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		puts(dlerror());
		return NULL;
	}
	open_ctx = dlsym(lib, "revoke_open");
	close_ctx = dlsym(lib, "revoke_close");
	if (!open_ctx || !close_ctx || open_ctx(NULL, &ctx) != wanted)
		return NULL;
	close_ctx(ctx);
	if (dlclose(lib))
		return NULL;
	/* It must be gone, or this tests nothing. */
	return dlopen(path, RTLD_NOW | RTLD_NOLOAD) ? NULL : arg;
}

/* How much of this process is the library, or what only it needs */
static unsigned int mappings(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned int nr = 0;
	char line[512];

	while (fgets(line, sizeof(line), maps))
		nr += strstr(line, "librevoke") || strstr(line, "libnl");
	fclose(maps);
	return nr;
}

/* usage: test_dlopen [family] */
int main(int argc, char **argv)
{
	unsigned int i, good = 0;
	int fd = dup(0);
	pthread_t thread;
	void *ret;

	(void)argv;
	close(fd);
	if (argc > 1)
		wanted = 0;
	snprintf(path, sizeof(path), "%s/lib/librevoke.so.1", getenv("O"));
	for (i = 0; i < ROUNDS; i++)
		good += !!round_of(path);
	ok(good == ROUNDS, "loaded, used and unloaded two hundred times");
	for (good = i = 0; i < ROUNDS; i++) {
		pthread_create(&thread, NULL, round_of, path);
		pthread_join(thread, &ret);
		good += !!ret;
	}
	ok(good == ROUNDS, "and by two hundred threads");
	ok(!mappings(), "no mapping is left of it");
	ok(dup(0) == fd, "nor a descriptor");
	return tap_done();
}
