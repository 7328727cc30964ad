/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "read/codec.h"

struct trace_input {
	struct trace_input_options options;
	struct file_buffer file;
	const struct codec *codec;
	void *state;
	bool cut;
};

/* First what is left of looking at the magic, then straight from the file. */
static ssize_t plain_read(void *state, struct file_buffer *r, char *p, size_t size, bool *ret_cut,
			  struct why *w)
{
	size_t n = r->len < size ? r->len : size;

	if (!n)
		return file_buffer_read(r, p, size, w);
	memcpy(p, r->buf + r->start, n);
	r->start += n;
	r->len -= n;
	return (ssize_t)n;
}

const struct codec codec_plain = {.name = "plain", .magic = "", .read = plain_read};

static const struct codec *codec_of(const struct file_buffer *r)
{
	const struct codec *const all[] = {&codec_gzip, &codec_zstd};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (r->len >= all[i]->magic_len &&
		    !memcmp(r->buf + r->start, all[i]->magic, all[i]->magic_len))
			return all[i];
	return &codec_plain;
}

int trace_input_open(const char *path, const struct trace_input_options *o,
		     struct trace_input **ret_input, struct why *w)
{
	struct trace_input *in = calloc(1, sizeof(*in));
	int err;

	if (!in)
		return why(w, -ENOMEM, "out of memory");
	in->options = *o;
	err = file_buffer_open(&in->file, path, &in->options, w);
	if (err) {
		trace_input_free(in);
		return err;
	}
	*ret_input = in;
	return 0;
}

void trace_input_free(struct trace_input *in)
{
	if (!in)
		return;
	if (in->codec && in->codec->stop)
		in->codec->stop(in->state);
	file_buffer_release(&in->file);
	free(in);
}

/* At the first read, since a file that is followed may still be empty when it is opened. */
static int choose_codec(struct trace_input *in, struct why *w)
{
	int err = file_buffer_fill(&in->file, CODEC_MAGIC, w);

	if (err)
		return err;
	in->codec = codec_of(&in->file);
	return in->codec->start ? in->codec->start(&in->state, w) : 0;
}

ssize_t trace_input_read(struct trace_input *in, char *p, size_t size, struct why *w)
{
	int err = in->codec ? 0 : choose_codec(in, w);

	return err ? err : in->codec->read(in->state, &in->file, p, size, &in->cut, w);
}

bool trace_input_is_cut(const struct trace_input *in)
{
	return in->cut;
}

uint64_t trace_input_offset(const struct trace_input *in)
{
	return in->file.offset - in->file.len;
}

uint64_t trace_input_size(const struct trace_input *in)
{
	return in->file.size;
}

const char *trace_input_name(const struct trace_input *in)
{
	return in->file.name;
}
