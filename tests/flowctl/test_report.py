# SPDX-License-Identifier: MIT
"""`flowctl report`: the page, opened in Chromium without a network, by mouse and by keys."""
import collections
import json
import os
import re
import shutil
import subprocess

import browser
import harness
import make_trace
import pytest
from conftest import FLOWCTL, lines_of

REPORT = harness.REPO / "cli" / "flowctl" / "report"
LAPTOP, WIDE = (1280, 800), (2560, 1300)

# Texts that would do something if they were taken for HTML, for script, or for the end of the data.
HOSTILE = ('</script><script>window.hacked = 1</script>', '<!--<script>', '<img src=x onerror="hacked=2">',
           'a\u2028b\u2029c', '&lt;b&gt;', '"\'`${window.hacked = 3}', '\u202eevil', '@FLOWTRACE-DATA@')


@pytest.fixture(scope="session")
def report(flowctl, tmp_path_factory):
    """Makes the page of some traces, and returns its path."""
    folder = tmp_path_factory.mktemp("report")
    done = subprocess.run([FLOWCTL, "report", "/dev/null"], capture_output=True, check=False)
    if b"not included in this build" in done.stderr:
        pytest.skip("flowctl is built without its report: ./dev setup, ./dev build")

    def make(*traces):
        page = folder / ("%s.html" % len(list(folder.iterdir())))
        flowctl("report", "-o", page, *traces)
        return page
    return make


class Page:
    """A page that is open."""

    def __init__(self, driver, path):
        self.driver = driver
        browser.resize(driver, *LAPTOP)
        browser.prefer(driver, "light")
        driver.get("about:blank")
        browser.complaints(driver)
        driver.get("file://%s" % path)
        browser.wait("the page is drawn",
                     lambda: self.run("return document.documentElement.dataset.ready === 'yes'"))

    def run(self, script, *args):
        return self.driver.execute_script(script, *args)

    def all(self, selector):
        return self.run("return [...document.querySelectorAll(arguments[0])].map(e => e.textContent)",
                        selector)

    def frames(self, kind=""):
        """Names of the frames that are drawn."""
        return self.run("return [...document.querySelectorAll('#flame svg > g' + arguments[0])]"
                        ".map(g => g.__data__.data.node.function.label)", kind)

    def search(self, text):
        box = self.driver.find_element("id", "search-text")
        box.clear()
        box.send_keys(text + "\ue007")  # Enter
        browser.wait("the search is done", lambda: bool(self.run(
            "return document.getElementById('search-found').textContent")) == bool(text))
        return self.run("return document.getElementById('search-found').textContent")

    def press(self, selector, *keys):
        self.driver.find_element("css selector", selector).send_keys(*keys)

    def column(self, table, title):
        """Cells of a column of the table, counted from 0 in the section."""
        return self.run("""
            const table = document.querySelectorAll(arguments[0] + ' table')[arguments[1]];
            const heads = [...table.querySelectorAll('th')].map(th => th.textContent);
            return [...table.querySelectorAll('tbody tr')].map(
                tr => tr.children[heads.indexOf(arguments[2])].textContent)""", *table, title)

    def fine(self):
        assert browser.complaints(self.driver) == []
        assert self.run("return performance.getEntriesByType('resource').length") == 0


@pytest.fixture(scope="session")
def open_page(chromium):
    return lambda path: Page(chromium, path)


@pytest.fixture()
def page(open_page, report, recorded):
    """Of the traces that the collector makes of its recordings."""
    shown = open_page(report(*recorded))
    yield shown
    shown.fine()


@pytest.fixture(scope="session")
def generated_path(report, trace):
    return report(trace)


@pytest.fixture()
def generated(open_page, generated_path):
    shown = open_page(generated_path)
    yield shown
    shown.fine()


def events_of(*paths):
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


# ---- a real trace ----------------------------------------------------------------------

def test_it_shows_the_calls_of_a_real_trace(page, flowctl, recorded):
    rows = flowctl.json("stats", *recorded)["rows"]
    # A generator of which no time is known to be its own has no width.
    names = {row["name"] for row in rows if row["selfMicros"]}
    assert names <= set(page.frames())
    assert set(page.column(("#functions", 0), "Function")) == {
        row["name"] + "%s:%d" % (row["file"], row["line"]) for row in rows}
    tiles = dict(zip(page.all(".tile dt"), page.all(".tile dd:nth-of-type(1)")))
    events = events_of(*recorded)
    assert tiles["Events"] == str(len(events))
    assert tiles["Calls"] == str(sum(event["event"] == "EXIT" for event in events))
    assert tiles["Threads"] == str(len({(e["pid"], e["tid"]) for e in events if "tid" in e}))
    lost = sum(event["count"] for event in events if event["event"] == "LOST")
    assert lost > 0 and tiles["Lost"] == "⚠ %d" % lost


