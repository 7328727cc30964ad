/* SPDX-License-Identifier: MIT */
#include "wsgi.h"

#include "wrap.h"

#define KEY_ID "flowtrace.request_id"
#define KEY_REQUEST "flowtrace.request" /* an outer wrapper handles it already */
#define HEADER "X-Request-ID"

/* What went wrong before the client got anything is answered by the server. */
static int failed(const struct http_request *r)
{
	return r->sent || r->unsure ? request_said(r, STATUS_FAILED) : STATUS_FAILED;
}

/* ---- start_response ------------------------------------------------------------- */

/* "404 NOT FOUND" */
static int status_of(PyObject *status)
{
	const char *text = PyUnicode_Check(status) ? PyUnicode_AsUTF8(status) : NULL;
	int number = 0;

	if (!text) {
		PyErr_Clear();
		return 0;
	}
	for (int i = 0; i < 3 && text[i] >= '0' && text[i] <= '9'; i++)
		number = 10 * number + text[i] - '0';
	return number;
}

static bool has_header(PyObject *headers)
{
	for (Py_ssize_t i = 0; i < PyList_GET_SIZE(headers); i++) {
		PyObject *pair = PyList_GET_ITEM(headers, i), *name;
		Py_ssize_t length;
		const char *text;

		if (!PyTuple_Check(pair) || !PyTuple_GET_SIZE(pair))
			continue;
		name = PyTuple_GET_ITEM(pair, 0);
		text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
		if (text && same_name("x-request-id", text, length))
			return true;
		PyErr_Clear();
	}
	return false;
}

/* A new reference to the headers with the id among them. */
static PyObject *with_id(const struct http_request *r, PyObject *headers)
{
	PyObject *copy, *pair;

	if (!PyList_Check(headers) || has_header(headers)) {
		Py_INCREF(headers);
		return headers;
	}
	copy = PyList_GetSlice(headers, 0, PyList_GET_SIZE(headers));
	pair = copy ? Py_BuildValue("(sO)", HEADER, r->id) : NULL;
	if (!pair || PyList_Append(copy, pair))
		Py_CLEAR(copy);
	Py_XDECREF(pair);
	return copy;
}

/* inner: the server's write(). */
static PyObject *write_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
	struct wrap *w = (struct wrap *)self;
	PyObject *result = PyObject_Call(w->inner, args, kwargs);

	if (result)
		w->request->sent = 1;
	return result;
}

static PyTypeObject write_type = {
	WRAP_TYPE("Write"),
	.tp_flags = WRAP_FLAGS,
	.tp_call = write_call,
	.tp_getattro = wrap_getattro,
};

static PyObject *wrap_write(struct http_request *r, PyObject *write)
{
	PyObject *wrapped;

	if (!PyCallable_Check(write))
		return write;
	wrapped = (PyObject *)wrap_new(&write_type, r, write);
	Py_DECREF(write);
	return wrapped;
}

/*
 * A server that gives no write() does not keep to PEP 3333, and not in what else it says of a
 * status: uvicorn sends the first at once and ignores others; Hypercorn has the whole body before
 * it sends the last, and sends 500 if the application fails.
 */
static void start_said(struct http_request *r, int status, bool writes)
{
	if (!writes && r->status)
		status = STATUS_UNKNOWN;
	if (!writes)
		r->held = r->unsure = 1;
	r->status = status;
}

/* inner: the server's start_response(status, headers, exc_info=None). */
static PyObject *start_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"status", "headers", "exc_info", NULL};
	struct wrap *w = (struct wrap *)self;
	PyObject *status, *headers, *exc_info = NULL, *write;

	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|O:start_response", names, &status,
					 &headers, &exc_info))
		return NULL;
	headers = with_id(w->request, headers);
	if (!headers)
		return NULL;
	write = PyObject_CallFunctionObjArgs(w->inner, status, headers, exc_info, NULL);
	Py_DECREF(headers);
	if (!write)
		return NULL;
	start_said(w->request, status_of(status), PyCallable_Check(write));
	return wrap_write(w->request, write);
}

static PyTypeObject start_type = {
	WRAP_TYPE("StartResponse"),
	.tp_flags = WRAP_FLAGS,
	.tp_call = start_call,
	.tp_getattro = wrap_getattro,
};

