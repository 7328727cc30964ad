/* SPDX-License-Identifier: MIT */
/* Pods as an API server writes them, and as it does not. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/api/pod.h"

#define UID "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
#define META "\"namespace\":\"prod\",\"name\":\"shop-1\",\"uid\":\"" UID "\""
#define POD(meta, rest) "{\"metadata\":{" META meta "}" rest "}"

static struct pod p;
static struct workload w;

static int read_text(const char *text)
{
	struct json_object *o = json_tokener_parse(text);
	int err;

	cr_assert(o, "%s", text);
	err = pod_read(o, &p);
	json_object_put(o);
	return err;
}

static void teardown(void)
{
	pod_release(&p);
	workload_release(&w);
}

TestSuite(pod, .fini = teardown);

static void expect(const char *got, const char *want)
{
	cr_expect_str_eq(got ?: "NULL", want ?: "NULL");
}

Test(pod, whole)
{
	cr_assert_eq(
		read_text(POD(
			",\"labels\":{\"app\":\"shop\",\"empty\":\"\"},\"annotations\":{"
			"\"flowtrace/trace\":\"false\",\"flowtrace/prefix\":\"a,b\","
			"\"resource.opentelemetry.io/service.name\":\"till\",\"x\":\"y\"}",
			",\"status\":{\"containerStatuses\":[{\"name\":\"web\",\"containerID\":"
			"\"containerd://c1\"},{\"name\":\"later\"}],\"initContainerStatuses\":[{"
			"\"name\":\"init\",\"containerID\":\"cri-o://c2\"}],"
			"\"ephemeralContainerStatuses\":[{\"name\":\"debug\",\"containerID\":"
			"\"docker://c3\"}]}")),
		0);
	expect(p.namespace, "prod");
	expect(p.name, "shop-1");
	expect(p.uid, UID);
	expect(p.service, "till");
	expect(p.prefix, "a,b");
	cr_expect(p.trace_off);
	cr_assert_eq(p.nlabels, 2);
	expect(p.labels[0], "app=shop");
	expect(p.labels[1], "empty=");
	cr_assert_eq(p.ncontainers, 3);
	expect(p.containers[0].id, "c1");
	expect(p.containers[1].name, "init");
	expect(p.containers[2].id, "c3");
}

#define OWNER(kind, name)                                                                          \
	",\"ownerReferences\":[{\"kind\":\"X\",\"name\":\"x\"},{\"kind\":\"" kind                  \
	"\",\"name\":\"" name "\",\"controller\":true}]"
#define HASH ",\"labels\":{\"pod-template-hash\":\"7d4b9\"}"

static const struct {
	const char *text, *kind, *owner;
} owners[] = {
	{POD("", ""), NULL, NULL},
	{POD(OWNER("ReplicaSet", "shop-7d4b9") HASH, ""), "Deployment", "shop"},
	{POD(OWNER("ReplicaSet", "a-b-7d4b9") HASH, ""), "Deployment", "a-b"},
	{POD(OWNER("ReplicaSet", "shop-7d4b9"), ""), "ReplicaSet", "shop-7d4b9"},
	{POD(OWNER("ReplicaSet", "shop") HASH, ""), "ReplicaSet", "shop"},
	{POD(OWNER("ReplicaSet", "-7d4b9") HASH, ""), "ReplicaSet", "-7d4b9"},
	{POD(OWNER("StatefulSet", "db-7d4b9") HASH, ""), "StatefulSet", "db-7d4b9"},
	{POD(OWNER("DaemonSet", "log"), ""), "DaemonSet", "log"},
	{POD(OWNER("Job", "migrate"), ""), "Job", "migrate"},
	{POD(OWNER("Job", "migrate-2"), ""), "Job", "migrate-2"},
	{POD(OWNER("Job", "backup-20240131"), ""), "Job", "backup-20240131"},
	{POD(OWNER("Job", "backup-28457220"), ""), "CronJob", "backup"},
	{POD(OWNER("Job", "backup-1607433600"), ""), "CronJob", "backup"},
	{POD(OWNER("Job", "backup-99999999999999999999"), ""), "Job",
	 "backup-99999999999999999999"},
	{POD(OWNER("Rollout", "x"), ""), "Rollout", "x"},
	{POD(OWNER("Node", "node-7"), ""), NULL, NULL},
	{POD(OWNER("ReplicaSet", ""), ""), NULL, NULL},
	{POD(",\"ownerReferences\":[{\"kind\":\"Job\",\"name\":\"x\",\"controller\":false}]", ""),
	 NULL, NULL},
	{POD(",\"ownerReferences\":[1,null,[],{\"controller\":true}]", ""), NULL, NULL},
};

Test(pod, owners)
{
	for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		cr_assert_eq(read_text(owners[i].text), 0);
		expect(p.owner_kind, owners[i].kind);
		expect(p.owner, owners[i].owner);
		pod_release(&p);
	}
}

Test(pod, that_are_none)
{
	static const char *const texts[] = {
		"null",
		"1",
		"[]",
		"{}",
		"{\"metadata\":[]}",
		"{\"metadata\":{\"namespace\":\"a\",\"name\":\"b\"}}",
		"{\"metadata\":{\"namespace\":\"a\",\"name\":\"b\",\"uid\":\"\"}}",
		"{\"metadata\":{\"namespace\":\"a\",\"name\":\"b\",\"uid\":7}}",
		"{\"metadata\":{\"namespace\":\"a\",\"name\":\"b\",\"uid\":\"x\\u0000y\"}}",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct json_object *o = json_tokener_parse(texts[i]);

		cr_expect_eq(pod_read(o, &p), -EBADMSG, "%s", texts[i]);
		json_object_put(o);
	}
}

/* Of the wrong type, or too long: as if it were not there. */
Test(pod, parts_that_are_wrong)
{
	char text[2000], *longer;

	cr_assert_eq(read_text(POD(",\"labels\":[1],\"annotations\":\"x\"", ",\"status\":7")), 0);
	cr_expect_eq(p.nlabels, 0);
	pod_release(&p);
	cr_assert_eq(
		read_text(POD(",\"labels\":{\"a\":1,\"b\":null,\"c\":{},\"d\":\"x\"},"
			      "\"annotations\":{\"flowtrace/trace\":false}",
			      ",\"status\":{\"containerStatuses\":[7,{\"name\":\"a\"},{\"name\":1,"
			      "\"containerID\":\"x://y\"},{\"name\":\"b\",\"containerID\":\"y\"},"
			      "{\"name\":\"c\",\"containerID\":\"x://\"}]}")),
		0);
	cr_expect_eq(p.nlabels, 1);
	cr_expect_eq(p.ncontainers, 0);
	cr_expect_not(p.trace_off);
	pod_release(&p);
	longer = calloc(1, 1001);
	memset(longer, 'x', 1000);
	snprintf(text, sizeof(text), POD(",\"labels\":{\"a\":\"%s\",\"b\":\"y\"}", ""), longer);
	cr_assert_eq(read_text(text), 0);
	cr_expect_eq(p.nlabels, 1);
	free(longer);
}

