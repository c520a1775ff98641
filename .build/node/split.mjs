// Cuts WebAssembly modules in two: what visits were seen to run, and the rest, which is fetched when it is called: node split.mjs WORK
//
// WORK/files holds the modules, WORK/seen.txt what ran (tests/browser/functions_used.py writes it). Written to WORK/out: each
// module's first half, under its name; and the rest, as rest/NAME-HASH.wasm, which the first half names in a section `rest`.
//
// Each half has all functions, under their numbers: those of the other half are only calls, through a table that both share.
// That table's first place holds what fetches the rest (site/rest.js) or, when it is there, a function that does nothing; it is
// called before any function of the rest. Constants that only the rest reads are in the rest alone. A global that changes is in each
// half: all functions that use it have to be in one. A call through the table takes a frame more of the stack.

import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import * as wasm from './wasm.mjs';
import { Reader, joined, number, section, signed, text, vector } from './wasm.mjs';

const [FUNCREF, NO_VALUES] = [0x70, [0x60, 0, 0]];
/** Instructions. */
const [END, CALL_INDIRECT, LOCAL_GET, GLOBAL_GET, GLOBAL_SET, I32_CONST, I32_ADD, I32_SUB] = [
  0x0b, 0x11, 0x20, 0x23, 0x24, 0x41, 0x6a, 0x6b,
];
const [MEMORY_INIT, MEMORY_FILL] = [
  [0xfc, 8],
  [0xfc, 11],
];
/** Where a half finds what both share: tables, by this name and their number. */
const SHARED = 'split';

const work = process.argv[2];
const [files, out] = ['files', 'out'].map((name) => resolve(work, name));
mkdirSync(`${out}/rest`, { recursive: true });
const seen = readSeen(readFileSync(resolve(work, 'seen.txt'), 'utf-8'));
for (const name of readdirSync(files).sort()) {
  const parts = wasm.sections(new Uint8Array(readFileSync(`${files}/${name}`)));
  const known = seen.get(hash(joined([section(parts, wasm.CODE), section(parts, wasm.DATA)])));
  if (!known) throw new Error(`${name}: the list of what was seen to run is about another one`);
  const { first, rest, file } = split(parts, known, name.replace(/\..*$/, ''));
  for (const half of [first, rest]) if (!WebAssembly.validate(half)) throw new Error(`${name}: could not be cut in two`);
  writeFileSync(`${out}/${name}`, first);
  writeFileSync(`${out}/rest/${file}`, rest);
}

/** @typedef {{runs: Set<number>, data: [number, number][]}} Seen functions that run; begin and end of data that they do not read */

/**
 * @param {string} list
 * @returns {Map<string, Seen>} by the hash of code and data
 */
function readSeen(list) {
  const found = new Map();
  /** @type {Seen} */
  let current = { runs: new Set(), data: [] };
  for (const line of list.split('\n')) {
    const [kind, ...values] = line.split(' ');
    if (kind === 'module') found.set(values[0], (current = { runs: new Set(), data: [] }));
    for (const value of values) {
      const [begin, end = begin] = value.split('-').map(Number);
      if (kind === 'unread') current.data.push([begin, end + 1]);
      if (kind === 'runs') for (let i = begin; i <= end; i++) current.runs.add(i);
    }
  }
  return found;
}

/**
 * @param {import('./wasm.mjs').Section[]} parts
 * @param {Seen} seen
 * @param {string} name
 */
