/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "node/api/get.h"

#define CONNECT_S 5
#define BEGIN_S 10 /* until the status is there */
#define WAIT_MS 1000
#define KEEP_ALIVE_S 20

struct get {
	const struct access *access;
	CURL *easy;
	CURLM *multi;
	_Atomic bool stop;
	/* of the request: */
	const struct get_request *request;
	int err;    /* of its function */
	bool begun; /* the status is 200 */
	char text[CURL_ERROR_SIZE];
};

int get_new(const struct access *access, struct get **ret_get)
{
	struct get *g = calloc(1, sizeof(*g));

	if (!g || curl_global_init(CURL_GLOBAL_DEFAULT)) {
		free(g);
		return -ENOMEM;
	}
	g->access = access;
	g->easy = curl_easy_init();
	g->multi = curl_multi_init();
	if (!g->easy || !g->multi) {
		get_free(g);
		return -ENOMEM;
	}
	*ret_get = g;
	return 0;
}

void get_free(struct get *g)
{
	if (!g)
		return;
	curl_easy_cleanup(g->easy);
	curl_multi_cleanup(g->multi);
	curl_global_cleanup();
	free(g);
}

void get_stop(struct get *g)
{
	g->stop = true;
	curl_multi_wakeup(g->multi);
}

void get_pause(struct get *g, unsigned ms)
{
	uint64_t until = clock_ns(CLOCK_MONOTONIC) + ms * NS_PER_MS, now;

	while (!g->stop && (now = clock_ns(CLOCK_MONOTONIC)) < until)
		curl_multi_poll(g->multi, NULL, 0, (until - now) / NS_PER_MS + 1, NULL);
}

char *get_escape(const char *s)
{
	char *escaped = curl_easy_escape(NULL, s, 0), *copy = escaped ? strdup(escaped) : NULL;

	curl_free(escaped);
	return copy;
}

/* ---- a request ---------------------------------------------------------------------------- */

static long status_of(const struct get *g)
{
	long status = 0;

	curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static void begin(struct get *g)
{
	if (g->begun || status_of(g) != 200)
		return;
	g->begun = true;
	if (g->request->begun)
		g->request->begun(g->request->arg);
}

/* Of libcurl: what is returned says how much of it was taken. */
static size_t on_data(char *s, size_t one, size_t len, void *get)
{
	struct get *g = get;

	begin(g);
	if (!g->begun)
		return len; /* the reason for another status is in the status */
	g->err = g->request->data(g->request->arg, s, len);
	return g->err ? CURL_WRITEFUNC_ERROR : len;
}

/* The empty line ends the headers, those of a status before the last one too (100). */
static size_t on_header(char *s, size_t one, size_t len, void *get)
{
	if (len <= 2)
		begin(get);
	return len;
}

/* An option that is known fails for want of memory alone. */
static int set_options(struct get *g, const char *url, struct curl_slist *headers)
{
	CURL *e = g->easy;
	int bad = 0;

	curl_easy_reset(e);
	bad |= curl_easy_setopt(e, CURLOPT_URL, url);
	bad |= curl_easy_setopt(e, CURLOPT_HTTPHEADER, headers);
	bad |= curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	bad |= curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	bad |= curl_easy_setopt(e, CURLOPT_PROXY, ""); /* whatever the environment says */
	bad |= curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_ERRORBUFFER, g->text);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, on_data);
	bad |= curl_easy_setopt(e, CURLOPT_WRITEDATA, g);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, on_header);
	bad |= curl_easy_setopt(e, CURLOPT_HEADERDATA, g);
	bad |= curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
	bad |= curl_easy_setopt(e, CURLOPT_TIMEOUT, (long)g->request->max_s);
	bad |= curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	bad |= curl_easy_setopt(e, CURLOPT_TCP_KEEPIDLE, (long)KEEP_ALIVE_S);
	bad |= curl_easy_setopt(e, CURLOPT_TCP_KEEPINTVL, (long)KEEP_ALIVE_S);
	if (g->access->ca)
		bad |= curl_easy_setopt(e, CURLOPT_CAINFO, g->access->ca);
	return bad ? -ENOMEM : 0;
}

