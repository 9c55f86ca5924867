// SPDX-License-Identifier: GPL-2.0-only
/*
 * usage: lib-file gives|keeps FILE OFFSET LENGTH
 *
 * Declares a part of a file that nobody has mapped, as a process whose device writes
 * there would, and says each event, until the part is given, or taken. "keeps": it never
 * answers.
 *
 * Must never map the file itself.
 */
#include <err.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <revoke/revoke.h>

int main(int argc, char **argv)
{
	struct revoke_event event = { .size = sizeof(event) };
	struct revoke_range range = { .size = sizeof(range), .flags = REVOKE_RANGE_WRITE };
	bool gives = argc == 5 && !strcmp(argv[1], "gives");
	struct revoke_ctx *ctx;
	int fd;

	if (argc != 5)
		errx(2, "usage: lib-file gives|keeps FILE OFFSET LENGTH");
	setlinebuf(stdout);
	range.addr = strtoull(argv[3], NULL, 0);
	range.len = strtoull(argv[4], NULL, 0);
	fd = open(argv[2], O_RDWR | O_CLOEXEC);
	if (fd < 0)
		err(1, "%s", argv[2]);
	if (revoke_open(NULL, &ctx) || revoke_declare_file(ctx, "file", fd, &range, 1))
		errx(1, "%s", revoke_last_error(NULL));
	close(fd);
	printf("declared\n");
	while (revoke_wait_event(ctx, &event, -1) == 1) {
		printf("%s %s valid=%d\n", revoke_event_name(event.type),
		       revoke_reason_name(event.reason), revoke_pin_valid(&range));
		if (event.type == REVOKE_EVENT_REVOKED ||
		    (gives && event.type == REVOKE_EVENT_RELEASE_SOON))
			break;
	}
	if (revoke_undeclare_file(ctx, &range, 1))
		errx(1, "undeclare: %s", revoke_last_error(ctx));
	revoke_close(ctx);
	return 0;
}