function split(parts, { runs, data: unread }, name) {
  const { parameters, noValues } = readTypes(section(parts, wasm.TYPES));
  const imported = countImports(section(parts, wasm.IMPORTS));
  const bodies = readBodies(section(parts, wasm.CODE));
  const types = new Reader(section(parts, wasm.FUNCTIONS));
  const typeOf = Array.from({ length: types.integer() }, () => types.integer());
  const start = readStart(parts, imported.functions);
  const { base, bytes } = readData(section(parts, wasm.DATA));

  // Places in the table: first that which fetches the rest, then the functions that run, then the others.
  const all = bodies.map((_, i) => i);
  const common = all.filter((i) => runs.has(i));
  const rest = all.filter((i) => !runs.has(i));
  const places = new Map([...common, ...rest].map((i, at) => [i, at + 1]));
  const own = readTables(section(parts, wasm.TABLES));
  const tables = [...own, [FUNCREF, 1, ...number(all.length + 1), ...number(all.length + 1)]];
  const table = number(imported.tables + own.length);
  const call = (/** @type {number} */ type, /** @type {number} */ place) => {
    return [I32_CONST, ...signed(place), CALL_INDIRECT, ...number(type), ...table];
  };
  const elsewhere = (/** @type {number} */ i, /** @type {number[]} */ before = []) => {
    const passed = Array.from({ length: parameters[typeOf[i]] }, (_, p) => [LOCAL_GET, ...number(p)]).flat();
    return Uint8Array.from([0, ...before, ...passed, ...call(typeOf[i], places.get(i) ?? 0), END]);
  };
  /** A segment that puts functions into the table. */
  const placed = (/** @type {number} */ first, /** @type {number[]} */ functions) =>
    joined([[2, ...table, I32_CONST, ...signed(first), END, 0], vector(functions.map((i) => number(imported.functions + i)))]);

  // The rest starts as the whole would, but for memory that is in use by then; and brings the constants that were left out.
  const brought = unread.flatMap(([from, to], i) => [
    ...[GLOBAL_GET, ...base, I32_CONST, ...signed(from), I32_ADD, I32_CONST, 0, I32_CONST, ...signed(to - from)],
    ...[...MEMORY_INIT, ...number(i), 0],
  ]);
  const begin = joined([start.globals, brought, [END]]);
  const nothing = Uint8Array.of(0, END); // one function more
  const contents = all.map((i) => (i === start.index ? begin : runs.has(i) ? elsewhere(i) : bodies[i]));
  const kept = parts.filter(({ id }) => ![wasm.CUSTOM, wasm.TABLES, wasm.EXPORTS].includes(id));
  const second = replaced(kept, {
    [wasm.IMPORTS]: extended(
      section(parts, wasm.IMPORTS),
      tables.map((type, i) => [...text(SHARED), ...text(`${SHARED} ${i}`), 1, ...type]),
    ),
    [wasm.FUNCTIONS]: extended(section(parts, wasm.FUNCTIONS), [number(noValues)]),
    [wasm.ELEMENTS]: vector([placed(0, [all.length]), placed(common.length + 1, rest)]),
    [wasm.DATA_COUNT]: Uint8Array.from(number(unread.length)),
    [wasm.CODE]: vector([...contents, nothing].map(sized)),
    [wasm.DATA]: vector(unread.map(([from, to]) => joined([[1, ...number(to - from)], bytes.subarray(from, to)]))),
  });
  const other = wasm.assembled(second);
  const file = `${name}-${hash(other).slice(0, 12)}.wasm`; // so that no half meets one of another build

  const remaining = Uint8Array.from(bytes);
  for (const [from, to] of unread) remaining.fill(0, from, to);
  const fetching = call(noValues, 0);
  const first = replaced([...parts, { id: wasm.CUSTOM, content: joined([text('rest'), new TextEncoder().encode(file)]) }], {
    [wasm.TABLES]: vector(tables),
    [wasm.EXPORTS]: extended(
      section(parts, wasm.EXPORTS),
      tables.map((_, i) => [...text(`${SHARED} ${i}`), 1, ...number(imported.tables + i)]),
    ),
    [wasm.ELEMENTS]: extended(section(parts, wasm.ELEMENTS), [placed(1, common)]),
    [wasm.CODE]: vector(all.map((i) => sized(runs.has(i) || i === start.index ? bodies[i] : elsewhere(i, fetching)))),
    [wasm.DATA]: vector([joined([[0, GLOBAL_GET, ...base, END, ...number(bytes.length)], remaining])]),
  });
  return { first: wasm.assembled(first), rest: other, file };
}

/**
 * @param {import('./wasm.mjs').Section[]} parts
 * @param {Record<number, Uint8Array>} contents by the sections' numbers
 */
function replaced(parts, contents) {
  return Object.entries(contents).reduce((made, [id, content]) => wasm.withSection(made, Number(id), content), parts);
}

