/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "read/parse.h"

static struct trace_event e;
static struct trace_fault fault;

/* From memory that ends with the line, so that a sanitizer sees a byte too many. */
static enum trace_verdict parse_bytes(const char *s, size_t len)
{
	static char *copy;

	free(copy);
	copy = malloc(len ? len : 1);
	memcpy(copy, s, len);
	fault = (struct trace_fault){0};
	return trace_parse(copy, len, &e, &fault);
}

static enum trace_verdict parse(const char *s)
{
	return parse_bytes(s, strlen(s));
}

static void is_text(const struct trace_text *t, const char *want)
{
	struct buf b = {0};

	cr_assert_not_null(t->s, "no text, want %s", want);
	trace_text_put(&b, t);
	cr_assert(b.len == strlen(want) && !memcmp(b.s, want, b.len), "got %.*s, want %s",
		  (int)b.len, b.s, want);
	cr_assert(trace_text_is(t, want, strlen(want)));
	buf_release(&b);
}

#define ENTER_LINE                                                                                 \
	"{\"timestamp\": 1700000000000100, \"event\": \"ENTER\", \"thread\": \"Main\\\"Thread\", " \
	"\"module\": \"shop\", \"function\": \"total\", \"args\": \"{\\\"n\\\": [1, 2]}\", "       \
	"\"class\": \"shop.Größe\", \"method\": \"total\", \"file\": \"/a.py\", \"line\": 10, "  \
	"\"pid\": 4321, \"tid\": 4322, \"span\": 9007199254740991, \"parent\": 7, "                \
	"\"request_id\": \"r-1\", \"truncatedFields\": {\"args\": {\"threshold\": 1000}}}"

Test(trace_parse, a_call_begins)
{
	cr_assert_eq(parse(ENTER_LINE), TRACE_IS_EVENT, "%s", fault.what);
	cr_assert_eq(e.kind, TRACE_ENTER);
	cr_assert_eq(e.timestamp_us, 1700000000000100);
	cr_assert(e.pid == 4321 && e.tid == 4322 && e.line == 10);
	cr_assert(e.span == 9007199254740991 && e.parent == 7);
	is_text(&e.thread, "Main\"Thread");
	is_text(&e.module, "shop");
	is_text(&e.function, "total");
	is_text(&e.args, "{\"n\": [1, 2]}");
	is_text(&e.class_name, "shop.Größe");
	is_text(&e.file, "/a.py");
	is_text(&e.request_id, "r-1");
	is_text(&e.truncated, "{\"args\": {\"threshold\": 1000}}");
	cr_assert(!e.has_exception && !e.lost && !e.result.s);
}

Test(trace_parse, fields_in_any_order_and_unknown_ones)
{
	cr_assert_eq(
		parse(" {\"zz\":[1,{\"a\":null,\"b\":[]},-2.5e+3,\"\\u00e9\",true,false], "
		      "\"exception\":{\"more\":{},\"message\":\"m\",\"type\":\"T\"},\"lost\":true,"
		      "\"durationMicros\":0,\"function\":\"f\",\"event\":\"EXIT\",\"timestamp\":1,"
		      "\"\":{}}\r"),
		TRACE_IS_EVENT, "%s at %zu", fault.what, fault.at);
	cr_assert(e.kind == TRACE_EXIT && e.lost && e.has_exception && e.timestamp_us == 1);
	is_text(&e.exc_type, "T");
	is_text(&e.exc_message, "m");
}

Test(trace_parse, the_last_of_two_equal_keys_counts)
{
	cr_assert_eq(parse("{\"timestamp\":1,\"event\":\"ENTER\",\"function\":\"f\",\"span\":5,"
			   "\"module\":\"m\",\"span\":6,\"module\":null}"),
		     TRACE_IS_EVENT);
	cr_assert(e.span == 6 && !e.module.s);
}

Test(trace_parse, keys_with_escapes)
{
	cr_assert_eq(
		parse("{\"timestamp\":1,\"\\u0065vent\":\"\\u0045XIT\",\"func\\u0074ion\":\"f\"}"),
		TRACE_IS_EVENT, "%s", fault.what);
	cr_assert_eq(e.kind, TRACE_EXIT);
	is_text(&e.function, "f");
}

