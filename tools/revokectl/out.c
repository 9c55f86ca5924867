// SPDX-License-Identifier: GPL-2.0-only
/*
 * revokectl: output, as text, as JSON or into the journal, from the same calls.
 *
 * Owns stdout. In text each value is printed at once through its format; in
 * JSON it goes under its key into the innermost open object, and closing the
 * outermost one prints it. The journal gets both, the text as its message. Strings
 * may come from anybody who can name a process: nothing but printable ASCII reaches
 * the terminal.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include "revokectl.h"

#define DEPTH 8

static struct json_object *stack[DEPTH];
static int depth;

/* The journal's message, and whether it still takes any */
static char message[2048];
static size_t message_len;
static int journal_err;

static void add(const char *key, struct json_object *value)
{
	struct json_object *in = depth ? stack[depth - 1] : NULL;

	if (!value) {
		fputs("revokectl: out of memory\n", stderr);
		exit(EXIT_KERNEL);
	}
	if (in && json_object_is_type(in, json_type_array))
		json_object_array_add(in, value);
	else if (in)
		json_object_object_add(in, key, value);
}

static void open_level(const char *key, struct json_object *level)
{
	add(key, level);
	stack[depth++] = level;
}

void out_array(const char *key)
{
	if (options.json)
		open_level(key, json_object_new_array());
}

void out_object(const char *key)
{
	if (options.json)
		open_level(key, json_object_new_object());
}

void out_close(void)
{
	int style = JSON_C_TO_STRING_NOSLASHESCAPE;

	if (options.json && --depth == 0) {
		if (options.pretty)
			style |= JSON_C_TO_STRING_PRETTY;
		if (options.journal) {
			message[strcspn(message, "\n")] = '\0';
			journal_err = journal_send(message, stack[0]);
			message_len = 0;
		} else {
			puts(json_object_to_json_string_ext(stack[0], style));
		}
		json_object_put(stack[0]);
	}
	fflush(stdout);
}

/* Return: -errno if nobody gets what is put out. */
int out_error(void)
{
	return ferror(stdout) ? -EIO : journal_err;
}

/* What was not printed yet never will be: half a JSON is none. */
void out_abandon(void)
{
	if (depth)
		json_object_put(stack[0]);
	depth = 0;
}

/* Each byte may become \xNN; the longest string of the kernel's has 64 with its NUL. */
const char *out_printable(const char *str, char buf[static OUT_MAX])
{
	char *out = buf;

	for (; *str && out + 5 <= buf + OUT_MAX; str++) {
		if (*str >= ' ' && *str < 0x7f && *str != '\\')
			*out++ = *str;
		else
			out += sprintf(out, "\\x%02x", (unsigned char)*str);
	}
	*out = '\0';
	/* cppcheck-suppress uninitvar ; by way of out it has been written */
	return buf;
}

static bool prints(void)
{
	return !options.json || options.journal;
}

static void vprint(const char *fmt, va_list args)
	__attribute__((format(printf, 1, 0)));
static void vprint(const char *fmt, va_list args)
{
	int len;

	if (!options.journal) {
		vprintf(fmt, args);
		return;
	}
	len = vsnprintf(message + message_len, sizeof(message) - message_len, fmt, args);
	if (len > 0)
		message_len += len;
	if (message_len >= sizeof(message))
		message_len = sizeof(message) - 1;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
/* The formats are literals of the callers: %llu, %llx, %s. */
static void print(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprint(fmt, args);
	va_end(args);
}
#pragma GCC diagnostic pop

void out_u64(const char *key, const char *fmt, uint64_t value)
{
	if (options.json)
		add(key, json_object_new_uint64(value));
	if (fmt && prints())
		print(fmt, (unsigned long long)value);
}

/* JSON's numbers are not wide enough for an address everywhere. */
void out_addr(const char *key, const char *fmt, uint64_t value)
{
	char hex[24];

	snprintf(hex, sizeof(hex), "0x%llx", (unsigned long long)value);
	out_str(key, fmt, hex);
}

void out_str(const char *key, const char *fmt, const char *value)
{
	char buf[OUT_MAX];

	out_printable(value, buf);
	if (options.json)
		add(key, json_object_new_string(buf));
	if (fmt && prints())
		print(fmt, buf);
}

/* JSON only: a list of names */
void out_flags(const char *key, uint32_t flags,
	       const char *(*name)(uint32_t flag))
{
	int bit;

	out_array(key);
	for (bit = 0; bit < 32; bit++)
		if (flags & REVOKE_BIT(bit))
			out_str(NULL, NULL, name(REVOKE_BIT(bit)));
	if (options.json)
		out_close();
}

void out_text(const char *fmt, ...)
{
	va_list args;

	if (!prints())
		return;
	va_start(args, fmt);
	vprint(fmt, args);
	va_end(args);
}

double ms(uint64_t ns)
{
	return ns / 1e6;
}
