// SPDX-License-Identifier: MIT
// Numbers for people.

const whole = new Intl.NumberFormat("en");
export const count = (n) => whole.format(n);

/** "870 µs", "12.3 ms", "1.50 s", "2 h 05 min" */
export function duration(us) {
  const three = (n) => (n < 10 ? n.toFixed(2) : n < 100 ? n.toFixed(1) : n.toFixed(0));
  if (us < 1000) return `${Number.isInteger(us) ? us : three(us)} µs`;
  if (us < 999_500) return `${three(us / 1e3)} ms`;
  if (us < 120e6) return `${three(us / 1e6)} s`;
  const minutes = Math.round(us / 60e6);
  if (minutes < 60) return `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

export function percent(part, all) {
  if (!all) return "0 %";
  const p = (100 * part) / all;
  return `${p >= 10 || p === 0 ? p.toFixed(1) : p.toFixed(2)} %`;
}

/** Local date and time, to the millisecond. */
export function moment(us) {
  const date = new Date(us / 1000);
  const two = (n) => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ` +
    `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.` +
    String(date.getMilliseconds()).padStart(3, "0");
}

export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;
