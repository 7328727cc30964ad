/* SPDX-License-Identifier: MIT OR GPL-2.0-only */
/*
 * The words by which an HTTP request is recognised: names of parameters, keys of dicts, names of
 * headers, types of messages. They are compared with short texts of the target.
 */
#ifndef FT_HTTP_WORDS_BPF_H
#define FT_HTTP_WORDS_BPF_H

#include "py_text.bpf.h"

/* Keys of dicts; there are fewer than HTTP_VALUES. */
#define KEYS(X)                                                                                    \
	X(METHOD, "method")                                                                        \
	X(PATH, "path")                                                                            \
	X(TYPE, "type")                                                                            \
	X(STATUS, "status")                                                                        \
	X(ROOT_PATH, "root_path")                                                                  \
	X(CLIENT, "client")                                                                        \
	X(HEADERS, "headers")                                                                      \
	X(MORE_BODY, "more_body")                                                                  \
	X(REQUEST_METHOD, "REQUEST_METHOD")                                                        \
	X(SCRIPT_NAME, "SCRIPT_NAME")                                                              \
	X(PATH_INFO, "PATH_INFO")                                                                  \
	X(REMOTE_ADDR, "REMOTE_ADDR")                                                              \
	X(HTTP_USER_AGENT, "HTTP_USER_AGENT")                                                      \
	X(HTTP_X_REQUEST_ID, "HTTP_X_REQUEST_ID")                                                  \
	X(FLOWTRACE_ID, "flowtrace.request_id")

enum word {
	WORD_NONE,
#define X(name, text) WORD_##name,
	KEYS(X)
#undef X
		WORD_KEYS = HTTP_VALUES,
	WORD_HTTP,
	WORD_START,
	WORD_BODY,
	WORD_ZEROCOPY,
	WORD_PATHSEND,
	WORD_USER_AGENT,
	WORD_X_REQUEST_ID,
	WORD_START_RESPONSE,
	WORD_SCOPE,
	WORD_RECEIVE,
	WORD_SEND,
};

/* Byte i of a string, and its word n, as in memory. */
#define BYTE(s, i)                                                                                 \
	((i) < sizeof(s) - 1 ? (u64)(u8)(s)[(i) < sizeof(s) ? (i) : 0] << 8 * ((i) % 8) : 0)
#define TEXT(s, n)                                                                                 \
	(BYTE(s, 8 * n) | BYTE(s, 8 * n + 1) | BYTE(s, 8 * n + 2) | BYTE(s, 8 * n + 3) |           \
	 BYTE(s, 8 * n + 4) | BYTE(s, 8 * n + 5) | BYTE(s, 8 * n + 6) | BYTE(s, 8 * n + 7))
#define IS(w, s)                                                                                   \
	((w)[0] == TEXT(s, 0) && (w)[1] == TEXT(s, 1) && (w)[2] == TEXT(s, 2) &&                   \
	 (w)[3] == TEXT(s, 3))

/* Which of our words is this text of n bytes? w: followed by zeroes. */
FT_INLINE u32 word_of(const u64 *w, u64 n)
{
	switch (n) {
	case 4:
		if (IS(w, "path"))
			return WORD_PATH;
		if (IS(w, "type"))
			return WORD_TYPE;
		if (IS(w, "http"))
			return WORD_HTTP;
		return IS(w, "send") ? WORD_SEND : WORD_NONE;
	case 5:
		return IS(w, "scope") ? WORD_SCOPE : WORD_NONE;
	case 6:
		if (IS(w, "method"))
			return WORD_METHOD;
		if (IS(w, "status"))
			return WORD_STATUS;
		return IS(w, "client") ? WORD_CLIENT : WORD_NONE;
	case 7:
		if (IS(w, "headers"))
			return WORD_HEADERS;
		return IS(w, "receive") ? WORD_RECEIVE : WORD_NONE;
	case 9:
		if (IS(w, "root_path"))
			return WORD_ROOT_PATH;
		if (IS(w, "more_body"))
			return WORD_MORE_BODY;
		return IS(w, "PATH_INFO") ? WORD_PATH_INFO : WORD_NONE;
	case 10:
		return IS(w, "user-agent") ? WORD_USER_AGENT : WORD_NONE;
	case 11:
		if (IS(w, "SCRIPT_NAME"))
			return WORD_SCRIPT_NAME;
		return IS(w, "REMOTE_ADDR") ? WORD_REMOTE_ADDR : WORD_NONE;
	case 12:
		return IS(w, "x-request-id") ? WORD_X_REQUEST_ID : WORD_NONE;
	case 14:
		if (IS(w, "REQUEST_METHOD"))
			return WORD_REQUEST_METHOD;
		return IS(w, "start_response") ? WORD_START_RESPONSE : WORD_NONE;
	case 15:
		return IS(w, "HTTP_USER_AGENT") ? WORD_HTTP_USER_AGENT : WORD_NONE;
	case 17:
		return IS(w, "HTTP_X_REQUEST_ID") ? WORD_HTTP_X_REQUEST_ID : WORD_NONE;
	case 18:
		return IS(w, "http.response.body") ? WORD_BODY : WORD_NONE;
	case 19:
		return IS(w, "http.response.start") ? WORD_START : WORD_NONE;
	case 20:
		return IS(w, "flowtrace.request_id") ? WORD_FLOWTRACE_ID : WORD_NONE;
	case 22:
		return IS(w, "http.response.pathsend") ? WORD_PATHSEND : WORD_NONE;
	case 26:
		return IS(w, "http.response.zerocopysend") ? WORD_ZEROCOPY : WORD_NONE;
	}
	return WORD_NONE;
}

/* The role of code in HTTP requests: enum http_role | parameter << 8; 0 = none. */
int ft_http_role(u32 tgid, u64 code);
/* Which of our words is this str? places: str_places(). */
int ft_http_word(u64 str, u32 places);
/* Compares our hash with that stored in a key that was found in a dict. */
int ft_http_learn(u64 str, u32 word);

#endif
