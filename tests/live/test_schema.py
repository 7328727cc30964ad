# SPDX-License-Identifier: MIT
"""Live lines are those that docs/events.md and its schema describe."""
import event_schema
import harness
import pytest

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("nothing_left")]


@pytest.fixture(scope="module", name="here")
def system_workspace():
    """Of one interpreter: what lines look like is the same for all."""
    with harness.Interpreter("system").workspace() as space:
        yield space


@pytest.mark.parametrize("program, has, options", [
    ("scalars", {"ENTER", "EXIT"}, []),
    ("limits", {"ENTER", "EXIT"}, ["--max-arg-length", "60", "--max-items", "2"]),
    ("exceptions", {"ENTER", "EXIT", "EXCEPTION"}, ["--stack"]),
    ("exceptions", {"ENTER", "EXIT", "EXCEPTION"}, ["--no-args", "--no-result"]),
])
def test_calls(here, program, has, options):
    trace, _ = here.trace("schema.jsonl", program, *options)
    events = event_schema.check_file(trace)
    assert has <= {event["event"] for event in events}
    if options:
        assert any("truncatedFields" in event or "stack" in event for event in events)
    trace.unlink()


REQUESTS = """
import io

def application(environ, start_response):
    start_response("404 Not Found", [])
    return [b"no"]

def serve(path):
    def start_response(status, headers):
        told.append(status)
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "",
               "SERVER_NAME": "here", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1",
               "REMOTE_ADDR": "127.0.0.1", "wsgi.input": io.BytesIO(), "wsgi.version": (1, 0)}
    return list(application(environ, start_response))

told = []
for n in range(3):
    serve("/no/%d" % n)
"""


def test_requests(here):
    trace = here.path / "requests.jsonl"
    harness.run([harness.TRACER, "-q", "-P", "__main__", "--backend", here.interpreter.backend,
                 "-o", trace, "--", *here.interpreter.argv("-c", REQUESTS)], check=0)
    kinds = [event["event"] for event in event_schema.check_file(trace)]
    assert kinds.count("HTTP_REQUEST") == 3 == kinds.count("HTTP_RESPONSE")
    trace.unlink()
