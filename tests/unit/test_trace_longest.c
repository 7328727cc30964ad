/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "calls/top_n.h"

#define MANY 1000

struct one {
	uint64_t us;
	size_t number;
};

static int longest_first(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	if (x->us != y->us)
		return x->us < y->us ? 1 : -1;
	return (x->number > y->number) - (x->number < y->number);
}

/* Against a sort of all of them; few different durations, so that many are the same. */
Test(longest, is_what_a_sort_says)
{
	static const size_t most[] = {0, 1, 2, 7, MANY - 1, MANY, MANY + 1};

	for (size_t m = 0; m < sizeof(most) / sizeof(most[0]); m++) {
		struct one all[MANY];
		struct top_n l;

		cr_assert_eq(top_n_init(&l, most[m], sizeof(struct one)), 0);
		srand((unsigned)m);
		for (size_t i = 0; i < MANY; i++) {
			struct one *to;

			all[i] = (struct one){(uint64_t)rand() % 50, i};
			to = top_n_take(&l, all[i].us);
			if (to)
				*to = all[i];
		}
		top_n_finish(&l);
		qsort(all, MANY, sizeof(*all), longest_first);
		cr_assert_eq(l.count, most[m] < MANY ? most[m] : MANY);
		for (size_t i = 0; i < l.count; i++) {
			struct one *got = top_n_at(&l, i);

			cr_assert(got->us == all[i].us && got->number == all[i].number,
				  "%zu of %zu", i, most[m]);
		}
		top_n_release(&l);
	}
}

/* A record comes empty, or as the one that is out has left it. */
Test(longest, records_are_used_again)
{
	struct top_n l;
	int *record;

	cr_assert_eq(top_n_init(&l, 2, sizeof(*record)), 0);
	for (int i = 1; i <= 2; i++) {
		record = top_n_take(&l, (uint64_t)i);
		cr_assert(record && *record == 0);
		*record = i;
	}
	cr_assert_null(top_n_take(&l, 1));
	record = top_n_take(&l, 3);
	cr_assert(record && *record == 1);
	top_n_release(&l);
}
