/* SPDX-License-Identifier: MIT */
/*
 * A dormant process becomes one that is traced, over the memory of real interpreters: what its file
 * says was found in a process where the file was mapped elsewhere.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "ft_counters.h"
#include "shim.h"
#include "subject.h"

#define FILE_INDEX 3
#define MOVED 0x7000ULL	 /* bytes between the two places of the file */
#define HOOK 0x401234ULL /* where the hook is in the other process */
#define BORN 5
#define FLAGS (FT_PROC_DORMANT | FT_PROC_FOLLOW | FT_PROC_NEW)

int ft_wake(__u32 tgid, __u64 cookie, __u64 ip);
int is_ours(void *ctx); /* walk.bpf.c */

static struct ft_layout moved(const struct ft_layout *l, __u64 by)
{
	struct ft_layout other = *l;
	__u64 *const address[] = {&other.none_addr,	&other.true_addr,     &other.hash_secret,
				  &other.initialized,	&other.static_type,   &other.class_type,
				  &other.function_type, &other.property_type, &other.tls_pair};

	for (size_t i = 0; i < sizeof(address) / sizeof(address[0]); i++)
		*address[i] += *address[i] ? by : 0;
	for (int i = 0; i < FT_KIND_COUNT; i++)
		other.type_addr[i] += other.type_addr[i] ? by : 0;
	for (int i = 0; i < FT_NUMBERS; i++)
		other.number[i].ip += other.number[i].ip ? by : 0;
	if (l->tstate_how == FT_TSTATE_GLOBAL)
		other.tstate_addr += by;
	return other;
}

/* A dormant process with these flags, and what is known of its file. */
static struct ft_proc *begin(const struct subject *s, __u32 flags, __u32 file_flags)
{
	struct ft_proc file = {
		.layout = moved(&s->layout, -MOVED), .flags = file_flags, .hooks = FILE_INDEX};
	struct ft_proc *p;

	ft_settings = (struct ft_settings){.cookies = 1};
	shim_policy = (struct ft_policy){.number = 7};
	shim_begin(&s->image, &(struct ft_layout){0});
	shim_file(FILE_INDEX, &file);
	memset(ft_live, 0, sizeof(ft_live));
	ft_live[FILE_INDEX] = 1;
	p = shim_proc();
	p->flags = flags;
	p->born = BORN;
	return p;
}

static int wake(void)
{
	return ft_wake(SHIM_PID, FT_COOKIE(FILE_INDEX, HOOK), HOOK + MOVED);
}

static bool stays_dormant(void)
{
	return wake() == 0 && shim_proc()->flags & FT_PROC_DORMANT &&
	       shim_proc()->flags & FT_PROC_UNSEEN;
}

/* ---- by its file ----------------------------------------------------------------------------- */

static void check_file(struct subject *s)
{
	const struct ft_proc *p;

	s->layout.number[0].ip = HOOK + MOVED;
	begin(s, FLAGS | FT_PROC_UNSEEN | FT_PROC_GREENLETS, 0);
	cr_assert_eq(wake(), 1, "%s", s->python);
	p = shim_proc();
	cr_expect(!memcmp(&p->layout, &s->layout, sizeof(p->layout)), "%s", s->python);
	cr_expect_eq(p->flags, FT_PROC_FOLLOW | FT_PROC_NEW | FT_PROC_GREENLETS, "%s: %x",
		     s->python, p->flags);
	cr_expect_eq(p->policy, 7, "%s", s->python);
	cr_expect_eq(p->hooks, FILE_INDEX, "%s", s->python);
	/* The image is of a program that runs. */
	cr_expect_eq(shim_counted(FT_LOST_late), 1, "%s", s->python);
	shim_end();
	subject_free(s);
}

Test(bpf_wake, by_its_file, .timeout = 120)
{
	subject_each(check_file, "frames.py");
}

