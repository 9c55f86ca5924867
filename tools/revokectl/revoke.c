// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl pin revoke, pin drain: which pins are meant, and asking for them.
 *
 * Must never let go of a drain before its command has ended.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "revokectl.h"

#define MEMORY_BLOCKS	"/sys/devices/system/memory/"

/**
 * struct demand - what the command line asks for
 * @attrs: a message without a head: what names the pins, and the grace
 * @pin: the one pin that is meant, or 0
 * @any: something is meant
 * @length: bytes of the file or the memory, or 0
 * @grace: how long they have was said
 * @wait: until the pins are taken
 * @command: words after "--", or NULL
 * @filter: the same pins, as far as we can tell
 */
struct demand {
	struct nl_msg *attrs;
	uint64_t pin;
	bool any;
	uint64_t length;
	bool grace;
	bool wait;
	char **command;
	struct filter filter;
};

struct answer {
	uint64_t request;
	uint32_t pins;
	int drain_fd;
};

static int on_answer(struct nlmsghdr *nlh, void *arg)
{
	static struct nla_policy policy[PIN_REVOKE_A_REVOKE_MAX + 1] = {
		[PIN_REVOKE_A_REVOKE_REQUEST] = { .type = NLA_U64 },
		[PIN_REVOKE_A_REVOKE_PINS] = { .type = NLA_U32 },
		[PIN_REVOKE_A_REVOKE_DRAIN_FD] = { .type = NLA_U32 },
	};
	struct nlattr *tb[PIN_REVOKE_A_REVOKE_MAX + 1];
	struct answer *answer = arg;

	if (genlmsg_parse(nlh, 0, tb, PIN_REVOKE_A_REVOKE_MAX, policy) < 0)
		return -EPROTO;
	if (tb[PIN_REVOKE_A_REVOKE_REQUEST])
		answer->request = nla_get_u64(tb[PIN_REVOKE_A_REVOKE_REQUEST]);
	if (tb[PIN_REVOKE_A_REVOKE_PINS])
		answer->pins = nla_get_u32(tb[PIN_REVOKE_A_REVOKE_PINS]);
	if (tb[PIN_REVOKE_A_REVOKE_DRAIN_FD])
		answer->drain_fd = nla_get_u32(tb[PIN_REVOKE_A_REVOKE_DRAIN_FD]);
	return 0;
}

/* Left open: the kernel looks behind it when it gets the message. */
static int put_path(struct nl_msg *msg, int attr, const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		usage("%s: %s", path, strerror(errno));
		return -1;
	}
	return nla_put_u32(msg, attr, fd);
}

/* An address, or a block of memory by its name: "memory32" is the 33rd. */
static bool parse_memory(const char *arg, uint64_t *addr, uint64_t *length)
{
	char path[64];
	uint64_t nr;
	FILE *file;
	int found;

	if (!arg || strncmp(arg, "memory", 6))
		return parse_number("memory", arg, UINT64_MAX, addr);
	if (!parse_number("memory", arg + 6, UINT32_MAX, &nr))
		return false;
	snprintf(path, sizeof(path), MEMORY_BLOCKS "memory%" PRIu64, nr);
	file = fopen(MEMORY_BLOCKS "block_size_bytes", "re");
	found = file ? fscanf(file, "%" SCNx64, length) : 0;
	if (file)
		fclose(file);
	if (found != 1 || access(path, F_OK)) {
		usage("%s: %s", path, strerror(ENOENT));
		return false;
	}
	*addr = nr * *length;
	return true;
}