Test(trace_parse, values_that_are_not_in_a_string)
{
	cr_assert_eq(parse("{\"timestamp\":1,\"event\":\"EXIT\",\"function\":\"f\","
			   "\"result\":[1, {}],\"args\":null}"),
		     TRACE_IS_EVENT);
	is_text(&e.result, "[1, {}]");
	cr_assert_null(e.args.s);
}

Test(trace_parse, all_kinds)
{
	for (int kind = TRACE_OTHER + 1; kind < TRACE_KINDS; kind++) {
		char line[128];

		snprintf(line, sizeof(line),
			 "{\"timestamp\": 1, \"event\": \"%s\", \"method\": \"x\"}",
			 trace_kind_names[kind]);
		cr_assert_eq(parse(line), TRACE_IS_EVENT);
		cr_assert_eq((int)e.kind, kind);
	}
	cr_assert_eq(parse("{\"event\": \"ERROR\"}"), TRACE_IS_EVENT);
	cr_assert_eq(e.kind, TRACE_OTHER);
}

Test(trace_parse, whole_numbers)
{
	const char *good[] = {"0", "1", "9223372036854775807"};
	const char *bad[] = {"-1",
			     "9223372036854775808",
			     "99999999999999999999",
			     "1.0",
			     "1e3",
			     "\"1\"",
			     "[]",
			     "true",
			     "1.5E1",
			     "18446744073709551617"};
	char line[160];

	for (size_t i = 0; i < 3; i++) {
		snprintf(line, sizeof(line), "{\"timestamp\":%s,\"event\":\"LOST\"}", good[i]);
		cr_assert_eq(parse(line), TRACE_IS_EVENT, "%s", line);
		cr_assert_eq(e.timestamp_us, strtoull(good[i], NULL, 10));
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		snprintf(line, sizeof(line), "{\"timestamp\":1,\"event\":\"LOST\",\"span\":%s}",
			 bad[i]);
		cr_assert_eq(parse(line), TRACE_IS_BAD, "%s", line);
		cr_assert_str_eq(fault.field, "span");
	}
	cr_assert_eq(parse("{\"timestamp\":1,\"event\":\"LOST\",\"pid\":4294967296}"),
		     TRACE_IS_BAD);
	cr_assert_eq(parse("{\"timestamp\":1,\"event\":\"LOST\",\"span\":007}"), TRACE_IS_NOTHING);
}

Test(trace_parse, wrong_types)
{
	const char *bad[] = {"\"module\":1",
			     "\"thread\":{}",
			     "\"lost\":1",
			     "\"exception\":[]",
			     "\"exception\":{\"type\":3}",
			     "\"line\":\"10\"",
			     "\"function\":[\"f\"]"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char line[160];

		snprintf(line, sizeof(line),
			 "{\"timestamp\":1,\"event\":\"EXIT\",\"method\":\"f\",%s}", bad[i]);
		cr_assert_eq(parse(line), TRACE_IS_BAD, "%s", line);
		cr_assert_not_null(fault.field, "%s", line);
	}
	cr_assert_eq(parse("{\"event\":\"EXIT\",\"method\":\"f\"}"), TRACE_IS_BAD);
	cr_assert_eq(parse("{\"timestamp\":1,\"event\":\"EXIT\",\"module\":\"f\"}"), TRACE_IS_BAD);
}

Test(trace_parse, json_that_is_no_event)
{
	const char *json[] = {"{}",
			      "[]",
			      "1",
			      "-0.5",
			      "\"x\"",
			      "null",
			      "true",
			      "[[[{\"a\":[]}]]]",
			      "{\"a\": 1}",
			      "{\"event\": null}",
			      "{\"event\": 5}"};

	for (size_t i = 0; i < sizeof(json) / sizeof(json[0]); i++)
		cr_assert_eq(parse(json[i]), TRACE_IS_JSON, "%s", json[i]);
	cr_assert_eq(parse(""), TRACE_IS_BLANK);
	cr_assert_eq(parse(" \t\r"), TRACE_IS_BLANK);
}

