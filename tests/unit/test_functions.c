/* SPDX-License-Identifier: MIT */
/* How long functions live: those of many processes that come and go must not add up. */
#include <criterion/criterion.h>

#include "build.h"
#include "decode/functions.h"

#define CODE 0x1000

static struct functions table;
static struct types types;

static struct function *learn(unsigned pid, unsigned long long code, const char *name)
{
	struct build b = {0};
	const struct ft_rec *rec = build_code(&b, pid, code, 0, "app", name, "x");
	struct function *fn = NULL;

	cr_assert_eq(functions_learn(&table, &types, NULL, (const struct ft_rec_code *)rec,
				     (const char *)rec + rec->size, &fn),
		     0);
	buf_release(&b.bytes);
	return fn;
}

Test(functions, those_of_a_process_go_with_it)
{
	for (unsigned pid = 1; pid <= 1000; pid++) {
		learn(pid, CODE, "first");
		learn(pid, CODE + 1, "second");
		functions_forget_process(&table, pid);
		functions_settle(&table);
	}
	cr_assert_eq(table.count + table.gone, 0);
	cr_assert_eq(table.by_code.count + table.by_text.count, 0);
	cr_assert(table.cap <= 64, "room for %zu", table.cap);
	functions_release(&table);
}

Test(functions, those_of_others_stay)
{
	struct function *other = learn(1, CODE, "f"), *gone = learn(2, CODE, "f");

	functions_forget_process(&table, 2);
	cr_assert_null(functions_find(&table, 2, CODE));
	cr_assert_str_eq(gone->qualname, "f", "until that was handed on");
	functions_settle(&table);
	cr_assert_eq(functions_find(&table, 1, CODE), other);
	cr_assert_eq(learn(1, CODE + 1, "f"), other, "the same description");
	cr_assert_neq(learn(2, CODE, "f"), other);
	cr_assert_eq(table.count, 2);
	functions_release(&table);
}
