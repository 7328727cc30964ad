// SPDX-License-Identifier: MIT
// Light or dark: as the system has it, until the reader chooses.
import { byId } from "./dom.js";

const THEMES = { auto: "◐ Auto", light: "☀ Light", dark: "☾ Dark" };
const KEY = "flowtrace-theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const followers = [];
let theme = "auto";

/** Calls f when colours have changed; for what is drawn without style sheets. */
export const onTheme = (f) => followers.push(f);

function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // a file may have no storage
  }
}

function store() {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // it lasts as long as the page
  }
}

function apply() {
  document.documentElement.dataset.theme = theme === "auto" ? (system.matches ? "dark" : "light") : theme;
  byId("theme").textContent = THEMES[theme];
  byId("theme").setAttribute("aria-label", `Colours: ${theme}; changes them`);
  followers.forEach((f) => f());
}

export function showTheme() {
  const all = Object.keys(THEMES);
  if (all.includes(stored())) theme = stored();
  apply();
  byId("theme").addEventListener("click", () => {
    theme = all[(all.indexOf(theme) + 1) % all.length];
    apply();
    store();
  });
  system.addEventListener("change", apply);
}
