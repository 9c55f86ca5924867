/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * revokectl: what its files share. Messages, sockets and tokens are
 * librevoke's; only what administrators see is made here.
 */
#ifndef REVOKECTL_H
#define REVOKECTL_H

#include "internal.h"

enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1,
	EXIT_KERNEL = 2,	/* the kernel said no */
	EXIT_HOLDERS = 3,	/* somebody still holds it */
	EXIT_TIMEOUT = 4,
};

struct options {
	bool json;
	bool pretty;
	bool details;
};

extern struct options options;

/* main.c */

/**
 * struct command - one word of the command line
 * @name: the word; it can be abbreviated
 * @run: gets the words after it
 * @help: what follows the name
 */
struct command {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
};

int run_command(const char *object, const struct command *table, int argc,
		char **argv);
int pick(const char *what, const char *word, const char *const *names,
	 size_t nr);
bool parse_number(const char *what, const char *word, uint64_t max,
		  uint64_t *value);
int usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int fail(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void hint_scope(void);
uint64_t now_ns(void);

/* out.c */

/* Room for any string of ours once it is printable */
#define OUT_MAX 260

void out_array(const char *key);
void out_object(const char *key);
void out_close(void);
void out_u64(const char *key, const char *fmt, uint64_t value);
void out_addr(const char *key, const char *fmt, uint64_t value);
void out_str(const char *key, const char *fmt, const char *value);
void out_flags(const char *key, uint32_t flags,
	       const char *(*name)(uint32_t flag));
void out_abandon(void);
const char *out_printable(const char *str, char buf[static OUT_MAX]);
void out_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
double ms(uint64_t ns);

/* one file for each object */
int pin_main(int argc, char **argv);
int request_main(int argc, char **argv);
int policy_main(int argc, char **argv);
int monitor_main(int argc, char **argv);
int stat_main(int argc, char **argv);

/* revoke.c: commands of pin */
int revoke_main(int argc, char **argv);
int drain_main(int argc, char **argv);

int get_pin(struct revoke_nl *nl, uint64_t id, struct revoke_pin *pin);
void pin_out(const char *key, const struct revoke_pin *pin, bool counters);
void trigger_out(const char *comm, uint32_t pid);
int monitor_join(struct revoke_nl *nl);

#endif /* REVOKECTL_H */
