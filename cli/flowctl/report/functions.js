// SPDX-License-Identifier: MIT
// What each function cost, and the slowest single calls.
import { calls, functions, place, threadName } from "./data.js";
import { byId, el } from "./dom.js";
import { count, duration, plural } from "./format.js";
import { matches, searchFor } from "./search.js";
import { table } from "./table.js";
import { focusOn } from "./timeline.js";

const orNone = (n) => (n ? count(n) : "");

export function nameOf(f) {
  return el("span", { class: "function" },
    el("button", { type: "button", class: "link", title: "Show it in the flame graph", onclick: () => searchFor(f.label) }, f.label),
    el("small", {}, place(f)));
}

export const threadOf = ({ pid, tid }) =>
  el("span", { class: "thread" }, threadName(pid, tid).replace(/ \(pid \d+, tid \d+\)$/, ""), el("small", {}, `pid ${pid}, tid ${tid}`));

/** Self time, with a bar as long as its part of the greatest. */
function selfBar(greatest) {
  return (row) => {
    const bar = el("span", { class: "part" }, duration(row.self));
    bar.style.setProperty("--part-of", greatest ? row.self / greatest : 0);
    return bar;
  };
}

const time = (title, key, help) => ({ title, help, value: (row) => row[key], show: (row) => duration(row[key]) });
const number = (title, key, help) => ({ title, help, value: (row) => row[key], show: (row) => orNone(row[key]) });

function functionTable() {
  const greatest = functions.reduce((most, row) => Math.max(most, row.self), 0);
  return table("What the calls of each function cost", [
    { title: "Function", text: true, value: (row) => row.function.label, show: (row) => nameOf(row.function) },
    { title: "Self", help: "Time that it ran itself: without the calls it made, and without waiting", value: (row) => row.self, show: selfBar(greatest) },
    time("Wait", "wait", "Time that its calls, of generators or coroutines, were suspended"),
    time("Total", "total", "Durations of all its calls"),
    number("Calls", "calls", "Calls that ended"),
    time("Mean", "mean"), time("p50", "p50", "Half of the calls took no longer"),
    time("p95", "p95"), time("p99", "p99"), time("Max", "max"),
    number("Exc.", "exceptions", "Calls that an exception left"),
    number("Open", "unfinished", "Calls that did not end"),
  ], functions, 1);
}

function values(call) {
  const cell = el("span", { class: "values" });
  if (call.exception) cell.append(el("strong", {}, `✗ ${call.exception} `));
  if (call.args && call.args !== "{}") cell.append(el("code", {}, call.args));
  return cell;
}

function callTable() {
  const start = calls.reduce((least, call) => Math.min(least, call.start), Infinity);
  return table("The slowest single calls", [
    { title: "Call", text: true, value: (row) => row.function.label, show: (row) => nameOf(row.function) },
    time("Duration", "duration"), time("Self", "self"),
    { title: "Began after", value: (row) => row.start, help: "Shows it in the timeline",
      show: (row) => el("button", { type: "button", class: "link", title: "Show it in the timeline", onclick: () => focusOn(row) }, duration(row.start - start)) },
    time("Wait", "wait"),
    { title: "Thread", text: true, value: (row) => threadName(row.pid, row.tid), show: (row) => threadOf(row) },
    { title: "Arguments", text: true, value: (row) => row.args, show: values },
  ], calls.slice(), 1);
}

/** Returns what follows the search. */
export function showFunctions() {
  const all = functionTable();
  const single = callTable();
  byId("functions").append(all.element, single.element);
  return (text) => {
    single.filter((row) => matches(row.function, text));
    const found = all.filter((row) => matches(row.function, text));
    return found ? plural(found, "function") : "";
  };
}