/* One file that was known by two names has two sets of hooks: a call is seen by one of them. */
static void check_set(struct subject *s)
{
	begin(s, FLAGS, 0);
	cr_assert_eq(wake(), 1, "%s", s->python);
	shim_cookie = FT_COOKIE(FILE_INDEX + 1, HOOK);
	cr_expect(is_ours(NULL), "%s: each process has hooks of its own", s->python);
	ft_settings.shared = 1;
	cr_expect(!is_ours(NULL), "%s: those of another set", s->python);
	shim_cookie = FT_COOKIE(FILE_INDEX, HOOK);
	cr_expect(is_ours(NULL), "%s: its own", s->python);
	shim_cookie = 0;
	cr_expect(is_ours(NULL), "%s: one without a cookie", s->python);
	shim_end();
	subject_free(s);
}

Test(bpf_wake, by_one_set_of_hooks, .timeout = 120)
{
	subject_each(check_set, "frames.py");
}

static void check_not_by_file(struct subject *s)
{
	static const struct {
		const char *what;
		__u32 flags, file_flags;
	} no[] = {
		{"not new", FT_PROC_DORMANT, 0},
		{"a program before it", FLAGS | FT_PROC_SUSPENDS, 0},
		{"each must be looked at", FLAGS, FT_PROC_DORMANT},
	};

	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		begin(s, no[i].flags, no[i].file_flags);
		cr_expect(stays_dormant(), "%s: %s", s->python, no[i].what);
		shim_end();
	}
	begin(s, FLAGS, 0);
	cr_expect_eq(ft_wake(SHIM_PID, 0, HOOK), 0, "%s: no cookie", s->python);
	cr_expect_eq(ft_wake(SHIM_PID, FT_COOKIE(FILE_INDEX + 1, HOOK), HOOK), 0,
		     "%s: another file", s->python);
	cr_expect_eq(ft_wake(SHIM_PID, FT_COOKIE(FILE_INDEX, HOOK), HOOK + 1), 0,
		     "%s: not whole pages", s->python);
	ft_live[FILE_INDEX] = 0;
	cr_expect(stays_dormant(), "%s: hooks are missing", s->python);
	ft_live[0] = 1; /* of another file, which the empty entry of one being hooked names */
	shim_file(FILE_INDEX, &(const struct ft_proc){});
	cr_expect(stays_dormant(), "%s: nothing is known of its file yet", s->python);
	shim_end();
	subject_free(s);
}

Test(bpf_wake, not_by_its_file, .timeout = 120)
{
	subject_each(check_not_by_file, "frames.py");
}

/* ---- by a look ------------------------------------------------------------------------------- */

static void look(const struct subject *s, __u32 flags, __u64 born)
{
	shim_looked_at(&(struct ft_proc){
		.layout = s->layout, .flags = flags, .born = born, .hooks = FILE_INDEX});
}

static void check_look(struct subject *s)
{
	/* It had begun before we came: that is no loss. */
	begin(s, FT_PROC_DORMANT, FT_PROC_DORMANT);
	look(s, FT_PROC_JIT, BORN);
	cr_assert_eq(wake(), 1, "%s", s->python);
	cr_expect_eq(shim_proc()->flags, FT_PROC_JIT, "%s", s->python);
	cr_expect(!memcmp(&shim_proc()->layout, &s->layout, sizeof(s->layout)), "%s", s->python);
	cr_expect_eq(shim_counted(FT_LOST_late), 0, "%s", s->python);
	shim_end();

	/* At the program before. */
	begin(s, FT_PROC_DORMANT, FT_PROC_DORMANT);
	look(s, 0, BORN - 1);
	cr_expect(stays_dormant(), "%s", s->python);
	shim_end();

	/* The extension tells its names before all hooks are in. */
	begin(s, FT_PROC_DORMANT, FT_PROC_DORMANT);
	ft_live[FILE_INDEX] = 0;
	look(s, 0, BORN);
	cr_expect(stays_dormant(), "%s", s->python);
	look(s, FT_PROC_AGENT, BORN);
	cr_expect_eq(ft_wake(SHIM_PID, 0, 0), 1, "%s", s->python);
	shim_end();
	subject_free(s);
}

Test(bpf_wake, by_a_look, .timeout = 120)
{
	subject_each(check_look, "frames.py");
}
