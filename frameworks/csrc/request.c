/* SPDX-License-Identifier: MIT */
#include "request.h"

#include <structmember.h>
#include <sys/random.h>

#include "calls.h"
#include "probes.h"
#include "sender.h"
#include "state.h"
#include "thread_name.h"
#include "tokens.h"

/* All texts fit into one record at four bytes a character. */
_Static_assert((FT_HTTP_MOST_ID + FT_HTTP_MOST_METHOD + FT_HTTP_MOST_PATH + FT_HTTP_MOST_ADDRESS +
		FT_HTTP_MOST_AGENT) * 4 +
			       5 * 16 <=
		       FT_MAX_TOKEN_BYTES,
	       "they fit");

static PyObject *variable; /* owned; NULL: there is no wrapper yet */

/* ---- its id --------------------------------------------------------------------- */

/* May it be in a header? */
static bool is_id(PyObject *given)
{
	Py_ssize_t length;

	if (!given || !PyUnicode_Check(given))
		return false;
	length = PyUnicode_GET_LENGTH(given);
	for (Py_ssize_t i = 0; i < length; i++) {
		Py_UCS4 c = PyUnicode_READ_CHAR(given, i);

		if (c < ' ' || (c > '~' && c < 0xa0) || c > 0xff)
			return false;
	}
	return length > 0 && length <= FT_HTTP_MOST_ID;
}

/* A random UUID: version 4 of RFC 4122. */
static PyObject *new_id(void)
{
	unsigned char b[16];
	char text[2 * sizeof(b) + 5], *p = text;

	if (getrandom(b, sizeof(b), 0) != sizeof(b))
		return PyErr_SetFromErrno(PyExc_OSError);
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;
	for (size_t i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = "0123456789abcdef"[b[i] >> 4];
		*p++ = "0123456789abcdef"[b[i] & 15];
	}
	return PyUnicode_FromStringAndSize(text, p - text);
}

/* ---- records -------------------------------------------------------------------- */

/* One text of a record; what is longer ends in dots. */
static void put_text(struct tokens_out *o, PyObject *text, Py_ssize_t most)
{
	PyObject *start = NULL, *cut = NULL;

	if (text && PyUnicode_Check(text) && PyUnicode_GET_LENGTH(text) > most) {
		start = PyUnicode_Substring(text, 0, most - 3);
		cut = start ? PyUnicode_FromFormat("%U...", start) : NULL;
		text = cut;
	}
	tokens_text(o, text);
	if (start && !cut)
		PyErr_Clear();
	Py_XDECREF(start);
	Py_XDECREF(cut);
}

static void put_facts(struct tokens_out *o, PyObject *id, const struct request_facts *f)
{
	put_text(o, id, FT_HTTP_MOST_ID);
	put_text(o, f->method, FT_HTTP_MOST_METHOD);
	put_text(o, f->path, FT_HTTP_MOST_PATH);
	put_text(o, f->remote_addr, FT_HTTP_MOST_ADDRESS);
	put_text(o, f->user_agent, FT_HTTP_MOST_AGENT);
}

/* This thread, to record n events on; NULL: nothing is recorded, or not here and now. */
static struct agent_thread *thread_for(unsigned n)
{
	struct agent_thread *t = sender_current();

	if (!t)
		return NULL;
	if (t->busy) {
		if (n)
			sender_lost(t, sender_now(t), n, LOSS_REENTERED);
		return NULL;
	}
	t->busy = true;
	return t;
}

static void commit(struct agent_thread *t, struct ft_rec *rec)
{
	if (probes_generation())
		probe_name(rec);
	sender_commit(t, rec);
}

static bool record_request(struct agent_thread *t, const struct http_request *r,
			   const struct request_facts *facts)
{
	struct ft_rec_http_request *rec = sender_reserve(t);
	uint64_t now = sender_now(t);
	struct tokens_out o;

	if (!rec) {
		sender_lost(t, now, 2, LOSS_FULL); /* and its response */
		return false;
	}
	tokens_begin(&o, rec + 1, engine_limits());
	put_facts(&o, r->id, facts);
	*rec = (struct ft_rec_http_request){
		.hdr = sender_head(t, FT_REC_HTTP_REQUEST, sizeof(*rec) + o.used, now),
		.request = r->number,
	};
	commit(t, &rec->hdr);
	return true;
}

static void record_begin(struct http_request *r, const struct request_facts *facts)
{
	struct agent_thread *t = thread_for(2);

	if (!t)
		return;
	if (!t->named)
		thread_name_record(t);
	if (probes_generation() != t->announced)
		thread_name_announce(t);
	if (record_request(t, r, facts))
		r->run = engine_run_id();
	t->busy = false;
}