def test_a_function_is_found_and_highlighted(page):
    assert page.frames(".hit") == []
    fill = """return getComputedStyle([...document.querySelectorAll('#flame svg > g')].find(
        g => g.__data__.data.node.function.label === 'shop.pricing.total').querySelector('rect')).fill"""
    before = page.run(fill)
    found = page.search("PRICING.total")
    hits = page.frames(".hit")
    assert hits and set(hits) == {"shop.pricing.total"} and "%d frame" % len(hits) in found
    assert "1 function" in found
    assert page.run(fill) != before
    looks = page.run("""
        const of = kind => getComputedStyle(document.querySelector('#flame svg > g' + kind + ' rect'));
        return [of('.hit').strokeWidth, of(':not(.hit)').strokeWidth,
                getComputedStyle(document.querySelector('#flame svg > g:not(.hit)')).opacity]""")
    assert looks[0] != looks[1] and float(looks[2]) < 1
    assert [name for name in page.column(("#functions", 0), "Function") if "total" not in name] == []
    assert page.search("no such thing") == "nothing found"
    assert page.search("") == "" and page.frames(".hit") == []


def test_errors_and_requests(page, recorded):
    events = events_of(*recorded)
    errors = page.all(".error h3")
    for event in events:
        if event["event"] == "EXCEPTION":
            text = "%(type)s: %(message)s" % event["exception"]
            assert any(error.endswith(text) for error in errors), text
    routes = collections.Counter((e["method"], str(e["status_code"])) for e in events
                                 if e["event"] == "HTTP_RESPONSE")
    got = collections.Counter()
    table = ("#requests", 0)
    for method, status, number in zip(page.column(table, "Method"), page.column(table, "Status"),
                                      page.column(table, "Count")):
        got[method, status[2:]] += int(number)
    assert got == routes and routes


def test_routes_are_those_of_flowctl_requests(generated, flowctl, trace):
    rows = flowctl.json("requests", trace)["rows"]
    routes = {row["route"] for row in rows if row["status"] != "open"}
    assert set(generated.column(("#requests", 0), "Route")) == routes
    assert any("{n}" in route for route in routes)


def test_screenshots_in_both_themes(page, tmp_path):
    """They differ, and what is on them can be read."""
    pictures = {}
    for theme in ("light", "dark"):
        browser.prefer(page.driver, theme)
        browser.wait("it is %s" % theme, lambda: page.run(
            "return document.documentElement.dataset.theme") == theme)
        for size in (LAPTOP, WIDE):
            browser.resize(page.driver, *size)
            assert page.run("return document.documentElement.scrollWidth <= innerWidth"), size
        browser.resize(page.driver, *LAPTOP)
        path = tmp_path / (theme + ".png")
        assert page.driver.save_screenshot(str(path))
        pictures[theme] = path.read_bytes()
        assert page.run(CONTRAST) >= 4.5, theme
    assert pictures["light"] != pictures["dark"] and min(map(len, pictures.values())) > 10_000


# The least contrast (WCAG 2) of the labels of frames with the frames, and of text with the page.
CONTRAST = """
    const dot = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    function light(colour) {
        dot.clearRect(0, 0, 1, 1);
        dot.fillStyle = colour;
        dot.fillRect(0, 0, 1, 1);
        const [r, g, b] = [...dot.getImageData(0, 0, 1, 1).data].map(
            c => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    }
    function contrast(a, b) {
        const [x, y] = [light(a), light(b)];
        return (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    }
    const all = [...document.querySelectorAll('#flame svg > g')].map(g => contrast(
        getComputedStyle(g.querySelector('rect')).fill,
        getComputedStyle(g.querySelector('.d3-flame-graph-label')).color));
    const root = getComputedStyle(document.documentElement);
    const paper = root.getPropertyValue('--paper');
    for (const name of ['--ink', '--dim', '--accent']) all.push(contrast(root.getPropertyValue(name), paper));
    for (const kind of ['call', 'request', 'refused', 'failed'])
        all.push(contrast(root.getPropertyValue('--bar-' + kind), root.getPropertyValue('--bar-ink')));
    return Math.min(...all);
"""


