/* SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause */
/*
 * The two roles of rdma-file and what the command line tells them.
 */
#ifndef RDMA_FILE_H
#define RDMA_FILE_H

#include <stdbool.h>
#include <stdint.h>

struct options {
	char *file;		/* server */
	char *dev;
	char *port;		/* server */
	char *connect;		/* client */
	char *state;		/* client */
	uint64_t blocks;	/* server */
	uint64_t offset;	/* server: of the first block in the file */
	uint64_t nr_mrs;	/* server */
	bool sparse;		/* server */
	bool librevoke;		/* server: ask to be asked */
	bool odp;		/* server: on-demand paging, to compare */
	bool per_write;		/* server: a region for each WRITE, to compare */
};

/*
 * Exit statuses. A refused registration has its own: it is the answer of a
 * kernel that cannot take long-term pins back.
 */
enum {
	EXIT_OK,
	EXIT_FAILED,
	EXIT_USAGE,
	EXIT_REFUSED,
};

int server_run(const struct options *opts);
int client_run(const struct options *opts);

#endif /* RDMA_FILE_H */
