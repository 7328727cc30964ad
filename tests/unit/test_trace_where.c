/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "select/amount.h"
#include "select/filter.h"
#include "select/glob.h"
#include "read/json_path.h"
#include "read/parse.h"
#include "select/where.h"

#define COMMON                                                                                     \
	"\"thread\": \"MainThread\", \"module\": \"shop.orders\", \"function\": \"t\\u00f6tal\", "

static const char enter[] =
	"{\"timestamp\": 1700000000000000, \"event\": \"ENTER\", " COMMON
	"\"args\": \"{\\\"id\\\": 17, \\\"tags\\\": [\\\"a\\\", "
	"\\\"b\\\\nc\\\"], \\\"p\\\": {\\\"q\\\": 1.5}, \\\"none\\\": null}\", "
	"\"class\": \"shop.orders.Order\", \"method\": \"total\", \"file\": \"f\", "
	"\"line\": 3, \"pid\": 10, \"tid\": 11, \"span\": 9007199254740991, "
	"\"parent\": 0, \"request_id\": null}";
static const char leave[] =
	"{\"timestamp\": 1700000000000900, \"event\": \"EXIT\", " COMMON
	"\"result\": \"[1, 2]\", \"durationMicros\": 1999, \"durationMillis\": 1, \"span\": "
	"9007199254740991, \"lost\": true, \"exception\": {\"type\": \"ValueError\", \"message\": "
	"\"no \\\"x\\\"\"}}";
static const char lost[] = "{\"timestamp\": 5, \"event\": \"LOST\", \"count\": 7, \"reason\": "
			   "\"ring_full\"}";

static struct trace_event parsed(const char *line)
{
	struct trace_event e;
	struct trace_fault fault;

	cr_assert_eq(trace_parse(line, strlen(line), &e, &fault), TRACE_IS_EVENT, "%s", line);
	return e;
}

static bool is(const char *condition, const char *line)
{
	struct trace_event e = parsed(line);
	struct why why = {0};
	struct where *w;
	bool matches;

	cr_assert_eq(where_new(condition, &w, &why), 0, "%s: %s", condition, why.text);
	matches = where_matches(w, &e);
	cr_assert_eq(where_holds(w, where_tests(w, &e)), matches, "%s", condition);
	where_free(w);
	return matches;
}

Test(where, fields)
{
	static const struct {
		const char *condition;
		bool enter, leave, lost;
	} all[] = {
		{"event=ENTER", true, false, false},
		{"event!=ENTER", false, true, true},
		{"module=shop.*", true, true, false},
		{"module=shop", false, false, false},
		{"module=*.order?", true, true, false},
		{"not module = shop.*", false, false, true},
		{"function=tötal", true, true, false},
		{"function=t?tal", true, true, false},
		{"function~\"^t.tal$\"", true, true, false},
		{"thread!~Main", false, false, true},
		{"durationMicros>1ms", false, true, false},
		{"durationMicros<2ms", false, true, false},
		{"durationMicros<=1999", false, true, false},
		{"durationMicros<1999us", false, false, false},
		{"durationMicros=1.999ms", false, true, false},
		{"durationMillis=1", false, true, false},
		{"durationMillis>=0.001s", false, true, false},
		{"durationMicros>=0", false, true, false},
		{"timestamp>1700000000s", false, true, false},
		{"span=9007199254740991", true, true, false},
		{"span>9007199254740990 and span<9007199254740992", true, true, false},
		{"pid=1*", true, false, false},
		{"parent=0", true, false, false},
		{"request_id", false, false, false},
		{"lost", false, true, false},
		{"lost=false", false, false, false},
		{"exception", false, true, false},
		{"exception=\"ValueError: no \\\"x\\\"\"", false, true, false},
		{"exception.type=Value*", false, true, false},
		{"exception.message='no \"x\"'", false, true, false},
		{"args.id=17", true, false, false},
		{"args.id=17.0", true, false, false},
		{"args.id>16.5", true, false, false},
		{"args.id=\"17.0\"", false, false, false},
		{"args.tags.0=a", true, false, false},
		{"args.tags.1~\"b\\nc\"", true, false, false},
		{"args.tags.2", false, false, false},
		{"args.p.q=1.5", true, false, false},
		{"args.p={*", true, false, false},
		{"args.none=null", true, false, false},
		{"args=*tags*", true, false, false},
		{"args~'\"id\": \\d+'", true, false, false},
		{"result=\"[1, 2]\"", false, true, false},
		{"result.1=2", false, true, false},
		{"count>=7", false, false, true},
		{"reason=ring_*", false, false, true},
		{"event=ENTER or event=LOST", true, false, true},
		{"event=LOST or event=EXIT and lost", false, true, true},
		{"(event=LOST or event=EXIT) and lost", false, true, false},
		{"not (event=LOST or lost)", true, false, false},
		{"!lost&&event=E*||count=7", true, false, true},
		{"NOT not event=LOST", false, false, true},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		cr_expect_eq(is(all[i].condition, enter), all[i].enter, "%s", all[i].condition);
		cr_expect_eq(is(all[i].condition, leave), all[i].leave, "%s", all[i].condition);
		cr_expect_eq(is(all[i].condition, lost), all[i].lost, "%s", all[i].condition);
	}
}