Test(trace_parse, what_is_not_json)
{
	const char *bad[] = {"{",
			     "}",
			     "{\"",
			     "{\"a",
			     "{\"a\"",
			     "{\"a\":",
			     "{\"a\":1",
			     "{\"a\":1,",
			     "{\"a\":1,}",
			     "{,}",
			     "[1 2]",
			     "[1,]",
			     "{\"a\" 1}",
			     "nul",
			     "truE",
			     "-",
			     "01",
			     "1.",
			     ".5",
			     "1e",
			     "1e+",
			     "+1",
			     "\"\\x\"",
			     "\"\\u12g4\"",
			     "\"\\u123\"",
			     "\"tab\there\"",
			     "\"\x01\"",
			     "{} {}",
			     "{\"a\":1}x",
			     "NaN",
			     "Infinity",
			     "'a'",
			     "{a:1}",
			     "\"\xff\"",
			     "\"\xc0\x80\"",
			     "\"\xed\xa0\x80\"",
			     "\"\xf4\x90\x80\x80\"",
			     "\"\xe2\x82\"",
			     "\"\xc3\"",
			     "\"\\\"",
			     "\"\xf0\x80\x80\x80\"",
			     "{\"exception\":{\"type\"}}",
			     "{\"exception\":{\"type\":"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		cr_assert_eq(parse(bad[i]), TRACE_IS_NOTHING, "%s", bad[i]);
	cr_assert_eq(parse_bytes("{\"a\": \"\0\"}", 10), TRACE_IS_NOTHING);
	cr_assert_eq(parse_bytes("{}\0", 3), TRACE_IS_NOTHING);
}

/* Each prefix of a line is no line, and nothing outside of it is read. */
Test(trace_parse, every_cut)
{
	for (size_t len = 1; len < sizeof(ENTER_LINE) - 1; len++)
		cr_assert_eq(parse_bytes(ENTER_LINE, len), TRACE_IS_NOTHING, "%zu", len);
}

Test(trace_parse, depth)
{
	size_t deep = 100000;
	char *line = malloc(2 * deep);

	memset(line, '[', deep);
	memset(line + deep, ']', deep);
	cr_assert_eq(parse_bytes(line, 2 * deep), TRACE_IS_NOTHING);
	cr_assert_str_eq(fault.what, "it is nested too deeply");
	cr_assert_eq(parse_bytes(line + deep - TRACE_MAX_DEPTH, 2 * TRACE_MAX_DEPTH),
		     TRACE_IS_JSON);
	cr_assert_eq(parse_bytes(line + deep - TRACE_MAX_DEPTH - 1, 2 * TRACE_MAX_DEPTH + 2),
		     TRACE_IS_NOTHING);
	free(line);
}

/* At every place of a block of 16 bytes, as the fast path reads them. */
Test(trace_parse, strings_of_every_length)
{
	for (size_t len = 0; len < 70; len++) {
		for (size_t odd = 0; odd <= len; odd++) {
			char line[160];
			int n = snprintf(line, sizeof(line), "{\"event\":\"X\",\"module\":\"");
			size_t total;

			memset(line + n, 'a', len);
			memcpy(line + n + len, "\"}", 2);
			total = (size_t)n + len + 2;
			cr_assert_eq(parse_bytes(line, total), TRACE_IS_EVENT);
			cr_assert(e.module.len == len && !e.module.escaped);
			if (odd == len)
				continue;
			line[(size_t)n + odd] = '\x1f';
			cr_assert_eq(parse_bytes(line, total), TRACE_IS_NOTHING);
			line[(size_t)n + odd] = '"';
			cr_assert_eq(parse_bytes(line, total), TRACE_IS_NOTHING);
			line[(size_t)n + odd] = '\xe9';
			cr_assert_eq(parse_bytes(line, total), TRACE_IS_NOTHING);
			line[(size_t)n + odd] = '\\';
			line[(size_t)n + odd + 1] = odd + 1 == len ? '"' : 'n';
			cr_assert_eq(parse_bytes(line, total),
				     odd + 1 == len ? TRACE_IS_NOTHING : TRACE_IS_EVENT);
		}
	}
}

Test(trace_parse, escapes_undone)
{
	cr_assert_eq(parse("{\"event\":\"X\",\"module\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9"
			   "\\u20AC\\ud83d\\ude00\\ud83dx\\ude00 é\"}"),
		     TRACE_IS_EVENT);
	is_text(&e.module, "\"\\/\b\f\n\r\té€😀\xed\xa0\xbdx\xed\xb8\x80 é");
}
