// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shared library, loaded and unloaded by a program that does not link it,
 * as plugins are: nothing may pile up. What it leaves behind without a pointer
 * to it LeakSanitizer reports at the end.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <revoke/revoke.h>
#include "tap.h"

#define ROUNDS 200

static char path[4096];

/* Here there is no such family. */
static void *round_of(void *arg)
{
	int (*open_ctx)(const struct revoke_open_opts *opts,
			struct revoke_ctx **ctx);
	const char *(*last_error)(const struct revoke_ctx *ctx);
	struct revoke_ctx *ctx;
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!lib) {
		puts(dlerror());
		return NULL;
	}
	open_ctx = dlsym(lib, "revoke_open");
	last_error = dlsym(lib, "revoke_last_error");
	if (!open_ctx || !last_error || open_ctx(NULL, &ctx) != -ENOSYS ||
	    *last_error(NULL) || dlclose(lib))
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

int main(void)
{
	unsigned int i, good = 0;
	pthread_t thread;
	void *ret;

	snprintf(path, sizeof(path), "%s/lib/librevoke.so.0", getenv("O"));
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
	return tap_done();
}