static void record_end(const struct http_request *r)
{
	struct agent_thread *t = thread_for(1);
	struct ft_rec_http_response *rec;
	uint64_t now;

	if (!t)
		return;
	if (!t->named)
		thread_name_record(t);
	rec = sender_reserve(t);
	now = sender_now(t);
	if (rec) {
		*rec = (struct ft_rec_http_response){
			.hdr = sender_head(t, FT_REC_HTTP_RESPONSE, sizeof(*rec), now),
			.request = r->number,
			.status = r->status == STATUS_UNKNOWN ? 0 : r->status,
		};
		rec->hdr.flags = FT_HTTP_KEPT;
		commit(t, &rec->hdr);
	} else {
		sender_lost(t, now, 1, LOSS_FULL);
	}
	t->busy = false;
}

/* No event: nothing is lost without it but memory, until the run ends. */
static void record_forget(const struct http_request *r)
{
	struct agent_thread *t = thread_for(0);
	struct ft_rec_http_request *rec;

	if (!t)
		return;
	rec = sender_reserve(t);
	if (rec) {
		*rec = (struct ft_rec_http_request){
			.hdr = sender_head(t, FT_REC_HTTP_FORGET, sizeof(*rec), sender_now(t)),
			.request = r->number,
		};
		commit(t, &rec->hdr);
	}
	t->busy = false;
}

/* ---- its life ------------------------------------------------------------------- */

static bool is_in_trace(const struct http_request *r)
{
	return r->run && r->run == engine_run_id() && engine_running();
}

struct http_request *request_begin(const struct request_facts *facts)
{
	static uint64_t last;
	struct http_request *r = PyObject_New(struct http_request, &request_type);

	if (!r)
		return NULL;
	r->number = ++last;
	r->run = 0;
	r->status = r->sent = r->unsure = r->held = r->over = 0;
	if (is_id(facts->id)) {
		r->id = facts->id;
		Py_INCREF(r->id);
	} else {
		r->id = new_id();
	}
	if (!r->id) {
		Py_DECREF(r);
		return NULL;
	}
	record_begin(r, facts);
	return r;
}

int request_said(const struct http_request *r, int otherwise)
{
	if (!r->status)
		return otherwise;
	return r->unsure && !r->sent ? STATUS_UNKNOWN : r->status;
}

void request_end(struct http_request *r, int status)
{
	PyObject *type, *value, *traceback;

	if (r->over)
		return;
	r->over = true;
	r->status = status;
	if (!is_in_trace(r))
		return;
	PyErr_Fetch(&type, &value, &traceback);
	record_end(r);
	PyErr_Restore(type, value, traceback);
}

bool request_is_open(PyObject *found)
{
	return found && Py_TYPE(found) == &request_type && !((struct http_request *)found)->over;
}

static void request_dealloc(PyObject *self)
{
	struct http_request *r = (struct http_request *)self;

	if (r->id)
		request_end(r, request_said(r, STATUS_GONE)); /* it has not ended */
	if (is_in_trace(r))
		record_forget(r);
	Py_XDECREF(r->id);
	PyObject_Free(self);
}

/* ---- what is called for it ------------------------------------------------------ */

PyObject *request_enter(struct http_request *r)
{
	return PyContextVar_Set(variable, (PyObject *)r);
}

void request_leave(PyObject *token)
{
	PyObject *type, *value, *traceback;

	if (!token)
		return;
	PyErr_Fetch(&type, &value, &traceback);
	if (PyContextVar_Reset(variable, token))
		PyErr_Clear(); /* another context: that is its owner's affair */
	Py_DECREF(token);
	PyErr_Restore(type, value, traceback);
}

static uint64_t current(void)
{
	PyObject *value = NULL;
	uint64_t number = 0;

	if (PyContextVar_Get(variable, NULL, &value)) {
		PyErr_Clear();
		return 0;
	}
	if (value && Py_TYPE(value) == &request_type) {
		const struct http_request *r = (struct http_request *)value;

		if (r->run == engine_run_id())
			number = r->number;
	}
	Py_XDECREF(value);
	return number;
}

int request_watch(void)
{
	if (!variable)
		variable = PyContextVar_New("flowtrace_request", NULL);
	if (!variable)
		return -1;
	call_request = current;
	return 0;
}

/* ---- from Python ---------------------------------------------------------------- */

static PyObject *request_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"id", "method", "path", "remote_addr", "user_agent", NULL};
	struct request_facts f = {};

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOOOO:Request", names, &f.id, &f.method,
					 &f.path, &f.remote_addr, &f.user_agent) ||
	    request_watch())
		return NULL;
	return (PyObject *)request_begin(&f);
}

static PyMemberDef members[] = {
	{"id", T_OBJECT_EX, offsetof(struct http_request, id), READONLY, NULL},
	{"status", T_INT, offsetof(struct http_request, status), 0, NULL},
	{NULL, 0, 0, 0, NULL},
};

/* Its methods are in frameworks.c. */
PyTypeObject request_type = {
	PyVarObject_HEAD_INIT(NULL, 0).tp_name = "flowtrace_agent._core.Request",
	.tp_doc = "An HTTP request that is in the trace.",
	.tp_basicsize = sizeof(struct http_request),
	.tp_flags = Py_TPFLAGS_DEFAULT,
	.tp_new = request_new,
	.tp_dealloc = request_dealloc,
	.tp_members = members,
};