/* Return: how many words it took, or -1 and the user was told. */
static int parse_word(struct demand *demand, const char *word, const char *arg)
{
	static const struct {
		const char *name;
		int attr;
		enum { U32, U64, TEXT, PATH } type;
		uint64_t max;
	} words[] = {
		{ "grace", PIN_REVOKE_A_REVOKE_GRACE_MS, U32,
		  PIN_REVOKE_MAX_DELAY_MS },
		{ "force", PIN_REVOKE_A_REVOKE_GRACE_MS, U32, 0 },
		{ "wait", 0, U32, 0 },
		{ "pid", PIN_REVOKE_A_REVOKE_PID, U32, UINT32_MAX },
		{ "driver", PIN_REVOKE_A_REVOKE_DRIVER, TEXT, 0 },
		{ "device", PIN_REVOKE_A_REVOKE_DEVICE, TEXT, 0 },
		{ "file", PIN_REVOKE_A_REVOKE_FILE_FD, PATH, 0 },
		{ "offset", PIN_REVOKE_A_REVOKE_OFFSET, U64, UINT64_MAX },
		{ "length", 0, U64, UINT64_MAX },
		{ "fs", PIN_REVOKE_A_REVOKE_FS_FD, PATH, 0 },
		{ "memory", PIN_REVOKE_A_REVOKE_MEMORY_ADDR, U64, UINT64_MAX },
		{ "node", PIN_REVOKE_A_REVOKE_NODE, U32, UINT32_MAX },
	};
	const size_t nr = sizeof(words) / sizeof(words[0]);
	const char *names[sizeof(words) / sizeof(words[0])];
	bool by_memory, by_node, timed;
	int hit, err = 0;
	uint64_t value;

	for (size_t i = 0; i < nr; i++)
		names[i] = words[i].name;
	hit = pick("word", word, names, nr);
	if (hit < 0)
		return -1;
	if (!strcmp(names[hit], "wait")) {
		demand->wait = true;
		return 1;
	}
	timed = words[hit].attr == PIN_REVOKE_A_REVOKE_GRACE_MS;
	if (timed && demand->grace)
		return usage("force is grace 0: say one of them, once"), -1;
	demand->grace |= timed;
	demand->any |= !timed;
	if (!strcmp(names[hit], "force"))
		return nla_put_u32(demand->attrs, words[hit].attr, 0) ? -1 : 1;
	by_memory = words[hit].attr == PIN_REVOKE_A_REVOKE_MEMORY_ADDR;
	by_node = words[hit].attr == PIN_REVOKE_A_REVOKE_NODE;
	if (!timed && !by_memory && !by_node &&
	    filter_word(&demand->filter, names[hit], arg) < 0)
		return -1;
	if (words[hit].type >= TEXT) {
		if (!arg)
			err = usage("%s of what?", names[hit]);
		else if (words[hit].type == PATH)
			err = put_path(demand->attrs, words[hit].attr, arg);
		else
			err = nla_put_string(demand->attrs, words[hit].attr, arg);
	} else if (!(by_memory ? parse_memory(arg, &value, &demand->length) :
		     parse_number(names[hit], arg, words[hit].max, &value))) {
		return -1;
	} else if (!words[hit].attr) {
		demand->length = value;
	} else if (words[hit].type == U32) {
		err = nla_put_u32(demand->attrs, words[hit].attr, value);
	} else {
		err = nla_put_u64(demand->attrs, words[hit].attr, value);
	}
	if (by_memory)
		demand->filter.memory_addr = value;
	if (by_node)
		demand->filter.node = value;
	demand->filter.by_memory |= by_memory;
	demand->filter.by_node |= by_node;
	return err ? -1 : 2;
}

/* Return: EXIT_OK or the exit status. */
static int parse(struct demand *demand, bool drain, int argc, char **argv)
{
	int i = 0;

	if (argc && *argv[0] >= '0' && *argv[0] <= '9') {
		if (!parse_number("a pin", argv[0], UINT64_MAX, &demand->pin))
			return EXIT_USAGE;
		if (nla_put_u64(demand->attrs, PIN_REVOKE_A_REVOKE_PIN, demand->pin))
			return fail(-ENOMEM, "pin");
		demand->filter.id = demand->pin;
		demand->any = true;
		i = 1;
	}
	while (i < argc) {
		int used;

		if (drain && !strcmp(argv[i], "--")) {
			if (i + 1 < argc)
				demand->command = argv + i + 1;
			break;
		}
		used = parse_word(demand, argv[i], argv[i + 1]);
		if (used < 0)
			return EXIT_USAGE;
		i += used;
	}
	if (demand->filter.by_memory) {
		demand->filter.memory_len = demand->length;
		demand->filter.length = 0;
	}
	if (demand->length &&
	    nla_put_u64(demand->attrs, demand->filter.by_memory ?
			PIN_REVOKE_A_REVOKE_MEMORY_LEN : PIN_REVOKE_A_REVOKE_LENGTH,
			demand->length))
		return fail(-ENOMEM, "pin");
	if (!demand->any)
		return usage("which pins? revokectl pin show has their numbers, pin help more words");
	return EXIT_OK;
}

static void answer_out(const struct demand *demand, const struct answer *answer)
{
	out_array(NULL);
	out_object(NULL);
	if (demand->pin)
		out_u64("pin", "pin %llu", demand->pin);
	else
		out_u64("pins", "%llu pins", answer->pins);
	if (answer->request)
		out_u64("request", " request %llu\n", answer->request);
	else
		out_text(" taken\n");
	if (options.json)
		out_close();
	out_close();
}

/* Return: EXIT_OK, or EXIT_HOLDERS and the user was told. */
static int still_held(struct revoke_nl *nl, const struct revoke_pin *before)
{
	struct revoke_pin after;
	char comm[OUT_MAX];
	int err = get_pin(nl, before->id, &after);

	if (err == -ENOENT)
		return EXIT_OK;
	if (err)
		return fail(err, "pin %llu", (unsigned long long)before->id);
	/* It may have been restored meanwhile: then it was counted. */
	if (after.revoked != before->revoked ||
	    (after.state != PIN_REVOKE_STATE_ACTIVE &&
	     after.state != PIN_REVOKE_STATE_ASKED))
		return EXIT_OK;
	fprintf(stderr, "revokectl: pin %llu is still held by %s/%u\n",
		(unsigned long long)before->id,
		out_printable(after.comm, comm), after.pid);
	return EXIT_HOLDERS;
}

