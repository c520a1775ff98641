// Fetches what the build has left out of WebAssembly modules, when a function there is called for the first time.
//
// .build/node/split.mjs cuts them in two: functions that visits run come first, Python waits for the others.
// The halves call each other through a table.

const { Instance, Module } = WebAssembly;
/** The other halves that were fetched, by their paths. @type {string[]} */
export const fetchedRests = [];

/** What one half exports for the other: tables, in the last of which all functions have their place. */
const SHARED = /^split \d$/;

/**
 * @param {WebAssembly.Module} module
 * @param {WebAssembly.Imports | undefined} imports
 * @param {WebAssembly.Instance} instance of that
 * @returns {WebAssembly.Instance} the same; if it is a half, it fetches the other
 */
export function completed(module, imports, instance) {
  const [about] = Module.customSections(module, 'rest');
  if (!about) return instance;
  const path = `generated/rest/${new TextDecoder().decode(about)}`;
  const { exports: split } = instance;
  const names = Object.keys(split);
  const fill = () => {
    try {
      fetchedRests.push(path);
      new Instance(new Module(fetched(path)), { ...imports, split });
    } catch (error) {
      postMessage({ runtime: 'failed', path, error: String(error) }); // Python itself would only stop
      throw error;
    }
  };
  const table = /** @type {WebAssembly.Table} */ (split[/** @type {string} */ (names.findLast((name) => SHARED.test(name)))]);
  table.set(0, asWebAssembly(fill));
  return { exports: Object.fromEntries(names.flatMap((name) => (SHARED.test(name) ? [] : [[name, split[name]]]))) };
}

/** Complete whatever is instantiated from now on. */
export function completeAll() {
  WebAssembly.Instance = /** @type {any} */ (
    function (/** @type {WebAssembly.Module} */ module, /** @type {WebAssembly.Imports | undefined} */ imports) {
      return completed(module, imports, new Instance(module, imports));
    }
  );
}

/**
 * @param {string} path
 * @returns {ArrayBuffer} the file's content: at once, since whoever called the function cannot do anything else
 */
function fetched(path) {
  console.warn(`Python calls a function that this page left out: fetching ${path}`);
  postMessage({ runtime: 'fetching' });
  const request = new XMLHttpRequest();
  request.open('GET', new URL(path, import.meta.url), false);
  request.responseType = 'arraybuffer';
  request.send();
  if (request.status !== 200) throw new Error(`HTTP ${request.status}`);
  return request.response;
}

/**
 * @param {() => void} work
 * @returns {any} the same as a table takes it
 */
function asWebAssembly(work) {
  // (module (import "" "f" (func)) (export "f" (func 0)))
  const code = [1, 4, 1, 96, 0, 0, 2, 6, 1, 0, 1, 102, 0, 0, 7, 5, 1, 1, 102, 0, 0];
  const module = new Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, ...code));
  return new Instance(module, { '': { f: work } }).exports.f;
}
