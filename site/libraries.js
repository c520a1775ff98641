// Loads the compiled libraries of Python's packages before Python runs: always into the same places of its memory.
//
// Python would load each at its import, wherever there is room then. A memory snapshot (see runtime.js) holds
// the addresses of what is in them: so they must be in the same places when it is taken and when it is restored.

/**
 * @typedef {{name: string, data: Uint8Array<ArrayBuffer>}} File
 * @typedef {{path: string, module: WebAssembly.Module}} Compiled
 * @typedef {object} Loaded
 * @property {number[]} tables where each library's functions begin, and where the last one's end
 * @property {Uint8Array} initial the memory as it is now: what stands in the compiled files, and nothing else
 */

/**
 * Have the next Pyodide that starts load `libraries` before its Python.
 * @param {Promise<File[]>} libraries by their path in Python's file system
 * @param {(settings: any) => void} [adjust] called with Emscripten's settings
 * @param {(Module: any, loaded: Loaded) => void} [finish] called when the memory is there, before Pyodide uses it
 */
export function preloadLibraries(libraries, adjust = () => {}, finish = () => {}) {
  const pyodide = /** @type {any} */ (globalThis);
  const create = pyodide._createPyodideModule;
  const compiled = libraries.then((files) => Promise.all(files.map(compile)));
  compiled.catch(() => {}); // who waits for them sees the error
  pyodide._createPyodideModule = async (/** @type {any} */ settings) => {
    pyodide._createPyodideModule = create;
    adjust(settings);
    const loaded = new Promise((resolve, reject) => {
      settings.preRun.push((/** @type {any} */ Module) => {
        Module.addRunDependency('libraries'); // Python waits for it
        loadLibraries(Module, compiled)
          .then((done) => {
            resolve(done);
            Module.removeRunDependency('libraries');
          })
          .catch(reject);
      });
    });
    // Where the libraries fail, the module would wait for ever.
    const [Module, done] = await Promise.all([create(settings), loaded]);
    finish(Module, done);
    return Module;
  };
}

/** @param {File} file */
async function compile({ name, data }) {
  return { path: `/${name}`, module: await WebAssembly.compile(data) };
}

/**
 * @param {any} Module Emscripten's
 * @param {Promise<Compiled[]>} compiled
 * @returns {Promise<Loaded>}
 */
async function loadLibraries(Module, compiled) {
  const libraries = await compiled;
  const tables = [Module.wasmTable.length];
  for (const { path, module } of libraries) {
    const options = { loadAsync: true, nodelete: true, global: false };
    // Where Emscripten looks when Python asks for the library.
    Module.preloadedWasm[path] = await Module.loadWebAssemblyModule(module, options, path, {});
    tables.push(Module.wasmTable.length);
  }
  return { tables, initial: Module.HEAPU8.slice(0, Module.GOT.__heap_base.value) };
}