/* ---- the body ------------------------------------------------------------------- */

/* inner: what the application returned; more: its iterator, once the server wants it. */
static PyTypeObject body_type, sized_body_type;

PyObject *body_new(struct http_request *request, PyObject *iterable)
{
	bool sized = PySequence_Check(iterable) || PyMapping_Check(iterable);
	Py_ssize_t length = sized ? PyObject_Size(iterable) : -1;

	if (length < 0)
		PyErr_Clear();
	return (PyObject *)wrap_new(length < 0 ? &body_type : &sized_body_type, request, iterable);
}

static bool body_begin(struct wrap *w)
{
	if (!w->more && w->inner)
		w->more = PyObject_GetIter(w->inner);
	return w->more != NULL;
}

/* An error out of it; none: there is no more of it. */
static void body_end(const struct wrap *w)
{
	struct http_request *r = w->request;

	if (PyErr_Occurred() && !PyErr_ExceptionMatches(PyExc_StopIteration))
		request_end(r, failed(r));
	else
		request_end(r, r->status ?: STATUS_FAILED);
}

static PyObject *body_iter(PyObject *self)
{
	struct wrap *w = (struct wrap *)self;
	PyObject *token = request_enter(w->request);
	bool begun = token && body_begin(w);

	request_leave(token);
	if (!begun)
		return NULL;
	Py_INCREF(self);
	return self;
}

static PyObject *body_next(PyObject *self)
{
	struct wrap *w = (struct wrap *)self;
	PyObject *token = request_enter(w->request), *part = NULL;

	if (!token)
		return NULL;
	if (body_begin(w))
		part = Py_TYPE(w->more)->tp_iternext(w->more);
	request_leave(token);
	if (!part)
		body_end(w);
	else if (!w->request->held && (!PyBytes_Check(part) || PyBytes_GET_SIZE(part)))
		w->request->sent = 1;
	else /* some servers send the headers with a part that is empty */
		w->request->unsure = 1;
	return part;
}

static PyObject *call_close(PyObject *inner)
{
	PyObject *close = PyObject_GetAttrString(inner, "close"), *result;

	if (!close) {
		if (!PyErr_ExceptionMatches(PyExc_AttributeError))
			return NULL;
		PyErr_Clear();
		Py_RETURN_NONE;
	}
	result = PyObject_CallObject(close, NULL);
	Py_DECREF(close);
	return result;
}

static PyObject *body_close(PyObject *self, PyObject *unused)
{
	struct wrap *w = (struct wrap *)self;
	PyObject *token = request_enter(w->request), *result;

	if (!token)
		return NULL;
	result = call_close(w->inner);
	request_leave(token);
	request_end(w->request, request_said(w->request, STATUS_GONE));
	return result;
}

static Py_ssize_t body_length(PyObject *self)
{
	return PyObject_Size(((struct wrap *)self)->inner);
}

static PyMethodDef body_methods[] = {
	{"close", body_close, METH_NOARGS, NULL},
	{NULL, NULL, 0, NULL},
};

static PyTypeObject body_type = {
	WRAP_TYPE("Body"),	  .tp_flags = WRAP_FLAGS,     .tp_iter = body_iter,
	.tp_iternext = body_next, .tp_methods = body_methods,
};

static PySequenceMethods sized = {.sq_length = body_length};

static PyTypeObject sized_body_type = {
	WRAP_TYPE("SizedBody"),	  .tp_flags = WRAP_FLAGS,     .tp_iter = body_iter,
	.tp_iternext = body_next, .tp_methods = body_methods, .tp_as_sequence = &sized,
};

/* Does the server look for its own type, to send the file without us? */
static bool is_file(PyObject *environ, PyObject *body)
{
	PyObject *type = PyDict_GetItemString(environ, "wsgi.file_wrapper");

	return type && PyType_Check(type) && PyObject_TypeCheck(body, (PyTypeObject *)type);
}

/* ---- environ -------------------------------------------------------------------- */

