/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/selection.h"

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define PATH "/kubepods/burstable/pod0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0/" ID

static char *labels[] = {(char *)"app=shop", (char *)"tier=web", (char *)"empty="};

static const struct workload shop = {
	.container = (char *)ID,
	.uid = (char *)"0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0",
	.namespace = (char *)"prod",
	.pod = (char *)"shop-7d4b9-x2x",
	.name = (char *)"web",
	.labels = labels,
	.nlabels = 3,
};

/* A pod of which the names are not known yet; a container without a pod; a plain process. */
static const struct workload unnamed = {.container = (char *)ID, .uid = (char *)"u"};
static const struct workload docker = {.container = (char *)ID};
static const struct workload plain;

/* The options as on the command line, ending in NULL. */
static struct config asked(const char *const *option)
{
	char *argv[16] = {(char *)"flowtrace-bpf", (char *)"--pid=1"};
	struct config c;
	struct why w = {0};
	int argc = 2;

	while (*option)
		argv[argc++] = (char *)*option++;
	config_init(&c);
	(void)config_parse(&c, argc, argv, &w); /* refused, without --all, once all is read */
	return c;
}

static bool is_taken(const struct config *c, const struct workload *w, const char *path)
{
	enum choice choice = selection_choice(c, w, (struct unknown){});

	cr_expect_neq(choice, CHOICE_LATER);
	return choice == CHOICE_YES && selection_has_cgroup(c, path);
}

static const struct {
	const char *option[5];
	bool shop, unnamed, docker, plain;
} rows[] = {
	{{0}, true, true, true, true},

	{{"--namespace=prod"}, true, false, false, false},
	{{"--namespace=pro"}, false, false, false, false},
	{{"--namespace=p*d"}, true, false, false, false},
	{{"--namespace=*"}, true, false, false, false},
	{{"--namespace=test,prod"}, true, false, false, false},
	{{"--namespace=test", "--namespace=prod"}, true, false, false, false},

	{{"--pod=shop-*"}, true, false, false, false},
	{{"--pod=shop-?d4b9-x2x"}, true, false, false, false},
	{{"--pod=shop"}, false, false, false, false},
	{{"--pod=SHOP-*"}, false, false, false, false},

	{{"--container=web"}, true, false, false, false},
	{{"--container=" ID}, true, true, true, false},
	{{"--container=0123456789ab"}, true, true, true, false},
	{{"--container=0123456789a"}, false, false, false, false},
	{{"--container=0123456789ac"}, false, false, false, false},
	{{"--container=01234*"}, true, true, true, false},
	{{"--container=*"}, true, true, true, false},

	{{"--label=app=shop"}, true, false, false, false},
	{{"--label=app=sho"}, false, false, false, false},
	{{"--label=app=s*"}, true, false, false, false},
	{{"--label=app"}, true, false, false, false},
	{{"--label=a"}, false, false, false, false},
	{{"--label=shop"}, false, false, false, false},
	{{"--label=empty="}, true, false, false, false},
	{{"--label=app=shop,tier=web"}, true, false, false, false},
	{{"--label=app=shop", "--label=tier=db"}, false, false, false, false},

	{{"--exclude-namespace=prod"}, false, false, true, true},
	{{"--exclude-namespace=kube-*"}, true, false, true, true},
	{{"--exclude-namespace=kube-*,p*"}, false, false, true, true},
	{{"--namespace=prod", "--exclude-namespace=p*"}, false, false, false, false},

	{{"--cgroup=" PATH}, true, true, true, false},
	{{"--cgroup=/kubepods"}, true, true, true, false},
	{{"--cgroup=/kube"}, false, false, false, false},
	{{"--cgroup=/kube*/pod*"}, true, true, true, false},
	{{"--cgroup=/system.slice"}, false, false, false, true},

	{{"--namespace=prod", "--pod=shop-*", "--container=web", "--label=app=shop"},
	 true,
	 false,
	 false,
	 false},
	{{"--namespace=prod", "--pod=other"}, false, false, false, false},
	{{"--namespace=prod", "--container=sidecar"}, false, false, false, false},
	{{"--namespace=prod", "--cgroup=/system.slice"}, false, false, false, false},
};

