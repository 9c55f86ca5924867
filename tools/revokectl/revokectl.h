/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * revokectl: what its files share. Messages, sockets and tokens are
 * librevoke's; only what administrators see is made here.
 */
#ifndef REVOKECTL_H
#define REVOKECTL_H

#include <sys/stat.h>
#include "internal.h"

/* Policies that are set when the machine starts */
#ifndef POLICY_DIR
#define POLICY_DIR "/etc/pin-revoke/policy.d"
#endif

/* Where systemd's journal listens */
#ifndef JOURNAL_SOCKET
#define JOURNAL_SOCKET "/run/systemd/journal/socket"
#endif

enum {
	EXIT_OK = 0,
	EXIT_USAGE = 1,
	EXIT_KERNEL = 2,	/* the kernel said no */
	EXIT_HOLDERS = 3,	/* somebody still holds it */
	EXIT_TIMEOUT = 4,
};

struct options {
	bool json;
	bool journal;	/* of each object, which is made as for JSON */
	bool pretty;
	bool details;
	bool oneline;
	bool dry;	/* do nothing, say what would be done */
	bool batch;	/* commands come from a file */
	bool check;	/* of which this is the first look */
	bool quiet;	/* say nothing of wrong words */
};

extern struct options options;

struct json_object;

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
bool people(void);
void hint_scope(void);
void hint_changed(void);
uint64_t now_ns(void);

/* out.c */

/* Room for any string of ours once it is printable */
#define OUT_MAX 700

void out_array(const char *key);
void out_object(const char *key);
void out_close(void);
void out_u64(const char *key, const char *fmt, uint64_t value);
void out_addr(const char *key, const char *fmt, uint64_t value);
void out_str(const char *key, const char *fmt, const char *value);
void out_flags(const char *key, uint32_t flags,
	       const char *(*name)(uint32_t flag));
