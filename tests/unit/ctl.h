/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Runs revokectl inside a test, against the fake peer.
 *
 * Owns what the last run printed, as text and as JSON. Words are split at blanks
 * only.
 */
#ifndef TESTS_UNIT_CTL_H
#define TESTS_UNIT_CTL_H

#include <stdbool.h>
#include <json-c/json.h>

#define OUT_SIZE 16384
#define ERR_SIZE 4096

extern char out[OUT_SIZE], err[ERR_SIZE];
/* Takes the place of standard error unless it is -1 */
extern int ctl_stderr;

int revokectl_main(int argc, char **argv);

int run(const char *line);
bool printed(const char *text);
bool complained(const char *text);
const char *json_value(const char *path);
bool json_is(const char *path, enum json_type type, const char *value);
void json_done(void);

/* How the fake's pins look */
#define COMM "rdma\\x1b[2J\\x0a\\x7f\\xc2\\x9b"
#define PIN(id) "pin " #id " " COMM "/412 0x7f000000" #id \
	"000+32.0MiB rxe0 lkey 0x1234"

#endif /* TESTS_UNIT_CTL_H */
