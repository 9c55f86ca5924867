// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: an object of the output as an entry of systemd's journal, with a field
 * for each value of it, by the protocol that the journal documents for programs
 * without its library.
 *
 * Must never be handed what is not printable: a newline would begin another field.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <json-c/json.h>
#include "revokectl.h"

/* One entry; what there is of an event and its pin takes no more. */
static char entry[16384];
static size_t used;
static int sock = -1;

static void field(const char *name, const char *value)
{
	size_t len = strlen(name) + strlen(value) + 2;

	if (used + len < sizeof(entry))
		used += sprintf(entry + used, "%s=%s\n", name, value);
}

/* {"pin":{"id":7}} is PIN_REVOKE_PIN_ID=7; a list gives as many fields of one name. */
static void fields(const char *name, struct json_object *value)
{
	char sub[64];
	size_t i;

	if (json_object_is_type(value, json_type_array)) {
		for (i = 0; i < json_object_array_length(value); i++)
			fields(name, json_object_array_get_idx(value, i));
	} else if (json_object_is_type(value, json_type_object)) {
		json_object_object_foreach(value, key, member) {
			snprintf(sub, sizeof(sub), "%s_%s", name, key);
			for (i = 0; sub[i]; i++)
				sub[i] = toupper((unsigned char)sub[i]);
			fields(sub, member);
		}
	} else {
		field(name, json_object_get_string(value));
	}
}

/* As syslog counts: warning, notice, info */
static const char *priority(void)
{
	if (strstr(entry, "\nPIN_REVOKE_EVENT=lost\n") ||
	    strstr(entry, "\nPIN_REVOKE_EVENT=unloaded\n"))
		return "4";
	return strstr(entry, "\nPIN_REVOKE_FLAGS=forced\n") ? "5" : "6";
}

/* Return: 0, or -errno if there is no journal. */
int journal_open(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	int err = 0;

	sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (sock < 0 || connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
	if (err && sock >= 0)
		close(sock);
	return err;
}

/* Return: 0 or -errno. */
int journal_send(const char *message, struct json_object *object)
{
	used = 0;
	field("MESSAGE", message);
	field("SYSLOG_IDENTIFIER", "revokectl");
	fields("PIN_REVOKE", object);
	field("PRIORITY", priority());
	return send(sock, entry, used, MSG_NOSIGNAL) < 0 ? -errno : 0;
}
