/* SPDX-License-Identifier: MIT */
#include "asgi.h"

#include "awaitable.h"
#include "wrap.h"

#define KEY_REQUEST "flowtrace.request" /* an outer wrapper handles it already */

/* ---- dicts that are a server's or an application's ------------------------------ */

/* Borrowed; NULL: it is not there. */
static PyObject *item(PyObject *dict, const char *name)
{
	return PyDict_Check(dict) ? PyDict_GetItemString(dict, name) : NULL;
}

static bool is_text(PyObject *text, const char *wanted)
{
	return text && PyUnicode_Check(text) && !PyUnicode_CompareWithASCIIString(text, wanted);
}

/* The name or the value of a header: bytes, borrowed; NULL: it is not one. */
static PyObject *of_header(PyObject *pair, Py_ssize_t i)
{
	PyObject *part = NULL;

	if (PyTuple_Check(pair) && PyTuple_GET_SIZE(pair) == 2)
		part = PyTuple_GET_ITEM(pair, i);
	else if (PyList_Check(pair) && PyList_GET_SIZE(pair) == 2)
		part = PyList_GET_ITEM(pair, i);
	return part && PyBytes_Check(part) ? part : NULL;
}

/* headers: a list or a tuple. Borrowed; NULL: there is none. */
static PyObject *header(PyObject *headers, const char *wanted)
{
	Py_ssize_t n = PySequence_Fast_GET_SIZE(headers);

	for (Py_ssize_t i = 0; i < n; i++) {
		PyObject *pair = PySequence_Fast_GET_ITEM(headers, i), *name = of_header(pair, 0);

		if (name && same_name(wanted, PyBytes_AS_STRING(name), PyBytes_GET_SIZE(name)))
			return of_header(pair, 1);
	}
	return NULL;
}

/* ---- send ----------------------------------------------------------------------- */

static PyObject *headers_with_id(const struct http_request *r, PyObject *headers)
{
	PyObject *list = headers ? PySequence_List(headers) : PyList_New(0), *id, *pair;

	if (!list || header(list, "x-request-id"))
		return list;
	id = PyUnicode_AsLatin1String(r->id);
	pair = id ? Py_BuildValue("(yO)", "x-request-id", id) : NULL;
	if (!pair || PyList_Append(list, pair))
		Py_CLEAR(list);
	Py_XDECREF(id);
	Py_XDECREF(pair);
	return list;
}

/* The message with the id among its headers: new. */
static PyObject *start_message(struct http_request *r, PyObject *message)
{
	PyObject *copy = PyDict_Copy(message), *headers = NULL;
	PyObject *status = item(message, "status");

	if (copy)
		headers = headers_with_id(r, item(message, "headers"));
	if (!headers || PyDict_SetItemString(copy, "headers", headers))
		Py_CLEAR(copy);
	Py_XDECREF(headers);
	/* ASGI has a server hold it back until there is some of the body: Hypercorn does, uvicorn
	 * does not. */
	r->unsure = 1;
	if (copy && status) {
		r->status = PyLong_AsLong(status);
		if (PyErr_Occurred()) { /* an IntEnum is an int; what is none is the server's */
			PyErr_Clear();
			r->status = 0;
		}
	}
	return copy;
}

static bool is_body(PyObject *type)
{
	return is_text(type, "http.response.body") || is_text(type, "http.response.zerocopysend");
}

static bool is_last(PyObject *type, PyObject *message)
{
	PyObject *more;
	int is_more;

	if (is_text(type, "http.response.pathsend"))
		return true;
	if (!is_body(type))
		return false;
	more = item(message, "more_body");
	is_more = more ? PyObject_IsTrue(more) : 0;
	if (is_more < 0)
		PyErr_Clear();
	return !is_more;
}

static PyObject *send_driven(struct wrap *w, PyObject *message, enum awaitable_how how)
{
	PyObject *sent = PyObject_CallFunctionObjArgs(w->inner, message, NULL);
	PyObject *driven = sent ? awaitable_new(w->request, sent, how) : NULL;

	Py_XDECREF(sent);
	return driven;
}

