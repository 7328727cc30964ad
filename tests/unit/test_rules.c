/* SPDX-License-Identifier: MIT */
/* The rules of the configuration file. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "ft_abi.h"
#include "node/selection.h"

static char file[] = "/tmp/test_rules.XXXXXX";
static struct config c;
static struct why w;

static void write_file(const char *text, size_t len)
{
	FILE *f = fopen(file, "w");

	cr_assert(f && fwrite(text, 1, len, f) == len && !fclose(f));
}

/* Whatever the environment has, options that the test gives win over it. */
static int parse(const char *more)
{
	char *argv[] = {
		(char *)"flowtrace-bpf", (char *)"-p1", (char *)"-c", file, (char *)more, NULL};

	config_release(&c);
	config_init(&c);
	w = (struct why){};
	return config_parse(&c, more ? 5 : 4, argv, &w);
}

static void accept(const char *rules, const char *more)
{
	char text[4096];

	write_file(text, snprintf(text, sizeof(text), "{\"rules\": %s}", rules));
	cr_assert_eq(parse(more), 0, "%s", w.text);
}

static void setup(void)
{
	int fd = mkstemp(file);

	cr_assert(fd >= 0);
	close(fd);
	config_init(&c);
}

static void teardown(void)
{
	config_release(&c);
	unlink(file);
}

TestSuite(rules, .init = setup, .fini = teardown);

static bool list_is(const struct strings *s, const char *a, const char *b)
{
	return s->count == (size_t)(a != NULL) + (b != NULL) && (!a || !strcmp(s->at[0], a)) &&
	       (!b || !strcmp(s->at[1], b));
}

Test(rules, what_a_rule_does_not_say_is_as_in_the_run)
{
	const struct config *r;

	accept("[{\"namespace\": \"shop-*\", \"label\": [\"app=web\", \"tier\"], \"prefix\": "
	       "[\"a\", \"b\"], \"capture\": {\"no-args\": true, \"max_items\": 0}}, "
	       "{\"pod\": \"x\", \"prefix\": []}, {}]",
	       "-Pown");
	cr_assert_eq(c.rules.count, 3);
	cr_assert(c.rules.given);
	r = &c.rules.at[0].options;
	cr_expect(list_is(&r->namespace, "shop-*", NULL) && list_is(&r->label, "app=web", "tier"));
	cr_expect(list_is(&r->prefix, "a", "b") && !r->args && r->result);
	cr_expect(r->max_items == FT_MAX_ITEMS && r->max_depth == 6 && r->max_arg_length == 1000);
	cr_expect_eq(c.rules.at[1].options.prefix.count, 0, "an empty list is said too");
	cr_expect(list_is(&c.rules.at[2].options.prefix, "own", NULL));
	accept("[]", NULL);
	cr_expect(c.rules.given && !c.rules.count);
	write_file("{}", 2);
	cr_expect(!parse(NULL) && !c.rules.given);
}

Test(rules, the_first_that_matches)
{
	static char *labels[] = {(char *)"app=web"};
	struct workload web = {.namespace = (char *)"shop-a",
			       .pod = (char *)"web-1",
			       .labels = labels,
			       .nlabels = 1};
	struct workload named = {.namespace = (char *)"shop-a", .pod = (char *)"db-0"};

	accept("[{\"namespace\": \"shop-*\", \"label\": \"app=web\"}, {\"pod\": [\"x\", "
	       "\"db-?\"]}]",
	       NULL);
	cr_expect_eq(selection_rule(&c.rules, &web), &c.rules.at[0]);
	cr_expect_eq(selection_rule(&c.rules, &named), &c.rules.at[1]);
	named.pod = NULL;
	cr_expect_null(selection_rule(&c.rules, &named), "what is not known matches nothing");
	cr_expect_null(selection_rule(&c.rules, NULL));
	accept("[{\"pod\": \"x\"}, {}]", NULL);
	cr_expect_eq(selection_rule(&c.rules, NULL), &c.rules.at[1]);
}

