/* SPDX-License-Identifier: MIT */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "build.h"
#include "decode/decode.h"

#define PID 77
#define NUMBER 0x123456789abcdefull

static struct decoder *d;
static struct build b;
static struct event e;

static void setup(void)
{
	decoder_new(&(struct decoder_options){1000, true, true, 0}, &d);
}

static void teardown(void)
{
	decoder_free(d);
	buf_release(&b.bytes);
}

TestSuite(http, .init = setup, .fini = teardown);

static int feed(void)
{
	struct ft_rec *rec = build_end(&b);
	/* A copy of its own, so that a read past its end is seen by the sanitizer. */
	struct ft_rec *copy = malloc(rec->size);
	int err;

	memcpy(copy, rec, rec->size);
	err = decoder_event(d, copy, copy->size, &e, NULL);
	free(copy);
	buf_clear(&b.bytes);
	return err;
}

static void begin(unsigned flags)
{
	struct ft_rec_http_request *r =
		build_begin(&b, FT_REC_HTTP_REQUEST, sizeof(*r), PID, 1, 5000);

	r->hdr.flags = flags;
	r->request = NUMBER;
}

static void assert_text(const struct text *t, const char *wanted)
{
	if (!wanted) {
		cr_assert_null(t->s);
		return;
	}
	cr_assert(t->s && t->len == strlen(wanted) && !memcmp(t->s, wanted, t->len), "%.*s, not %s",
		  (int)t->len, t->s ? t->s : "none", wanted);
}

/* id, method, root, path, address, agent; NULL = none. */
static void values(unsigned flags, const char *const value[6])
{
	begin(flags);
	for (int i = 0; i < 6; i++)
		t_name(&b, value[i]);
	cr_assert_eq(feed(), 0);
	cr_assert_eq(e.type, EVENT_HTTP_REQUEST);
	cr_assert_eq(e.request, NUMBER);
}

/* ---- texts that an agent made --------------------------------------------------------- */

Test(http, request)
{
	static const char *const text[] = {"id", "GET", "/caf\xe9", NULL, ""};

	build_request(&b, PID, 1, 5000, 9, text);
	cr_assert_eq(feed(), 0);
	cr_assert_eq(e.type, EVENT_HTTP_REQUEST);
	cr_assert_eq(e.request, 9);
	assert_text(&e.http->id, "id");
	assert_text(&e.http->path, "/caf\xc3\xa9");
	assert_text(&e.http->remote_addr, NULL);
	assert_text(&e.http->user_agent, "");

	build_response(&b, PID, 1, 6000, 9, 404, true);
	cr_assert_eq(feed(), 0);
	cr_assert_eq(e.type, EVENT_HTTP_RESPONSE);
	cr_assert_eq(e.http->status, 404);
	cr_assert(e.kept);
}

Test(http, request_that_is_not_one)
{
	begin(0);
	t_str(&b, "id");
	t_int(&b, 7);
	cr_assert_eq(feed(), -EBADMSG);
	begin(0);
	t_str(&b, "id");
	cr_assert_eq(feed(), -EBADMSG);
	build_begin(&b, FT_REC_HTTP_RESPONSE, sizeof(struct ft_rec), PID, 1, 1);
	cr_assert_eq(feed(), -EBADMSG);
}

/* ---- a server's own values ------------------------------------------------------------ */

Test(http, environ)
{
	/* PEP 3333: each character is a byte. */
	values(FT_HTTP_WSGI, (const char *[]){"abc-1", "GET", "/app", "/caf\xc3\xa9", "::1", "x"});
	assert_text(&e.http->id, "abc-1");
	assert_text(&e.http->method, "GET");
	assert_text(&e.http->path, "/app/caf\xc3\xa9");
	assert_text(&e.http->remote_addr, "::1");
	assert_text(&e.http->user_agent, "x");

	values(FT_HTTP_WSGI, (const char *[]){"i", "GET", "/app", NULL, NULL, NULL});
	assert_text(&e.http->path, "/app");
	values(FT_HTTP_WSGI, (const char *[]){"i", "GET", NULL, "/a", NULL, NULL});
	assert_text(&e.http->path, "/a");
	values(FT_HTTP_WSGI, (const char *[]){"i", "GET", NULL, "/\xff", NULL, NULL});
	assert_text(&e.http->path, "/\xef\xbf\xbd");
}