# ---- a larger one ----------------------------------------------------------------------

def test_the_flame_graph_has_all_the_time(generated, flowctl, trace):
    own = sum(row["selfMicros"] for row in flowctl.json("stats", trace)["rows"])
    assert generated.run("return document.querySelector('#flame svg > g').__data__.value") == own
    assert generated.run("""
        const select = document.getElementById('flame-thread');
        const all = [];
        for (let i = 1; i < select.options.length; i++) {
            select.selectedIndex = i;
            select.dispatchEvent(new Event('change'));
            all.push(document.querySelector('#flame svg > g').__data__.value);
        }
        return all.reduce((a, b) => a + b)""") == own


def test_tables_sort(generated, flowctl, trace):
    rows = flowctl.json("stats", trace)["rows"]
    table = ("#functions", 0)

    def click(title):
        generated.run("[...document.querySelectorAll('#functions th button')]"
                      ".find(b => b.textContent === arguments[0]).click()", title)

    def names(key, reverse):
        ordered = sorted((row[key] for row in rows), reverse=reverse)[:50]
        return ordered

    click("Calls")
    assert [int(text.replace(",", "") or 0) for text in generated.column(table, "Calls")] == \
        names("calls", True)
    click("Calls")
    assert [int(text.replace(",", "") or 0) for text in generated.column(table, "Calls")] == \
        names("calls", False)
    click("Function")
    shown = generated.column(table, "Function")
    assert len(shown) == 50 and shown[0].startswith("billing.")
    assert generated.run("return [...document.querySelectorAll('#functions table:first-of-type th')]"
                         ".map(th => th.ariaSort).filter(s => s !== 'none')")[0] == "ascending"
    generated.run("document.querySelector('#functions .more').click()")
    assert len(generated.column(table, "Function")) == len(rows)


def test_keys(generated):
    generated.press("body", "/")
    assert generated.run("return document.activeElement.id") == "search-text"
    graph = "#flame .graph"
    generated.press(graph, "\ue015", "\ue015")  # down, down
    first = generated.frames(".selected")
    assert len(first) == 1 and first[0] in generated.all("#flame .details strong")[0]
    generated.press(graph, "\ue014")  # right
    second = generated.frames(".selected")
    assert len(second) == 1
    generated.press(graph, "\ue013")  # up: it was below the whole
    assert generated.all("#flame .details strong") == ["everything"]
    generated.press(graph, "\ue015", "\ue007")  # down, Enter: zooms
    width = "return document.querySelector('#flame svg > g.selected').getBoundingClientRect().width"
    browser.wait("it is as wide as the graph", lambda: generated.run(width) > 1200)
    generated.press(graph, "\ue00c")  # Escape
    browser.wait("it is as narrow as before", lambda: generated.run(
        "return Math.min(...[...document.querySelectorAll('#flame svg > g rect')]"
        ".map(r => r.getBoundingClientRect().width))") < 100)
    generated.press("#timeline canvas", "+", "\ue014", "-", "\ue00c")


def test_the_timeline_shows_a_call_that_is_pointed_at(generated):
    picture = "return document.querySelector('#timeline canvas').toDataURL()"
    before = generated.run(picture)
    point = generated.run("""
        const box = document.querySelector('#timeline canvas').getBoundingClientRect();
        const move = (x, y) => document.querySelector('#timeline canvas').dispatchEvent(
            new MouseEvent('mousemove', {clientX: x, clientY: y, bubbles: true}));
        for (let y = 20; y < box.height; y += 8)
            for (let x = 210; x < box.width; x += 10) {
                move(box.left + x, box.top + y);
                const tip = document.querySelector('.tip');
                if (!tip.hidden && tip.textContent.includes('depth')) return tip.textContent;
            }""")
    assert re.search(r"took.*self.*thread", point)
    generated.run("document.querySelectorAll('#functions .table')[1].querySelector('td:nth-child(4) button').click()")
    browser.wait("the timeline has moved", lambda: generated.run(picture) != before)
    generated.run("[...document.querySelectorAll('#timeline button')].find(b => b.textContent === 'Show all').click()")


def test_the_theme_is_changed_by_a_button(generated):
    seen = []
    for _ in range(3):
        generated.run("document.getElementById('theme').click()")
        seen.append(generated.run("return document.documentElement.dataset.theme"))
    assert seen == ["light", "dark", "light"]  # light, dark, as the system has it


# ---- what may go wrong -----------------------------------------------------------------