Test(where, wrong)
{
	static const struct {
		const char *condition, *says;
	} all[] = {
		{"", "column 1: a condition is missing: ^"},
		{"module=", "column 8: a value is missing: module=^"},
		{"=3", "column 1: a field is missing: ^=3"},
		{"duration>3",
		 "column 1: unknown field \"duration\": did you mean durationMicros?: "
		 "^duration>3"},
		{"x=3", "unknown field \"x\": the fields are timestamp, event, "},
		{"module>3", "column 8: module is not a number"},
		{"pid>x", "column 5: a number is missing: pid>^x"},
		{"pid=x", "column 5: pid is a number"},
		{"pid=3ms", "column 5: pid has no such unit"},
		{"durationMicros>3%", "has no such unit"},
		{"durationMicros>3 module=x", "column 18: expected and, or, or the end"},
		{"(lost", "column 1: this parenthesis is not closed"},
		{"(lost x", "column 7: and, or or ) is missing"},
		{"lost)", "column 5: expected and, or, or the end: lost^)"},
		{"lost and", "column 9: a condition is missing"},
		{"args~\"x", "column 6: this quote is not closed"},
		{"args~\"ö(\"", "column 9: missing closing parenthesis"},
		{"args~[", "column 7: missing terminating ]"},
		{"pid.x=1", "column 5: pid has no parts"},
		{"exception.x=1", "column 11: exception has only a type and a message"},
		{"args.=1", "column 6: a name is missing"},
		{"args.a..b", "column 6: a name is missing"},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct why why = {0};
		struct where *w = NULL;

		cr_assert_eq(where_new(all[i].condition, &w, &why), -EINVAL, "%s",
			     all[i].condition);
		cr_expect(strstr(why.text, all[i].says), "%s gives: %s", all[i].condition,
			  why.text);
		cr_expect_eq(why.exit_status, EXIT_USAGE);
		cr_expect(strchr(why.text, '^') && !strchr(why.text, '\n'));
		cr_expect_null(w);
	}
}

static bool is_condition(const char *text)
{
	struct why why = {0};
	struct where *w;

	if (where_new(text, &w, &why)) {
		cr_assert(why.text[0]);
		return false;
	}
	where_free(w);
	return true;
}

Test(where, bounds)
{
	char text[8192] = "";

	for (int i = 0; i < WHERE_TESTS - 1; i++)
		strcat(text, "pid=1 or ");
	cr_assert(is_condition(strcat(text, "count=7")));
	cr_assert(is(text, lost) && !is(text, leave));
	cr_assert(!is_condition(strcat(text, " or lost")));
	memset(text, '(', sizeof(text) - 1);
	cr_assert(!is_condition(text));
	memset(text, '!', sizeof(text) - 1);
	cr_assert(!is_condition(text));
}

/* Every piece of a right condition, and every piece with one byte changed, ends in a verdict. */
Test(where, damaged)
{
	static const char whole[] = "not (args.x~\"a\\\"b\" or pid>=3 && module=shop.*) and lost";
	char text[sizeof(whole)];
	size_t right = 0;

	for (size_t i = 0; i < sizeof(whole) - 1; i++) {
		for (int c = 1; c < 256; c++) {
			memcpy(text, whole, sizeof(whole));
			text[i] = (char)c;
			right += is_condition(text);
		}
		memcpy(text, whole, i);
		text[i] = 0;
		right += is_condition(text);
	}
	cr_assert(right > 100 && right < 255 * sizeof(whole) / 2, "%zu", right);
}

/* A pattern that would take for ever is given up, and that is counted. */
Test(where, regex_without_end)
{
	char line[4096] = "{\"timestamp\": 1, \"event\": \"LOST\", \"reason\": \"";
	struct trace_event e;
	struct why why = {0};
	struct where *w;

	memset(line + strlen(line), 'a', 3000);
	e = parsed(strcat(line, "!\"}"));
	cr_assert_eq(where_new("reason~\"^(a+)+$\"", &w, &why), 0);
	cr_assert(!where_matches(w, &e));
	cr_assert_eq(where_given_up(w), 1);
	where_free(w);
}

