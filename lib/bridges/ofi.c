// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * librevoke-ofi: which ranges libfabric has registered, and how to make it let go.
 *
 * libfabric calls the monitor with its own lock held, also from inside of notify().
 * Must never hold this one's lock while calling libfabric.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_ext.h>
#include <revoke/ofi.h>

#define REVOKE_EXPORT __attribute__((visibility("default")))
#define BUCKETS		1024
/* Of what libfabric has unlinked, so many may still be registered. */
#define MAX_UNLINKED	1024

struct range {
	struct range *next;
	struct revoke_range range;
	uint64_t nr;			/* the youngest has the highest */
};

struct domain {
	struct domain *next;
	struct fid_domain *domain;
};

struct revoke_ofi {
	struct fid_mem_monitor monitor;	/* first */
	struct fi_ops_mem_monitor ops;
	struct revoke_ctx *ctx;
	bool running;
	void *page;			/* registered to make a domain flush */
	size_t page_size;
	struct domain *domains;
	pthread_mutex_t lock;		/* of all below */
	uint64_t nr;
	struct range *cached[BUCKETS];
	struct range *unlinked;		/* the youngest first */
};

static struct range **bucket(struct revoke_ofi *ofi, const void *addr)
{
	return &ofi->cached[((uintptr_t)addr >> 12) % BUCKETS];
}

static bool is(const struct range *r, const void *addr, size_t len)
{
	return r->range.addr == (uintptr_t)addr && r->range.len == len;
}

static void forget(struct revoke_ofi *ofi, struct range *list)
{
	struct range *r;

	while ((r = list)) {
		list = r->next;
		revoke_undeclare(ofi->ctx, &r->range, 1);
		free(r);
	}
}

static int start(struct fid_mem_monitor *monitor)
{
	((struct revoke_ofi *)monitor)->running = true;
	return 0;
}

static void stop(struct fid_mem_monitor *monitor)
{
	((struct revoke_ofi *)monitor)->running = false;
}

static int subscribe(struct fid_mem_monitor *monitor, const void *addr, size_t len)
{
	struct revoke_ofi *ofi = (struct revoke_ofi *)monitor;
	struct range *r, **at;
	int err;

	r = calloc(1, sizeof(*r));
	if (!r)
		return -FI_ENOMEM;
	r->range = (struct revoke_range){
		.size = sizeof(r->range), .addr = (uintptr_t)addr, .len = len,
		.flags = REVOKE_RANGE_WRITE,
	};
	err = revoke_declare(ofi->ctx, "libfabric", &r->range, 1);
	if (err == -EFAULT) {
		r->range.flags = 0;
		err = revoke_declare(ofi->ctx, "libfabric", &r->range, 1);
	}
	if (err) {
		/* It is not cached then. */
		free(r);
		return err;
	}
	pthread_mutex_lock(&ofi->lock);
	at = bucket(ofi, addr);
	r->nr = ++ofi->nr;
	r->next = *at;
	*at = r;
	pthread_mutex_unlock(&ofi->lock);
	return 0;
}

/* It is unlinked, but registered: for an instant, or until somebody closes it. */
static void unsubscribe(struct fid_mem_monitor *monitor, const void *addr, size_t len)
{
	struct revoke_ofi *ofi = (struct revoke_ofi *)monitor;
	struct range *r, **at, *old;
	int n = 0;

	pthread_mutex_lock(&ofi->lock);
	for (at = bucket(ofi, addr); *at && !is(*at, addr, len); at = &(*at)->next)
		;
	r = *at;
	if (r) {
		*at = r->next;
		r->next = ofi->unlinked;
		ofi->unlinked = r;
	}
	for (at = &ofi->unlinked; *at && n < MAX_UNLINKED; at = &(*at)->next)
		n++;
	old = *at;
	*at = NULL;
	pthread_mutex_unlock(&ofi->lock);
	forget(ofi, old);
}