/* inner: the server's send(message). */
static PyObject *send_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"message", NULL};
	struct wrap *w = (struct wrap *)self;
	PyObject *message, *type, *sent;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O:send", names, &message))
		return NULL;
	type = item(message, "type");
	if (is_last(type, message))
		return send_driven(w, message, AWAITABLE_LAST);
	if (!w->request->sent && is_body(type))
		return send_driven(w, message, AWAITABLE_FIRST);
	if (!is_text(type, "http.response.start"))
		return PyObject_CallFunctionObjArgs(w->inner, message, NULL);
	message = start_message(w->request, message);
	if (!message)
		return NULL;
	sent = PyObject_CallFunctionObjArgs(w->inner, message, NULL);
	Py_DECREF(message);
	return sent;
}

static PyTypeObject send_type = {
	WRAP_TYPE("Send"),
	.tp_flags = WRAP_FLAGS,
	.tp_call = send_call,
	.tp_getattro = wrap_getattro,
};

/* ---- scope ---------------------------------------------------------------------- */

/* A header as text: new; NULL: none. */
static PyObject *header_text(PyObject *headers, const char *name, bool latin1)
{
	PyObject *value = headers ? header(headers, name) : NULL;

	if (!value)
		return NULL;
	if (latin1)
		return PyUnicode_DecodeLatin1(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value),
					      NULL);
	return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value), "replace");
}

/* The whole path, of an application that is mounted too: new; NULL: none. */
static PyObject *path_of(PyObject *scope)
{
	PyObject *path = item(scope, "path"), *root = item(scope, "root_path");

	if (!path || !PyUnicode_Check(path))
		return NULL;
	if (root && PyUnicode_Check(root) && PyUnicode_GET_LENGTH(root) &&
	    PyUnicode_Tailmatch(path, root, 0, PY_SSIZE_T_MAX, -1) == 0)
		return PyUnicode_Concat(root, path);
	Py_INCREF(path);
	return path;
}

/* client: (host, port), or None. Borrowed. */
static PyObject *host_of(PyObject *client)
{
	if (client && PyTuple_Check(client) && PyTuple_GET_SIZE(client))
		return PyTuple_GET_ITEM(client, 0);
	if (client && PyList_Check(client) && PyList_GET_SIZE(client))
		return PyList_GET_ITEM(client, 0);
	return NULL;
}

/*
 * scope["state"]["flowtrace_request_id"], in a copy: a server should give each request its own of
 * what the lifespan left, but gunicorn's (26.2) gives all of them the same dict.
 */
static int tell_app(const struct http_request *r, PyObject *scope)
{
	PyObject *state = item(scope, "state");
	int err;

	if (state && !PyDict_Check(state))
		return 0; /* of another program */
	state = state ? PyDict_Copy(state) : PyDict_New();
	err = state ? PyDict_SetItemString(state, "flowtrace_request_id", r->id) : -1;
	err = err ?: PyDict_SetItemString(scope, "state", state);
	Py_XDECREF(state);
	return err;
}

/*
 * A list or a tuple: new; NULL: none. It takes the place of what can be iterated only once; an
 * object with more to it, as h11's Headers, stays what the application is given.
 */
static PyObject *headers_of(PyObject *scope)
{
	PyObject *given = item(scope, "headers"), *list;

	if (!given || PyList_Check(given) || PyTuple_Check(given)) {
		Py_XINCREF(given);
		return given;
	}
	list = PySequence_List(given);
	if (!list)
		PyErr_Clear();
	else if (PyIter_Check(given) && PyDict_SetItemString(scope, "headers", list))
		Py_CLEAR(list);
	return list;
}

static struct http_request *begin_request(PyObject *scope)
{
	PyObject *headers = headers_of(scope);
	struct request_facts f = {
		.id = header_text(headers, "x-request-id", true),
		.method = item(scope, "method"),
		.path = path_of(scope),
		.remote_addr = host_of(item(scope, "client")),
		.user_agent = header_text(headers, "user-agent", false),
	};
	struct http_request *r = PyErr_Occurred() ? NULL : request_begin(&f);

