// Leaves out of Pyodide's core what no program here can reach: node trim.mjs WORK
//
// The core comes with all that any package might link against: 9,708 exports, each of which the start hands to JavaScript,
// and the bindings of SDL and WebGL. Kept is what the core itself, the compiled libraries in WORK/files or the programs in
// WORK/users name. Written to WORK/out: `pyodide.asm.js` and `pyodide.asm.wasm`, trimmed; and `core.mjs`, the former and
// `pyodide.mjs` as one module.

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import vm from 'node:vm';
import { addresses, quickened } from './quicken.mjs';
import * as wasm from './wasm.mjs';

const [core, libraries, users, out] = ['core', 'files', 'users', 'out'].map((name) => resolve(process.argv[2], name));

/** Statements that only programs with a window of their own need: what they name is not kept for them. */
const FOR_WINDOWS = /^(MainLoop\.init\(|registerPostMainLoop\(|for\(var i=0;i<=288;)/;
/** Functions of which the core has the addresses, to look them up by name for programs that draw with WebGL. */
const WEBGL = /^emscripten_gl[A-Z]/;
const STAND_IN = '_leftOut';

const script = readFileSync(`${core}/pyodide.asm.js`, 'utf-8');
const loader = readFileSync(`${core}/pyodide.mjs`, 'utf-8');
const binary = new Uint8Array(readFileSync(`${core}/pyodide.asm.wasm`));
const modules = [binary, ...readAll(libraries, '.so')].map((bytes) => new WebAssembly.Module(bytes));
const imports = modules.flatMap((module) => WebAssembly.Module.imports(module));
const imported = new Set(imports.map(({ name }) => name));
const called = new Set(imports.filter(({ module }) => module === 'env').map(({ name }) => name));

// The script is one function. Its body begins and ends with what is not looked into.
const [from, to] = [script.indexOf('var Module=moduleArg;'), script.indexOf('return moduleRtn;')];
if (from < 0 || to < 0) throw new Error('pyodide.asm.js: not the script that this program knows');
const [head, tail] = [script.slice(0, from), script.slice(to)];
const pieces = split(script.slice(from, to)).flatMap(withoutImports).map(describe);

/** What is kept because its name is in something that is kept. @type {Set<string>} */
const named = new Set();
const queue = [head, tail, loader, ...readAll(users, '').map((bytes) => new TextDecoder().decode(bytes))];
/** @type {Map<string, typeof pieces>} */
const waiting = new Map();
for (const piece of pieces) {
  if (piece.about.length === 0) keep(piece);
  for (const name of piece.about) waiting.set(name, [...(waiting.get(name) ?? []), piece]);
}
for (let text = queue.pop(); text !== undefined; text = queue.pop()) {
  for (const name of text.match(/[A-Za-z_$][\w$]*/g) ?? []) {
    if (named.has(name)) continue;
    named.add(name);
    waiting.get(name)?.forEach(keep);
  }
}

const remaining = pieces.filter(({ isKept }) => isKept).map(({ text }) => text);
const trimmed = quickened([head, ...remaining, '\n\n  ', tail].join(''), addresses(binary, imports));
new vm.Script(trimmed); // throws where it is no program any more
mkdirSync(out, { recursive: true });
writeFileSync(`${out}/pyodide.asm.js`, trimmed);
writeFileSync(`${out}/core.mjs`, `(() => {\n${trimmed}\n})();\n${loader}`); // what it defines is global for the loader
writeFileSync(
  `${out}/pyodide.asm.wasm`,
  withExports(binary, (name) => imported.has(name) || named.has(name) || named.has(`_${name}`)),
);

/** @param {{text: string, isKept: boolean}} piece */
function keep(piece) {
  if (piece.isKept) return;
  piece.isKept = true;
  queue.push(piece.text);
}

/**
 * Cut a program into its statements.
 * @param {string} text minified: no comments
 * @returns {string[]}
 */
function split(text) {
  const found = [];
  /** The depths at which a template string goes on. @type {number[]} */
  const templates = [];
  let depth = 0;
  let begin = 0;
  let last = ''; // the last character that was code
  for (let at = 0; at < text.length; at++) {
    const c = text[at];
    const isGoingOn = c === '}' && templates.at(-1) === depth;
    if (c === '"' || c === "'") {
      for (at++; text[at] !== c; at++) if (text[at] === '\\') at++;
      last = '"';
    } else if (c === '`' || isGoingOn) {
      if (isGoingOn) depth = /** @type {number} */ (templates.pop()) - 1;
      for (at++; text[at] !== '`' && text.slice(at, at + 2) !== '${'; at++) if (text[at] === '\\') at++;
      last = '"';
      if (text[at] !== '`') {
        templates.push(++depth);
        at++;
        last = '{';
      }
    } else if (c === '/' && (!/[\w$)\]"]/.test(last) || /(return|typeof|case|in|of)$/.test(text.slice(at - 7, at)))) {
      for (let inClass = false; ; ) {
        at++;
        if (text[at] === '\\') at++;
        else if (text[at] === '[') inClass = true;
        else if (text[at] === ']') inClass = false;
        else if (text[at] === '/' && !inClass) break;
      }
      last = '"';
    } else {
      if ('([{'.includes(c)) depth++;
      if (')]}'.includes(c)) depth--;
      if (c.trim()) last = c;
      const statement = text.slice(begin, at + 1);
      if (depth === 0 && (c === ';' || (c === '}' && endsHere(statement, text.slice(at + 1, at + 9))))) {
        found.push(statement);
        begin = at + 1;
      }
    }
  }
  found.push(text.slice(begin));
  for (const statement of found) new vm.Script(`(async function () {${statement}\n})`); // throws where the cut is wrong
  return found;
}

/**
 * @param {string} statement up to a brace
 * @param {string} next what follows
 */
function endsHere(statement, next) {
  return /^\s*((async )?function|class|if|for|while|try|switch|\{)\b/.test(statement) && !/^\s*(else|catch|finally)\b/.test(next);
}

/**
 * Leave out of the table of what JavaScript gives to WebAssembly what no module imports.
 * @param {string} statement
 * @returns {string[]} what it is replaced with
 */
function withoutImports(statement) {
  const table = statement.match(/^var wasmImports=\{(.*)\};$/)?.[1];
  if (table === undefined) return [statement];
  const entries = table.split(',').flatMap((entry) => {
    const name = entry.split(':')[0];
    if (!imported.has(name)) return [];
    return WEBGL.test(name) && !called.has(name) ? `${name}:${STAND_IN}` : entry;
  });
  return [
    `function ${STAND_IN}(){throw new Error("left out")}`,
    `${STAND_IN}.sig="v";`,
    `var wasmImports={${entries.join(',')}};`,
  ];
}

/**
 * @param {string} text a statement
 * @returns {{text: string, isKept: boolean, about: string[]}} `about`: it is kept when one of these names is in what is kept; always if
 *   there is none
 */
function describe(text) {
  const names = () => {
    for (const pattern of [
      /^(?:async )?function\*? ?([\w$]+)\(/,
      /^class ([\w$]+)\b/,
      /^Module\["([\w$]+)"\]=([\w$]+);$/,
      /^(?!(?:API|Module|Hiwire|Tests)\b)([\w$]+)\.[\w$]+=[^]{0,200}$/,
    ]) {
      const match = text.match(pattern);
      if (match) return match.slice(1);
    }
    const several = text.match(/^var ([\w$,]+);$/);
    if (several) return several[1].split(',');
    const one = text.match(/^var ([\w$]+)=/);
    if (one) return [one[1]];
    return FOR_WINDOWS.test(text) ? [' '] : []; // a name that nothing has
  };
  return { text, isKept: false, about: names() };
}

/**
 * @param {string} directory
 * @param {string} ending
 * @returns {Uint8Array<ArrayBuffer>[]} the content of its files
 */
function readAll(directory, ending) {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => resolve(entry.parentPath ?? entry.path, entry.name))
    .sort()
    .map((path) => new Uint8Array(readFileSync(path)));
}

/**
 * Return a WebAssembly module with fewer exports.
 * @param {Uint8Array} module
 * @param {(name: string) => boolean} isWanted
 */
function withExports(module, isWanted) {
  const parts = wasm.sections(module);
  const reader = new wasm.Reader(wasm.section(parts, wasm.EXPORTS));
  const kept = [];
  for (let count = reader.integer(); count > 0; count--) {
    const begin = reader.at;
    const name = reader.text();
    reader.byte(); // what kind it is
    reader.integer();
    if (isWanted(name)) kept.push(reader.bytes.subarray(begin, reader.at));
  }
  return wasm.assembled(wasm.withSection(parts, wasm.EXPORTS, wasm.vector(kept)));
}
