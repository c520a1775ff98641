// Starts Python with all that the page needs, and stores its memory: node snapshot.mjs WORK
//
// WORK/core holds Pyodide's core, WORK/files the cut runtime's file system, WORK/programs the page's Python and PyScript's
// modules. Written to WORK/out: `facts.json`, what a restore has to know; and `memory`, the pages that are not as they are
// before Python starts. Clock and chance stand still, so that the same files give the same memory.

import { Buffer } from 'node:buffer';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { preloadLibraries } from './libraries.mjs';

const PAGE = 4096;
const NOON = Date.UTC(2020, 0, 1, 12);

const [core, directory, programs, out] = ['core', 'files', 'programs', 'out'].map((name) => resolve(process.argv[2], name));
process.env.TZ = 'UTC'; // Python's clock keeps the zone of who builds
Date.now = () => NOON;
performance.now = () => 0;
crypto.getRandomValues = (/** @type {any} */ array) => array.fill(0);
// Where WebAssembly has garbage collection, as from Node.js 22 on, Python adds a function of its own to the table, but not on an
// iPhone. Nor may the memory tell the version of Node.js, or the language of who builds.
Object.defineProperty(globalThis, 'navigator', { value: { userAgent: 'iPhone' }, configurable: true });

writeFileSync(`${core}/nothing.zip`, Uint8Array.of(0x50, 0x4b, 5, 6, ...Array(18).fill(0)));
await import(pathToFileURL(`${core}/pyodide.asm.js`).href);
const { loadPyodide, version } = await import(pathToFileURL(`${core}/pyodide.mjs`).href);
const files = readdirSync(directory, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => {
    const path = resolve(entry.parentPath ?? entry.path, entry.name);
    const name = path.slice(directory.length + 1).replaceAll('\\', '/');
    return { name, data: new Uint8Array(readFileSync(path)) };
  })
  .sort((one, other) => (one.name < other.name ? -1 : 1));

/** @type {import('../site/libraries.js').Loaded} */
let loaded;
preloadLibraries(Promise.resolve(files.filter(({ name }) => name.endsWith('.so'))), undefined, (_, done) => (loaded = done));
const python = await loadPyodide({
  indexURL: core,
  stdLibURL: `${core}/nothing.zip`, // the standard library is among the files
  packages: [],
  lockFileContents: { info: { version, python: '3.13.2', abi_version: '2025_0', arch: 'wasm32', platform: 'emscripten_4_0_9' }, packages: {} },
  env: { PYTHONHASHSEED: '0', PYTHONNODEBUGRANGES: '1' },
  _sysExecutable: '/python',
  _makeSnapshot: true,
  fsInit: (FS) => {
    for (const { name, data } of files) {
      const path = `/${name}`;
      FS.mkdirTree(path.slice(0, path.lastIndexOf('/')));
      // Of a library that is loaded Python asks no more than that its file is there; its content it would copy into its memory.
      FS.writeFile(path, name.endsWith('.so') ? new Uint8Array() : data);
    }
  },
});
const { tables, initial } = loaded;
const memory = python._module;
const names = files
  .filter(({ name }) => /\.(pyc|so)$/.test(name))
  .map(({ name }) => name.replace(/^lib\/[^/]*\/(site-packages\/)?/, '').replace(/(\/__init__)?\.[^/]*$/, '').replaceAll('/', '.'))
  .join('\n');
python.FS.writeFile('/tmp/prepare.py', readFileSync(new URL('./prepare.py', import.meta.url)));
const answer = python.runPython(`
import sys, importlib.util
spec = importlib.util.spec_from_file_location("prepared", "/tmp/prepare.py")
prepared = importlib.util.module_from_spec(spec)
sys.modules["prepared"] = prepared
spec.loader.exec_module(prepared)
found = prepared.prepare(${JSON.stringify(names)}, ${JSON.stringify(JSON.stringify(sources()))})
del prepared, spec, importlib, sys
found`);
python.runPython('del found');
if (memory.wasmTable.length !== tables.at(-1)) throw new Error('functions were added after the libraries');
clear(memory);

