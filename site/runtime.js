// The interpreter that PyScript's configuration names: Pyodide, fed with the files that the page downloads.
//
// It runs in PyScript's worker. The page downloads everything at once, counts and checks it (files.js), and sends it
// here; Pyodide then finds each file when it asks for it. There are three ways to start:
//
// - snapshot: the build has started Python with all that the page needs, and stored its memory (.build/node/snapshot.mjs).
//   It is put back here, and trusted when Python then answers as it did there.
// - cut: the runtime that the build has cut to what this page uses, compiled, in one archive.
// - stock: the runtime as it came.
//
// What Pyodide does not report, a WebAssembly module that does not start, is reported here: it would wait for ever.

const generated = new URL('./generated/', import.meta.url).href;
const SNAPSHOT = 'generated/snapshot.wasm';
const CUT = 'generated/python.wasm';
/** Pyodide's WebAssembly: trimmed by the build (.build/node/trim.mjs), as core.js is; and as it came. */
const [CORE, WHOLE_CORE] = ['generated/pyodide/core.wasm', 'generated/pyodide/pyodide.asm.wasm'];
const LIBRARIES = 'generated/libraries.wasm';

// PyScript opens a database to remember packages in, and ours never change. Where a browser forbids storage, that would
// end the start; elsewhere it would only delay it.
Object.defineProperty(globalThis, 'indexedDB', { value: { open: () => request(emptyDatabase()) } });

/** @type {Map<string, PromiseWithResolvers<ArrayBuffer>>} what the page sends, by its path */
const files = new Map();

const page = new MessageChannel();
const listed = new Promise((resolve) => {
  page.port1.onmessage = ({ data: { paths = [], whole, path, bytes, error } }) => {
    for (const each of paths) files.set(each, promised());
    // Where site/missing.py finds what was left out.
    if (whole) Object.assign(globalThis, { digitsWholeLibrary: whole });
    if (bytes) files.get(path)?.resolve(bytes);
    if (error) files.get(path)?.reject(new Error(error));
    resolve(undefined);
  };
});
// Signs of life for the page, while PyScript goes through its steps.
addEventListener('py:progress', () => postMessage({ runtime: 'step' }));
postMessage({ runtime: 'waiting' }, { transfer: [page.port2] });

// At once, and not by `import` statements: an error then names the file.
const trimmed = import('./generated/pyodide/core.js');
const helpers = Promise.all([import('./tar.js'), import('./libraries.js'), import('./rest.js')]);
for (const each of [trimmed, helpers]) each.catch(() => {}); // reported below
await listed;
const isStock = files.has(WHOLE_CORE);
// Compiled while Pyodide's scripts are loaded.
/** @type {Promise<WebAssembly.Module>} */
const core = /** @type {any} */ (files.get(isStock ? WHOLE_CORE : CORE)).promise.then(
  (/** @type {BufferSource} */ bytes) => WebAssembly.compile(bytes),
);
core.catch(() => {}); // reported below

const fetchElsewhere = globalThis.fetch;

/** @type {typeof fetch} */
globalThis.fetch = async function fetch(resource, options) {
  const url = new URL(resource instanceof Request ? resource.url : resource, generated).href;
  if (url === NOTHING) return new Response(EMPTY_ZIP);
  const path = url.startsWith(generated) && `generated/${url.slice(generated.length)}`;
  if (path === CORE || path === WHOLE_CORE) return new Response(); // it is compiled already
  const file = path && files.get(path);
  return file ? new Response(await file.promise) : fetchElsewhere(resource, options);
};

/** The cut runtime has its standard library in the archive; Pyodide gets an empty one. */
const NOTHING = `${generated}nothing.zip`;
const EMPTY_ZIP = Uint8Array.of(0x50, 0x4b, 5, 6, ...Array(18).fill(0));

