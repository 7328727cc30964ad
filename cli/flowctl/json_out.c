/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <stdio.h>

#include "base/json.h"
#include "base/number.h"
#include "json_out.h"

static void put_key(struct json_out *j, const char *key)
{
	if (j->comma)
		BUF_LITERAL(&j->b, ", ");
	j->comma = true;
	if (!key)
		return;
	json_string(&j->b, key, strlen(key));
	BUF_LITERAL(&j->b, ": ");
}

void json_begin(struct json_out *j, const char *key, char bracket)
{
	put_key(j, key);
	buf_char(&j->b, bracket);
	j->comma = false;
}

void json_end(struct json_out *j, char bracket)
{
	buf_char(&j->b, bracket);
	j->comma = true;
}

void json_raw(struct json_out *j, const char *key, const char *s, size_t len)
{
	put_key(j, key);
	buf_add(&j->b, s, len);
}

void json_bytes(struct json_out *j, const char *key, const char *s, size_t len)
{
	put_key(j, key);
	json_string_unchecked(&j->b, s, len);
}

void json_text(struct json_out *j, const char *key, const char *s)
{
	if (s)
		json_bytes(j, key, s, strlen(s));
	else
		json_raw(j, key, "null", 4);
}

void json_u64(struct json_out *j, const char *key, uint64_t n)
{
	put_key(j, key);
	buf_u64(&j->b, n);
}

void json_float(struct json_out *j, const char *key, double d)
{
	char text[NUMBER_MAX];

	json_raw(j, key, text, (size_t)(number_float(text, isfinite(d) ? d : 0) - text));
}

void json_flag(struct json_out *j, const char *key, bool b)
{
	json_raw(j, key, b ? "true" : "false", b ? 4 : 5);
}

void json_flush(struct json_out *j)
{
	if (j->b.failed || !j->b.len)
		return;
	fwrite(j->b.s, 1, j->b.len, stdout);
	buf_clear(&j->b);
}

int json_print(struct json_out *j)
{
	int err = j->b.failed ? -ENOMEM : 0;

	if (!err) {
		fwrite(j->b.s, 1, j->b.len, stdout);
		putchar('\n');
	}
	buf_release(&j->b);
	return err;
}
