// SPDX-License-Identifier: MIT
// The figures on top.
import { created, summary, traces } from "./data.js";
import { byId, el } from "./dom.js";
import { count, duration, moment } from "./format.js";

const tile = (name, value, note, warning) =>
  el("div", { class: warning ? "tile warning" : "tile" },
    el("dt", {}, name), el("dd", {}, warning ? `⚠ ${value}` : value), note ? el("dd", { class: "small" }, note) : null);

export function showSummary() {
  const s = summary;
  const name = traces.map((path) => path.split("/").pop()).join(", ");
  document.title = `${name} – FlowTrace report`;
  byId("title").textContent = name;
  byId("title").title = traces.join("\n");
  const unanswered = Math.max(0, s.requests - s.responses);
  byId("summary").append(
    el("dl", { class: "tiles" },
      tile("Duration", duration(s.durationMicros), s.startMicros ? moment(s.startMicros).slice(0, -4).replaceAll("-", "\u2011") : ""),
      tile("Events", count(s.events)),
      tile("Calls", count(s.calls)),
      tile("Functions", count(s.functions)),
      tile("Exceptions", count(s.exceptions), s.callsLeftByException ? `left ${count(s.callsLeftByException)} calls` : ""),
      tile("Requests", count(s.requests), unanswered ? `${count(unanswered)} without a response` : ""),
      tile("Processes", count(s.processes)),
      tile("Threads", count(s.threads)),
      tile("Unfinished", count(s.unfinished), "calls that did not end"),
      tile("Lost", count(s.lost), "events not recorded", s.lost > 0),
      s.badLines ? tile("Bad lines", count(s.badLines), "not events, skipped", true) : null));
  if (s.torn) byId("summary").append(el("p", { class: "note" }, "⚠ The trace ends in the middle of something: cut off, or still being written."));
  byId("summary").dataset.created = created;
}
