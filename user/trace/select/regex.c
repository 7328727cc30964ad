/* SPDX-License-Identifier: MIT */
#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>

#include "select/regex.h"

/* Enough for any sane pattern, and at most some 0.1 s for one text. */
#define MATCH_LIMIT 1000000

struct trace_regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *context;
	uint64_t given_up;
};

static int compile(struct trace_regex *r, const char *pattern, size_t len, uint32_t flags,
		   struct trace_regex_fault *ret_fault)
{
	PCRE2_SIZE at = 0;
	int number = 0;

	r->code = pcre2_compile((PCRE2_SPTR)pattern, len, flags, &number, &at, NULL);
	if (r->code)
		return 0;
	pcre2_get_error_message(number, (PCRE2_UCHAR *)ret_fault->text, sizeof(ret_fault->text));
	ret_fault->at = at;
	return -EINVAL;
}

int trace_regex_new(const char *pattern, size_t len, unsigned how, struct trace_regex **ret_regex,
		    struct trace_regex_fault *ret_fault)
{
	struct trace_regex *r = calloc(1, sizeof(*r));
	/* Texts of a trace may hold lone surrogates. */
	uint32_t flags = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF |
			 (how & TRACE_REGEX_IGNORE_CASE ? PCRE2_CASELESS : 0) |
			 (how & TRACE_REGEX_LITERAL ? PCRE2_LITERAL : 0);
	int err = r ? compile(r, pattern, len, flags, ret_fault) : -ENOMEM;

	if (!err) {
		r->data = pcre2_match_data_create(1, NULL);
		r->context = pcre2_match_context_create(NULL);
		err = r->data && r->context ? 0 : -ENOMEM;
	}
	if (err) {
		trace_regex_free(r);
		return err;
	}
	pcre2_set_match_limit(r->context, MATCH_LIMIT);
	/* Where it cannot be compiled to machine code it is interpreted. */
	pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE);
	*ret_regex = r;
	return 0;
}

void trace_regex_free(struct trace_regex *r)
{
	if (!r)
		return;
	pcre2_match_context_free(r->context);
	pcre2_match_data_free(r->data);
	pcre2_code_free(r->code);
	free(r);
}

bool trace_regex_matches(struct trace_regex *r, const char *s, size_t len)
{
	int got = pcre2_match(r->code, (PCRE2_SPTR)s, len, 0, 0, r->data, r->context);

	if (got < 0 && got != PCRE2_ERROR_NOMATCH)
		r->given_up++;
	return got >= 0;
}

uint64_t trace_regex_given_up(const struct trace_regex *r)
{
	return r->given_up;
}
