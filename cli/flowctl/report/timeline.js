// SPDX-License-Identifier: MIT
// Requests and long calls of each thread over time, over a strip that shows how many calls it began.
import { scaleLinear } from "d3-scale";
import { select } from "d3-selection";
import { zoom, zoomIdentity } from "d3-zoom";
import { activity, calls, place, requests, threadName } from "./data.js";
import { byId, el, settled, tip } from "./dom.js";
import { count, duration, moment, plural } from "./format.js";
import { onTheme } from "./theme.js";

const LEFT = 200; // pixels for names
const AXIS = 24;
const LANE = 16;
const STRIP = 12;
const GAP = 10;
const MOST_LANES = 12;
const MOST_THREADS = 60;

let show = () => {};
/** Scrolls to the timeline and zooms to a call or a request. */
export const focusOn = (item) => show(item);

/** Puts each into the first lane where it overlaps nothing. Longer ones come first of those that begin together. */
function intoLanes(items) {
  const ends = [];
  let hidden = 0;
  const placed = [];
  for (const item of items.slice().sort((a, b) => a.start - b.start || b.duration - a.duration || a.depth - b.depth)) {
    let lane = ends.findIndex((end) => end <= item.start);
    if (lane < 0) lane = ends.length;
    if (lane >= MOST_LANES) {
      hidden++;
      continue;
    }
    ends[lane] = item.start + item.duration;
    placed.push({ item, lane });
  }
  return { placed, lanes: ends.length, hidden };
}

/** Groups from top to bottom: requests, then each thread. */
function groups() {
  const all = [];
  let y = AXIS + 4;
  const add = (group) => {
    const lanes = intoLanes(group.items);
    all.push({ ...group, ...lanes, y });
    y += (group.buckets ? STRIP + 2 : 0) + Math.max(group.buckets ? 0 : 1, lanes.lanes) * LANE + GAP;
  };
  if (requests.length) add({ title: "HTTP requests", note: "", items: requests });
  const busiest = activity.threads.filter((thread) => thread.calls).sort((a, b) => b.calls - a.calls);
  for (const thread of busiest.slice(0, MOST_THREADS)) {
    add({
      title: thread.pid || thread.tid ? thread.name || "thread" : "other threads",
      note: thread.pid || thread.tid ? `${thread.pid} / ${thread.tid}` : "",
      buckets: thread.buckets,
      most: Math.max(...thread.buckets),
      items: calls.filter((call) => call.pid === thread.pid && call.tid === thread.tid),
    });
  }
  return { all, height: y, hiddenThreads: Math.max(0, busiest.length - MOST_THREADS) };
}

function extent() {
  const items = [...requests, ...calls];
  const start = items.reduce((least, item) => Math.min(least, item.start), activity.startMicros || Infinity);
  const end = items.reduce((most, item) => Math.max(most, item.start + item.duration), start);
  const last = activity.threads.reduce((most, thread) => Math.max(most, thread.buckets.findLastIndex((n) => n)), -1);
  return [start, Math.max(end, activity.startMicros + (last + 1) * activity.widthMicros, start + 1)];
}

const isRequest = (item) => item.method !== undefined;
const kindOf = (item) => (isRequest(item) ? (item.status >= 500 ? "failed" : item.status >= 400 ? "refused" : "request") : item.exception ? "failed" : "call");

function textOf(item) {
  if (isRequest(item)) return `${item.status >= 400 ? "✗ " : ""}${item.status} ${item.method} ${item.path}`;
  return `${item.exception ? "✗ " : ""}${item.function.short}`;
}

