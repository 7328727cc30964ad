# SPDX-License-Identifier: MIT
"""should_trace_module: the built-in lists, and the user's word over them."""
from flowtrace_agent.filters import should_trace_module


def check_libraries_are_left_out():
    """The standard library and well-known packages, with what is in them."""
    for name in ("os", "sys", "json", "typing", "json.decoder", "os.path", "asyncio.events",
                 "django", "flask", "fastapi", "requests", "django.db.models", "flask.app",
                 "pytest", "numpy.core", "_thread", "encodings.utf_8"):
        assert not should_trace_module(name), name


def check_programs_are_traced():
    """Whole names count: a name that only begins like a library is the program's."""
    for name in ("myapp", "myapp.views", "__main__", "oslo", "system", "iot", "tokens", "reports",
                 "jsonstore", "flasky", "requests_log", "test_x", "re_export", "copy_job"):
        assert should_trace_module(name), name


def check_prefix():
    """Text that the dotted name starts with; several in a comma list."""
    assert should_trace_module("myapp.views", "myapp")
    assert should_trace_module("src.a", "myapp, src")
    assert should_trace_module("myapplication", "myapp")
    assert not should_trace_module("myapplication", "myapp.")
    assert not should_trace_module("other", "myapp,src")
    assert not should_trace_module("__main__", "myapp")
    assert should_trace_module("__main__", "__main__")
    assert should_trace_module("myapp", " , ")


def check_prefix_wins_over_the_lists():
    """What the user asks for is traced."""
    for name in ("reports", "tokens", "iot", "test_x", "test.things", "json", "flask.app",
                 "typing_extras", "sys_tools", "os"):
        assert should_trace_module(name, name), name
        assert should_trace_module(name, name[:2]), name


def check_exclude_wins_over_everything():
    """As text that the name starts with."""
    assert not should_trace_module("myapp.debug", "myapp", ["myapp.debug"])
    assert not should_trace_module("tests.x", "", ["test", "debug"])
    assert should_trace_module("latest", "", ["test"])
    assert should_trace_module("myapp", "myapp", [""])
    assert should_trace_module("myapp", "myapp", None)


def check_the_agent_itself():
    """Never."""
    for name in ("flowtrace_agent", "flowtrace_agent.tracer"):
        assert not should_trace_module(name), name
    assert not should_trace_module("flowtrace_agent.tracer", "flowtrace_agent")
    assert should_trace_module("flowtrace_agents", "flowtrace_agents")
    assert not should_trace_module("")