/* Asked for each hit: of all domains' registrations of this range. */
static bool valid(struct fid_mem_monitor *monitor, const void *addr, size_t len)
{
	struct revoke_ofi *ofi = (struct revoke_ofi *)monitor;
	bool there = false, good = true;
	struct range *r;

	pthread_mutex_lock(&ofi->lock);
	for (r = *bucket(ofi, addr); r; r = r->next) {
		if (!is(r, addr, len))
			continue;
		there = true;
		good &= revoke_pin_valid(&r->range);
	}
	pthread_mutex_unlock(&ofi->lock);
	return there && good;
}

REVOKE_EXPORT int revoke_ofi_open(struct revoke_ctx *ctx, struct revoke_ofi **result)
{
	struct revoke_ofi *ofi = calloc(1, sizeof(*ofi));
	int saved = errno, err;

	if (!ofi)
		return -ENOMEM;
	ofi->ctx = ctx;
	ofi->page_size = sysconf(_SC_PAGESIZE);
	ofi->page = mmap(NULL, ofi->page_size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ofi->page == MAP_FAILED) {
		free(ofi);
		errno = saved;
		return -ENOMEM;
	}
	pthread_mutex_init(&ofi->lock, NULL);
	ofi->ops = (struct fi_ops_mem_monitor){
		.size = sizeof(ofi->ops), .start = start, .stop = stop,
		.subscribe = subscribe, .unsubscribe = unsubscribe, .valid = valid,
	};
	ofi->monitor.fid.fclass = FI_CLASS_MEM_MONITOR;
	ofi->monitor.export_ops = &ofi->ops;
	err = fi_import(FI_VERSION(1, 13), "mr_cache", NULL, 0, 0,
			&ofi->monitor.fid, NULL);
	if (err) {
		munmap(ofi->page, ofi->page_size);
		free(ofi);
	} else {
		*result = ofi;
	}
	errno = saved;
	return err;
}

/* Registering anything makes a domain deregister what it has dropped. */
static int flush(struct revoke_ofi *ofi, struct fid_domain *domain)
{
	struct fid_mr *mr;
	int err;

	err = fi_mr_reg(domain, ofi->page, ofi->page_size, FI_SEND | FI_RECV, 0, 0, 0,
			&mr, NULL);
	return err ?: fi_close(&mr->fid);
}

REVOKE_EXPORT int revoke_ofi_add_domain(struct revoke_ofi *ofi, struct fid_domain *domain)
{
	int saved = errno, err = -EOPNOTSUPP;
	struct domain *d;

	if (!ofi->running)
		return err;
	d = malloc(sizeof(*d));
	err = d ? flush(ofi, domain) : -ENOMEM;
	errno = saved;
	if (err) {
		free(d);
		return err;
	}
	/* cppcheck-suppress-begin nullPointerOutOfMemory ; that was an error */
	d->domain = domain;
	d->next = ofi->domains;
	ofi->domains = d;
	/* cppcheck-suppress-end nullPointerOutOfMemory */
	return 0;
}

REVOKE_EXPORT void revoke_ofi_del_domain(struct revoke_ofi *ofi, struct fid_domain *domain)
{
	struct domain **at, *d;

	for (at = &ofi->domains; *at; at = &(*at)->next) {
		d = *at;
		if (d->domain != domain)
			continue;
		*at = d->next;
		free(d);
		return;
	}
}

static struct range *find(struct range *r, uint64_t id)
{
	while (r && r->range.id != id)
		r = r->next;
	return r;
}

/* Return: is it one of ours? Then @range is a copy. */
static bool known(struct revoke_ofi *ofi, const struct revoke_pin *pin,
		  struct revoke_range *range, bool *cached)
{
	struct range *r;

	pthread_mutex_lock(&ofi->lock);
	r = find(*bucket(ofi, (void *)(uintptr_t)pin->addr), pin->id);
	*cached = r;
	if (!r)
		r = find(ofi->unlinked, pin->id);
	if (r)
		*range = r->range;
	pthread_mutex_unlock(&ofi->lock);
	return r;
}

