/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * core-fuzz: what its files share.
 *
 * Must never have a value that does not come from the seed, but for what the kernel
 * gave out.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/pin_revoke.h>

#define NR(array)	(sizeof(array) / sizeof(*(array)))
#define PAGE		4096
#define SPEC_NO_SET	(-1)
#define MAX_CMD		64	/* more than there are */

enum spec_kind { SPEC_PAD, SPEC_U32, SPEC_U64, SPEC_STRING, SPEC_BINARY, SPEC_NEST };

/* @min, @max: of the value, or of the length of a string */
struct spec_attr {
	const char *name;
	uint16_t type;
	enum spec_kind kind;
	uint64_t min, max;
	int set;		/* of a nest */
};

struct spec_set {
	const struct spec_attr *attr;
	unsigned int nr;
};

#define SPEC_DO		1
#define SPEC_DUMP	2

/* @with, @dump_with: a bit for each attribute of the set that the question may have */
struct spec_op {
	const char *name;
	uint8_t cmd;
	int set;
	unsigned int has;
	uint32_t with, dump_with;
};

/* What a process has learned, so that it can be near the truth */
#define REMEMBER	16

struct known {
	uint64_t pins[REMEMBER], requests[REMEMBER];
	int fds[REMEMBER];	/* contexts and drains; -1 */
	int file;
	char *memory;		/* MEMORY_PAGES of the file, or not */
};

#define MEMORY_PAGES	16

/* Of all processes, shared. */
struct sums {
	_Atomic unsigned int sent, calls, bad;
	_Atomic unsigned int accepted[MAX_CMD], refused[MAX_CMD];
};

extern struct known known;
extern struct sums *sums;
extern bool nobody;		/* this process has no rights */
extern int family;

/* main.c: numbers that follow from the seed */
uint64_t rnd(void);
unsigned int below(unsigned int nr);
bool one_in(unsigned int nr);
void remember(uint64_t *list, uint64_t id);
void remember_fd(int fd);
/* Something that must not be; it is printed, and the test fails. */
__attribute__((format(printf, 1, 2))) void bad(const char *fmt, ...);

/* message.c */
struct message {
	unsigned char data[16384];
	size_t len;
	unsigned int nr;	/* messages in it */
};

const struct spec_op *spec_op(unsigned int cmd);
bool spec_error(int error);
void make_message(struct message *msg);

/* socket.c */
int socket_open(bool monitor);
void socket_send(int sk, const struct message *msg);

/* calls.c */
void make_call(void);

#endif /* FUZZ_H */
