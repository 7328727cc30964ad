// SPDX-License-Identifier: MIT
// HTTP requests by route and status, and the slowest of them.
import { requests, routes, threadName } from "./data.js";
import { byId, el } from "./dom.js";
import { count, duration } from "./format.js";
import { threadOf } from "./functions.js";
import { table } from "./table.js";
import { focusOn } from "./timeline.js";

/** Told by its sign and its words too, not by colour alone. */
export function statusKind(status) {
  if (status >= 500) return { name: "failed", sign: "✗" };
  if (status >= 400) return { name: "refused", sign: "!" };
  if (status >= 300) return { name: "moved", sign: "→" };
  return { name: "fine", sign: "✓" };
}

function badge(row) {
  const { name, sign } = statusKind(row.status);
  return el("span", { class: `status ${name}`, title: name }, `${sign} ${row.status || "?"}`);
}

const time = (title, key) => ({ title, value: (row) => row[key], show: (row) => duration(row[key]) });
const status = { title: "Status", value: (row) => row.status, show: badge };
const method = { title: "Method", text: true, value: (row) => row.method, show: (row) => row.method };

export function showRequests() {
  if (!routes.length) {
    byId("requests").append(el("p", { class: "none" }, "No HTTP response is in this trace."));
    return;
  }
  byId("requests").append(
    table("By route and status; what is an id in a path is {n}, {uuid} or {hex}", [
      method,
      { title: "Route", text: true, value: (row) => row.path, show: (row) => el("code", {}, row.path) },
      status,
      { title: "Count", value: (row) => row.count, show: (row) => count(row.count) },
      time("Total", "total"), time("Mean", "mean"), time("p50", "p50"), time("p95", "p95"), time("Max", "max"),
    ], routes.slice(), 3).element,
    table("The slowest requests", [
      method,
      { title: "Path", text: true, value: (row) => row.path, show: (row) => el("code", {}, row.path) },
      status,
      { title: "Duration", value: (row) => row.duration,
        show: (row) => el("button", { type: "button", class: "link", title: "Show it in the timeline", onclick: () => focusOn(row) }, duration(row.duration)) },
      { title: "Thread", text: true, value: (row) => threadName(row.pid, row.tid), show: threadOf },
      { title: "Request id", text: true, value: (row) => row.id, show: (row) => el("code", {}, row.id) },
    ], requests.slice(), 3).element);
}
