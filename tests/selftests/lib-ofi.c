// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: lib-ofi FILE
 *
 * <revoke/ofi.h>: libfabric's verbs provider has FILE registered in its cache, and
 * somebody else needs it. Prints TAP.
 *
 * Must never believe libfabric that something is deregistered: the kernel's list of
 * regions tells.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <rdma/fabric.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <revoke/ofi.h>

#define SIZE		65536
#define LIMIT_MS	60000

static int tap_n, tap_failed;
static struct revoke_ctx *holder;
static struct revoke_ofi *ofi;
static struct fi_info *info;
static struct fid_fabric *fabric;
static struct fid_domain *domain;
static char *mem;
static int file;

static void result(bool good, const char *what)
{
	printf("%s %d - %s\n", good ? "ok" : "not ok", ++tap_n, what);
	tap_failed |= !good;
}

static void check(int ret, const char *what)
{
	if (ret)
		errx(1, "%s: %s", what, fi_strerror(-ret));
}

static void open_domain(void)
{
	struct fi_info *hints = fi_allocinfo();

	if (!hints)
		errx(1, "no memory");
	hints->fabric_attr->prov_name = strdup("verbs");
	hints->ep_attr->type = FI_EP_MSG;
	hints->caps = FI_MSG | FI_RMA;
	hints->domain_attr->mr_mode = FI_MR_LOCAL | FI_MR_ALLOCATED |
				      FI_MR_PROV_KEY | FI_MR_VIRT_ADDR;
	check(fi_getinfo(FI_VERSION(1, 17), NULL, NULL, 0, hints, &info), "fi_getinfo");
	check(fi_fabric(info->fabric_attr, &fabric, NULL), "fi_fabric");
	check(fi_domain(fabric, info, &domain, NULL), "fi_domain");
	fi_freeinfo(hints);
}

/* Registers it, and closes that at once: it stays in the cache. */
static uint64_t cached(void)
{
	struct fid_mr *mr;
	uint64_t key;

	check(fi_mr_reg(domain, mem, SIZE, FI_SEND | FI_RECV, 0, 0, 0, &mr, NULL),
	      "fi_mr_reg");
	key = fi_mr_key(mr);
	check(fi_close(&mr->fid), "fi_close");
	return key;
}

/* Regions of this size that the kernel has. */
static int registered(void)
{
	FILE *out = popen("rdma resource show mr | grep -c 'mrlen 65536'", "r");
	int n;

	if (!out || fscanf(out, "%d", &n) != 1)
		errx(1, "rdma resource");
	pclose(out);
	return n;
}

static int find(const struct revoke_pin *pin, void *arg)
{
	uint64_t *id = arg;

	if (pin->pid == (uint32_t)getpid() && pin->addr == (uintptr_t)mem)
		*id = pin->id;
	return 0;
}

/* The youngest that is declared for it, 0 if none is. */
static uint64_t declared(void)
{
	uint64_t id = 0;
	int ret;

	do {
		ret = revoke_pin_list(holder, find, &id);
	} while (ret == -EAGAIN);
	check(ret, "list");
	return id;
}

static pid_t start_admin(uint64_t pin)
{
	pid_t pid = fork();
	char id[24];

	if (pid)
		return pid;
	snprintf(id, sizeof(id), "%llu", (unsigned long long)pin);
	execlp("revokectl", "revokectl", "pin", "revoke", id, "wait", NULL);
	err(1, "revokectl");
}

static struct revoke_event hear(uint32_t type)
{
	struct revoke_event event = { .size = sizeof(event) };

	do {
		if (revoke_wait_event(holder, &event, LIMIT_MS) != 1)
			errx(1, "no %s", revoke_event_name(type));
		printf("# %s %s\n", revoke_event_name(event.type),
		       revoke_reason_name(event.reason));
	} while (event.type != type);
	return event;
}

static void asked(void)
{
	uint64_t key = cached(), id = declared();
	struct revoke_event event;
	int status = -1;
	pid_t pid;

	result(id && registered() == 1 && cached() == key && registered() == 1,
	       "closed, it stays registered, and is declared");
	pid = start_admin(id);
	event = hear(REVOKE_EVENT_RELEASE_SOON);
	result(event.pin.id == id && registered() == 1, "it is asked for");
	check(revoke_ofi_event(ofi, &event), "event");
	waitpid(pid, &status, 0);
	result(!status && !registered() && !declared(),
	       "answered: it is deregistered, who asked goes on");
}

static void taken(void)
{
	uint64_t key = cached(), again;
	struct revoke_event event;

	if (fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE))
		err(1, "punch");
	event = hear(REVOKE_EVENT_REVOKED);
	again = cached();
	result(again != key, "taken: what is there now is registered instead");
	check(revoke_ofi_event(ofi, &event), "event");
	result(registered() == 1 && declared() > event.pin.id && cached() == again,
	       "that stays, the other is deregistered");
}

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(2, "usage: lib-ofi FILE");
	setlinebuf(stdout);
	file = open(argv[1], O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (file < 0 || ftruncate(file, SIZE))
		err(1, "%s", argv[1]);
	mem = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	if (mem == MAP_FAILED)
		err(1, "mmap");
	check(revoke_open(NULL, &holder), "revoke_open");
	check(revoke_ofi_open(holder, &ofi), "revoke_ofi_open");
	open_domain();
	check(revoke_ofi_add_domain(ofi, domain), "revoke_ofi_add_domain");
	asked();
	taken();
	result(revoke_ofi_close(ofi) == -EBUSY, "in use it cannot be closed");
	revoke_ofi_del_domain(ofi, domain);
	check(fi_close(&domain->fid), "domain");
	check(fi_close(&fabric->fid), "fabric");
	result(!registered() && !revoke_ofi_close(ofi) && !declared(),
	       "closed, nothing is left");
	revoke_close(holder);
	fi_freeinfo(info);
	printf("1..%d\n", tap_n);
	return tap_failed;
}