def hostile_trace(path):
    events = []
    for span, text in enumerate(HOSTILE, 1):
        one = {"timestamp": 1_700_000_000_000_000 + span * 100, "thread": text, "module": text,
               "function": text, "args": json.dumps({text: text}), "class": text, "file": text,
               "line": 1, "pid": 1, "tid": span, "span": span, "parent": 0, "request_id": text}
        end = {**one, "durationMicros": 50, "timestamp": one["timestamp"] + 50, "result": '"x"'}
        error = {"type": text, "message": text}
        events += [{**one, "event": "ENTER"},
                   {**one, "event": "HTTP_REQUEST", "method": text, "path": text},
                   {**end, "event": "HTTP_RESPONSE", "method": text, "path": text, "status_code": 500},
                   {**end, "event": "EXCEPTION", "exception": error},
                   {**end, "event": "EXIT", "exception": error}]
    path.write_bytes(lines_of(*events))


@pytest.fixture(scope="session")
def hostile_page(report, tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile") / "<b>x<!--.jsonl"
    hostile_trace(path)
    return report(path)


def test_hostile_text_stays_text(open_page, hostile_page):
    page = open_page(hostile_page)
    page.fine()
    assert page.run("return typeof window.hacked") == "undefined"
    assert page.run("return document.querySelectorAll('img, b:not(.details b), script').length") == 1
    assert page.run("return document.title").startswith("<b>x<!--.jsonl")
    labels = {text + "." + text for text in HOSTILE}
    assert labels <= set(page.frames())
    page.run("for (const b of document.querySelectorAll('#functions .more')) b.click()")
    assert {text + "." + text + text + ":1" for text in HOSTILE} == set(page.column(("#functions", 0), "Function"))
    assert all(any(error.endswith(text + ": " + text) for error in page.all(".error h3")) for text in HOSTILE)
    for text in HOSTILE:
        assert "frame" in page.search(text.split("\u2028")[0]), text
    page.search("")


def test_a_page_lets_nothing_in(open_page, hostile_page):
    """No script but its own would run, and nothing is fetched."""
    page = open_page(hostile_page)
    page.run("""
        const script = document.createElement('script');
        script.textContent = 'window.hacked = 4';
        document.body.append(script);
        document.body.append(Object.assign(new Image(), {src: 'file:///etc/hostname'}));""")
    assert page.run("return typeof window.hacked") == "undefined"
    said = " ".join(browser.wait("it says so", lambda: browser.complaints(page.driver)))
    assert "Content Security Policy" in said


def test_nothing_in_it_points_elsewhere(hostile_page):
    text = hostile_page.read_text()
    head = text[:text.index('<script id="data"')]
    assert not re.search(r'(src|href)="(?!#)', head)
    assert text.count("</script>") == 2 and "@FLOWTRACE-DATA@" not in head
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text, re.S)[1]
    assert "<" not in data
    assert {name[0] for name in json.loads(data)["names"]} == {t + "." + t for t in HOSTILE}


@pytest.mark.parametrize("events", [
    [{"timestamp": 1, "event": "LOST", "count": 3, "reason": "ring_full"}],
    [{"timestamp": 5, "event": "ENTER", "function": "f", "span": 1, "pid": 1, "tid": 1}],
    [{"timestamp": 5, "event": "ENTER", "function": "f", "span": 1, "pid": 1, "tid": 1},
     {"timestamp": 5, "event": "EXIT", "function": "f", "span": 1, "pid": 1, "tid": 1, "durationMicros": 0}],
    [{"timestamp": 2 ** 63 - 1, "event": "EXIT", "durationMicros": 2 ** 63 - 1, "function": "f"}],
])
def test_traces_of_nearly_nothing(open_page, report, tmp_path, events):
    path = tmp_path / "t.jsonl"
    path.write_bytes(lines_of(*events))
    open_page(report(path)).fine()


def test_a_large_trace_makes_a_small_page(open_page, report, flowctl, tmp_path):
    path = tmp_path / "large.jsonl"
    with open(path, "wb") as out:
        make_trace.make(out, 200_000, seed=5, functions=8000)
    made = report(path)
    assert made.stat().st_size < 10 << 20
    page = open_page(made)
    page.fine()
    left_out = page.all("#left-out li")
    assert any(re.match(r"The flame graph has the 15,0\d\d paths", line) for line in left_out)
    assert any("The table of functions has the 3,000" in line for line in left_out)
    own = sum(row["selfMicros"] for row in flowctl.json("stats", path)["rows"])
    assert page.run("return document.querySelector('#flame svg > g').__data__.value") == own