export function showTimeline() {
  const section = byId("timeline");
  if (!activity.threads.some((thread) => thread.calls) && !requests.length && !calls.length) {
    section.append(el("p", { class: "none" }, "No call and no request is in this trace."));
    return;
  }
  const { all, height, hiddenThreads } = groups();
  const [start, end] = extent();
  const canvas = el("canvas", { tabindex: "0", role: "img",
    "aria-label": `Timeline of ${plural(all.length, "row")}: left and right move, plus and minus zoom, Escape shows all. The same calls and requests are in the tables below.` });
  const box = el("div", { class: "graph" }, canvas);
  const notes = [];
  const hidden = all.reduce((sum, group) => sum + group.hidden, 0);
  if (hidden) notes.push(`${plural(hidden, "call or request", "calls or requests")} overlap more than ${MOST_LANES} others and are not drawn.`);
  if (hiddenThreads) notes.push(`${plural(hiddenThreads, "thread")} with fewer calls are not drawn.`);
  section.append(
    el("div", { class: "controls" },
      el("button", { type: "button", onclick: () => scaleBy(2), "aria-label": "Zoom in" }, "+"),
      el("button", { type: "button", onclick: () => scaleBy(0.5), "aria-label": "Zoom out" }, "−"),
      el("button", { type: "button", onclick: () => reset() }, "Show all"),
      el("span", { class: "legend" },
        el("i", { class: "key call" }), "call", el("i", { class: "key request" }), "request",
        el("i", { class: "key refused" }), "✗ 4xx", el("i", { class: "key failed" }), "✗ exception or 5xx",
        el("i", { class: "key strip" }), "calls begun"),
      el("span", { class: "keys" }, "Drag moves, Ctrl and wheel zoom, or use ← → + − Esc")),
    box, ...notes.map((note) => el("p", { class: "small" }, note)));

  let transform = zoomIdentity;
  let width = 0;
  let marked = null;
  const base = scaleLinear().domain([start, end]);
  const scale = () => transform.rescaleX(base.range([LEFT, width - 8]));

  const behaviour = zoom()
    .scaleExtent([1, Math.max(2, (end - start) / 20)])
    .filter((event) => !event.button && (event.type !== "wheel" || event.ctrlKey || event.metaKey))
    .on("zoom", (event) => {
      transform = event.transform;
      tip.hide();
      draw();
    });
  const chosen = select(canvas);
  const scaleBy = (k) => chosen.call(behaviour.scaleBy, k);
  const reset = () => {
    marked = null;
    chosen.call(behaviour.transform, zoomIdentity);
  };

  function resize() {
    width = Math.max(480, box.clientWidth);
    const ratio = Math.min(devicePixelRatio || 1, 2);
    canvas.width = width * ratio;
    canvas.height = height * ratio;
    canvas.style.width = `${width}px`;
    canvas.style.height = `${height}px`;
    canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
    behaviour.extent([[LEFT, 0], [width - 8, height]]).translateExtent([[LEFT, 0], [width - 8, height]]);
    chosen.call(behaviour).on("dblclick.zoom", null);
    draw();
  }

  const laneY = (group, lane) => group.y + (group.buckets ? STRIP + 2 : 0) + lane * LANE;

  function drawStrip(g, x, group, colour) {
    g.fillStyle = colour("--strip-empty");
    g.fillRect(LEFT, group.y, width - 8 - LEFT, STRIP);
    g.fillStyle = colour("--strip");
    group.buckets.forEach((n, i) => {
      if (!n) return;
      const from = x(activity.startMicros + i * activity.widthMicros);
      const to = x(activity.startMicros + (i + 1) * activity.widthMicros);
      if (to < LEFT || from > width) return;
      const tall = Math.max(2, STRIP * Math.sqrt(n / group.most)); // seen by height, not by shade
      g.fillRect(from, group.y + STRIP - tall, Math.max(1, to - from), tall);
    });
  }

  function drawItem(g, x, group, { item, lane }, colour) {
    const from = Math.max(LEFT, x(item.start));
    const to = Math.min(width - 8, x(item.start + item.duration));
    if (to < LEFT || from > width - 8) return;
    const y = laneY(group, lane);
    const wide = Math.max(1.5, to - from);
    const kind = kindOf(item);
    g.fillStyle = colour(`--bar-${kind}`);
    g.fillRect(from, y + 1, wide, LANE - 2);
    if (kind === "failed" || kind === "refused") { // a mark besides the colour
      g.fillStyle = colour("--ink");
      g.fillRect(from, y + LANE - 4, wide, 2);
    }
    if (item === marked) {
      g.strokeStyle = colour("--ink");
      g.lineWidth = 2;
      g.strokeRect(from - 1, y, wide + 2, LANE - 1);
    }
    if (wide > 30) {
      g.save();
      g.beginPath();
      g.rect(from + 3, y, wide - 6, LANE);
      g.clip();
      g.fillStyle = colour("--bar-ink");
      g.fillText(textOf(item), from + 4, y + LANE / 2);
      g.restore();
    }
  }

  function drawAxis(g, x, colour) {
    const ticks = scaleLinear().domain(x.domain().map((us) => us - start)).range(x.range());
    g.fillStyle = colour("--dim");
    g.strokeStyle = colour("--line");
    g.lineWidth = 1;
    for (const at of ticks.ticks(Math.max(2, Math.floor((width - LEFT) / 110)))) {
      const px = Math.round(ticks(at)) + 0.5;
      if (px < LEFT || px > width - 8) continue;
      g.beginPath();
      g.moveTo(px, AXIS - 4);
      g.lineTo(px, height);
      g.stroke();
      g.textAlign = px > width - 36 ? "right" : px < LEFT + 4 ? "left" : "center";
      g.fillText(at === 0 ? "0" : duration(Math.round(at)), px, AXIS / 2);
    }
    g.textAlign = "left";
  }

  function drawTitle(g, group, colour, font) {
    const clip = (text, y, colourName, weight) => {
      g.font = `${weight} 12px ${font}`;
      g.fillStyle = colour(colourName);
      let shown = text;
      while (shown.length > 1 && g.measureText(shown).width > LEFT - 16) shown = shown.slice(0, -2);
      g.fillText(shown === text ? text : `${shown}…`, 6, y);
    };
    clip(group.title, group.y + 7, "--ink", "600");
    if (group.note && (group.lanes || !group.buckets)) clip(group.note, group.y + 22, "--dim", "400");
  }

  function draw() {
    if (!width) return;
    const g = canvas.getContext("2d");
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const font = getComputedStyle(document.body).fontFamily;
    const x = scale();
    g.clearRect(0, 0, width, height);
    g.textBaseline = "middle";
    g.font = `12px ${font}`;
    drawAxis(g, x, colour);
    g.save();
    g.beginPath();
    g.rect(LEFT, 0, width - LEFT, height);
    g.clip();
    for (const group of all) {
      if (group.buckets) drawStrip(g, x, group, colour);
      group.placed.forEach((one) => drawItem(g, x, group, one, colour));
    }
    g.restore();
    all.forEach((group) => drawTitle(g, group, colour, font));
  }

  function itemAt(event) {
    const bounds = canvas.getBoundingClientRect();
    const px = event.clientX - bounds.left, py = event.clientY - bounds.top;
    const x = scale();
    if (px < LEFT) return null;
    for (const group of all) {
      for (const { item, lane } of group.placed) {
        const y = laneY(group, lane);
        if (py >= y && py < y + LANE && px >= x(item.start) - 1 && px <= x(item.start + item.duration) + 1.5) return item;
      }
    }
    return null;
  }

  function lines(item) {
    const when = ["began", `${duration(item.start - start)} after the first, ${moment(item.start)}`];
    if (isRequest(item)) return [["took", duration(item.duration)], when, ["status", String(item.status)], ["thread", threadName(item.pid, item.tid)], ["request", item.id]];
    return [["took", duration(item.duration)], ["self", duration(item.self)], when, ["thread", threadName(item.pid, item.tid)],
      ["depth", count(item.depth)], ["args", item.args === "{}" ? "" : item.args.slice(0, 300)], ["raised", item.exception], ["at", place(item.function)]];
  }

  canvas.addEventListener("mousemove", (event) => {
    const item = event.buttons ? null : itemAt(event);
    canvas.classList.toggle("over", Boolean(item));
    if (item) tip.show(event, isRequest(item) ? `${item.method} ${item.path}` : item.function.label, lines(item));
    else tip.hide();
  });
  canvas.addEventListener("mouseleave", () => tip.hide());
  canvas.addEventListener("click", (event) => {
    marked = itemAt(event);
    draw();
  });
  canvas.addEventListener("keydown", (event) => {
    const step = (width - LEFT) / 6 / transform.k;
    const keys = {
      ArrowLeft: () => chosen.call(behaviour.translateBy, step, 0),
      ArrowRight: () => chosen.call(behaviour.translateBy, -step, 0),
      "+": () => scaleBy(2), "=": () => scaleBy(2), "-": () => scaleBy(0.5),
      Escape: reset, Home: reset,
    };
    if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  show = (item) => {
    marked = item;
    const span = Math.max(item.duration * 3, (end - start) / behaviour.scaleExtent()[1]);
    const k = Math.min(behaviour.scaleExtent()[1], Math.max(1, (end - start) / span));
    base.range([LEFT, width - 8]);
    const middle = base(item.start + item.duration / 2);
    const right = width - 8;
    const shift = Math.min(LEFT - k * LEFT, Math.max(right - k * right, (LEFT + right) / 2 - k * middle));
    chosen.call(behaviour.transform, zoomIdentity.translate(shift, 0).scale(k));
    section.scrollIntoView({ block: "start" });
    const group = all.find((one) => one.placed.some((p) => p.item === item));
    if (group) box.scrollTop = Math.max(0, group.y - 60);
    canvas.focus({ preventScroll: true });
  };
  onTheme(draw);
  new ResizeObserver(settled(100, () => box.clientWidth !== width && resize())).observe(box);
  resize();
}
