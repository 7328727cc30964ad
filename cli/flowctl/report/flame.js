// SPDX-License-Identifier: MIT
// The flame graph: d3-flame-graph draws it; threads, widths, search and keys are ours.
import flamegraph from "d3-flame-graph";
import { select } from "d3-selection";
import { merge, place, roots, threadName } from "./data.js";
import { byId, el, settled, tip } from "./dom.js";
import { count, duration, percent, plural } from "./format.js";
import { matches } from "./search.js";

const HUES = 8; // --flame-0 and so on in style.css
const SHADES = [100, 84, 68]; // percent of it, for the functions of a module
const ROW = 20; // pixels
const CHARACTER = 7.5; // pixels, with some to spare
const NARROWEST = 1; // pixels; narrower frames are not drawn

function hashOf(text) {
  let hash = 0;
  for (const c of text) hash = (hash * 31 + c.codePointAt(0)) >>> 0;
  return hash;
}

/** The same module has the same hue and the same function the same shade, always. */
function colourOf(f) {
  const hue = hashOf((f.module || f.label).split(".").slice(0, 2).join(".")) % HUES;
  return `color-mix(in srgb, var(--flame-${hue}) ${SHADES[hashOf(f.label) % SHADES.length]}%, var(--paper))`;
}

/** What d3-flame-graph takes; value: what its width is made of, besides those below it. */
const frame = (node, by) => ({
  name: node.function.short,
  value: node[by],
  node,
  children: node.children.map((child) => frame(child, by)),
});

/** Time of all below it and its own; calls too. */
function sums(node) {
  node.time = node.self;
  for (const child of node.children) node.time += sums(child);
  return node.time;
}

