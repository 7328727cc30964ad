// SPDX-License-Identifier: MIT
// Exceptions by what they say and where they came up.
import { errors, place, threadName } from "./data.js";
import { byId, el } from "./dom.js";
import { count, moment, plural } from "./format.js";
import { nameOf } from "./functions.js";

const row = (title, ...content) => [el("dt", {}, title), el("dd", {}, ...content)];

function callers(error) {
  const chain = error.chain.slice(1);
  if (!chain.length) return null;
  const items = chain.map((f) => el("li", {}, nameOf(f)));
  if (error.chainMore) items.push(el("li", {}, `and ${count(error.chainMore)} more`));
  return el("details", {}, el("summary", {}, plural(chain.length + error.chainMore, "caller")), el("ol", {}, ...items));
}

function card(error) {
  const times = error.count === 1 ? moment(error.firstMicros) : `${moment(error.firstMicros)} to ${moment(error.lastMicros)}`;
  return el("article", { class: "error" },
    el("h3", {}, el("span", { class: "times" }, `${count(error.count)} ×`), " ",
      el("span", { class: "type" }, error.type || "(unknown type)"), error.message ? `: ${error.message}` : ""),
    el("dl", {},
      ...row("in", nameOf(error.chain[0])),
      ...(error.args && error.args !== "{}" ? row("with", el("code", {}, error.args)) : []),
      ...row("when", `${times}, first in ${threadName(error.pid, error.tid)}, line ${count(error.traceLine)} of the trace`),
      ...(error.passed ? row("left", `${plural(error.passed, "more call")} on its way up`) : [])),
    callers(error));
}

/** Returns what follows the search. */
export function showErrors() {
  const cards = errors.map((error) => ({
    element: card(error),
    search: `${error.type}\n${error.message}\n${error.chain[0].label}\n${place(error.chain[0])}`.toLowerCase(),
  }));
  byId("errors").append(...cards.map(({ element }) => element));
  if (!cards.length) byId("errors").append(el("p", { class: "none" }, "No exception left a call in this trace."));
  return (text) => {
    let found = 0;
    for (const one of cards) {
      one.element.hidden = !one.search.includes(text);
      found += !one.element.hidden;
    }
    return found ? plural(found, "error") : "";
  };
}
