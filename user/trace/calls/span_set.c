/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "calls/span_set.h"

struct page {
	uint64_t bits[SPANS_A_PAGE / 64];
	uint32_t owner;
};

void span_set_release(struct span_set *s)
{
	for (size_t i = 0; i < s->pages.size; i++)
		free(s->pages.slot[i].value);
	map_release(&s->pages);
}

static struct page *page_of(struct span_set *s, uint64_t span, uint32_t owner)
{
	struct page *page = map_get(&s->pages, span / SPANS_A_PAGE, 0);

	if (page)
		return page;
	page = calloc(1, sizeof(*page));
	if (!page || map_put(&s->pages, span / SPANS_A_PAGE, 0, page, NULL)) {
		free(page);
		return NULL;
	}
	page->owner = owner;
	return page;
}

int span_set_add(struct span_set *s, uint64_t span, uint32_t owner, uint32_t *ret_owner)
{
	struct page *page = page_of(s, span, owner);
	uint64_t bit = 1ull << (span % 64), *word;

	if (!page)
		return -ENOMEM;
	word = &page->bits[span % SPANS_A_PAGE / 64];
	if (*word & bit) {
		*ret_owner = page->owner;
		return 0;
	}
	*word |= bit;
	if (page->owner != owner)
		page->owner = SPAN_SET_MANY;
	return 1;
}
