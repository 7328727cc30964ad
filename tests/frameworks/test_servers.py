# SPDX-License-Identifier: MIT
"""Real servers under load, traced from inside and from outside: every request is in the trace as its
client saw it, and the calls that were made for it have its id.
"""
import tempfile
import time
from pathlib import Path

import agents
import clients
import harness
import intree
import pytest
import seen as compare
import server_table
import servers

PAIRS = [
    *(("gunicorn sync", name) for name in ("Flask", "Django", "WSGI")),
    ("gunicorn preload", "Flask"),
    *(("gunicorn gthread", name) for name in ("Flask", "Django")),
    *(("gunicorn uvicorn", name) for name in ("FastAPI", "Starlette", "Django ASGI")),
    ("gunicorn asgi", "FastAPI"),
    *(("uvicorn", name) for name in ("FastAPI", "Starlette", "ASGI")),
    ("uvicorn h11", "FastAPI"), ("runserver", "Django"), ("wsgiref", "WSGI"),
    ("daphne", "ASGI"),
]
OUTSIDE = [  # the wrapper is as under the others
    ("uvicorn wsgi", "WSGI"), ("a2wsgi", "WSGI"), ("hypercorn_asgi", "ASGI"),
    ("hypercorn_wsgi", "WSGI"), ("waitress", "WSGI"), ("cheroot", "WSGI"), ("twisted", "WSGI"),
]
WAYS = [pytest.param("inside"), pytest.param("outside", marks=pytest.mark.live)]
PLACES = [i for i in agents.PYTHONS if i.name in ("system", "sid-3.14")]


@pytest.fixture(scope="module", params=PLACES, ids=repr)
def place(request):
    """Debian 12's packages, and sid's."""
    interpreter = request.param
    why = intree.build([interpreter])[interpreter]
    if isinstance(why, intree.LeftOut):
        pytest.skip(str(why))
    assert why is None, str(why)
    base = interpreter.root / "tmp" if interpreter.root else None
    with tempfile.TemporaryDirectory(prefix="flowtrace-servers-", dir=base) as path:
        yield servers.Place(interpreter, Path(path))


def name_of(name):
    return name.replace(" ", "-")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("server, framework", PAIRS, ids=name_of)
def test_server(place, server, framework, way):
    """Everything of 1,000 requests, or of 100, 8 at once."""
    check_server(place, server, framework, way)


def test_hypercorn_inside(place):
    """By its own command, which decides what it was given."""
    check_server(place, "hypercorn", "ASGI", "inside")


@pytest.mark.live
@pytest.mark.parametrize("server, framework", OUTSIDE, ids=name_of)
def test_server_outside(place, server, framework):
    """Everything of 100 requests, 8 at once."""
    check_server(place, server, framework, "outside")


def check_server(place, server, framework, way):
    row = (place.interpreter.version(), server, framework, way)
    reason = place.why_not(server, framework)
    if reason:
        server_table.ROWS[row] = reason
        pytest.skip(reason)
    row = (row[0], server, place.label(framework), way)
    server_table.ROWS[row] = "failed"
    began = time.monotonic()
    place.fresh()
    run = servers.from_inside if way == "inside" else servers.from_outside
    seen, events = run(place, server, framework)
    clients.check(seen, inside=way == "inside")
    trace = compare.Trace(events, len(seen))
    told = compare.check_pairs(trace, seen)
    calls = compare.check_calls(trace, seen, framework in ("FastAPI", "Starlette"))
    at_once = compare.at_once(trace)
    assert at_once == 1 if server in servers.ONE_AT_A_TIME else at_once > 1
    server_table.ROWS[row] = (
        len(seen), len(trace.responses), len(trace.by_number), calls, told,
        sum(one.status == 500 for one in seen), sum(one.kind == "stream" for one in seen), at_once,
        "%.1f" % (time.monotonic() - began))
