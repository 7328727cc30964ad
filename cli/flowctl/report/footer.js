// SPDX-License-Identifier: MIT
// What is not shown, and where the page comes from.
import { created, leftOut, traces, version } from "./data.js";
import { byId, el } from "./dom.js";
import { moment } from "./format.js";

export function showFooter() {
  const lines = leftOut();
  byId("footer").prepend(
    el("section", { id: "left-out" }, el("h2", {}, "What this page leaves out"),
      lines.length ? el("ul", {}, ...lines.map((line) => el("li", {}, line)))
        : el("p", {}, "Nothing: every path, function, error and route of the trace is here, and every call is in the timeline.")),
    el("p", {}, `Made by flowctl ${version} at ${moment(created)} from ${traces.join(", ")}. ` +
      "Self time is a call's duration without that of the calls it made; times of generators and coroutines include the time in which they were suspended."));
}
