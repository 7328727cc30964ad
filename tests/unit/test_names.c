/* SPDX-License-Identifier: MIT */
/* Names from folders that are made here as a kubelet makes them. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/names.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb2"
#define UID "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
#define OTHER "11111111-2222-3333-4444-555555555555"
#define STATIC "0123456789abcdef0123456789abcdef"

static char logs[] = "/tmp/ft-names-XXXXXX";
static struct names n;
static struct workload w;

static void make(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", logs, name);
	cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
}

/* As the links there are: they lead where nothing is. */
static void make_link(const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/containers/%s", logs, name);
	cr_assert_eq(symlink("/nonexistent", path), 0, "%s", path);
}

static void make_logs(void)
{
	make("pods");
	make("containers");
}

static void setup(void)
{
	static const char *const own[] = {
		"POD_NAMESPACE",      "POD_NAME",     "POD_UID",     "NODE_NAME",
		"K8S_NAMESPACE_NAME", "K8S_POD_NAME", "K8S_POD_UID", "K8S_NODE_NAME",
	};

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		unsetenv(own[i]);
	cr_assert_not_null(mkdtemp(logs));
	cr_assert_eq(names_init(&n, logs, false), 0);
}

static void teardown(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -r %s", logs);
	cr_assert_eq(system(command), 0);
	workload_release(&w);
	names_release(&n);
}

TestSuite(names, .init = setup, .fini = teardown);

static void again(bool own)
{
	names_release(&n);
	cr_assert_eq(names_init(&n, own ? NULL : logs, own), 0);
}

static int find(const char *container, const char *uid)
{
	workload_release(&w);
	w.container = container ? strdup(container) : NULL;
	w.uid = uid ? strdup(uid) : NULL;
	return names_find(&n, &w);
}

static void expect(const char *namespace, const char *pod, const char *name)
{
	cr_expect_str_eq(w.namespace ?: "-", namespace ?: "-");
	cr_expect_str_eq(w.pod ?: "-", pod ?: "-");
	cr_expect_str_eq(w.name ?: "-", name ?: "-");
}

Test(names, from_both_folders)
{
	make_logs();
	make("pods/prod_shop-7d4b9_" UID);
	make("pods/prod_shop-7d4b9_" UID "/web");
	make("pods/prod_shop-7d4b9_" UID "/proxy");
	make("pods/kube-system_dns_" OTHER);
	make_link("shop-7d4b9_prod_web-" A ".log");
	make_link("shop-7d4b9_prod_proxy-" B ".log");
	cr_expect_eq(find(A, UID), 0);
	expect("prod", "shop-7d4b9", "web");
	cr_expect_eq(find(B, UID), 0);
	expect("prod", "shop-7d4b9", "proxy");
	cr_expect_eq(find(NULL, OTHER), 0);
	expect("kube-system", "dns", NULL);
	cr_expect_eq(find(A, NULL), 0, "the cgroup of the pod is not seen");
	expect("prod", "shop-7d4b9", "web");
}

Test(names, of_a_static_pod)
{
	make_logs();
	make("pods/kube-system_etcd-node_" STATIC);
	make("pods/kube-system_etcd-node_" STATIC "/etcd");
	cr_expect_eq(find(A, STATIC), 0);
	expect("kube-system", "etcd-node", "etcd");
}

/* Its link is made after it is started. */
Test(names, of_a_container_that_has_no_link_yet)
{
	make_logs();
	make("pods/prod_shop_" UID);
	cr_expect_eq(find(A, UID), -ENOENT);
	expect("prod", "shop", NULL);
	make("pods/prod_shop_" UID "/web");
	cr_expect_eq(find(A, UID), 0);
	expect("prod", "shop", "web");
	make("pods/prod_shop_" UID "/proxy");
	cr_expect_eq(find(A, UID), -ENOENT, "which of both is not known");
	expect("prod", "shop", NULL);
	make_link("shop_prod_web-" A ".log");
	cr_expect_eq(find(A, UID), 0);
	expect("prod", "shop", "web");
}

