/* SPDX-License-Identifier: MIT */
/*
 * flowctl report: a page to look at a trace with.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/outfile.h"
#include "output.h"
#include "report_data.h"
#include "report_page.h"
#include "terminal.h"

struct options {
	const char *output;
	bool follow;
};

static const struct command_option rows[] = {
	{.name = "output",
	 .letter = 'o',
	 .kind = VALUE_TEXT,
	 .at = OPTION_AT(struct options, output),
	 .value = "FILE",
	 .initial = "report.html",
	 .help = "write to FILE; - is standard output"},
	READING_FOLLOW(struct options, follow),
	{0},
};

static int add_to_report(void *d, const struct trace_event *e, const struct reading *r)
{
	return report_data_add(d, e, trace_reader_file(r->reader), trace_reader_line(r->reader));
}

static int build(struct report_data *d, const struct reading *r, const struct arguments *a,
		 struct buf *page)
{
	size_t len, size = sizeof(REPORT_PLACE) - 1;
	const char *s = report_page(&len);
	const char *place = memmem(s, len, REPORT_PLACE, size);
	int err;

	if (!place)
		return -EINVAL;
	buf_add(page, s, (size_t)(place - s));
	err = report_data_put(d, r, a, page);
	buf_add(page, place + size, len - (size_t)(place - s) - size);
	return page->failed ? -ENOMEM : err;
}

static int print_json(const struct report_data *d, const struct reading *r, const char *output,
		      size_t size)
{
	struct json_out j = {0};

	json_begin(&j, NULL, '{');
	json_text(&j, "output", output);
	json_u64(&j, "bytes", size);
	reading_put(&j, r);
	json_u64(&j, "functions", d->stats.rows);
	json_end(&j, '}');
	return json_print(&j);
}

static int write_page(struct report_data *d, struct reading *r, const struct arguments *a,
		      const struct output *out, struct why *w)
{
	const struct options *o = a->options;
	struct buf page = {0};
	int err = build(d, r, a, &page);

	if (!err)
		err = outfile_write(out->fd, out->name, page.s, page.len, w);
	if (!err) {
		reading_notes(r);
		if (a->json)
			err = print_json(d, r, o->output, page.len);
		else if (out->place)
			terminal_line(stdout, "%s: %.1f MiB, open it in a browser", o->output,
				      (double)page.len / (1 << 20));
	}
	buf_release(&page);
	return err;
}

static int check(const struct arguments *a, struct why *w)
{
	const struct options *o = a->options;
	size_t len;

	if (!report_page(&len))
		return why(w, -ENOTSUP,
			   "report is not included in this build of flowctl (source builds: sudo "
			   "./dev setup && ./dev build)");
	if (a->json && !strcmp(o->output, "-"))
		return why_exit(w, EXIT_USAGE, -EINVAL,
				"--json needs -o FILE: the page itself goes to standard output");
	return 0;
}

static int run_report(const struct arguments *a)
{
	const struct options *o = a->options;
	struct output out = {.fd = -1};
	struct reading r = {0};
	struct report_data d;
	struct why w = {0};
	int err = report_data_init(&d);

	if (!err)
		err = check(a, &w);
	if (!err)
		err = reading_open(&r, a, 0, o->follow, &w);
	if (!err)
		err = output_open(&out, o->output, a, &w);
	if (!err)
		err = reading_all(&r, add_to_report, &d, &w);
	if (!err)
		err = report_data_finish(&d);
	if (!err)
		err = write_page(&d, &r, a, &out, &w);
	err = output_close(&out, err, &w);
	reading_close(&r);
	report_data_release(&d);
	return command_end(err, &w);
}

const struct command command_report = {
	.name = "report",
	.group = COMMANDS_READ,
	.operands = "TRACE...",
	.min_operands = 1,
	.summary = "HTML report: flame graph, timeline, functions, errors, requests",
	.about = "One HTML file that needs no other file and no network: a flame graph, the "
		 "requests and the long calls of each thread over time, the functions, the "
		 "exceptions, HTTP requests by route and status, and a search over all of it. It "
		 "stays below 10 MiB; the page says what it leaves out of a large "
		 "trace.\n\n" READING_ABOUT,
	.options = rows,
	.options_size = sizeof(struct options),
	.run = run_report,
};
