/* SPDX-License-Identifier: MIT */
/* What the stream is told of processes that are in cgroups like those of a kubelet, and when. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/identities.h"

#define UID "0b1c2d3e-4f50-6172-8394-a5b6c7d8e9f0"
#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"
#define LATE UINT64_MAX
#define CHILD 4000001 /* more than a pid can be */

static struct identities *i;
static char logs[] = "/tmp/ft-identities-XXXXXX"; /* empty */
static const char *root;
static char pod[128], container[256];
static char note[IDENTITIES_NOTE_MAX];
static pid_t inside; /* a process in the container; 0: no cgroup can be made here */

/* ---- a container ------------------------------------------------------------------------- */

static void move(pid_t pid, const char *folder)
{
	char path[300], text[16];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	snprintf(text, sizeof(text), "%d", pid);
	fd = open(path, O_WRONLY);
	cr_assert(fd >= 0 && write(fd, text, strlen(text)) > 0, "%s", path);
	close(fd);
}

static bool make(const char *mount)
{
	char procs[64];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", mount);
	snprintf(pod, sizeof(pod), "%s/ft-%d-pod" UID, mount, getpid());
	root = mount;
	snprintf(container, sizeof(container), "%s/" A, pod);
	return !access(procs, W_OK) && !mkdir(pod, 0755) && !mkdir(container, 0755);
}

static int make_identities(const char *metadata)
{
	struct config c = {.metadata = (char *)metadata};

	return identities_new(&c, logs, &i, NULL);
}

static void setup(void)
{
	cr_assert_not_null(mkdtemp(logs));
	cr_assert_eq(make_identities("logs"), 0);
	if (!make("/sys/fs/cgroup/unified") && !make("/sys/fs/cgroup/systemd") &&
	    !make("/sys/fs/cgroup"))
		return;
	inside = fork();
	if (!inside)
		for (;;)
			pause();
	move(inside, container);
}

static void teardown(void)
{
	identities_free(i);
	rmdir(logs);
	if (!inside)
		return;
	kill(inside, SIGKILL);
	waitpid(inside, NULL, 0);
	rmdir(container);
	rmdir(pod);
}

TestSuite(identities, .init = setup, .fini = teardown);

#define NEEDS_CGROUP()                                                                             \
	do {                                                                                       \
		if (!inside)                                                                       \
			cr_skip_test("no cgroup can be made: this needs root");                    \
	} while (0)

/* ---- what is told -------------------------------------------------------------------------- */

static const struct ft_rec *before(unsigned type, unsigned pid, unsigned other, uint64_t ns)
{
	struct ft_rec_proc r = {
		.hdr = {.size = sizeof(r), .type = type, .pid = pid, .tid = pid, .ts_ns = ns},
		.other = other,
	};

	return identities_before(i, &r.hdr);
}

/* The nth token of a record. */
static void expect_name(const struct ft_rec *rec, int n, const char *want)
{
	const struct ft_token *t = (const void *)(rec + 1);

	while (n--)
		t += 1 + (t->len + 7) / 8;
	cr_assert((const char *)(t + 1) + t->len <= (const char *)rec + rec->size);
	cr_assert_eq(t->kind, want ? FT_T_STR : FT_T_NONE);
	cr_assert_eq(t->len, want ? strlen(want) : 0);
	cr_assert(!want || !memcmp(t + 1, want, t->len));
}

static void expect_told(const struct ft_rec *rec, pid_t pid, const char *id, const char *uid)
{
	cr_assert_not_null(rec);
	cr_assert_eq(rec->type, FT_REC_WORKLOAD);
	cr_assert_eq(rec->pid, pid);
	cr_assert_eq(rec->size % 8, 0);
	expect_name(rec, 0, id);
	expect_name(rec, 1, uid);
	expect_name(rec, 2, NULL);
}

Test(identities, of_a_process_that_was_not_learned)
{
	cr_expect_null(before(FT_REC_ENTER, getpid(), 0, 1));
	cr_expect_null(before(FT_REC_PROC_FORK, getpid(), CHILD, 1));
	cr_expect_null(before(FT_REC_ENTER, CHILD, 0, 1));
	cr_expect_null(before(FT_REC_PROC_EXIT, getpid(), 0, LATE));
}

