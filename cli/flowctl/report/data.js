// SPDX-License-Identifier: MIT
// The trace, as cli/flowctl/report_data.c has written it: rows become objects here.

const raw = JSON.parse(document.getElementById("data").textContent);
document.getElementById("data").remove(); // one copy is enough

export const { summary, traces, version, activity } = raw;
export const created = raw.createdSeconds * 1e6;

const names = raw.names.map(([label, module, file, line], id) => ({
  id, label, module, file, line,
  /** The last two parts: what fits where there is little room. */
  short: label.split(".").slice(-2).join("."),
  search: `${label}\n${file}`.toLowerCase(),
}));
const nothing = { id: -1, label: "", short: "", module: "", file: "", line: 0, search: "" };
/** What hangs below a path and is too small to be told apart. */
const smaller = { ...nothing, id: -2, label: "(smaller paths)", short: "(smaller)" };
export const functionOf = (id) => (id < 0 ? nothing : names[id]);
export const place = (f) => (f.file ? `${f.file}:${f.line}` : "");

export const functions = raw.functions.map(
  ([id, calls, exceptions, unfinished, total, self, p50, p95, p99, max, wait]) => ({
    function: functionOf(id), calls, exceptions, unfinished, total, self, p50, p95, p99, max, wait,
    mean: calls ? total / calls : 0,
  }));

export const calls = raw.calls.map(
  ([id, start, duration, self, pid, tid, depth, args, exception, request, wait]) => ({
    function: functionOf(id), start, duration, self, wait, pid, tid,
    depth, args, exception, request,
  }));

export const requests = raw.requests.map(([start, duration, status, pid, tid, method, path, id]) =>
  ({ start, duration, status, pid, tid, method, path, id }));

export const routes = raw.routes.map(([method, path, status, count, total, p50, p95, max]) =>
  ({ method, path, status, count, total, mean: count ? total / count : 0, p50, p95, max }));

export const errors = raw.errors.map((error) => ({ ...error, chain: error.chain.map(functionOf) }));

const threads = new Map(activity.threads.map((thread) => [`${thread.pid}/${thread.tid}`, thread]));
export function threadName(pid, tid) {
  const thread = threads.get(`${pid}/${tid}`);
  if (!pid && !tid) return "other threads";
  return `${thread && thread.name ? thread.name : "thread"} (pid ${pid}, tid ${tid})`;
}

/** The paths of each thread as trees: {function, self, calls, errors, children}. */
function trees() {
  const { parent, function: id, self, calls: count, errors: raised, folded, foldedSelf, foldedCalls } = raw.flame;
  const nodes = id.map((f, i) => {
    const node = { function: functionOf(f), self: self[i], calls: count[i], errors: raised[i], children: [] };
    if (folded[i]) {
      node.children.push({ function: smaller, self: foldedSelf[i], calls: foldedCalls[i], errors: 0, children: [] });
    }
    return node;
  });
  parent.forEach((p, i) => p >= 0 && nodes[p].children.push(nodes[i])); // parents come first
  return raw.flame.roots.map(([i, pid, tid]) => ({ ...nodes[i], pid, tid }));
}
export const roots = trees();

/** Several trees as one: the same function below the same callers is one node. */
export function merge(several) {
  const all = { function: nothing, self: 0, calls: 0, errors: 0, children: [] };
  const at = new Map();
  for (const node of several) {
    all.self += node.self;
    all.calls += node.calls;
    all.errors += node.errors;
    for (const child of node.children) {
      const key = child.function.id;
      if (!at.has(key)) at.set(key, []);
      at.get(key).push(child);
    }
  }
  for (const same of at.values()) {
    all.children.push(same.length === 1 ? same[0] : { ...merge(same), function: same[0].function });
  }
  return all;
}

/** What the page does not show, in sentences. */
export function leftOut() {
  const { flame } = raw;
  const lines = [];
  const say = (shown, all, text) => shown < all && lines.push(text(shown.toLocaleString("en"), all.toLocaleString("en")));
  say(flame.parent.length, flame.paths + flame.pruned, (n, all) =>
    `The flame graph has the ${n} paths with the most time, of ${flame.pruned ? "about " : ""}${all}; the others are added up as “smaller paths” where they belong.`);
  if (flame.deepest) lines.push(`${flame.deepest.toLocaleString("en")} calls were more than 400 calls deep: their time is that of a caller.`);
  say(functions.length, summary.functions, (n, all) => `The table of functions has the ${n} with the most time of their own, of ${all}.`);
  say(calls.length, summary.calls, (n, all) => `Timeline and slowest calls have the ${n} longest calls, of ${all}; all of them are in the strips of activity.`);
  say(requests.length, summary.responses, (n, all) => `The timeline has the ${n} longest requests, of ${all}; the table of routes counts all.`);
  say(routes.length, raw.routesAll, (n, all) => `The table of routes has the ${n} most frequent, of ${all}.`);
  if (raw.routesOthers) lines.push(`${raw.routesOthers.toLocaleString("en")} requests to still more routes are in no row.`);
  say(errors.length, raw.errorsAll, (n, all) => `The ${n} most frequent errors are shown, of ${all}.`);
  if (raw.errorsOthers) lines.push(`${raw.errorsOthers.toLocaleString("en")} exceptions of still more kinds are not told apart.`);
  return lines;
}