Test(selection, each_option_and_several)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config c = asked(rows[i].option);
		const char *o = rows[i].option[0] ?: "no option";

		cr_expect_eq(selection_asked(&c), rows[i].option[0] != NULL, "%s", o);
		cr_expect_eq(is_taken(&c, &shop, PATH), rows[i].shop, "shop: %s", o);
		cr_expect_eq(is_taken(&c, &unnamed, PATH), rows[i].unnamed, "unnamed: %s", o);
		cr_expect_eq(is_taken(&c, &docker, PATH), rows[i].docker, "docker: %s", o);
		cr_expect_eq(is_taken(&c, &plain, "/system.slice/ssh.service"), rows[i].plain,
			     "plain: %s", o);
		config_release(&c);
	}
}

Test(selection, nothing_is_known)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct config c = asked(rows[i].option);
		bool left_out = c.exclude_namespace.count && !c.namespace.count;

		cr_expect_eq(is_taken(&c, NULL, NULL), !rows[i].option[0] || left_out, "%s",
			     rows[i].option[0]);
		config_release(&c);
	}
}

/* Names that a stranger chose: long, and no text at all. */
Test(selection, hostile_names)
{
	enum { LEN = 4096 };
	char *label = malloc(LEN), *list[] = {label};
	struct workload w = {.namespace = label, .pod = label, .labels = list, .nlabels = 1};
	struct config all = asked((const char *[]){"--namespace=*", "--pod=*", NULL});
	struct config key = asked((const char *[]){"--label=*", NULL});

	memset(label, '\xff', LEN);
	label[LEN - 1] = '\0';
	cr_expect(is_taken(&all, &w, NULL));
	cr_expect(!is_taken(&key, &w, NULL), "it has no key");
	label[LEN - 2] = '=';
	cr_expect(!is_taken(&key, &w, NULL), "no key is as long");
	config_release(&all);
	config_release(&key);
	free(label);
}

static void expect(const char *option, const struct workload *w, bool names, bool pod,
		   enum choice want)
{
	struct config c = asked((const char *[]){option, NULL});
	struct unknown u = {.names = names, .pod = pod};

	cr_expect_eq(selection_choice(&c, w, u), want, "%s, %d %d", option, names, pod);
	config_release(&c);
}

/* What would decide is not known yet. */
Test(selection, of_what_is_known_later)
{
	static const struct workload named = {
		.uid = (char *)"u", .namespace = (char *)"prod", .pod = (char *)"shop-1"};

	expect("--namespace=prod", &unnamed, true, false, CHOICE_LATER);
	expect("--namespace=prod", &named, true, false, CHOICE_YES);
	expect("--namespace=test", &named, true, true, CHOICE_NO);
	expect("--exclude-namespace=test", &unnamed, true, false, CHOICE_LATER);
	expect("--exclude-namespace=test", &named, true, false, CHOICE_YES);
	expect("--exclude-namespace=prod", &named, true, true, CHOICE_NO);
	expect("--pod=shop-*", &unnamed, true, false, CHOICE_LATER);
	expect("--container=web", &named, true, false, CHOICE_LATER);
	expect("--container=" ID, &unnamed, true, false, CHOICE_YES);
	expect("--label=app", &named, true, false, CHOICE_NO);
	expect("--label=app", &named, false, true, CHOICE_LATER);
	/* The pod may say that it is not to be traced. */
	expect("--namespace=prod", &named, false, true, CHOICE_LATER);
	expect("--all", &unnamed, true, false, CHOICE_YES);
	expect("--all", &unnamed, false, true, CHOICE_LATER);
}

Test(selection, of_a_pod_that_says_no)
{
	struct workload w = shop;

	w.trace_off = true;
	expect("--all", &w, false, false, CHOICE_NO);
	expect("--namespace=prod", &w, false, false, CHOICE_NO);
}

Test(selection, is_asked_for_where_pods_may_say_no)
{
	struct config c = asked((const char *[]){"--metadata=api", NULL});

	cr_expect(selection_asked(&c));
	config_release(&c);
}