const { loadPyodide: loadOriginal, version } = await (isStock ? loadStock() : trimmed);
const [{ readTar }, { preloadLibraries }, { completed, completeAll, fetchedRests }] = await helpers;
completeAll();
export { version };

/** @returns {Promise<any>} Pyodide as it came */
async function loadStock() {
  const [pyodide] = await Promise.all([
    import('./generated/pyodide/pyodide.js'),
    import('./generated/pyodide/pyodide.asm.js'), // defines what loadPyodide would load next
  ]);
  return pyodide;
}

/**
 * Start Pyodide, as its own `loadPyodide` does.
 * @param {Record<string, unknown>} options what PyScript passes on
 * @returns {Promise<unknown>}
 */
export async function loadPyodide(options) {
  const failure = promised();
  // The page has to know at once: neither PyScript nor Pyodide passes on each of these.
  failure.promise.catch((error) => postMessage({ runtime: 'failed', error: String(error?.message ?? error) }));
  for (const file of files.values()) file.promise.catch(failure.reject);
  const unhandled = (/** @type {PromiseRejectionEvent} */ { reason }) => failure.reject(reason);
  addEventListener('unhandledrejection', unhandled);
  const errors = /** @type {any} */ (Error);
  const { stackTraceLimit } = errors;
  // Emscripten throws and catches errors as it goes; to note where would take longer than all of its own work.
  errors.stackTraceLimit = 0;
  const instantiate = WebAssembly.instantiateStreaming;
  WebAssembly.instantiateStreaming = async (_, imports) => {
    try {
      const module = await core;
      return { module, instance: completed(module, imports, await WebAssembly.instantiate(module, imports)) };
    } catch (error) {
      failure.reject(error);
      throw error;
    }
  };
  try {
    const start = files.has(SNAPSHOT) ? startFromSnapshot : files.has(CUT) ? startCut : startStock;
    const stderr = watchErrors(options.stderr, failure.reject);
    const started = start({ ...options, stderr, indexURL: `${generated}pyodide/` }, failure.reject);
    return await Promise.race([started, failure.promise]);
  } finally {
    WebAssembly.instantiateStreaming = instantiate;
    errors.stackTraceLimit = stackTraceLimit;
    removeEventListener('unhandledrejection', unhandled);
  }
}

/**
 * Python that ends while it starts says so and no more: the promise of Pyodide would wait for ever.
 * @param {any} stderr the function that gets Python's messages by the line, if there is one
 * @param {(error: unknown) => void} fail
 * @returns {(line: string) => void} one that passes them on
 */
function watchErrors(stderr, fail) {
  return (line) => {
    if (line.startsWith('Fatal Python error')) fail(new Error(line));
    if (stderr) stderr(line);
    else console.error(line);
  };
}

/**
 * @param {string} path
 * @returns {Promise<import('./libraries.js').File[]>} what is in an archive
 */
async function unpack(path) {
  return [...readTar(await /** @type {any} */ (files.get(path)).promise)];
}

// NumPy is in the archives already.
const ALL_THERE = {
  packages: [],
  lockFileContents: {
    info: { version, python: '3.13.2', abi_version: '2025_0', arch: 'wasm32', platform: 'emscripten_4_0_9' },
    packages: {},
  },
  stdLibURL: NOTHING,
};

/**
 * @param {() => Promise<import('./libraries.js').File[]>} content
 * @param {(error: unknown) => void} fail
 * @returns {(FS: any) => Promise<void>} writes the files
 */
function writing(content, fail) {
  return async (FS) => {
    try {
      for (const { name, data } of await content()) {
        const path = `/${name}`;
        FS.mkdirTree(path.slice(0, path.lastIndexOf('/')));
        FS.writeFile(path, data, { canOwn: true });
      }
    } catch (error) {
      fail(error); // Pyodide would wait for ever
      throw error;
    }
  };
}

/**
 * @param {Record<string, unknown>} options
 * @param {(error: unknown) => void} fail
 * @returns {Promise<unknown>}
 */
