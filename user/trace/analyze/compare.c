/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>

#include "analyze/compare.h"

void compare_init(struct compare *d)
{
	*d = (struct compare){0};
	for (int i = 0; i < 2; i++)
		stats_init(&d->side[i].stats, STATS_BY_FUNCTION);
}

void compare_release(struct compare *d)
{
	for (int i = 0; i < 2; i++) {
		stats_release(&d->side[i].stats);
		errors_release(&d->side[i].errors);
	}
	free(d->row);
	free(d->error);
}

int compare_add(struct compare *d, int side, const struct trace_event *e, const char *file,
		uint64_t line)
{
	struct trace_event moved = *e;
	int err;

	/* So that a function is the same wherever it is. */
	moved.file = (struct trace_text){0};
	moved.line = 0;
	err = stats_add(&d->side[side].stats, &moved);
	return err ? err : errors_add(&d->side[side].errors, &moved, file, line);
}

/* The same in both traces: 128 bits of hash. */
static void key_of(const struct trace_function *f, const char *type, uint64_t *ret_a,
		   uint64_t *ret_b)
{
	uint64_t a = trace_hash(1, type, strlen(type)), b = trace_hash(2, type, strlen(type));

	for (int i = 0; i < 3; i++) {
		const char *s = i == 0 ? f->module : i == 1 ? f->class_name : f->name;

		a = trace_hash(a, s, f->len[i]);
		b = trace_hash(b, s, f->len[i]);
	}
	*ret_a = a;
	*ret_b = b;
}

static int add_rows(struct compare *d, int side, struct map *index)
{
	const struct stats *s = &d->side[side].stats;

	for (size_t i = 0; i < s->rows; i++) {
		const struct stats_row *row = s->row[i];
		struct compare_row *to;
		uint64_t a, b;

		d->side[side].calls += row->calls;
		d->side[side].self_us += row->self_us;
		d->side[side].exceptions += row->exceptions;
		key_of(row->function, "", &a, &b);
		to = map_get(index, a, b);
		if (!to) {
			to = &d->row[d->rows++];
			to->function = row->function;
			to->name = row->name;
			if (map_put(index, a, b, to, NULL))
				return -ENOMEM;
		}
		to->side[side] = row;
	}
	return 0;
}

static int add_errors(struct compare *d, int side, struct map *index)
{
	const struct errors *s = &d->side[side].errors;

	for (size_t i = 0; i < s->groups; i++) {
		const struct error_group *g = s->group[i];
		struct compare_error *to;
		uint64_t a, b;

		key_of(g->function, g->type, &a, &b);
		to = map_get(index, a, b);
		if (!to) {
			to = &d->error[d->errors++];
			to->first = g;
			if (map_put(index, a, b, to, NULL))
				return -ENOMEM;
		}
		to->count[side] += g->count;
	}
	return 0;
}

int compare_finish(struct compare *d)
{
	struct map functions = {0}, errors = {0};
	size_t rows = 1, groups = 1;
	int err = 0;

	for (int i = 0; i < 2 && !err; i++) {
		err = stats_finish(&d->side[i].stats);
		errors_finish(&d->side[i].errors);
		rows += d->side[i].stats.rows;
		groups += d->side[i].errors.groups;
	}
	if (err)
		return err;
	d->row = calloc(rows, sizeof(*d->row));
	d->error = calloc(groups, sizeof(*d->error));
	if (!d->row || !d->error)
		return -ENOMEM;
	for (int i = 0; i < 2 && !err; i++) {
		err = add_rows(d, i, &functions);
		err = err ? err : add_errors(d, i, &errors);
	}
	map_release(&functions);
	map_release(&errors);
	return err;
}

static double self_of(const struct stats_row *row)
{
	return row ? (double)row->self_us : 0;
}

static double total_of(const struct stats_row *row)
{
	return row ? (double)row->durations.sum_us : 0;
}

double compare_self_us(const struct compare_row *row)
{
	return self_of(row->side[1]) - self_of(row->side[0]);
}

double compare_total_us(const struct compare_row *row)
{
	return total_of(row->side[1]) - total_of(row->side[0]);
}

double compare_mean_us(const struct compare_row *row, int side)
{
	const struct stats_row *of = row->side[side];

	return of && of->calls ? total_of(of) / (double)of->calls : 0;
}

bool compare_percent(const struct compare_row *row, double *ret_percent)
{
	double before = compare_mean_us(row, 0), after = compare_mean_us(row, 1);

	if (before <= 0 || !row->side[1] || !row->side[1]->calls)
		return false;
	*ret_percent = (after - before) / before * 100;
	return true;
}
