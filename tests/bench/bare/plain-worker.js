// The other side of plain.js: what PyScript's worker does for the page, and no more.

const asked = new Promise((resolve) => {
  addEventListener('message', ({ data }) => resolve(data), { once: true });
});
const { loadPyodide } = await import('./runtime.js');
const pyodide = /** @type {any} */ (await loadPyodide({}));
const { program, strokes } = await asked;
/** @type {any} */
const sync = {};
pyodide.registerJsModule('pyscript', { sync });
await pyodide.runPythonAsync(program);
sync.start();
postMessage({ answer: sync.read(strokes) });
