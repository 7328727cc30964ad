/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <microhttpd.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "endpoint/address.h"
#include "endpoint/page.h"

#define CLIENTS 8
#define TIMEOUT_S 5
#define REQUEST_BYTES 8192 /* of its line and headers */

struct client {
	int fd; /* borrowed; -1: the place is free */
	uint64_t since_ns;
};

struct endpoint {
	struct MHD_Daemon *daemon;
	_Atomic uint64_t turned_ns;
	pthread_mutex_t lock; /* protects the fields below */
	struct endpoint_state state;
	struct client clients[CLIENTS];
};

/* ---- the thread --------------------------------------------------------------------------- */

static void get_state(struct endpoint *e, struct endpoint_state *ret)
{
	pthread_mutex_lock(&e->lock);
	*ret = e->state;
	pthread_mutex_unlock(&e->lock);
	ret->turned_ns = e->turned_ns;
}

/* Owns the text. Connections are closed, so that few clients cannot keep others out. */
static enum MHD_Result respond(struct MHD_Connection *c, unsigned status, struct buf *text)
{
	struct MHD_Response *r =
		MHD_create_response_from_buffer(text->len, text->s, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result done;

	buf_release(text);
	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", "text/plain; version=0.0.4; charset=utf-8");
	MHD_add_response_header(r, "Connection", "close");
	MHD_add_response_header(r, "Cache-Control", "no-store");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	done = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return done;
}

/* The first call for a request comes when its headers are read; no body is waited for. */
static enum MHD_Result answer(void *arg, struct MHD_Connection *c, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_size, void **request)
{
	struct endpoint_state s;
	struct buf text = {};
	unsigned status;

	if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		BUF_LITERAL(&text, "GET and HEAD are answered\n");
		return respond(c, MHD_HTTP_METHOD_NOT_ALLOWED, &text);
	}
	get_state(arg, &s);
	status = page_of(url, &s, clock_ns(CLOCK_MONOTONIC), &text);
	if (!text.failed)
		return respond(c, status, &text);
	buf_release(&text);
	return MHD_NO;
}

/* A descriptor is told gone before it is closed, so it is nothing else while it is in its place. */
static void on_connection(void *arg, struct MHD_Connection *c, void **socket,
			  enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	int fd = info ? info->connect_fd : -1;
	bool begins = what == MHD_CONNECTION_NOTIFY_STARTED;
	struct endpoint *e = arg;

	pthread_mutex_lock(&e->lock);
	for (int i = 0; fd >= 0 && i < CLIENTS; i++) {
		if (e->clients[i].fd != (begins ? -1 : fd))
			continue;
		e->clients[i].fd = begins ? fd : -1;
		e->clients[i].since_ns = clock_ns(CLOCK_MONOTONIC);
		break;
	}
	pthread_mutex_unlock(&e->lock);
}

/* ---- the loop ---------------------------------------------------------------------------- */

/* With the lock held. The library's own timeout is for silence: a byte a second would do. */
static void end_slow(struct endpoint *e)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	for (int i = 0; i < CLIENTS; i++)
		if (e->clients[i].fd >= 0 &&
		    now - e->clients[i].since_ns > TIMEOUT_S * NS_PER_SECOND)
			(void)shutdown(e->clients[i].fd, SHUT_RDWR);
}

void endpoint_tell(struct endpoint *e, const struct endpoint_state *s)
{
	if (!e)
		return;
	pthread_mutex_lock(&e->lock);
	e->state = *s;
	end_slow(e);
	pthread_mutex_unlock(&e->lock);
}

void endpoint_turned(struct endpoint *e, uint64_t now_ns)
{
	if (e)
		e->turned_ns = now_ns;
}

/* ---- begin and end ------------------------------------------------------------------------ */

/* The new thread blocks all signals: another one waits for them. */
static struct MHD_Daemon *start(struct endpoint *e, int fd)
{
	struct MHD_Daemon *daemon;
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ITC, 0, NULL, NULL, answer,
				  e, MHD_OPTION_LISTEN_SOCKET, (MHD_socket)fd,
				  MHD_OPTION_CONNECTION_LIMIT, (unsigned)CLIENTS,
				  MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)TIMEOUT_S,
				  MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
				  MHD_OPTION_NOTIFY_CONNECTION, on_connection, e, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

int endpoint_new(const char *address, struct endpoint **ret_endpoint, struct why *w)
{
	struct endpoint *e;
	int fd, err = address_listen(address, &fd, w);

	if (err)
		return err;
	e = calloc(1, sizeof(*e));
	if (!e) {
		close(fd);
		return why(w, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&e->lock, NULL);
	e->state.waits_for = "starting";
	for (int i = 0; i < CLIENTS; i++)
		e->clients[i].fd = -1;
	e->daemon = start(e, fd);
	if (e->daemon) {
		*ret_endpoint = e;
		return 0;
	}
	close(fd);
	endpoint_free(e);
	return why(w, -EIO, "--metrics: cannot serve %s: no thread or memory for it", address);
}

void endpoint_free(struct endpoint *e)
{
	if (!e)
		return;
	if (e->daemon)
		MHD_stop_daemon(e->daemon); /* and closes the socket */
	pthread_mutex_destroy(&e->lock);
	free(e);
}
