// SPDX-License-Identifier: MIT
// One search for the whole page: parts of it say what they found.
import { byId, settled } from "./dom.js";

const followers = [];

/** f(text) shows what matches (all, for "") and returns what it found, in words, or "". */
export function onSearch(f) {
  followers.push(f);
}

export const matches = (f, text) => f.search.includes(text);

function run() {
  const text = byId("search-text").value.trim().toLowerCase();
  const found = followers.map((f) => f(text)).filter(Boolean);
  byId("search-found").textContent = text ? found.join(", ") || "nothing found" : "";
}

/** Searches for it as if it had been typed, and goes to where it is shown. */
export function searchFor(text) {
  byId("search-text").value = text;
  run();
  byId("flame").scrollIntoView({ block: "start" });
}

const input = byId("search-text");
input.addEventListener("input", settled(120, run));
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});
addEventListener("keydown", (event) => {
  const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement;
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    input.focus();
    input.select();
  } else if (event.key === "Escape" && event.target === input && input.value) {
    event.preventDefault();
    input.value = "";
    run();
  }
});
