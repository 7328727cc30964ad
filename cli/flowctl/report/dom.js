// SPDX-License-Identifier: MIT
// Elements. Whatever comes from a trace gets here as text and stays text.

/** el("a", {href: "#x", class: "y", onclick: f}, "text", element...) */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

export const byId = (id) => document.getElementById(id);

/** Calls f once when calls have stopped coming for a number of milliseconds. */
export function settled(ms, f) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => f(...args), ms);
  };
}

/** A box beside the pointer; lines is [[title, text]...], the first one is the heading. */
export const tip = (() => {
  const box = el("div", { class: "tip", hidden: true, "aria-hidden": "true" });
  document.body.append(box);
  return {
    show(event, heading, lines) {
      box.replaceChildren(el("strong", {}, heading));
      for (const [title, text] of lines) {
        if (text !== "" && text != null) box.append(el("span", {}, title), el("span", {}, text));
      }
      box.hidden = false;
      const { offsetWidth: width, offsetHeight: height } = box;
      const left = event.clientX + 14 + width > innerWidth ? event.clientX - width - 10 : event.clientX + 14;
      const top = event.clientY + 14 + height > innerHeight ? event.clientY - height - 10 : event.clientY + 14;
      box.style.left = `${Math.max(4, left)}px`;
      box.style.top = `${Math.max(4, top)}px`;
    },
    hide() {
      box.hidden = true;
    },
  };
})();