export function showFlame() {
  const box = el("div", { class: "graph", tabindex: "0", role: "application", "aria-describedby": "flame-keys",
    "aria-label": "Flame graph: arrow keys move, Enter zooms, Escape shows all" });
  const details = el("div", { class: "details", "aria-live": "polite" });
  const thread = el("select", { id: "flame-thread" }, el("option", { value: "all" }, `All threads (${roots.length})`),
    ...roots.map((root, i) => el("option", { value: i }, threadName(root.pid, root.tid))));
  const by = el("select", { id: "flame-by" }, el("option", { value: "self" }, "time"), el("option", { value: "calls" }, "number of calls"));
  const reset = el("button", { type: "button", onclick: () => zoomOut() }, "Show all");
  byId("flame").append(
    el("div", { class: "controls" },
      el("label", { for: "flame-thread" }, "Thread"), thread, el("label", { for: "flame-by" }, "Width is"), by, reset,
      el("span", { id: "flame-keys", class: "keys" }, "Click or Enter zooms, arrow keys move, Esc shows all")),
    box, details);

  let chart, all, text = "", selected = null;
  const root = () => select(box).datum();
  const visible = (d) => d.value > 0 && (d.x1 - d.x0) * chart.width() > NARROWEST;

  function fill(d) {
    if (d.highlight) return "var(--hit)";
    const { function: f } = d.data.node;
    return f.id < 0 ? "var(--flame-other)" : colourOf(f);
  }

  function lines(d) {
    const { node } = d.data;
    const f = node.function;
    return [
      ["total", `${duration(node.time)}, ${percent(node.time, all.time)} of what is shown`],
      ["self", duration(node.self)],
      ["calls", node.calls ? count(node.calls) : ""],
      ["mean", node.calls ? duration(Math.round(node.time / node.calls)) : ""],
      ["left by exception", node.errors ? count(node.errors) : ""],
      ["at", place(f)],
    ];
  }

  const label = (d) => (d.parent ? d.data.node.function.label : "everything");

  function tell(d) {
    details.replaceChildren();
    if (!d) {
      details.append("What a frame cost is shown here: point at it, or press Tab until the graph has the focus and use the arrow keys.");
      return;
    }
    details.append(el("strong", {}, label(d)), ...lines(d).filter(([, value]) => value)
      .map(([title, value]) => el("span", {}, `${title} `, el("b", {}, value))));
  }

  /** d3-flame-graph sets all classes of a frame anew whenever it draws. */
  function decorate() {
    box.classList.toggle("searching", text !== "");
    select(box).selectAll("svg > g")
      .classed("hit", (d) => d.highlight)
      .classed("selected", (d) => d === selected);
  }

  function choose(d) {
    selected = d;
    decorate();
    tell(d);
    const drawn = box.querySelector("svg > g.selected");
    if (drawn) drawn.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  function zoom(d) {
    chart.zoomTo(d); // which tells onClick
  }

  function zoomOut() {
    if (!chart) return;
    chart.resetZoom();
  }

  const pointer = Object.assign(() => {}, {
    show: (event, d) => {
      tip.show(event, label(d), lines(d));
    },
    hide: () => tip.hide(),
  });

  function search() {
    if (text) chart.search(text);
    else chart.clear();
    decorate();
  }

  function draw() {
    selected = null;
    box.replaceChildren();
    details.replaceChildren();
    const from = thread.value === "all" ? merge(roots) : roots[Number(thread.value)];
    sums(from);
    all = from;
    chart = null;
    const total = by.value === "self" ? all.time : roots.length;
    if (!from.children.length || !total) {
      box.append(el("p", { class: "none" }, from.children.length
        ? "All calls together took less than a microsecond: choose “number of calls” as the width."
        : "No call of this trace ended."));
      return;
    }
    chart = flamegraph()
      .width(Math.max(320, box.clientWidth))
      .cellHeight(ROW)
      .inverted(true)
      .selfValue(true)
      .minFrameSize(NARROWEST)
      .transitionDuration(matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 200)
      .sort((a, b) => b.value - a.value || a.data.name.localeCompare(b.data.name))
      .getName((d) => (d.parent && (d.x1 - d.x0) * chart.width() > d.data.node.function.label.length * CHARACTER ? d.data.node.function.label : d.data.name))
      .tooltip(pointer)
      .setColorMapper(fill)
      .setSearchMatch((d) => d.parent && text !== "" && matches(d.data.node.function, text))
      .setSearchHandler(() => {})
      .onClick(choose);
    select(box).datum({ ...frame(from, by.value), name: "everything" }).call(chart);
    box.querySelector("svg").setAttribute("aria-hidden", "true"); // `details` says it
    tell(null);
    if (text) search();
  }

  const moves = {
    ArrowDown: (d) => (d.children || []).filter(visible)[0],
    ArrowUp: (d) => d.parent,
    ArrowLeft: (d) => beside(d, -1),
    ArrowRight: (d) => beside(d, 1),
    Home: () => root(),
  };

  function beside(d, step) {
    const all = d.parent ? d.parent.children.filter(visible) : [d];
    return all[all.indexOf(d) + step];
  }

  box.addEventListener("keydown", (event) => {
    if (!chart || event.ctrlKey || event.metaKey || event.altKey) return;
    const move = moves[event.key];
    if (move) choose((selected ? move(selected) : root()) || selected);
    else if (event.key === "Enter" && selected) zoom(selected);
    else if (event.key === "Escape") zoomOut();
    else return;
    event.preventDefault();
  });
  thread.addEventListener("change", draw);
  by.addEventListener("change", draw);
  let width = box.clientWidth;
  new ResizeObserver(settled(150, () => {
    if (Math.abs(box.clientWidth - width) < 2) return;
    width = box.clientWidth;
    draw();
  })).observe(box);
  draw();

  return (wanted) => {
    text = wanted;
    if (!chart) return "";
    search();
    if (!text) return "";
    let found = 0, time = 0;
    (function look(d, inside) {
      const hit = d.highlight;
      found += hit ? 1 : 0;
      if (hit && !inside) time += d.data.node.time;
      (d.children || []).forEach((child) => look(child, inside || hit));
    })(root(), false);
    return found ? `${plural(found, "frame")}, ${percent(time, all.time)} of the time` : "";
  };
}