/** @param {Uint8Array} content */
function readTypes(content) {
  const reader = new Reader(content);
  let noValues = -1;
  const parameters = Array.from({ length: reader.integer() }, (_, i) => {
    const from = reader.at;
    if (reader.byte() !== NO_VALUES[0]) throw new Error('a type that is no function');
    const count = reader.integer();
    reader.take(count);
    reader.take(reader.integer());
    if (String([...reader.bytes.subarray(from, reader.at)]) === String(NO_VALUES)) noValues = i;
    return count;
  });
  if (noValues < 0) throw new Error('no function without parameters and result');
  return { parameters, noValues };
}

/** @param {Uint8Array} content */
function readTables(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.integer() }, () => {
    const from = reader.at;
    reader.byte();
    skipLimits(reader);
    return reader.bytes.subarray(from, reader.at);
  });
}

/** @param {Uint8Array} content */
function countImports(content) {
  const reader = new Reader(content);
  const counts = { functions: 0, tables: 0 };
  for (let left = reader.integer(); left > 0; left--) {
    reader.text(), reader.text();
    const kind = reader.byte();
    if (kind === 0) counts.functions++, reader.integer();
    else if (kind === 1) counts.tables++, reader.byte(), skipLimits(reader);
    else if (kind === 2) skipLimits(reader);
    else if (kind === 3) reader.take(2);
    else reader.byte(), reader.integer();
  }
  return counts;
}

/** @param {Reader} reader */
function skipLimits(reader) {
  const hasMaximum = reader.byte() & 1;
  for (let i = 0; i <= hasMaximum; i++) reader.integer();
}

/** @param {Uint8Array} content */
function readBodies(content) {
  const reader = new Reader(content);
  return Array.from({ length: reader.integer() }, () => reader.take(reader.integer()));
}

/**
 * @param {Uint8Array} content one segment that begins where a global says
 * @returns {{base: number[], bytes: Uint8Array}} the global's number, encoded; the segment
 */
function readData(content) {
  const reader = new Reader(content);
  if (reader.integer() !== 1 || reader.byte() !== 0 || reader.byte() !== GLOBAL_GET) throw new Error('data in another form');
  const base = number(reader.integer());
  if (reader.byte() !== END) throw new Error('data in another form');
  return { base, bytes: reader.take(reader.integer()) };
}

/**
 * Read the function with which a module starts: it adds to globals where the module lies, and clears memory.
 * @param {import('./wasm.mjs').Section[]} parts
 * @param {number} imported how many functions come before
 * @returns {{index: number, globals: Uint8Array}} which it is; what it does to globals
 */
function readStart(parts, imported) {
  const index = new Reader(section(parts, wasm.START)).integer() - imported;
  const body = readBodies(section(parts, wasm.CODE))[index];
  const reader = new Reader(body);
  const expect = (/** @type {number[]} */ ...expected) => {
    if (!expected.includes(reader.byte())) throw new Error('the start does more than is known');
  };
  expect(0);
  for (;;) {
    const { at } = reader;
    expect(GLOBAL_GET, END);
    if (body[at] === END) return { index, globals: body.subarray(0, at) };
    reader.integer();
    if (body[reader.at] === I32_CONST) {
      reader.byte(), reader.signed();
      expect(I32_ADD, I32_SUB);
    }
    if (body[reader.at] === GLOBAL_SET) {
      reader.byte(), reader.integer();
      continue;
    }
    expect(I32_CONST), reader.signed(), expect(I32_CONST), reader.signed();
    for (const byte of [...MEMORY_FILL, 0, END]) expect(byte);
    if (!reader.isAtEnd) throw new Error('the start does more than is known');
    return { index, globals: body.subarray(0, at) };
  }
}

/**
 * @param {Uint8Array} content a vector
 * @param {ArrayLike<number>[]} entries
 */
function extended(content, entries) {
  const reader = new Reader(content);
  return joined([number(reader.integer() + entries.length), reader.rest(), ...entries]);
}

/** @param {Uint8Array} body */
function sized(body) {
  return joined([number(body.length), body]);
}

/** @param {Uint8Array} content */
function hash(content) {
  return createHash('sha256').update(content).digest('hex');
}