Test(http, scope)
{
	/* Here characters are characters. */
	values(FT_HTTP_ASGI, (const char *[]){"i", "GET", "", "/caf\xe9", "::1", NULL});
	assert_text(&e.http->path, "/caf\xc3\xa9");
	/* Mounted: some servers hand the path over whole. */
	values(FT_HTTP_ASGI, (const char *[]){"i", "GET", "/app", "/x", NULL, NULL});
	assert_text(&e.http->path, "/app/x");
	values(FT_HTTP_ASGI, (const char *[]){"i", "GET", "/app", "/app/x", NULL, NULL});
	assert_text(&e.http->path, "/app/x");
	values(FT_HTTP_ASGI, (const char *[]){"i", "GET", "/app", NULL, NULL, NULL});
	assert_text(&e.http->path, NULL);
}

Test(http, headers_of_a_scope_are_bytes)
{
	begin(FT_HTTP_ASGI);
	t_bytes(&b, "id-\xe9", 4);
	t_str(&b, "GET");
	t_str(&b, "");
	t_str(&b, "/");
	t_mark(&b, FT_T_NONE);
	t_bytes(&b, "agent \xc3\xa9", 8);
	cr_assert_eq(feed(), 0);
	assert_text(&e.http->id, "id-\xc3\xa9"); /* latin-1, as a header may be */
	assert_text(&e.http->user_agent, "agent \xc3\xa9");
}

Test(http, cut_texts_end_in_dots)
{
	begin(FT_HTTP_WSGI);
	t_str(&b, "i");
	t_str(&b, "GET");
	t_str(&b, "");
	t_cut_text(&b, FT_T_STR, "/long", 4000);
	t_mark(&b, FT_T_UNREADABLE);
	t_cut_text(&b, FT_T_STR, "agent", 4000);
	cr_assert_eq(feed(), 0);
	assert_text(&e.http->path, "/long...");
	assert_text(&e.http->remote_addr, NULL);
	assert_text(&e.http->user_agent, "agent...");
}

/* ---- ids ------------------------------------------------------------------------------ */

static void assert_uuid(void)
{
	static const char shape[] = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";

	cr_assert_eq(e.http->id.len, sizeof(shape) - 1);
	for (size_t i = 0; i < e.http->id.len; i++) {
		char c = e.http->id.s[i];

		if (shape[i] == 'x')
			cr_assert(strchr("0123456789abcdef", c));
		else if (shape[i] == 'y')
			cr_assert(strchr("89ab", c));
		else
			cr_assert_eq(c, shape[i]);
	}
}

static void id(const char *given)
{
	values(FT_HTTP_WSGI, (const char *[]){given, "GET", "", "/", NULL, NULL});
}

Test(http, a_request_without_a_usable_id_gets_one)
{
	char longest[202], first[36];

	id(NULL);
	assert_uuid();
	memcpy(first, e.http->id.s, sizeof(first));
	id("");
	assert_uuid();
	/* From its number: a recording says the same whenever it is read. */
	cr_assert(!memcmp(first, e.http->id.s, sizeof(first)));
	id("two\nlines");
	assert_uuid();
	memset(longest, 'x', sizeof(longest));
	longest[201] = '\0';
	id(longest);
	assert_uuid();
	longest[200] = '\0';
	id(longest);
	assert_text(&e.http->id, longest);
}

Test(http, values_that_are_none)
{
	begin(FT_HTTP_WSGI);
	t_open(&b, FT_T_LIST, 1);
	t_str(&b, "x");
	t_end(&b);
	for (int i = 0; i < 5; i++)
		t_mark(&b, FT_T_NONE);
	cr_assert_eq(feed(), -EBADMSG);
	begin(FT_HTTP_ASGI);
	t_mark(&b, FT_T_STOP); /* the record was full: nothing more is known */
	cr_assert_eq(feed(), 0);
	assert_text(&e.http->method, NULL);
	assert_uuid();
	begin(FT_HTTP_ASGI);
	for (int i = 0; i < 5; i++)
		t_mark(&b, FT_T_NONE);
	cr_assert_eq(feed(), -EBADMSG);
}