Test(pod, with_thousands_of_things)
{
	enum { SIZE = 1 << 20 };
	char *text = malloc(SIZE);
	int n = snprintf(text, SIZE, "{\"metadata\":{" META ",\"labels\":{");

	for (int i = 0; i < 5000; i++)
		n += snprintf(text + n, SIZE - n, "%s\"l%d\":\"x\"", i ? "," : "", i);
	n += snprintf(text + n, SIZE - n, "}},\"status\":{\"containerStatuses\":[");
	for (int i = 0; i < 5000; i++)
		n += snprintf(text + n, SIZE - n, "%s{\"name\":\"c\",\"containerID\":\"r://%d\"}",
			      i ? "," : "", i);
	snprintf(text + n, SIZE - n, "]}}");
	cr_assert_eq(read_text(text), 0);
	cr_expect_eq(p.nlabels, 64);
	cr_expect_eq(p.ncontainers, 64);
	free(text);
}

/* ---- of a workload -------------------------------------------------------------------------- */

static void learn(const char *container, const char *uid)
{
	workload_release(&w);
	w.container = container ? strdup(container) : NULL;
	w.uid = uid ? strdup(uid) : NULL;
}

Test(pod, is_that_of_a_workload)
{
	cr_assert_eq(read_text(POD(",\"annotations\":{\"kubernetes.io/config.hash\":\"abc\"}",
				   ",\"status\":{\"containerStatuses\":[{\"name\":\"web\","
				   "\"containerID\":\"containerd://c1\"}]}")),
		     0);
	learn("c1", UID);
	cr_expect(pod_has(&p, &w));
	learn("c2", UID);
	cr_expect(pod_has(&p, &w), "a container that it does not know yet");
	learn("c1", "other");
	cr_expect_not(pod_has(&p, &w));
	learn(NULL, "abc");
	cr_expect(pod_has(&p, &w), "a static pod");
	learn("c1", NULL);
	cr_expect(pod_has(&p, &w));
	learn("c2", NULL);
	cr_expect_not(pod_has(&p, &w));
	learn(NULL, NULL);
	cr_expect_not(pod_has(&p, &w));
}

Test(pod, fills_a_workload)
{
	cr_assert_eq(read_text(POD(OWNER("ReplicaSet", "shop-7d4b9") HASH,
				   ",\"status\":{\"containerStatuses\":[{\"name\":\"web\","
				   "\"containerID\":\"containerd://c1\"}]}")),
		     0);
	learn("c1", NULL);
	w.pod = strdup("old");
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(pod_fill(&p, &w), 0);
		expect(w.uid, UID);
		expect(w.namespace, "prod");
		expect(w.pod, "shop-1");
		expect(w.name, "web");
		expect(w.owner_kind, "Deployment");
		expect(w.owner, "shop");
		expect(w.service, "shop");
		cr_assert_eq(w.nlabels, 1);
		expect(w.labels[0], "pod-template-hash=7d4b9");
	}
}

/* What the process says comes first, then the annotation, the owner, the pod. */
Test(pod, names_the_service)
{
	cr_assert_eq(read_text(POD("", "")), 0);
	learn("c1", UID);
	w.name = strdup("web");
	cr_assert_eq(pod_fill(&p, &w), 0);
	expect(w.service, "shop-1");
	expect(w.name, "web");
	pod_release(&p);
	cr_assert_eq(
		read_text(POD(OWNER("Job", "x") ",\"annotations\":{\"resource.opentelemetry.io/"
						"service.name\":\"till\"}",
			      "")),
		0);
	learn("c1", UID);
	cr_assert_eq(pod_fill(&p, &w), 0);
	expect(w.service, "till");
	learn("c1", UID);
	w.service = strdup("said");
	cr_assert_eq(pod_fill(&p, &w), 0);
	expect(w.service, "said");
}
