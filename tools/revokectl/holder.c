// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl holder: the processes that have pins, and what each has.
 *
 * Sums of the list of pins and of the list of requests, which are read one
 * after the other: must never be taken for one moment's truth.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "revokectl.h"

/* Can a device access it through this at this moment? */
bool pin_holds(const struct revoke_pin *pin)
{
	if (pin->flags & PIN_REVOKE_PIN_FLAGS_DECLARED)
		return false;
	return pin->state == PIN_REVOKE_STATE_ACTIVE ||
	       pin->state == PIN_REVOKE_STATE_ASKED;
}

static void add_pin(struct holder *holder, const struct revoke_pin *pin)
{
	holder->pid = pin->pid;
	memcpy(holder->comm, pin->comm, sizeof(holder->comm));
	holder->pins++;
	holder->len += pin->len;
	if (pin_holds(pin))
		holder->pinned += pin->len;
	holder->revoked += pin->revoked;
	holder->forced += pin->forced;
}

static int by_pid(const void *a, const void *b)
{
	const struct revoke_pin *one = a, *two = b;

	return one->pid < two->pid ? -1 : one->pid > two->pid ? 1 :
	       strcmp(one->comm, two->comm);
}

static int by_pinned(const void *a, const void *b)
{
	const struct holder *one = a, *two = b;

	return one->pinned < two->pinned ? 1 : one->pinned > two->pinned ? -1 :
	       one->pid < two->pid ? -1 : one->pid > two->pid;
}

/* A request counts once for each holder that it asks. */
static int on_request(const struct revoke_request *req, void *arg)
{
	struct holders *all = arg;
	size_t i, p;

	all->requests++;
	all->overdue += !req->remaining_ns;
	if (req->reason <= PIN_REVOKE_REASON_MAX)
		all->by_reason[req->reason]++;
	for (i = 0; i < all->nr; i++) {
		struct holder *holder = &all->holder[i];

		for (p = 0; p < req->nr_pins; p++)
			if (req->pins[p].pid == holder->pid)
				break;
		if (p == req->nr_pins)
			continue;
		holder->requests++;
		holder->overdue += !req->remaining_ns;
		if (holder->requests == 1 ||
		    req->remaining_ns < holder->remaining_ns)
			holder->remaining_ns = req->remaining_ns;
	}
	return 0;
}

/**
 * holders_get - the processes that have these pins, the largest first
 * @nl: to ask for the requests
 * @pins: the pins; are sorted by process
 * @all: the result, for holders_put()
 *
 * Return: 0 or -errno.
 */
int holders_get(struct revoke_nl *nl, struct pins *pins, struct holders *all)
{
	size_t i;
	int err;

	*all = (struct holders){ 0 };
	all->holder = calloc(pins->nr + 1, sizeof(*all->holder));
	if (!all->holder)
		return -ENOMEM;
	if (pins->nr)
		qsort(pins->pin, pins->nr, sizeof(*pins->pin), by_pid);
	for (i = 0; i < pins->nr; i++) {
		all->nr += !i || by_pid(&pins->pin[i - 1], &pins->pin[i]);
		add_pin(&all->holder[all->nr - 1], &pins->pin[i]);
	}
	err = revoke_nl_requests(nl, on_request, all);
	/* Whatever else came or went. */
	if (err == -EAGAIN)
		err = 0;
	if (err)
		holders_put(all);
	else
		qsort(all->holder, all->nr, sizeof(*all->holder), by_pinned);
	return err;
}

void holders_put(struct holders *all)
{
	free(all->holder);
	*all = (struct holders){ 0 };
}

static void holder_out(const struct holder *holder)
{
	char buf[16];
	uint32_t uid;

	out_object(NULL);
	out_str("comm", "%s", holder->comm);
	out_u64("pid", "/%llu", holder->pid);
	if (proc_uid(holder->pid, &uid))
		out_u64("uid", "  uid %llu", uid);
	out_u64("pins", "  pins %llu", holder->pins);
	out_text("  pinned %s", size_text(holder->pinned, buf));
	out_text(" of %s", size_text(holder->len, buf));
	out_u64("pinned_bytes", NULL, holder->pinned);
	out_u64("len_bytes", NULL, holder->len);
	out_u64("requests", "  requests %llu", holder->requests);
	out_u64("overdue", " overdue %llu", holder->overdue);
	out_u64("revoked", "  revoked %llu", holder->revoked);
	out_u64("forced", " forced %llu", holder->forced);
	out_text("\n");
	if (options.json)
		out_close();
}

static int show(int argc, char **argv)
{
	struct filter f = { 0 };
	struct holders all;
	struct revoke_nl nl;
	struct pins pins;
	bool changed = false;
	uint32_t top;
	int err;
	size_t i;

	err = filter_parse(&f, true, argc, argv);
	if (err)
		return err;
	if (f.reason)
		return usage("\"holder show\" takes no reason: see revokectl request show");
	/* Of holders, not of pins */
	top = f.top ? f.top : UINT32_MAX;
	f.top = 0;
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "holder show");
	err = pins_get(&nl, &f, &pins);
	if (!err) {
		err = holders_get(&nl, &pins, &all);
		changed = pins.changed;
		pins_put(&pins);
	}
	revoke_nl_close(&nl);
	if (err)
		return fail(err, "holder show");
	if (changed)
		hint_changed();
	out_array(NULL);
	for (i = 0; i < all.nr; i++) {
		if (f.overdue && !all.holder[i].overdue)
			continue;
		if (!top--)
			break;
		holder_out(&all.holder[i]);
	}
	out_close();
	if (!all.nr)
		hint_scope();
	holders_put(&all);
	return EXIT_OK;
}

int holder_main(int argc, char **argv)
{
	static const struct command commands[] = {
		{ "show", show, "[ FILTER ]... [ overdue ] [ top NUMBER ]" },
		{ 0 }
	};

	return run_command("holder", commands, argc, argv);
}