Test(filter, a_call_is_what_its_lines_say_together)
{
	static const struct {
		const char *condition;
		bool enter, leave;
	} all[] = {
		{"args.id=17 and durationMicros>1ms", false, true},
		{"args.id=18 and durationMicros>1ms", false, false},
		{"args.id=17 and not exception", true, false},
		{"event=ENTER", true, true},
		{"result and args", false, true},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct trace_event a = parsed(enter), b = parsed(leave), c = parsed(leave);
		struct trace_filter f;
		struct why why = {0};

		cr_assert_eq(trace_filter_init(&f, all[i].condition, &why), 0);
		cr_assert_eq(trace_filter_event(&f, &a), 0);
		cr_expect_eq(a.left_out, !all[i].enter, "%s", all[i].condition);
		cr_assert_eq(trace_filter_event(&f, &b), 0);
		cr_expect_eq(b.left_out, !all[i].leave, "%s", all[i].condition);
		cr_assert_eq(f.open.count, 0);
		/* What was said before it is forgotten. */
		cr_assert_eq(trace_filter_event(&f, &c), 0);
		cr_expect_eq(c.left_out, !is(all[i].condition, leave), "%s", all[i].condition);
		trace_filter_release(&f);
	}
}

static bool glob(const char *pattern, const char *s)
{
	return glob_matches(pattern, strlen(pattern), s, strlen(s));
}

Test(glob, patterns)
{
	cr_expect(glob("", "") && glob("*", "") && glob("**", "abc") && glob("a*c", "abbc"));
	cr_expect(glob("*b*b*", "abcb") && !glob("*b*b*", "abc") && glob("?", "ö"));
	cr_expect(!glob("?", "") && !glob("??", "ö") && glob("a\\*", "a*") && !glob("a\\*", "ab"));
	cr_expect(glob("<list*>", "<listcomp>") && !glob("abc", "ab") && !glob("ab", "abc"));
	cr_expect(glob("*\\", "x\\") && glob("*abab", "abaabab"));
	cr_expect(!glob("*a*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

Test(amount, units)
{
	static const struct {
		const char *text;
		long double n;
		int unit; /* -1: none at all */
	} all[] = {
		{"0", 0, AMOUNT_PLAIN},
		{"18446744073709551615", 0x1p64L - 1, AMOUNT_PLAIN},
		{"-1.5", -1.5L, AMOUNT_PLAIN},
		{".5s", 500000, AMOUNT_TIME},
		{"250us", 250, AMOUNT_TIME},
		{"250µs", 250, AMOUNT_TIME},
		{"10ms", 10000, AMOUNT_TIME},
		{"1500ns", 1.5L, AMOUNT_TIME},
		{"18446744073709551615us", 0x1p64L - 1, AMOUNT_TIME},
		{"0.1s", 100000, AMOUNT_TIME},
		{"2m", 120e6L, AMOUNT_TIME},
		{"1h", 3600e6L, AMOUNT_TIME},
		{"10%", 10, AMOUNT_PERCENT},
		{"-.5%", -.5L, AMOUNT_PERCENT},
		{"1e3", 1000, AMOUNT_PLAIN},
		{"", 0, -1},
		{"%", 0, -1},
		{"10ms%", 0, -1},
		{"10%%", 0, -1},
		{"x", 0, -1},
		{"0x10", 0, -1},
		{"inf", 0, -1},
		{"nan", 0, -1},
		{"1 ms", 0, -1},
		{" 1", 0, -1},
		{"1d", 0, -1},
		{"1e9999", 0, -1},
		{"--1", 0, -1},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct amount a;
		bool is_one = amount_parse(all[i].text, strlen(all[i].text), &a);

		cr_expect_eq(is_one, all[i].unit >= 0, "%s", all[i].text);
		if (is_one)
			cr_expect(a.n == all[i].n && (int)a.unit == all[i].unit, "%s", all[i].text);
	}
}

Test(member, paths)
{
	static const struct {
		const char *json, *path, *want; /* NULL: there is none */
	} all[] = {
		{"{\"a\": {\"b\": [1, {\"c\": \"x\"}]}}", "a.b.1.c", "x"},
		{"{\"a\": [1, 2]}", "a", "[1, 2]"},
		{"[[], {}, -1.5e3]", "2", "-1.5e3"},
		{"{\"\\u0061\": true}", "a", "true"},
		{"{\"a\": 1}", "b", NULL},
		{"{\"a\": 1}", "a.b", NULL},
		{"[1]", "1", NULL},
		{"[1]", "-1", NULL},
		{"[1]", "01", NULL},
		{"[]", "0", NULL},
		{"{}", "a", NULL},
		{"{\"a\": ", "a", NULL},
		{"{\"a\" 1}", "a", NULL},
		{"{\"a\": tru}", "a", NULL},
		{"{1: 2}", "1", NULL},
		{"\"a\"", "a", NULL},
		{"", "a", NULL},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t len = strlen(all[i].json);
		char *json = malloc(len ? len : 1); /* so that the sanitizer sees a step too far */
		struct trace_text t;
		bool found;

		memcpy(json, all[i].json, len);
		found = json_path_find(json, len, all[i].path, &t);
		cr_expect_eq(found, all[i].want != NULL, "%s %s", all[i].json, all[i].path);
		if (found && all[i].want)
			cr_expect(t.len == strlen(all[i].want) && !memcmp(t.s, all[i].want, t.len),
				  "%s %s", all[i].json, all[i].path);
		free(json);
	}
}
