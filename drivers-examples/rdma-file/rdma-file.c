// SPDX-License-Identifier: LGPL-2.1-or-later OR BSD-2-Clause
/*
 * rdma-file - RDMA into a file that lives on an ordinary file system.
 *
 * Owns the command line. The server (server.c) maps the file, registers it
 * and answers when the kernel wants it back; the client (client.c) writes into
 * it at full speed.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "rdma-file.h"
#include "slot.h"

#define MAX_OFFSET	(1ull << 30)

static void usage(FILE *to)
{
	fputs("usage: rdma-file server FILE [--blocks N] [--sparse] [--offset N] [--mrs N]\n"
	      "                 [--dev DEV] [--port PORT] [--no-librevoke] [--odp]\n"
	      "                 [--per-write]\n"
	      "       rdma-file client --connect HOST:PORT --state FILE [--dev DEV]\n"
	      "\n"
	      "server  writes FILE full of zeroes, maps and registers it, serves one client\n"
	      "  --blocks N       size of FILE in blocks of 8 KiB (1280)\n"
	      "  --sparse         leave FILE a hole instead\n"
	      "  --offset N       byte of FILE where the blocks begin (0)\n"
	      "  --mrs N          register it in N pieces, 64 at most (1)\n"
	      "  --port PORT      TCP port on the loopback address (18515)\n"
	      "  --no-librevoke   do not ask to be asked: be a program that never heard of it\n"
	      "  --odp            register for on-demand paging instead, to compare\n"
	      "  --per-write      register each slot when it is written, to compare\n"
	      "client  fills one slot of 4 KiB with each RDMA WRITE until raw-check has finished\n"
	      "  --connect H:P    the server\n"
	      "  --state FILE     shared with raw-check; put it on /dev/shm\n"
	      "both\n"
	      "  --dev DEV        RDMA device (rxe0)\n"
	      "exit status: 0 done, 1 failed, 2 usage, 3 the kernel refused the registration\n",
	      to);
}

static int bad(const char *what, const char *value)
{
	fprintf(stderr, "rdma-file: %s%s\n", what, value);
	usage(stderr);
	return EXIT_USAGE;
}

static bool parse(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 0);
	return !errno && end != text && !*end && *value >= min && *value <= max;
}

int main(int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "blocks", required_argument, NULL, 'b' },
		{ "connect", required_argument, NULL, 'c' },
		{ "dev", required_argument, NULL, 'd' },
		{ "help", no_argument, NULL, 'h' },
		{ "mrs", required_argument, NULL, 'm' },
		{ "no-librevoke", no_argument, NULL, 'n' },
		{ "odp", no_argument, NULL, 'o' },
		{ "offset", required_argument, NULL, 'O' },
		{ "per-write", no_argument, NULL, 'w' },
		{ "port", required_argument, NULL, 'p' },
		{ "sparse", no_argument, NULL, 'S' },
		{ "state", required_argument, NULL, 's' },
		{ }
	};
	struct options opts = {
		.dev = "rxe0",
		.port = "18515",
		.blocks = 1280,
		.nr_mrs = 1,
		.librevoke = true,
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		switch (opt) {
		case 'b':
			if (!parse(optarg, 1, MAX_BLOCKS, &opts.blocks))
				return bad("bad number of blocks: ", optarg);
			break;
		case 'c':
			opts.connect = optarg;
			break;
		case 'd':
			opts.dev = optarg;
			break;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		case 'm':
			if (!parse(optarg, 1, MAX_MRS, &opts.nr_mrs))
				return bad("bad number of regions: ", optarg);
			break;
		case 'n':
			opts.librevoke = false;
			break;
		case 'o':
			opts.odp = true;
			break;
		case 'O':
			if (!parse(optarg, 0, MAX_OFFSET, &opts.offset))
				return bad("bad offset: ", optarg);
			break;
		case 'p':
			opts.port = optarg;
			break;
		case 's':
			opts.state = optarg;
			break;
		case 'S':
			opts.sparse = true;
			break;
		case 'w':
			opts.per_write = true;
			break;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}

	argc -= optind;
	argv += optind;
	if (argc == 2 && !strcmp(argv[0], "server")) {
		if (opts.blocks % opts.nr_mrs)
			return bad("the blocks do not divide into the regions", "");
		opts.file = argv[1];
		return server_run(&opts);
	}
	if (argc == 1 && !strcmp(argv[0], "client")) {
		if (!opts.connect || !opts.state)
			return bad("a client needs --connect and --state", "");
		return client_run(&opts);
	}
	return bad("say server FILE or client", "");
}
