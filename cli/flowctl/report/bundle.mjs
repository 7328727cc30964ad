// SPDX-License-Identifier: MIT
// Makes the page without its data: one HTML file with script, style and licences in it.
//
//     node bundle.mjs NODE_MODULES OUT
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const [modules, out] = process.argv.slice(2).map((path) => resolve(path));
const here = dirname(fileURLToPath(import.meta.url));
const esbuild = createRequire(join(modules, "package.json"))("esbuild");

const built = await esbuild.build({
  entryPoints: [join(here, "main.js")],
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2020",
  charset: "utf8",
  legalComments: "none", // the whole licences are in the page
  outdir: "out",
  write: false,
  metafile: true,
  nodePaths: [modules],
  logLevel: "warning",
});

const text = (extension) => built.outputFiles.find((file) => file.path.endsWith(extension)).text;
// What would end the element: strings and comments may hold it, code cannot.
const script = text(".js").replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
const style = text(".css");
const hash = (content) => `'sha256-${createHash("sha256").update(content).digest("base64")}'`;

const csp = [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** Name, version and licence of every package of which a file is in the bundle. */
function licences() {
  const names = new Set();
  for (const path of Object.keys(built.metafile.inputs)) {
    const found = path.match(/node_modules\/((?:@[^/]+\/)?[^/]+)\//);
    if (found) names.add(found[1]);
  }
  return [...names].sort().map((name) => {
    const folder = join(modules, name);
    const { version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    if (!file) throw new Error(`${name} has no licence file`);
    return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), "utf8").trim()}`;
  }).join("\n\n----\n\n");
}

const escape = (content) => content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const parts = { CSP: csp, STYLE: style, SCRIPT: script, LICENCES: escape(licences()) };
const page = readFileSync(join(here, "page.html"), "utf8")
  .replace(/@(CSP|STYLE|SCRIPT|LICENCES)@/g, (_, name) => parts[name]);
writeFileSync(out, page);