/* The text of a variable: its characters are bytes, of UTF-8. New; NULL: none. */
static PyObject *variable_text(PyObject *environ, const char *name)
{
	PyObject *value = PyDict_GetItemString(environ, name), *bytes, *text;

	if (!value || !PyUnicode_Check(value))
		return NULL;
	bytes = PyUnicode_AsLatin1String(value);
	text = bytes ? PyUnicode_DecodeUTF8(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes),
					    "replace")
		     : NULL;
	Py_XDECREF(bytes);
	if (!text) { /* a server that decoded it */
		PyErr_Clear();
		Py_INCREF(value);
		text = value;
	}
	return text;
}

static PyObject *path_of(PyObject *environ)
{
	PyObject *script = variable_text(environ, "SCRIPT_NAME");
	PyObject *info = variable_text(environ, "PATH_INFO"), *path;

	if (!script || !info)
		return script ?: info;
	path = PyUnicode_Concat(script, info);
	Py_DECREF(script);
	Py_DECREF(info);
	return path;
}

static struct http_request *begin_request(PyObject *environ)
{
	struct request_facts f = {
		.id = PyDict_GetItemString(environ, "HTTP_X_REQUEST_ID"),
		.method = variable_text(environ, "REQUEST_METHOD"),
		.path = path_of(environ),
		.remote_addr = variable_text(environ, "REMOTE_ADDR"),
		.user_agent = variable_text(environ, "HTTP_USER_AGENT"),
	};
	struct http_request *r = request_begin(&f);

	Py_XDECREF(f.method);
	Py_XDECREF(f.path);
	Py_XDECREF(f.remote_addr);
	Py_XDECREF(f.user_agent);
	if (r)
		r->held = PyDict_GetItemString(environ, "eventlet.input") != NULL;
	if (r && (PyDict_SetItemString(environ, KEY_ID, r->id) ||
		  PyDict_SetItemString(environ, KEY_REQUEST, (PyObject *)r)))
		Py_CLEAR(r);
	return r;
}

/* ---- the application ------------------------------------------------------------ */

static PyObject *call_app(struct http_request *r, PyObject *app, PyObject *environ, PyObject *start)
{
	PyObject *wrapped = (PyObject *)wrap_new(&start_type, r, start);
	PyObject *token = wrapped ? request_enter(r) : NULL;
	PyObject *body = token ? PyObject_CallFunctionObjArgs(app, environ, wrapped, NULL) : NULL;

	request_leave(token);
	Py_XDECREF(wrapped);
	return body;
}

static PyObject *answer(struct http_request *r, PyObject *environ, PyObject *body)
{
	PyObject *wrapped;

	if (!body) {
		request_end(r, failed(r));
		return NULL;
	}
	if (is_file(environ, body)) {
		request_end(r, r->status ?: STATUS_FAILED);
		return body;
	}
	wrapped = body_new(r, body);
	Py_DECREF(body);
	return wrapped;
}

static PyObject *wsgi_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
	static char *names[] = {"environ", "start_response", NULL};
	struct wrap *w = (struct wrap *)self;
	PyObject *environ, *start;
	struct http_request *r;

	if (!w->inner) {
		PyErr_SetString(PyExc_RuntimeError, "there is no application: call __init__(app)");
		return NULL;
	}
	if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO:__call__", names, &environ, &start))
		return NULL;
	if (!PyDict_Check(environ) || request_is_open(PyDict_GetItemString(environ, KEY_REQUEST)))
		return PyObject_Call(w->inner, args, kwargs);
	r = begin_request(environ);
	if (!r)
		return NULL;
	start = answer(r, environ, call_app(r, w->inner, environ, start));
	Py_DECREF(r);
	return start;
}

PyTypeObject wsgi_type = {
	WRAP_TYPE("WSGI"),
	.tp_doc = "WSGI(app): requests and responses of a WSGI application.",
	.tp_flags = WRAP_FLAGS | Py_TPFLAGS_BASETYPE,
	.tp_new = PyType_GenericNew,
	.tp_init = wrap_init,
	.tp_call = wsgi_call,
	.tp_getattro = wrap_app_getattro,
	.tp_descr_get = wrap_bind,
	.tp_members = wrap_members,
};

int wsgi_init(void)
{
	return PyType_Ready(&write_type) || PyType_Ready(&start_type) || PyType_Ready(&body_type) ||
			       PyType_Ready(&sized_body_type) || PyType_Ready(&wsgi_type)
		       ? -1
		       : 0;
}
