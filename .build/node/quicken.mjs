// Spares the start what Pyodide's core does in it for programs of any kind.

import * as wasm from './wasm.mjs';
import { Reader, section } from './wasm.mjs';

const [END, GLOBAL_GET] = [0x0b, 0x23];
/** Where in the table a main module's own functions begin: 0 is no function's address. */
const FIRST = 1;
/** Where in memory it lies. */
const CORE_BASE = 1024;

/**
 * @param {string} script Pyodide's core
 * @param {Record<string, number>} known addresses of functions by their names
 * @returns {string} the same, quicker
 */
export function quickened(script, known) {
  /** @type {[string, string][]} */
  const edits = [
    // The directory of a script is asked for only where files are looked for beside it. In a worker from a blob: address the
    // question throws, and for the error's sake the whole script is read again.
    ['try{scriptDirectory=new URL(".",_scriptName).href}catch{}', ''],
    // To find out the address of a function, all functions in the table were made known to JavaScript: those that are asked
    // for are known.
    [
      'functionsInTableMap=new WeakMap;updateTableMap(0,wasmTable.length)',
      `functionsInTableMap=new WeakMap;var known=${JSON.stringify(known)};` +
        'for(var name in known)functionsInTableMap.set(wasmExports[name],known[name])',
    ],
    ['updateTableMap(tableBase,metadata.tableSize);', ''],
    // Each export of the core got an entry in the table of addresses. What a library asks for gets one when it does.
    ['updateGOT=(exports,replace)=>{', 'updateGOT=(exports,replace,isCore)=>{'],
    ['updateGOT(relocated,replace)', `updateGOT(relocated,replace,memoryBase==${CORE_BASE})`],
    ['GOT[symName]||=new WebAssembly', 'if(isCore&&!GOT[symName])continue;GOT[symName]||=new WebAssembly'],
    // Whether a name is free, and whether a function is JavaScript's, was found out by catching an error. A browser whose
    // developer tools are open looks for the place of each in the script: it reads that again.
    [
      'try{var node=FS.lookupNode(dir,name);return 20}catch(e){}',
      'if(dir.mount.type!==MEMFS||dir.contents[name])try{var node=FS.lookupNode(dir,name);return 20}catch(e){}',
    ],
    ['try{setWasmTableEntry(ret,func)}', 'if(sig)setWasmTableEntry(ret,convertJsFunctionToWasm(func,sig));else try{setWasmTableEntry(ret,func)}'],
    // In a restored memory this is done; and nothing else there needs Python's compiler.
    ['API.rawRun("import _pyodide_core")', '(t?[0]:API.rawRun("import _pyodide_core"))'],
  ];
  for (const [from, to] of edits) {
    if (script.split(from).length !== 2) throw new Error(`pyodide.asm.js: not once: ${from}`);
    script = script.replace(from, () => to);
  }
  return script;
}

/**
 * @param {Uint8Array} module a main module of Emscripten's
 * @param {WebAssembly.ModuleImportDescriptor[]} imports its own, and those of the libraries
 * @returns {Record<string, number>} addresses of its functions of which one is asked for, by name
 */
export function addresses(module, imports) {
  const asked = new Set(imports.flatMap(({ module: from, name }) => (from === 'GOT.func' ? [name] : [])));
  const parts = wasm.sections(module);
  const places = new Map(readElements(section(parts, wasm.ELEMENTS)).map((index, at) => [index, FIRST + at]));
  const exported = new Reader(section(parts, wasm.EXPORTS));
  /** @type {Record<string, number>} */
  const found = {};
  for (let count = exported.integer(); count > 0; count--) {
    const name = exported.text();
    const isFunction = exported.byte() === 0;
    const place = places.get(exported.integer());
    if (isFunction && place && asked.has(name)) found[name] = place;
  }
  return found;
}

/**
 * @param {Uint8Array} content one segment, of functions, that begins where a global says
 * @returns {number[]} their numbers
 */
function readElements(content) {
  const reader = new Reader(content);
  const isKnown = reader.integer() === 1 && reader.byte() === 0 && reader.byte() === GLOBAL_GET;
  reader.integer();
  if (!isKnown || reader.byte() !== END) throw new Error('pyodide.asm.wasm: functions in another form');
  return Array.from({ length: reader.integer() }, () => reader.integer());
}