const snapshot = python.makeMemorySnapshot();
const heap = snapshot.subarray(snapshot.length - memory.HEAPU8.length);
const runs = [];
const pages = [];
for (let at = 0; at < heap.length; at += PAGE) {
  const page = heap.subarray(at, at + PAGE);
  if (page.every((byte, i) => byte === (initial[at + i] ?? 0))) continue;
  const last = runs.at(-1);
  if (last && last[0] + last[1] === at) last[1] += page.length;
  else runs.push([at, page.length]);
  pages.push(page);
}
const head = Buffer.from(snapshot.subarray(0, snapshot.length - heap.length)).toString('base64');
mkdirSync(out, { recursive: true });
writeFileSync(`${out}/facts.json`, JSON.stringify({ version, head, length: heap.length, tables, answer, runs }));
writeFileSync(`${out}/memory`, Buffer.concat(pages));
process.exit(0); // Pyodide keeps Node.js from ending

/**
 * Find out what Pyodide and PyScript will run. PyScript's library is an object literal in one of its scripts, file names and
 * texts.
 * @returns {{main: string, starts: string[], library: string, modules: Record<string, string>}}
 */
function sources() {
  const main = readFileSync(`${programs}/engine.py`, 'utf-8');
  const BEGIN = '{pyscript:{"__init__.py":';
  for (const name of readdirSync(programs)) {
    const script = readFileSync(`${programs}/${name}`, 'utf-8');
    const begin = script.indexOf(BEGIN);
    for (let end = begin; begin >= 0 && (end = script.indexOf('}}', end) + 2) > 1; ) {
      const tree = evaluate(script.slice(begin, end));
      if (!tree) continue;
      return { main, starts: starts(script), library: library(tree), modules: modules(tree.pyscript, 'pyscript') };
    }
  }
  throw new Error('PyScript: its Python was not found');
}

/**
 * @param {string} pyscript its script
 * @returns {string[]} what Pyodide runs first in Python, and PyScript last
 */
function starts(pyscript) {
  const loader = readFileSync(`${core}/pyodide.asm.js`, 'utf-8');
  const first = [...loader.matchAll(/(?:API\.runPythonInternal|_base\.eval_code)\("([^"]*)"\)/g)].map(([, line]) => line);
  const [, known, lines] = pyscript.match(/\{(const e="polyscript",[^;]*;)\w+\.runPython\((\[.*?\])\.join/) ?? [];
  const last = evaluate(`(() => { ${known} return ${lines}.join('\\n'); })()`);
  if (!first.length || !last) throw new Error('Pyodide and PyScript: what they run as they start was not found');
  return [...first, last];
}

/** @param {string} literal */
function evaluate(literal) {
  try {
    return runInNewContext(`(${literal})`);
  } catch {
    return undefined; // it ends later
  }
}

/**
 * @param {Record<string, any>} tree
 * @param {string} name
 * @returns {Record<string, string>} sources by the names of the modules
 */
function modules(tree, name) {
  return Object.fromEntries(
    Object.entries(tree).flatMap(([file, content]) => {
      const inside = file === '__init__.py' ? name : `${name}.${file.replace(/\.py$/, '')}`;
      return typeof content === 'string' ? [[inside, content]] : Object.entries(modules(content, inside));
    }),
  );
}

/**
 * @param {Record<string, any>} tree
 * @returns {string} the program that PyScript makes of it; should it make another, that one is run as it is
 */
function library(tree) {
  const write = (/** @type {string} */ base, /** @type {Record<string, any>} */ literal) =>
    Object.entries(literal).flatMap(([key, value]) => {
      const path = `_path = _Path("${base}/${key}")`;
      if (typeof value === 'string') return [path, `_path.write_text(${JSON.stringify(value)},encoding="utf-8")`];
      const make = [`if not _os.path.exists("${base}/${key}"):`, '    _path.mkdir(parents=True, exist_ok=True)'];
      return [path, ...make, ...write(`${base}/${key}`, value)];
    });
  const before = ['import os as _os', 'from pathlib import Path as _Path', '_path = None'];
  const after = ['import pyscript as _pyscript', ...['_Path', '_path', '_os', '_pyscript'].map((name) => `del ${name}`)];
  return [...before, ...write('.', tree), ...after].join('\n');
}

/**
 * Fill free memory with zeros: what was there need not be sent.
 * @param {any} Module
 */
function clear(Module) {
  const end = Module._sbrk(0);
  const taken = [];
  for (const size of [1 << 20, 1 << 16, 1 << 12, 1 << 8, 1 << 6, 16]) {
    for (;;) {
      const at = Module._emscripten_builtin_malloc(size);
      if (!at || at + size > end) {
        if (at) Module._free(at);
        break;
      }
      Module.HEAPU8.fill(0, at, at + size);
      taken.push(at);
    }
  }
  for (const at of taken) Module._free(at);
}