Test(identities, that_are_not_asked_for)
{
	identities_free(i);
	cr_assert_eq(make_identities("none"), 0);
	cr_assert_null(i);
	cr_expect_not(identities_note(i, note));
	identities_learn(i, getpid());
	cr_expect_null(before(FT_REC_ENTER, getpid(), 0, 1));
	identities_forget(i, getpid());
}

Test(identities, say_once_why_there_are_no_names)
{
	NEEDS_CGROUP();
	identities_learn(i, getpid());
	cr_expect_not(identities_note(i, note), "it is in no container");
	identities_learn(i, inside);
	cr_assert(identities_note(i, note));
	identities_learn(i, inside);
	cr_expect_not(identities_note(i, note));
}

Test(identities, are_told_once)
{
	NEEDS_CGROUP();
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 1));
	identities_learn(i, inside);
	expect_told(before(FT_REC_ENTER, inside, 0, 2), inside, A, UID);
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 3));
	cr_expect_null(before(FT_REC_ENTER, getpid(), 0, 4));
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 5));
	identities_learn(i, inside);
	expect_told(before(FT_REC_ENTER, inside, 0, 6), inside, A, UID);
}

Test(identities, of_what_is_in_no_container_are_not_told)
{
	NEEDS_CGROUP();
	move(inside, root);
	identities_learn(i, inside);
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 1));
}

/* Lines would still say where it was. */
Test(identities, of_what_left_its_container)
{
	NEEDS_CGROUP();
	identities_learn(i, inside);
	expect_told(before(FT_REC_ENTER, inside, 0, 1), inside, A, UID);
	move(inside, root);
	identities_learn(i, inside);
	expect_told(before(FT_REC_ENTER, inside, 0, 2), inside, NULL, NULL);
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 3));
}

/* The decoder knows: a child is where its parent is. */
Test(identities, of_a_child_are_not_told)
{
	NEEDS_CGROUP();
	identities_learn(i, inside);
	expect_told(before(FT_REC_PROC_FORK, inside, CHILD, 1), inside, A, UID);
	cr_expect_null(before(FT_REC_ENTER, CHILD, 0, 2));
}

/* It was looked at before the record of its fork came. */
Test(identities, of_a_child_that_is_elsewhere)
{
	NEEDS_CGROUP();
	identities_learn(i, getpid());
	identities_learn(i, inside);
	expect_told(before(FT_REC_PROC_FORK, inside, getpid(), 1), inside, A, UID);
	expect_told(before(FT_REC_ENTER, getpid(), 0, 2), getpid(), NULL, NULL);
}

Test(identities, are_not_known_after_an_exec)
{
	NEEDS_CGROUP();
	cr_expect(identities_unknown(i, inside));
	identities_learn(i, inside);
	cr_expect_not(identities_unknown(i, inside));
	expect_told(before(FT_REC_PROC_EXEC, inside, 0, 1), inside, A, UID);
	cr_expect_not(identities_unknown(i, inside), "it was learned after that");
	cr_expect_null(before(FT_REC_PROC_EXEC, inside, 0, LATE));
	cr_expect(identities_unknown(i, inside));
	identities_learn(i, inside);
	cr_expect_not(identities_unknown(i, inside));
}

Test(identities, are_given_up)
{
	NEEDS_CGROUP();
	identities_give_up(i, inside);
	cr_expect_not(identities_unknown(i, inside));
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 1));
	cr_expect_null(before(FT_REC_PROC_EXIT, inside, 0, 2));
	cr_expect(identities_unknown(i, inside), "another process");
	identities_learn(i, inside);
	identities_give_up(i, inside);
	expect_told(before(FT_REC_ENTER, inside, 0, 3), inside, A, UID);
}

Test(identities, of_children_are_known)
{
	identities_learn(i, getpid());
	cr_expect_null(before(FT_REC_PROC_FORK, getpid(), CHILD, LATE));
	cr_expect_not(identities_unknown(i, CHILD));
	cr_expect_null(before(FT_REC_PROC_FORK, CHILD + 1, CHILD + 2, LATE));
	cr_expect(identities_unknown(i, CHILD + 2));
}

