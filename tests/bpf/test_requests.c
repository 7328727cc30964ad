/* SPDX-License-Identifier: MIT */
/*
 * The BPF sources that read HTTP requests, over the memory of real interpreters: what a server
 * handed to an application is recorded as requested.py says, and so is its status.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decode.h"
#include "ft_counters.h"
#include "ft_left_out.h"
#include "shim.h"
#include "subject.h"
#include "walk_http.h"
#include "wrong.h"

#define ID_LENGTH 36 /* of one that is made */

static void begin_shim(const struct subject *s)
{
	shim_policy = (struct ft_policy){
		.max_arg_length = 1000, .max_depth = 6, .max_items = 64, .accept_unknown = 1};
	ft_settings = (struct ft_settings){.http = 1};
	shim_begin(&s->image, &s->layout);
}

static struct decoder *begin_decoder(void)
{
	struct decoder *d;

	cr_assert_eq(decoder_new(&(struct decoder_options){1000, true, true, 0}, &d), 0);
	return d;
}

static bool is(const struct said *said, const char *what)
{
	return !strcmp(said->what, what);
}

/* ---- what is read -------------------------------------------------------------------------- */

static void add(char *to, const struct text *t, bool made)
{
	char *end = to + strlen(to);

	sprintf(end, "%s%.*s", *to ? "|" : "", made || !t->s ? 1 : (int)t->len,
		made ? "~" : t->s ?: "-");
}

/* As requested.py says it. */
static void text_of(const struct http *h, char *ret)
{
	*ret = 0;
	add(ret, &h->id, h->id.len == ID_LENGTH && h->id.s[8] == '-');
	add(ret, &h->method, false);
	add(ret, &h->path, false);
	add(ret, &h->remote_addr, false);
	add(ret, &h->user_agent, false);
}

/* Decodes what is in the ring: the last request as text, or "none"; and the last status. */
static void decode_all(struct decoder *d, char *ret_text, unsigned *ret_status)
{
	struct event e = {0};
	struct ft_rec *r;

	strcpy(ret_text, "none");
	while ((r = shim_record())) {
		cr_expect_eq(decoder_event(d, r, r->size, &e, NULL), 0, "type %d", r->type);
		if (e.type == EVENT_HTTP_REQUEST)
			text_of(e.http, ret_text);
		else if (e.type == EVENT_HTTP_RESPONSE)
			*ret_status = e.http->status;
		free(r);
	}
}

static void check_request(const struct subject *s, struct decoder *d, const struct said *said)
{
	char text[8192];
	unsigned status;

	walk_request(SHIM_PID, said->addr, is(said, "environ") ? HTTP_WSGI : HTTP_ASGI);
	decode_all(d, text, &status);
	cr_expect_str_eq(text, said->text, "%s: %s: got %.300s, want %.300s", s->python, said->what,
			 text, said->text);
}

static void check_message(const struct subject *s, const struct said *said)
{
	int flags = walk_message(SHIM_PID, said->addr);
	char text[32];

	snprintf(text, sizeof(text), "%s %u",
		 flags == CALL_REQUEST ? "last"
		 : flags == CALL_PART  ? "part"
				       : "none",
		 request_status(SHIM_PID));
	cr_expect_str_eq(text, said->text, "%s: message: got %s, want %s", s->python, text,
			 said->text);
}

static void check_requests(struct subject *s)
{
	struct decoder *d = begin_decoder();

	begin_shim(s);
	for (int i = 0; i < s->count; i++)
		if (is(&s->said[i], "message"))
			check_message(s, &s->said[i]);
		else if (is(&s->said[i], "environ") || is(&s->said[i], "scope"))
			check_request(s, d, &s->said[i]);
	cr_expect_eq(asks_by_hash(), s->layout.hash_secret != 0, "%s", s->python);
	for (unsigned i = 0; i < FT_COUNTER_COUNT; i++)
		cr_expect_eq(shim_counted(i), 0, "%s: counter %u", s->python, i);
	shim_end();
	decoder_free(d);
	subject_free(s);
}

Test(bpf_requests, are_what_they_are, .timeout = 120)
{
	subject_each(check_requests, "requested.py");
}

/* ---- what runs ----------------------------------------------------------------------------- */

/* Of this thread, the frame of what was said. */
static uint64_t frame_of(const struct subject *s, const char *state, const char *what)
{
	uint64_t frame = find_frame(frame_of_state(said_of(s, state)), said_of(s, what));

	cr_assert(frame, "%s: no frame of %s", s->python, what);
	return frame;
}

static void check_entry(const struct subject *s, const char *state, const char *what)
{
	cr_assert_eq(enter_frame(SHIM_PID, said_of(s, state), frame_of(s, state, what)), 1,
		     "%s: %s", s->python, what);
}

static const char *request_said(const struct subject *s, const char *what)
{
	for (int i = 0; i < s->count; i++)
		if (is(&s->said[i], what))
			return s->said[i].text;
	return NULL;
}