static int error_of_code(struct get *g, CURLcode code, struct why *w)
{
	const char *text = g->text[0] ? g->text : curl_easy_strerror(code);

	if (g->err)
		return why(w, g->err, "its answer cannot be used: %s", strerror(-g->err));
	if (code == CURLE_OPERATION_TIMEDOUT)
		return why(w, -ETIMEDOUT, "%s", text);
	if (code == CURLE_COULDNT_CONNECT)
		return why(w, -ECONNREFUSED, "%s", text);
	return why(w, code == CURLE_OUT_OF_MEMORY ? -ENOMEM : -EIO, "%s", text);
}

static int error_of_status(struct get *g, struct why *w)
{
	long status = status_of(g);

	if (status == 200)
		return 0;
	if (status == 401)
		return why(w, -EACCES, "it does not know the token (401)");
	if (status == 403)
		return why(w, -EACCES, "the account may not list and watch pods (403)");
	return why(w, status == 410 ? -ESTALE : -EIO, "it answered %ld", status);
}

/* The result, once there is one. */
static bool is_done(struct get *g, CURLcode *ret_code)
{
	const CURLMsg *m;
	int more;

	while ((m = curl_multi_info_read(g->multi, &more)))
		if (m->msg == CURLMSG_DONE) {
			*ret_code = m->data.result;
			return true;
		}
	return false;
}

static int wait_for(struct get *g, struct why *w)
{
	uint64_t begin_by = clock_ns(CLOCK_MONOTONIC) + BEGIN_S * NS_PER_SECOND;
	CURLcode code = CURLE_OK;
	int running;

	while (!g->stop) {
		if (curl_multi_perform(g->multi, &running))
			return why(w, -EIO, "libcurl failed");
		if (is_done(g, &code))
			return code ? error_of_code(g, code, w) : error_of_status(g, w);
		if (!g->begun && clock_ns(CLOCK_MONOTONIC) > begin_by)
			return why(w, -ETIMEDOUT, "it did not answer within %d s", BEGIN_S);
		if (curl_multi_poll(g->multi, NULL, 0, WAIT_MS, NULL))
			return why(w, -EIO, "libcurl failed");
	}
	return why(w, -ECANCELED, "stopped");
}

static int transfer(struct get *g, const char *url, struct curl_slist *headers, struct why *w)
{
	int err = set_options(g, url, headers);

	if (err || curl_multi_add_handle(g->multi, g->easy))
		return why(w, -ENOMEM, "out of memory");
	err = wait_for(g, w);
	curl_multi_remove_handle(g->multi, g->easy);
	return err;
}

static int add_header(struct curl_slist **list, const char *text)
{
	struct curl_slist *more = curl_slist_append(*list, text);

	if (!more)
		return -ENOMEM;
	*list = more;
	return 0;
}

static int headers_of(const struct get *g, struct curl_slist **ret, struct why *w)
{
	char *header = NULL;
	int err = g->access->token ? access_header(g->access, &header) : 0;

	if (err && err != -ENOMEM)
		return why(w, -EACCES, "%s: %s", g->access->token,
			   err == -EBADMSG ? "no token" : strerror(-err));
	if (!err)
		err = add_header(ret, "Accept: application/json")
			      ?: add_header(ret, "User-Agent: flowtrace-bpf/" FT_VERSION);
	if (!err && header)
		err = add_header(ret, header);
	free(header);
	return err ? why(w, err, "out of memory") : 0;
}

int get_run(struct get *g, const struct get_request *r, struct why *w)
{
	struct curl_slist *headers = NULL;
	char *url = NULL;
	int err;

	g->request = r;
	g->err = 0;
	g->begun = false;
	g->text[0] = '\0';
	err = headers_of(g, &headers, w);
	if (!err && asprintf(&url, "%s%s", g->access->url, r->path) < 0) {
		url = NULL;
		err = why(w, -ENOMEM, "out of memory");
	}
	if (!err)
		err = transfer(g, url, headers, w);
	curl_slist_free_all(headers);
	free(url);
	return err;
}