Test(rules, wrong_ones_name_file_index_and_key)
{
	static const struct {
		const char *rules, *says;
	} wrong[] = {
		{"5", ": rules: 5 is not a list"},
		{"[5]", ": rules[0]: 5 is not a rule"},
		{"[{}, {\"pods\": \"a\"}]", ": rules[1].pods: unknown key: here may be capture, "},
		{"[{\"cgroup\": \"a\"}]", ": rules[0].cgroup: unknown key"},
		{"[{\"args\": false}]", ": rules[0].args: unknown key"},
		{"[{\"pod\": true}]", ": rules[0].pod: true is not a text"},
		{"[{\"pod\": null}]", ": rules[0].pod: null is not a text"},
		{"[{\"pod\": {}}]", ": rules[0].pod: { } is not a text"},
		{"[{\"pod\": \"\"}]", ": rules[0].pod: needs a pattern"},
		{"[{\"pod\": [\"a\", 1]}]", ": rules[0].pod: 1 is not a text"},
		{"[{\"prefix\": \"a*\"}]", ": rules[0].prefix: \"a*\": prefixes are plain text"},
		{"[{\"prefix\": \"a\\u0000b\"}]", ": rules[0].prefix: the text holds a zero byte"},
		{"[{\"capture\": true}]", ": rules[0].capture: true is not an object"},
		{"[{\"capture\": {\"prefix\": \"a\"}}]", ": rules[0].capture.prefix: unknown key"},
		{"[{\"capture\": {\"args\": 1}}]", ": rules[0].capture.args: 1 is not true or"},
		{"[{\"capture\": {\"max-items\": true}}]", "max-items: true is not a whole number"},
		{"[{\"capture\": {\"max-items\": -1}}]", ": \"-1\" is not a whole number"},
		{"[{\"capture\": {\"max-items\": 257}}]", ": 257 is too large, the maximum is 256"},
		{"[{\"sample\": \"3\"}]", ": rules[0].sample: \"3\" is not a whole number"},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char text[512];

		write_file(text, snprintf(text, sizeof(text), "{\"rules\": %s}", wrong[i].rules));
		cr_assert(parse(NULL) < 0, "%s", wrong[i].rules);
		cr_expect_eq(w.exit_status, EXIT_USAGE);
		cr_expect(strstr(w.text, file) && strstr(w.text, wrong[i].says) &&
				  !strchr(w.text, '\n'),
			  "%s: %s", wrong[i].rules, w.text);
	}
}

Test(rules, are_read_anew)
{
	static const char good[] = "{\"prefix\": \"other\", \"rules\": [{\"pod\": \"b\"}]}";
	struct rules r = {};

	accept("[{\"pod\": \"a\", \"prefix\": \"p\"}]", "-Pown");
	write_file(good, sizeof(good) - 1);
	cr_assert_eq(config_reread_rules(&c, &r, &w), 0, "%s", w.text);
	cr_assert_eq(r.count, 1);
	cr_expect(list_is(&r.at[0].options.pod, "b", NULL));
	cr_expect(list_is(&r.at[0].options.prefix, "own", NULL), "the rest holds as it was");
	rules_release(&r);
	write_file("{}", 2);
	cr_expect(!config_reread_rules(&c, &r, &w) && !r.count && !r.given);
	rules_release(&r);
	write_file("{", 1);
	cr_expect_lt(config_reread_rules(&c, &r, &w), 0);
	cr_expect(!r.at && w.text[0]);
}

/* Any bytes: they are read, or it is said what is wrong. */
Test(rules, damaged, .timeout = 60)
{
	static const char whole[] =
		"{\"rules\": [{\"namespace\": [\"a\", \"b\"], \"pod\": \"c\", \"label\": \"d=e\", "
		"\"prefix\": [\"f\"], \"capture\": {\"args\": false, \"max-items\": 3}}, {}]}";
	static const char bytes[] = "{}[]\",:\\0-5eatn\x80\x01 ";

	srand(1);
	for (int i = 0; i < 3000; i++) {
		char text[sizeof(whole)];
		size_t len = sizeof(whole) - 1;

		memcpy(text, whole, sizeof(whole));
		for (int n = rand() % 4; n >= 0; n--)
			text[rand() % len] = bytes[rand() % (sizeof(bytes) - 1)];
		write_file(text, rand() % 8 ? len : (size_t)rand() % len);
		if (parse(NULL))
			cr_assert(w.text[0]);
	}
}