	Py_XDECREF(headers);
	Py_XDECREF(f.id);
	Py_XDECREF(f.path);
	Py_XDECREF(f.user_agent);
	if (r && (tell_app(r, scope) || PyDict_SetItemString(scope, KEY_REQUEST, (PyObject *)r)))
		Py_CLEAR(r);
	return r;
}

/* ---- the application ------------------------------------------------------------ */

/* scope: NULL for an application that was given it before (ASGI 2). */
static PyObject *call_app(struct http_request *r, PyObject *app, PyObject *scope, PyObject *receive,
			  PyObject *send)
{
	PyObject *wrapped = (PyObject *)wrap_new(&send_type, r, send);
	PyObject *token = wrapped ? request_enter(r) : NULL;
	PyObject *made = NULL, *driven = NULL;

	if (token && scope)
		made = PyObject_CallFunctionObjArgs(app, scope, receive, wrapped, NULL);
	else if (token)
		made = PyObject_CallFunctionObjArgs(app, receive, wrapped, NULL);
	request_leave(token);
	Py_XDECREF(wrapped);
	if (made)
		driven = awaitable_new(r, made, AWAITABLE_APP);
	Py_XDECREF(made);
	if (!driven)
		request_end(r, request_said(r, STATUS_FAILED));
	return driven;
}

/* inner: what an application of ASGI 2 made of a scope. */
static PyObject *instance_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"receive", "send", NULL};
	struct wrap *w = (struct wrap *)self;
	PyObject *receive, *send;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:__call__", names, &receive, &send))
		return NULL;
	return call_app(w->request, w->inner, NULL, receive, send);
}

static PyTypeObject instance_type = {
	WRAP_TYPE("Instance"),
	.tp_flags = WRAP_FLAGS,
	.tp_call = instance_call,
	.tp_getattro = wrap_app_getattro,
};

static PyObject *make_instance(struct http_request *r, PyObject *app, PyObject *scope)
{
	PyObject *token = request_enter(r), *made, *wrapped;

	if (!token)
		return NULL;
	made = PyObject_CallFunctionObjArgs(app, scope, NULL);
	request_leave(token);
	wrapped = made ? (PyObject *)wrap_new(&instance_type, r, made) : NULL;
	Py_XDECREF(made);
	if (!wrapped)
		request_end(r, STATUS_FAILED);
	return wrapped;
}

/* Called with a scope alone it is as an application of ASGI 2, whatever is inside. */
static PyObject *asgi_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"scope", "receive", "send", NULL};
	struct wrap *w = (struct wrap *)self;
	PyObject *scope, *receive = NULL, *send = NULL, *made;
	struct http_request *r;

	if (!w->inner) {
		PyErr_SetString(PyExc_RuntimeError, "there is no application: call __init__(app)");
		return NULL;
	}
	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|OO:__call__", names, &scope, &receive,
					 &send))
		return NULL;
	if (!receive != !send || !is_text(item(scope, "type"), "http") ||
	    request_is_open(item(scope, KEY_REQUEST)))
		return PyObject_Call(w->inner, args, kwargs);
	r = begin_request(scope);
	if (!r)
		return NULL;
	made = send ? call_app(r, w->inner, scope, receive, send)
		    : make_instance(r, w->inner, scope);
	Py_DECREF(r);
	return made;
}

PyTypeObject asgi_type = {
	WRAP_TYPE("ASGI"),
	.tp_doc = "ASGI(app): requests and responses of an ASGI application.",
	.tp_flags = WRAP_FLAGS | Py_TPFLAGS_BASETYPE,
	.tp_new = PyType_GenericNew,
	.tp_init = wrap_init,
	.tp_call = asgi_call,
	.tp_getattro = wrap_app_getattro,
	.tp_descr_get = wrap_bind,
	.tp_members = wrap_members,
};

int asgi_init(void)
{
	return PyType_Ready(&send_type) || PyType_Ready(&instance_type) || PyType_Ready(&asgi_type)
		       ? -1
		       : 0;
}