/* The server's function calls the application, which says 404; then both return. */
static void check_wsgi(const struct subject *s, struct decoder *d)
{
	unsigned status = 0;
	char text[8192];

	begin_shim(s);
	check_entry(s, "wsgi.state", "wsgi.app");
	decode_all(d, text, &status);
	cr_expect_str_eq(text, request_said(s, "environ"), "%s: %s", s->python, text);
	cr_expect_eq(shim_thread()->depth, 2, "%s", s->python);
	check_entry(s, "wsgi.state", "wsgi.status");
	for (int i = 0; i < 3; i++) {
		decode_all(d, text, &status);
		cr_expect_eq(status, 0, "%s: over after %d", s->python, i);
		leave_frame(SHIM_PID, 0);
	}
	decode_all(d, text, &status);
	cr_expect_eq(status, 404, "%s: %u", s->python, status);
	shim_end();
}

/* The same while hardly any request is chosen: nothing is told of it, but that it was left out. */
static void check_left_out(const struct subject *s)
{
	begin_shim(s);
	ft_policies[0].sample = 1U << 31;
	check_entry(s, "wsgi.state", "wsgi.app");
	cr_expect_eq(shim_left_out(FT_LEFT_OUT_sample), 2, "%s: request and call", s->python);
	cr_expect(request_number(SHIM_PID) & HTTP_UNSAMPLED, "%s", s->python);
	enter_frame(SHIM_PID, said_of(s, "wsgi.state"), frame_of(s, "wsgi.state", "wsgi.status"));
	cr_expect_eq(shim_thread()->depth, 2, "%s: no more is pushed", s->python);
	cr_expect_eq(shim_left_out(FT_LEFT_OUT_sample), 3, "%s", s->python);
	leave_frame(SHIM_PID, 0);
	leave_frame(SHIM_PID, 0);
	cr_expect(!request_status(SHIM_PID), "%s", s->python);
	for (struct ft_rec *r; (r = shim_record()); free(r))
		cr_expect_eq(r->type, FT_REC_CODE, "%s: type %d", s->python, r->type);
	shim_end();
}

/* The application sends the status, and then a body; what it says was sent with that. */
static void check_asgi(const struct subject *s, struct decoder *d)
{
	unsigned status = 0;
	char text[8192];
	int i;

	begin_shim(s);
	check_entry(s, "asgi.state", "asgi.app");
	decode_all(d, text, &status);
	cr_expect_str_eq(text, request_said(s, "scope"), "%s: %s", s->python, text);
	check_entry(s, "asgi.state", "asgi.send");
	cr_expect_eq(request_status(SHIM_PID), 201, "%s", s->python);
	leave_frame(SHIM_PID, 0);
	for (i = 0; strcmp(s->said[i].text, "last 201"); i++)
		;
	cr_expect_eq(walk_message(SHIM_PID, s->said[i].addr), CALL_REQUEST, "%s", s->python);
	leave_frame(SHIM_PID, 0);
	decode_all(d, text, &status);
	/* Nothing tells that the client got it: the body's call was none of ours. */
	cr_expect_eq(status, 0, "%s: %u", s->python, status);
	cr_expect_eq(request_status(SHIM_PID), 0, "%s", s->python);
	shim_end();
}

static void check_running(struct subject *s)
{
	struct decoder *d = begin_decoder();

	if (said_of(s, "wsgi.state")) {
		check_wsgi(s, d);
		check_left_out(s);
		check_asgi(s, d);
	}
	decoder_free(d);
	subject_free(s);
}

Test(bpf_requests, applications_that_run, .timeout = 120)
{
	subject_each(check_running, "requested.py");
}

/* ---- wrong memory -------------------------------------------------------------------------- */

#define WRONG_ROUNDS 400

/* Everything that is asked for a request. */
static void ask(const struct subject *s, struct decoder *d, const struct said *said)
{
	const char *state = "wsgi.state", *what = "wsgi.app";
	struct ft_rec *r;
	struct event e;
	int err;

	for (int role = HTTP_WSGI; role <= HTTP_ASGI; role++) {
		begin_shim(s);
		walk_request(SHIM_PID, said->addr, role);
		walk_message(SHIM_PID, said->addr);
		if (said_of(s, state)) {
			shim_thread()->depth = 0;
			enter_frame(
				SHIM_PID, said_of(s, state),
				find_frame(frame_of_state(said_of(s, state)), said_of(s, what)));
			leave_frame(SHIM_PID, role & 1);
		}
		while ((r = shim_record())) {
			err = decoder_event(d, r, r->size, &e, NULL);
			/* Names may be anything where memory is wrong, and a class a list that
			 * says it is a str: the pipeline counts both as losses. */
			cr_expect(!err || (err == -EBADMSG && (r->type == FT_REC_CODE ||
							       r->type == FT_REC_HTTP_REQUEST)),
				  "%s: type %d: %d", s->python, r->type, err);
			free(r);
		}
		shim_end();
		state = "asgi.state";
		what = "asgi.app";
	}
}

static void check_wrong(struct subject *s)
{
	struct decoder *d = begin_decoder();
	struct wrong wrong;

	for (int round = 0; round < WRONG_ROUNDS; round++) {
		const struct said *said = &s->said[round % s->count];

		wrong_make(&wrong, s, said->addr);
		/* What is in a dict is asked for by that one. */
		ask(s, d, is(said, "part") ? &s->said[round / s->count & 1 ? 20 : 0] : said);
		wrong_undo(&wrong);
	}
	decoder_free(d);
	subject_free(s);
}

/* Whatever lies there: it ends, within its buffers, and what is written can be decoded. */
Test(bpf_requests, wrong_memory, .timeout = 240)
{
	subject_each(check_wrong, "requested.py");
}
