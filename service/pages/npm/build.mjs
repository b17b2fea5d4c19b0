// Libraries from npm into ../static/vendor: one ES module and one stylesheet each, and what their licences say.
import { build } from "esbuild";
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const OUT = "../static/vendor";
const TEST_OUT = "../../../tests/browser/vendor";

// Leaflet's plugins look for a global L, so both come in one module.
const MODULES = {
  annotorious: 'export * from "@annotorious/annotorious";',
  htmx: 'import htmx from "htmx.org"; window.htmx = htmx; export default htmx;',
  leaflet: 'import L from "leaflet"; export default L;',
  "leaflet-draw": 'import L from "leaflet"; window.L = L; await import("@geoman-io/leaflet-geoman-free"); export default L;',
  uplot: 'export { default } from "uplot";',
};
const STYLES = {
  annotorious: "@annotorious/annotorious/annotorious.css",
  leaflet: "leaflet/dist/leaflet.css",
  "leaflet-draw": "@geoman-io/leaflet-geoman-free/dist/leaflet-geoman.css",
  uplot: "uplot/dist/uPlot.min.css",
};
const COMMON = { bundle: true, minify: true, legalComments: "none", logLevel: "warning", target: "es2022" };

rmSync(OUT, { recursive: true, force: true });
mkdirSync(OUT, { recursive: true });
for (const [name, contents] of Object.entries(MODULES))
  await build({ ...COMMON, format: "esm", outfile: `${OUT}/${name}.js`, stdin: { contents, resolveDir: "." } });
for (const [name, path] of Object.entries(STYLES))
  await build({ ...COMMON, outfile: `${OUT}/${name}.css`, entryPoints: [path], loader: { ".png": "dataurl", ".svg": "dataurl" } });
mkdirSync(TEST_OUT, { recursive: true });
cpSync("node_modules/axe-core/axe.min.js", `${TEST_OUT}/axe.min.js`);

const installed = JSON.parse(readFileSync("package-lock.json")).packages;
const texts = Object.entries(installed)
  .filter(([path, about]) => path && !about.dev)
  .map(([path, about]) => {
    const file = readdirSync(path).find((name) => /^(licen[cs]e|copying)/i.test(name));
    const text = file ? readFileSync(join(path, file), "utf8") : `Licence: ${about.license}\n`;
    return `== ${path.replace("node_modules/", "")} ${about.version} (${about.license})\n\n${text.trim()}\n`;
  });
writeFileSync(`${OUT}/LICENSES.txt`, texts.join("\n\n"));