async function startFromSnapshot(options, fail) {
  const content = await unpack(SNAPSHOT);
  const taken = (/** @type {string} */ name) => /** @type {any} */ (content.find((file) => file.name === name)).data;
  const facts = JSON.parse(new TextDecoder().decode(taken('facts.json')));
  preloadLibraries(
    unpack(LIBRARIES),
    (settings) => (settings.INITIAL_MEMORY = facts.length),
    (Module, loaded) => restore(Module, loaded, facts, taken('memory')),
  );
  const pyodide = /** @type {any} */ (
    await loadOriginal({
      ...options,
      ...ALL_THERE,
      _loadSnapshot: Uint8Array.from(atob(facts.head), (character) => character.charCodeAt(0)),
      fsInit: writing(async () => content.filter(({ name }) => name.startsWith('lib/')), fail),
    })
  );
  const answer = pyodide.pyimport('prepared').wake();
  if (answer !== facts.answer) throw new Error(`Python's restored memory gives another answer: ${answer}`);
  postMessage({ runtime: 'restored' });
  return pyodide;
}

/**
 * Put a stored memory in the place of a fresh one.
 * @param {any} Module Emscripten's
 * @param {import('./libraries.js').Loaded} loaded
 * @param {{length: number, tables: number[], runs: [number, number][]}} facts
 * @param {Uint8Array} memory all that is not as it was when the libraries had been loaded, run after run
 */
function restore(Module, { tables, initial }, { length, tables: expected, runs }, memory) {
  const heap = Module.HEAPU8;
  if (String(tables) !== String(expected) || heap.length !== length) {
    throw new Error(`Python's stored memory does not fit: functions at ${tables}, not at ${expected}`);
  }
  if (fetchedRests.length) throw new Error(`Python's stored memory would lose what is in ${fetchedRests}`);
  heap.fill(0, 0, Module._sbrk(0));
  heap.set(initial);
  let at = 0;
  for (const [start, size] of runs) heap.set(memory.subarray(at, (at += size)), start);
}

/**
 * Through Pyodide's public interfaces alone.
 * @param {Record<string, unknown>} options
 * @param {(error: unknown) => void} fail
 * @returns {Promise<unknown>}
 */
async function startCut(options, fail) {
  const content = () => unpack(CUT);
  const pyodide = /** @type {any} */ (await loadOriginal({ ...options, ...ALL_THERE, fsInit: writing(content, fail) }));
  // They come last: Python has started meanwhile.
  await writing(() => unpack(LIBRARIES), fail)(pyodide.FS);
  return pyodide;
}

/**
 * @param {Record<string, unknown>} options
 * @returns {Promise<unknown>}
 */
async function startStock(options) {
  const nn = /** @type {any} */ (files.get('generated/nn.zip')).promise;
  const pyodide = /** @type {any} */ (await loadOriginal(options));
  pyodide.unpackArchive(await nn, 'zip');
  return pyodide;
}

/**
 * @returns {PromiseWithResolvers<any>} as Promise.withResolvers, which older browsers lack
 */
function promised() {
  /** @type {any} */
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  parts.promise.catch(() => {}); // whoever waits for it sees the error
  return parts;
}

/** @returns {object} what PyScript asks of a database, with nothing in it */
function emptyDatabase() {
  const nothing = () => request(undefined);
  const store = {
    count: () => request(0),
    getAllKeys: () => request([]),
    get: nothing,
    getKey: nothing,
    put: nothing,
    delete: nothing,
    clear: nothing,
  };
  return { close() {}, transaction: () => ({ objectStore: () => store }) };
}

/**
 * @param {unknown} result
 * @returns {{onsuccess?: (event: {target: {result: unknown}}) => void}} a database's request that is about to succeed
 */
function request(result) {
  /** @type {ReturnType<typeof request>} */
  const pending = {};
  queueMicrotask(() => pending.onsuccess?.({ target: { result } }));
  return pending;
}
