# SPDX-License-Identifier: MIT
"""Templates, reStructuredText, highlighting: compilers that are full of generators, of getattr that
fails and of exceptions that end a loop."""
import jinja2
import jinja2.sandbox
from docutils.core import publish_string
from pygments import highlight
from pygments.formatters import HtmlFormatter, TerminalFormatter
from pygments.lexers import get_lexer_by_name, guess_lexer

TEXT = """
Title
=====

A *paragraph* with ``code``, a link_ and |nothing|.

.. _link: https://example.org/

1. one
2. two

   - nested

.. code:: python

   def f(x): return x

.. table:: small

   === ===
   a   b
   === ===
   1   2
   === ===

.. nonsense:: here

A bad *start and :unknown:`role`.
"""


class Order:
    """What a template looks into."""

    number = 7

    @property
    def total(self):
        raise AttributeError("no total yet")

    def __getattr__(self, name):
        raise AttributeError("no such thing: " + name)


def fails(function, *args, **named):
    """Calls what is to fail."""
    try:
        function(*args, **named)
    except jinja2.TemplateError:
        return
    raise AssertionError(function)


def templates():
    """Inheritance, macros, filters, loops; what is undefined; what is wrong."""
    loader = jinja2.DictLoader({
        "base": "<{% block body %}base{% endblock %}>",
        "page": "{% extends 'base' %}{% macro row(x) %}[{{ x|upper }}]{% endmacro %}"
                "{% block body %}{{ super() }}{% for x in xs %}{{ loop.index }}{{ row(x) }}"
                "{% else %}none{% endfor %}{{ order.total }}{{ order.other|default('-') }}"
                "{% endblock %}"})
    environment = jinja2.Environment(loader=loader)
    page = environment.get_template("page")
    assert "[A]" in page.render(xs=["a", "b"], order=Order())
    list(page.generate(xs=[], order=Order()))
    strict = jinja2.Environment(undefined=jinja2.StrictUndefined)
    fails(strict.from_string("{{ missing.name }}").render)
    fails(strict.from_string("{{ 1|nofilter }}").render if False else strict.from_string,
          "{{ 1|nofilter }}")
    fails(strict.from_string, "{% for x in %}")
    fails(environment.get_template, "absent")
    box = jinja2.sandbox.SandboxedEnvironment()
    fails(box.from_string("{{ ().__class__.__bases__ }}").render)


def text():
    """A document with errors in it."""
    for writer in ("html", "latex", "pseudoxml"):
        publish_string(TEXT, writer_name=writer,
                       settings_overrides={"report_level": 5, "syntax_highlight": "short"})


def colours():
    """Several languages."""
    for name, code in (("python", "class A:\n    x: int = 1  # one\n" * 5), ("c", "int main() { }"),
                       ("json", '{"a": [1, 2.5, null'), ("html", "<a href='x'>b</a><script>1</script>")):
        highlight(code, get_lexer_by_name(name), HtmlFormatter(linenos=True))
    highlight("#!/bin/sh\necho $x\n", guess_lexer("#!/bin/sh\necho $x\n"), TerminalFormatter())


for part in (templates, text, colours):
    part()