Test(names, of_a_pod_that_is_not_there_yet)
{
	make_logs();
	cr_expect_eq(find(A, UID), -ENOENT);
	expect(NULL, NULL, NULL);
}

Test(names, of_what_is_in_no_pod)
{
	make_logs();
	cr_expect_eq(find(A, NULL), 0, "docker");
	expect(NULL, NULL, NULL);
	cr_expect_eq(find(NULL, NULL), 0);
	expect(NULL, NULL, NULL);
	cr_expect_null(w.node);
}

Test(names, of_folders_that_cannot_be_read)
{
	cr_expect_eq(find(A, UID), -ENOTDIR, "there are none");
	make("containers");
	cr_expect_eq(find(A, UID), -ENOTDIR);
	make_link("shop_prod_web-" A ".log");
	cr_expect_eq(find(A, UID), 0, "one is enough");
	expect("prod", "shop", "web");
	cr_expect_eq(find(NULL, NULL), 0);
}

/* Entries that no kubelet makes. */
Test(names, of_strangers)
{
	char longer[256] = "pods/";

	make_logs();
	make("pods/" UID);
	make("pods/_" UID);
	make("pods/__" UID);
	make("pods/prod_" UID);
	make("pods/prod__" UID);
	make("pods/prod_a_b_" UID);
	make("pods/Prod_shop_" UID);
	make("pods/pr od_shop_" UID);
	make("pods/prod_sh\"op_" UID);
	make("pods/prod_shop_x" UID);
	memset(longer + 5, 'a', 200);
	strcpy(longer + 205, "\xff_b_" UID);
	make(longer);
	make_link("prod_web-" A ".log");
	make_link("shop_prod_we\nb-" A ".log");
	make_link("shop_prod_web" A ".log");
	make_link("shop_prod_web-" A);
	make_link("-" A ".log");
	cr_expect_eq(find(A, UID), -ENOENT);
	expect(NULL, NULL, NULL);
}

Test(names, from_the_environment)
{
	setenv("POD_NAMESPACE", "prod", 1);
	setenv("POD_NAME", "shop", 1);
	again(true);
	cr_expect_eq(find(A, UID), 0, "there is no uid to compare");
	expect("prod", "shop", NULL);
	setenv("POD_UID", UID, 1);
	again(true);
	cr_expect_eq(find(A, UID), 0);
	expect("prod", "shop", NULL);
	cr_expect_eq(find(NULL, NULL), 0);
	expect("prod", "shop", NULL);
	cr_expect_str_eq(w.uid, UID);
	cr_expect_eq(find(A, OTHER), -ENOENT);
	expect(NULL, NULL, NULL);
}

Test(names, from_the_environment_as_the_manifests_name_it)
{
	setenv("K8S_NAMESPACE_NAME", "prod", 1);
	setenv("K8S_POD_NAME", "shop", 1);
	setenv("K8S_POD_UID", UID, 1);
	again(true);
	cr_expect_eq(find(NULL, NULL), 0);
	expect("prod", "shop", NULL);
	cr_expect_str_eq(w.uid, UID);
}

/* With logs it is the pod of the collector alone. */
Test(names, of_its_own_pod)
{
	setenv("POD_NAMESPACE", "prod", 1);
	setenv("POD_NAME", "shop", 1);
	setenv("POD_UID", UID, 1);
	again(false);
	make_logs();
	cr_expect_eq(find(NULL, UID), 0);
	expect("prod", "shop", NULL);
	cr_expect_eq(find(NULL, OTHER), -ENOENT);
	cr_expect_eq(find(A, NULL), 0);
	expect(NULL, NULL, NULL);
}

Test(names, of_the_node)
{
	char host[256] = "";

	cr_assert_eq(gethostname(host, sizeof(host) - 1), 0);
	(void)find(A, NULL);
	cr_expect_str_eq(w.node, host);
	setenv("NODE_NAME", "node-7", 1);
	again(false);
	(void)find(A, NULL);
	cr_expect_str_eq(w.node, "node-7");
	setenv("K8S_NODE_NAME", "node-8", 1);
	again(false);
	(void)find(A, NULL);
	cr_expect_str_eq(w.node, "node-8");
}
