/* SPDX-License-Identifier: MIT */
/* A decoder that knows a function and some classes, and what is expected of it. */
#ifndef FT_TEST_DECODED_H
#define FT_TEST_DECODED_H

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "build.h"
#include "decode/decode.h"

#define PID 77
#define CODE 0x1000
#define MODEL 0x2000   /* class myapp.models.Order, heap */
#define ORDERED 0x2001 /* static type collections.OrderedDict */
#define VALUE_ERROR 0x2002
#define KEY_ERROR 0x2003
#define OS_ERROR 0x2004
#define APP_ERROR 0x2005 /* heap, myapp.AppError */
#define SPEC_TYPE 0x2006 /* heap type made by C code */

static struct decoder *d;
static struct build b;

static inline int feed(struct event *e)
{
	struct ft_rec *rec = build_end(&b);
	/* A copy of its own, so that a read past its end is seen by the sanitizer. */
	struct ft_rec *copy = malloc(rec->size);
	int err;

	memcpy(copy, rec, rec->size);
	err = decoder_event(d, copy, copy->size, e, NULL);
	free(copy);
	buf_clear(&b.bytes);
	return err;
}

static inline void set_max(unsigned max)
{
	decoder_set_options(d, &(struct decoder_options){max, true, true, 0});
}

static inline void define_type(unsigned long long type, unsigned kind, const char *tp_name,
			       const char *qualname, const char *module)
{
	struct event e;

	build_type(&b, PID, type, kind, tp_name, qualname, module);
	cr_assert_eq(feed(&e), 0);
}

static inline void define_function(const char *params)
{
	struct event e;

	build_code(&b, PID, CODE, 0, "myapp", "f", params);
	cr_assert_eq(feed(&e), 0);
	cr_assert_eq(e.type, EVENT_FUNCTION);
}

static inline void setup(void)
{
	decoder_new(&(struct decoder_options){1000, true, true, 0}, &d);
	define_type(MODEL, FT_KIND_OBJECT, "Order", "Order", "myapp.models");
	define_type(ORDERED, FT_KIND_OBJECT, "collections.OrderedDict", NULL, NULL);
	define_type(VALUE_ERROR, FT_KIND_EXC, "ValueError", NULL, NULL);
	define_type(KEY_ERROR, FT_KIND_EXC_KEY, "KeyError", NULL, NULL);
	define_type(OS_ERROR, FT_KIND_EXC_OS, "FileNotFoundError", NULL, NULL);
	define_type(APP_ERROR, FT_KIND_EXC, "AppError", "Outer.AppError", "myapp");
	define_type(SPEC_TYPE, FT_KIND_EXC, "ssl.SSLError", "SSLError", "ssl");
	define_function("a b");
}

static inline void teardown(void)
{
	decoder_free(d);
	buf_release(&b.bytes);
}

static inline void begin(void)
{
	begin_exit(&b, PID, PID, 5000, CODE, 4000, FT_EXIT_RETURN);
}

static inline void begin_args(void)
{
	begin_enter(&b, PID, PID, 4000, CODE, 0);
}

static inline struct event value_event(void)
{
	struct event e = {0};

	cr_assert_eq(feed(&e), 0);
	return e;
}

static inline void expect_text(const struct text *t, const char *want)
{
	cr_assert(t->len == strlen(want) && !memcmp(t->s, want, t->len), "got %.*s, want %s",
		  (int)t->len, t->s, want);
}

static inline void expect(const char *want, bool cut)
{
	struct event e = value_event();

	expect_text(&e.value, want);
	cr_assert_eq(e.value.cut, cut, "%s", want);
}

static inline void expect_full(const struct text *t, const char *want)
{
	cr_assert(t->full && t->full_len == strlen(want) && !memcmp(t->full, want, t->full_len),
		  "got %.*s, want %s", (int)t->full_len, t->full ?: "", want);
	cr_assert(t->cut);
}

#endif