static int do_demand(struct revoke_nl *nl, struct revoke_nl *monitor,
		     uint8_t cmd, struct demand *demand, struct answer *answer)
{
	struct revoke_pin before = { 0 };
	struct nl_msg *msg;
	int err = 0;

	if (monitor && demand->pin)
		err = get_pin(nl, demand->pin, &before);
	if (!err) {
		msg = revoke_nl_msg(nl, cmd, NLM_F_REQUEST | NLM_F_ACK);
		if (msg && nlmsg_append(msg, nlmsg_data(nlmsg_hdr(demand->attrs)),
					nlmsg_datalen(nlmsg_hdr(demand->attrs)), 0)) {
			nlmsg_free(msg);
			msg = NULL;
		}
		err = msg ? revoke_nl_call(nl, msg, on_answer, answer, NULL) :
			    -ENOMEM;
	}
	if (err)
		return demand->pin ?
			fail(err, "pin %llu", (unsigned long long)demand->pin) :
			fail(err, "pins");
	answer_out(demand, answer);
	if (!monitor)
		return EXIT_OK;
	fflush(stdout);
	err = answer->request ? wait_request(nl, monitor, answer->request) :
				EXIT_OK;
	if (!err && demand->pin)
		err = still_held(nl, &before);
	return err;
}

/* Return: that of the command, or EXIT_OK when somebody interrupts us. */
static int keep_away(char **command)
{
	sigset_t set;
	int status, sig;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	if (!command) {
		fputs("revokectl: drained until this is interrupted\n", stderr);
		sigprocmask(SIG_BLOCK, &set, NULL);
		sigwait(&set, &sig);
		return EXIT_OK;
	}
	pid = fork();
	if (!pid) {
		execvp(command[0], command);
		fprintf(stderr, "revokectl: %s: %s\n", command[0],
			strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		return fail(-errno, "fork");
	/* Whoever interrupts means the command. */
	sigprocmask(SIG_BLOCK, &set, NULL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* What the command would mean now; the kernel chooses when it is asked. */
static int show_demand(const struct demand *demand)
{
	struct revoke_nl nl;
	struct revoke_pin pin;
	struct pins pins;
	size_t i;
	int err;

	if ((demand->filter.offset || demand->filter.length) &&
	    !demand->filter.by_file)
		return usage("offset and length are those of a file: say which");
	err = revoke_nl_connect(&nl);
	if (err)
		return fail(err, "pin");
	err = demand->pin ? get_pin(&nl, demand->pin, &pin) : 0;
	err = err ?: pins_get(&nl, &demand->filter, &pins);
	revoke_nl_close(&nl);
	if (err)
		return fail(err, "pins");
	out_array(NULL);
	for (i = 0; i < pins.nr; i++) {
		pin_out(NULL, &pins.pin[i], true);
		out_text("\n");
	}
	out_close();
	if (pins.changed)
		hint_changed();
	pins_put(&pins);
	return EXIT_OK;
}

static int talk(uint8_t cmd, struct demand *demand, struct answer *answer)
{
	struct revoke_nl nl, monitor;
	int err = revoke_nl_connect(&nl);

	if (err)
		return fail(err, "pin");
	/* Listen first: what happens in between is not missed. */
	if (demand->wait)
		err = monitor_join(&monitor);
	if (err)
		err = fail(err, "monitor");
	else
		err = do_demand(&nl, demand->wait ? &monitor : NULL, cmd, demand,
				answer);
	if (demand->wait)
		revoke_nl_close(&monitor);
	revoke_nl_close(&nl);
	return err;
}

static int demand_main(uint8_t cmd, int argc, char **argv)
{
	bool drain = cmd == PIN_REVOKE_CMD_DRAIN;
	struct answer answer = { .drain_fd = -1 };
	struct demand demand = { .wait = drain, .attrs = nlmsg_alloc() };
	int err;

	if (!demand.attrs)
		return fail(-ENOMEM, "pin");
	/* What is wrong on the command line is so without the family, too. */
	err = parse(&demand, drain, argc, argv);
	if (!err && !options.check)
		err = options.dry ? show_demand(&demand) :
				    talk(cmd, &demand, &answer);
	nlmsg_free(demand.attrs);
	if (!err && drain && !options.dry)
		err = keep_away(demand.command);
	return err;
}

int revoke_main(int argc, char **argv)
{
	return demand_main(PIN_REVOKE_CMD_REVOKE, argc, argv);
}

int drain_main(int argc, char **argv)
{
	return demand_main(PIN_REVOKE_CMD_DRAIN, argc, argv);
}
