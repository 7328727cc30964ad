// SPDX-License-Identifier: MIT
// Tables that sort by any column, and show more rows when asked.
import { el } from "./dom.js";
import { count } from "./format.js";

const FIRST = 50;
const MORE = 500;

/**
 * columns: [{title, help, value(row), show(row), text: true for words}], rows: anything.
 * Returns {element, filter(f)}; `sorted` is the index of the column that it is sorted by at first.
 */
export function table(caption, columns, rows, sorted) {
  const state = { column: sorted, down: !columns[sorted].text, shown: FIRST, filter: () => true };
  const body = el("tbody");
  const more = el("button", { type: "button", class: "more", onclick: () => { state.shown += MORE; draw(); } });
  const heads = columns.map((column, i) =>
    el("th", { scope: "col", class: column.text ? "text" : "number" },
      el("button", { type: "button", title: column.help, onclick: () => sort(i) }, column.title)));
  const element = el("div", { class: "table" },
    el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...heads)), body), more);

  function compare(a, b) {
    const x = columns[state.column].value(a);
    const y = columns[state.column].value(b);
    const order = typeof x === "string" ? x.localeCompare(y) : x - y;
    return state.down ? -order : order;
  }

  function cell(column, row) {
    const shown = column.show(row);
    return el("td", { class: column.text ? "text" : "number" }, shown);
  }

  function draw() {
    const all = rows.filter(state.filter).sort(compare);
    body.replaceChildren(...all.slice(0, state.shown).map((row) => el("tr", {}, ...columns.map((column) => cell(column, row)))));
    if (!all.length) body.append(el("tr", {}, el("td", { class: "text", colspan: columns.length }, "none")));
    more.hidden = all.length <= state.shown;
    more.textContent = `Show more (${count(all.length - state.shown)} not shown)`;
    heads.forEach((head, i) => {
      const order = i === state.column ? (state.down ? "descending" : "ascending") : "none";
      head.setAttribute("aria-sort", order);
    });
    return all.length;
  }

  function sort(i) {
    state.down = i === state.column ? !state.down : !columns[i].text;
    state.column = i;
    draw();
  }

  draw();
  return {
    element,
    filter(f) {
      state.filter = f;
      state.shown = FIRST;
      return draw();
    },
  };
}
