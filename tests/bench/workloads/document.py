# SPDX-License-Identifier: MIT
"""A page of this repository, made into HTML by docutils."""

import os
import re

from docutils.core import publish_string

PAGE = os.environ["WORKLOAD_PAGE"]
QUIET = {"report_level": 5, "halt_level": 5, "file_insertion_enabled": False,
         "embed_stylesheet": False, "stylesheet_path": ""}


def as_rst(text):
    """Headings and code of Markdown; what else it has is text here."""
    text = re.sub(r"^```\w*\n(.*?)^```$", lambda m: "::\n\n    " + m[1].replace("\n", "\n    "), text,
                  flags=re.M | re.S)
    return re.sub(r"^(#+) (.+)$", lambda m: "%s\n%s\n" % (m[2], "=-~"[len(m[1]) - 1] * len(m[2])), text,
                  flags=re.M)


def work():
    with open(PAGE) as page:
        html = publish_string(as_rst(page.read()), writer_name="html", settings_overrides=QUIET)
    return html.count(b"<p>") > 10, len(html) > 10000