void out_abandon(void);
int out_error(void);
const char *out_printable(const char *str, char buf[static OUT_MAX]);
void out_text(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
double ms(uint64_t ns);

/* journal.c */
int journal_open(void);
int journal_send(const char *message, struct json_object *object);

/* one file for each object */
int pin_main(int argc, char **argv);
int holder_main(int argc, char **argv);
int request_main(int argc, char **argv);
int policy_main(int argc, char **argv);
int monitor_main(int argc, char **argv);
int export_main(int argc, char **argv);
int check_main(int argc, char **argv);
int top_main(int argc, char **argv);
int stat_main(int argc, char **argv);
int orphan_main(int argc, char **argv);

/* batch.c */
int batch_main(const char *path, int (*run)(int argc, char **argv));
int batch_each(const char *path,
	       int (*fn)(const char *file, unsigned int nr, int argc, char **argv));

/* policy.c, policy_rules.c, policy_files.c */
int policy_parse(struct nl_msg *msg, bool del, int argc, char **argv);
void policy_files_read(void);
const char *policy_files_find(struct nlattr **tb, int attr);
void policy_files_forget(void);
int policy_set(int argc, char **argv);
int policy_del(int argc, char **argv);
int pick_reason(const char *word);
const char *policy_misfit(struct nl_msg *msg, bool del);

/* revoke.c: commands of pin */
int revoke_main(int argc, char **argv);
int drain_main(int argc, char **argv);

/* wait.c */
int wait_request(struct revoke_nl *nl, struct revoke_nl *monitor,
		 uint64_t request);

/* pin.c */
int get_pin(struct revoke_nl *nl, uint64_t id, struct revoke_pin *pin);
void pin_out(const char *key, const struct revoke_pin *pin, bool counters);
const char *size_text(uint64_t bytes, char buf[static 16]);

/* request.c, monitor.c */
void trigger_out(const char *comm, uint32_t pid);
int monitor_join(struct revoke_nl *nl);

/* filter.c */

/**
 * struct filter - which pins are meant; what is 0 or NULL was not said
 * @len: length of what @addr begins
 * @reason: of requests only, as @overdue
 * @top: so many
 * @by_memory: those that the kernel finds at @memory_addr, as @by_node; of pins only
 */
struct filter {
	uint64_t id;
	uint32_t pid;
	uint32_t uid;
	const char *comm;
	const char *driver;
	const char *device;
	struct stat cgroup;
	struct stat file;
	struct stat fs;
	uint64_t offset;
	uint64_t length;
	uint64_t addr;
	uint64_t len;
	uint64_t memory_addr;
	uint64_t memory_len;
	uint32_t node;
	uint32_t top;
	int reason;
	bool overdue;
	bool by_uid;
	bool by_cgroup;
	bool by_file;
	bool by_fs;
	bool by_memory;
	bool by_node;
};

struct pins {
	struct revoke_pin *pin;
	size_t nr;
	bool changed;			/* some came or went meanwhile */
};

int filter_word(struct filter *f, const char *name, const char *arg);
int filter_parse(struct filter *f, bool requests, int argc, char **argv);
int filter_match(const struct filter *f, const struct revoke_pin *pin);
bool is_cgroup(const char *word, struct stat *st);
int pins_get(struct revoke_nl *nl, const struct filter *f, struct pins *pins);
void pins_put(struct pins *pins);

/* holder.c */

/**
 * struct holder - a process and its pins
 * @len: bytes of all of them
 * @pinned: of those that are not revoked
 * @remaining_ns: of the request that is the first to end
 */
struct holder {
	uint32_t pid;
	char comm[16];
	unsigned int pins;
	unsigned int requests;
	unsigned int overdue;
	uint64_t len;
	uint64_t pinned;
	uint64_t revoked;
	uint64_t forced;
	uint64_t remaining_ns;
};

struct holders {
	struct holder *holder;
	size_t nr;
	unsigned int requests;
	unsigned int overdue;
	unsigned int by_reason[PIN_REVOKE_REASON_MAX + 1];
};

bool pin_holds(const struct revoke_pin *pin);
int holders_get(struct revoke_nl *nl, struct pins *pins, struct holders *all);
void holders_put(struct holders *all);

/* check.c */

/**
 * struct charge - what is known of one process's memory
 * @bytes: pinned by drivers that were converted, and charged, also while it is away
 * @declared: by the process as used by others
 */
struct charge {
	size_t nr;
	size_t nr_declared;
	uint64_t bytes;
	uint64_t declared;
};

struct charge charged(const struct pins *pins, uint32_t pid);

/* orphan.c */
int orphans_bytes(const struct pins *pins, uint64_t *exact, uint64_t *estimate);

/* regions.c */
bool regions_bytes(uint32_t pid, uint64_t *bytes);

/* stat.c */

/**
 * struct times - how long holders took
 * @known: the kernel counts it
 * @bucket: how many took longer than times_bound_ms() of the bucket before it, and
 *	not longer than that of this
 */
struct times {
	bool known;
	uint64_t sum_ns;
	uint64_t bucket[PIN_REVOKE_TIME_BUCKETS];
};

/**
 * struct stats - the kernel's counters
 * @has: REVOKE_BIT(PIN_REVOKE_A_STAT_*) of those that it has
 * @value: by PIN_REVOKE_A_STAT_*
 * @times: by reason
 */
struct stats {
	uint32_t has;
	uint64_t value[PIN_REVOKE_A_STAT_MAX + 1];
	struct times times[PIN_REVOKE_REASON_MAX + 1];
};

int stats_get(struct revoke_nl *nl, struct stats *stats);

/* times.c */
uint64_t times_bound_ms(unsigned int bucket);
void times_parse(struct stats *stats, struct nlattr *attr);
struct times times_sum(const struct stats *stats);
uint64_t times_count(const struct times *times);
uint64_t times_quantile(const struct times *times, unsigned int part);

/* proc.c */

/**
 * struct proc_map - a file that is mapped
 * @st: the file
 * @name: what /proc calls it
 * @path: opens it, also when it has no name any more
 * @offset: which bytes of it
 */
struct proc_map {
	struct stat st;
	const char *name;
	const char *path;
	uint64_t offset;
	uint64_t length;
	char perm[5];
};

bool proc_uid(uint32_t pid, uint32_t *uid);
bool proc_comm(uint32_t pid, char comm[static 16]);
bool proc_pinned(uint32_t pid, uint64_t *bytes);
bool proc_in_cgroup(uint32_t pid, const struct stat *dir);
int proc_maps(uint32_t pid, uint64_t addr, uint64_t len,
	      int (*fn)(const struct proc_map *map, void *arg), void *arg);

#endif /* REVOKECTL_H */