def test_more_paths_than_memory_is_for(open_page, report, tmp_path):
    """Those of little time are taken together; one that comes again and again stays whole."""
    path, calls = tmp_path / "paths.jsonl", 300_000
    line = ('{"timestamp": %d, "event": "%s", "function": "%s", "span": %d, "parent": 0, "pid": 1, '
            '"tid": 1%s}\n')
    with open(path, "w") as out:
        for i in range(1, calls + 1):
            name = "again" if i % 1000 == 0 else "f%d" % i
            out.write(line % (10 * i, "ENTER", name, i, ""))
            out.write(line % (10 * i + 2, "EXIT", name, i, ', "durationMicros": 2'))
    page = open_page(report(path))
    page.fine()
    assert page.run("return document.querySelector('#flame svg > g').__data__.value") == 2 * calls
    children = "document.querySelector('#flame svg > g').__data__.children.map(d => d.data.node)"
    again, smaller = (page.run("return %s.filter(n => n.function.label === arguments[0])"
                               ".map(n => [n.time, n.calls])" % children, name)
                      for name in ("again", "(smaller paths)"))
    assert again == [[2 * calls // 1000, calls // 1000]]
    assert smaller[0][0] == 2 * smaller[0][1] > calls
    assert any("of about 299,7" in line for line in page.all("#left-out li"))


def test_deep_recursion(open_page, report, tmp_path):
    path = tmp_path / "deep.jsonl"
    events = [{"timestamp": 100 + i, "event": "ENTER", "function": "f", "span": i, "parent": i - 1,
               "pid": 1, "tid": 1} for i in range(1, 1001)]
    events += [{**event, "event": "EXIT", "timestamp": 5000 - event["span"],
                "durationMicros": 5000 - event["span"] - event["timestamp"]} for event in reversed(events)]
    path.write_bytes(lines_of(*events))
    page = open_page(report(path))
    page.fine()
    assert page.run("return document.querySelector('#flame svg > g').__data__.value") == 4898 - 0
    assert any("600 calls were more than 400 calls deep" in line for line in page.all("#left-out li"))


def test_licences_of_all_that_is_in_it(hostile_page):
    text = hostile_page.read_text()
    notice = (harness.REPO / "NOTICE").read_text()
    kept = re.search(r'<details id="licences">(.*?)</details>', text, re.S)[1]
    lock = json.loads((REPORT / "package-lock.json").read_text())["packages"]
    bundled = re.findall(r"^(?:<summary>.*<pre>)?([@\w/-]+) (\d+\.\d+\.\d+) \(([\w.-]+)\)$", kept, re.M)
    assert {"d3-flame-graph", "d3-selection", "d3-zoom"} <= {name for name, _, _ in bundled}
    for name, version, licence in bundled:
        assert lock["node_modules/" + name]["version"] == version
        assert "%s %s (%s)" % (name, version, licence) in notice
    assert len(re.findall(r"^- ", notice, re.M)) == len(bundled)


def test_bad_input(flowctl, report, tmp_path):
    path = tmp_path / "bad"
    for data, says in ((b"", "is empty"), (b"hello\n", "not JSON"), (bytes(range(256)) * 64, "looks binary")):
        path.write_bytes(data)
        flowctl.refused("report", path, "-o", tmp_path / "out.html", says=[says])
    flowctl.refused("report", tmp_path / "none", says=["No such file"])
    assert list(tmp_path.iterdir()) == [path]


def test_without_its_packages_it_says_what_to_install(tmp_path):
    if not shutil.which("cmake"):
        pytest.skip("no cmake")
    env = harness.environment(FLOWTRACE_NPM=str(tmp_path / "none"))
    harness.run(["cmake", "-G", "Ninja", "-S", harness.REPO, "-B", tmp_path / "build", "-DFT_BPF=OFF",
                 "-DFT_TESTS=OFF", "-DCMAKE_C_FLAGS=-O0"], env=env, check=0)
    harness.run(["ninja", "-C", tmp_path / "build", "-j", str(os.cpu_count()), "flowctl"], env=env,
                check=0, timeout=300)
    done = subprocess.run([tmp_path / "build" / "bin" / "flowctl", "report", "x"], check=False,
                          capture_output=True, text=True)
    assert done.returncode == 1 and done.stdout == ""
    assert re.fullmatch(r"flowctl: .*not included in this build.*\./dev setup.*\n", done.stderr)
