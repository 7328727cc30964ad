/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "calls/top_n.h"

int top_n_init(struct top_n *l, size_t most, size_t size)
{
	*l = (struct top_n){.most = most, .size = size};
	l->item = calloc(most + 1, sizeof(*l->item));
	l->record = calloc(most + 1, size);
	if (l->item && l->record)
		return 0;
	top_n_release(l);
	return -ENOMEM;
}

void top_n_release(struct top_n *l)
{
	free(l->item);
	free(l->record);
	*l = (struct top_n){0};
}

static bool shorter(const struct top_n_item *a, const struct top_n_item *b)
{
	return a->us != b->us ? a->us < b->us : a->number > b->number;
}

static void swap(struct top_n_item *a, struct top_n_item *b)
{
	struct top_n_item other = *a;

	*a = *b;
	*b = other;
}

static void sift_up(struct top_n_item *heap, size_t i)
{
	while (i && shorter(&heap[i], &heap[(i - 1) / 2])) {
		swap(&heap[i], &heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
}

static void sift_down(struct top_n_item *heap, size_t count)
{
	size_t i = 0, least;

	for (;;) {
		least = i;
		for (size_t child = 2 * i + 1; child < count && child <= 2 * i + 2; child++)
			if (shorter(&heap[child], &heap[least]))
				least = child;
		if (least == i)
			return;
		swap(&heap[i], &heap[least]);
		i = least;
	}
}

void *top_n_take(struct top_n *l, uint64_t us)
{
	struct top_n_item item = {us, l->came++, l->count};

	if (l->count < l->most) {
		l->item[l->count] = item;
		sift_up(l->item, l->count++);
	} else if (l->most && us > l->item[0].us) {
		item.record = l->item[0].record;
		l->item[0] = item;
		sift_down(l->item, l->count);
	} else {
		return NULL;
	}
	return l->record + item.record * l->size;
}

static int longest_first(const void *a, const void *b)
{
	return shorter(a, b) - shorter(b, a);
}

void top_n_finish(struct top_n *l)
{
	qsort(l->item, l->count, sizeof(*l->item), longest_first);
}