static bool overlap(const struct revoke_range *a, const struct revoke_range *b)
{
	return a->addr < b->addr + b->len && b->addr < a->addr + a->len;
}

/*
 * What was there when libfabric was told is unlinked then. Since 2.1 it says so itself,
 * by unsubscribe(); older ones never do.
 */
static void unlink_until(struct revoke_ofi *ofi, const struct revoke_range *range,
			 uint64_t nr)
{
	struct range **at, *r;
	size_t i;

	pthread_mutex_lock(&ofi->lock);
	for (i = 0; i < BUCKETS; i++) {
		for (at = &ofi->cached[i]; (r = *at);) {
			if (r->nr > nr || !overlap(&r->range, range)) {
				at = &r->next;
				continue;
			}
			*at = r->next;
			r->next = ofi->unlinked;
			ofi->unlinked = r;
		}
	}
	pthread_mutex_unlock(&ofi->lock);
}

static void tell(struct revoke_ofi *ofi, const struct revoke_range *range)
{
	uint64_t nr;

	pthread_mutex_lock(&ofi->lock);
	nr = ofi->nr;
	pthread_mutex_unlock(&ofi->lock);
	ofi->monitor.import_ops->notify(&ofi->monitor, (void *)(uintptr_t)range->addr,
					range->len);
	unlink_until(ofi, range, nr);
}

static struct range *take_unlinked(struct revoke_ofi *ofi,
				   const struct revoke_range *range)
{
	struct range **at, *r, *taken = NULL;

	pthread_mutex_lock(&ofi->lock);
	for (at = &ofi->unlinked; (r = *at);) {
		if (!overlap(&r->range, range)) {
			at = &r->next;
			continue;
		}
		*at = r->next;
		r->next = taken;
		taken = r;
	}
	pthread_mutex_unlock(&ofi->lock);
	return taken;
}

static void put_unlinked(struct revoke_ofi *ofi, struct range *list)
{
	struct range **at = &list;

	while (*at)
		at = &(*at)->next;
	pthread_mutex_lock(&ofi->lock);
	*at = ofi->unlinked;
	ofi->unlinked = list;
	pthread_mutex_unlock(&ofi->lock);
}

/*
 * If the range is not @cached any more, what is cached there is younger: not meant.
 * What another thread has unlinked since this one began to flush may be registered.
 */
static int drop(struct revoke_ofi *ofi, const struct revoke_range *range, bool cached)
{
	struct range *done;
	struct domain *d;
	int err = 0;

	if (cached)
		tell(ofi, range);
	done = take_unlinked(ofi, range);
	for (d = ofi->domains; d && !err; d = d->next)
		err = flush(ofi, d->domain);
	if (err)
		put_unlinked(ofi, done);
	else
		forget(ofi, done);
	return err;
}

REVOKE_EXPORT int revoke_ofi_event(struct revoke_ofi *ofi, const struct revoke_event *event)
{
	struct revoke_range range;
	int saved = errno, err = 0;
	bool cached;

	switch (event->type) {
	case REVOKE_EVENT_RELEASE_SOON:
	case REVOKE_EVENT_REVOKED:
	case REVOKE_EVENT_GONE:
		if (known(ofi, &event->pin, &range, &cached))
			err = drop(ofi, &range, cached);
		break;
	}
	errno = saved;
	return err;
}

REVOKE_EXPORT int revoke_ofi_close(struct revoke_ofi *ofi)
{
	if (!ofi)
		return 0;
	/* It would call what is not there any more. */
	if (ofi->running)
		return -EBUSY;
	fi_close(&ofi->monitor.fid);
	unlink_until(ofi, &(struct revoke_range){ .len = UINT64_MAX }, ofi->nr);
	forget(ofi, ofi->unlinked);
	while (ofi->domains)
		revoke_ofi_del_domain(ofi, ofi->domains->domain);
	pthread_mutex_destroy(&ofi->lock);
	munmap(ofi->page, ofi->page_size);
	free(ofi);
	return 0;
}
