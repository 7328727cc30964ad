/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "columns.h"
#include "describe.h"

#define INDENT 4
#define CHAIN_SHOWN 12

void describe_put_identity(struct json_out *j, const struct trace_function *f)
{
	json_text(j, "module", f->module);
	json_text(j, "class", f->class_name);
	json_text(j, "function", f->name);
	json_text(j, "file", f->file);
	json_u64(j, "line", f->line);
}

void describe_put_function(struct json_out *j, const struct trace_function *f)
{
	struct buf label = {0};

	trace_function_label(&label, f);
	json_bytes(j, "name", label.s, label.len);
	buf_release(&label);
	describe_put_identity(j, f);
}

/* "name (file:line)", as far as it is known. */
static void put_place(struct buf *b, const struct trace_function *f)
{
	char line[16];

	trace_function_label(b, f);
	if (!f->file[0])
		return;
	BUF_LITERAL(b, " (");
	buf_str(b, f->file);
	snprintf(line, sizeof(line), ":%" PRIu32 ")", f->line);
	buf_str(b, line);
}

void describe_put_chain(struct json_out *j, const char *key,
			const struct trace_function *const *chain, size_t len)
{
	json_begin(j, key, '[');
	for (size_t i = 0; i < len; i++) {
		struct buf b = {0};

		put_place(&b, chain[i]);
		json_bytes(j, NULL, b.s, b.len);
		buf_release(&b);
	}
	json_end(j, ']');
}

void describe_print_cut(const char *s, size_t len, size_t used)
{
	size_t width = terminal_width();
	struct buf b = {0};

	if (width)
		cut_text(&b, s, len, width > used + 20 ? width - used : 20, false);
	fwrite(width ? b.s : s, 1, width ? b.len : len, stdout);
	putchar('\n');
	buf_release(&b);
}

void describe_print_function(const struct trace_function *f)
{
	struct buf b = {0}, safe = {0};

	put_place(&b, f);
	safe_text(&safe, b.s, b.len);
	fwrite(safe.s, 1, safe.len, stdout);
	putchar('\n');
	buf_release(&b);
	buf_release(&safe);
}

void describe_print_field(const char *title, const char *s, size_t len)
{
	struct buf safe = {0};

	if (!len)
		return;
	safe_text(&safe, s, len);
	printf("%*s%s ", INDENT, "", title);
	describe_print_cut(safe.s, safe.len, INDENT + text_width(title, strlen(title)) + 1);
	buf_release(&safe);
}

static void print_caller(const struct trace_function *f)
{
	struct buf b = {0};

	put_place(&b, f);
	describe_print_field("called by", b.s, b.len);
	buf_release(&b);
}

void describe_print_chain(const struct trace_function *const *chain, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (len > CHAIN_SHOWN && i == CHAIN_SHOWN / 2) {
			printf("%*s... %zu more ...\n", INDENT, "", len - CHAIN_SHOWN);
			i += len - CHAIN_SHOWN;
		}
		print_caller(chain[i]);
	}
}

void describe_print_thread(const char *name, size_t len, uint32_t pid, uint32_t tid)
{
	struct buf safe = {0};

	if (len)
		safe_text(&safe, name, len);
	printf(" in %.*s%s(pid %" PRIu32 ", tid %" PRIu32 ")", (int)safe.len, safe.s ? safe.s : "",
	       safe.len ? " " : "", pid, tid);
	buf_release(&safe);
}

void describe_print_time(uint64_t us)
{
	time_t seconds = (time_t)(us / 1000000);
	char text[48];
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || !strftime(text, sizeof(text), "%F %T", &tm))
		printf("%" PRIu64, us);
	else
		printf("%s.%06u", text, (unsigned)(us % 1000000));
}
