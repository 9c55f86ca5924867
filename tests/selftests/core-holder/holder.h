/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * core-holder: what its files share. Each do_...() is one command: prints one
 * line, arg[0] is its own name, and what is not there is NULL.
 *
 * Must never hold state: each file has its own.
 */
#ifndef HOLDER_H
#define HOLDER_H

#include <stdbool.h>
#include <stdint.h>

#define SLOTS	1024

struct revoke_ctx;

/* main.c */
void ok(void);
void failed(int err, const char *text);
void done(int err);
uint64_t number(const char *s);
unsigned int slot(const char *s);
double now(void);

/* memory.c */
char *place(const char *s);
int region_fd(const char *s);
void do_dirty(char **arg);
void do_drop(char **arg);
void do_hammer(char **arg);
void do_look(char **arg);
void do_map(char **arg);
void do_pageout(char **arg);
void do_protect(char **arg);
void do_repeat(char **arg);
void do_timed(char **arg);
void do_touch(char **arg);
void do_uffd(char **arg);
void do_uffd_end(char **arg);
void do_unmap(char **arg);

/* move.c */
void do_advise(char **arg);
void do_bind(char **arg);
void do_migrate(char **arg);
void do_move_ext(char **arg);
void do_move_pages(char **arg);
void do_remap(char **arg);

/* pin.c */
void do_dma(char **arg);
void do_inherit(char **arg);
void do_passes(char **arg);
void do_pin(char **arg);
void do_pin_many(char **arg);
void do_state(char **arg);
void do_storm(char **arg);
void do_unpin(char **arg);
void do_unpin_many(char **arg);

/* crowd.c */
void do_crowd(char **arg);
void do_disperse(char **arg);

/* declare.c */
void do_child_ioctl(char **arg);
void do_child_undeclares(char **arg);
void do_claim(char **arg);
void do_declare(char **arg);
void do_ioctl(char **arg);
int context_fd(void);
void do_policy(char **arg);
void do_restore(char **arg);
void do_undeclare(char **arg);
void do_valid(char **arg);

/* valid.c */
void do_race(char **arg);
void do_words(char **arg);

/* listen.c */
struct revoke_ctx *context(const char *s);
void do_ack(char **arg);
void do_answer(char **arg);
void do_close(char **arg);
void do_dispatch(char **arg);
void do_dispatched(char **arg);
void do_listen(char **arg);
void do_pins(char **arg);
void do_requests(char **arg);
void do_time(char **arg);
void do_undispatch(char **arg);
void do_wait(char **arg);

#endif /* HOLDER_H */