Test(identities, end_with_the_process)
{
	NEEDS_CGROUP();
	identities_learn(i, inside);
	cr_expect_null(before(FT_REC_PROC_EXIT, inside, 0, LATE), "nothing more comes of it");
	cr_expect_null(before(FT_REC_ENTER, inside, 0, LATE));
}

/* The end of the one that had the pid before. */
Test(identities, outlive_an_earlier_end)
{
	NEEDS_CGROUP();
	identities_learn(i, inside);
	expect_told(before(FT_REC_PROC_EXIT, inside, 0, 1), inside, A, UID);
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 2));
}

Test(identities, are_forgotten)
{
	NEEDS_CGROUP();
	identities_learn(i, inside);
	identities_forget(i, inside);
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 1));
}

/* ---- what is known later --------------------------------------------------------------------- */

static void make_folder(const char *name)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/%s", logs, name);
	cr_assert_eq(mkdir(path, 0755), 0, "%s", path);
}

static void remove_logs(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s/pods %s/containers", logs, logs);
	cr_assert_eq(system(command), 0);
}

static void learn_without_names(void)
{
	make_folder("pods");
	make_folder("containers");
	identities_learn(i, inside);
}

/* The kubelet makes the folder after that; the next line has the names. */
static void names_come(void)
{
	make_folder("pods/prod_shop-1_" UID);
	make_folder("pods/prod_shop-1_" UID "/web");
	usleep(110000);
	cr_assert(identities_seek(i), "it was unknown");
	cr_assert_not(identities_seek(i), "it is known");
}

Test(identities, that_come_in_time)
{
	NEEDS_CGROUP();
	learn_without_names();
	cr_expect(identities_unknown(i, inside), "its records wait");
	names_come();
	cr_expect_not(identities_unknown(i, inside));
	expect_name(before(FT_REC_ENTER, inside, 0, 1), 3, "shop-1");
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 2));
	remove_logs();
}

Test(identities, that_come_later)
{
	const struct ft_rec *rec;

	NEEDS_CGROUP();
	learn_without_names();
	identities_give_up(i, inside);
	cr_expect_not(identities_unknown(i, inside), "its records have waited");
	rec = before(FT_REC_ENTER, inside, 0, 1);
	cr_assert_not_null(rec);
	expect_name(rec, 3, NULL);
	expect_name(rec, 9, "pending");
	cr_expect_null(before(FT_REC_ENTER, inside, 0, 2));
	names_come();
	rec = before(FT_REC_ENTER, inside, 0, 3);
	cr_assert_not_null(rec);
	expect_name(rec, 2, "prod");
	expect_name(rec, 3, "shop-1");
	expect_name(rec, 4, "web");
	expect_name(rec, 9, NULL);
	remove_logs();
}

/* Nothing is told of a child, unless more becomes known. */
Test(identities, of_a_child_that_come_later)
{
	NEEDS_CGROUP();
	learn_without_names();
	identities_give_up(i, inside);
	cr_assert_not_null(before(FT_REC_PROC_FORK, inside, CHILD, 1));
	cr_expect_null(before(FT_REC_ENTER, CHILD, 0, 2));
	cr_expect_not(identities_unknown(i, CHILD), "it waits no longer than its parent");
	names_come();
	expect_name(before(FT_REC_ENTER, CHILD, 0, 3), 3, "shop-1");
	remove_logs();
}

Test(identities, choose_once_names_are_known)
{
	char *patterns[] = {(char *)"prod"};
	struct config c = {.metadata = (char *)"logs", .namespace = {patterns, 1}};

	NEEDS_CGROUP();
	learn_without_names();
	cr_expect_eq(identities_choose(i, &c, inside), CHOICE_LATER);
	names_come();
	cr_expect_eq(identities_choose(i, &c, inside), CHOICE_YES);
	patterns[0] = (char *)"test";
	cr_expect_eq(identities_choice(i, &c, inside), CHOICE_NO);
	remove_logs();
}
