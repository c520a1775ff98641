// Decides with which runtime Python starts: runtime.js says which there are.

/**
 * @typedef {'snapshot' | 'cut' | 'stock'} Runtime
 * @typedef {Record<Runtime, import('./files.js').Listed[]>} Lists what each needs: nothing if it was not built
 */

/** A restored memory spares this much of Python's start, seconds: 0.7 on two good cores, 2 on slow ones. */
const SPARED = 0.9;
/** A line that is not fast within this time is slow, seconds. */
const PATIENCE = 0.6;
/** Less than this tells nothing of the line, bytes. */
const SAMPLE = 1_000_000;
/** Where the snapshot is noted with which Python did not start. */
const KEY = 'digits-refused-snapshot';

/**
 * @param {Lists} lists
 * @param {Runtime[]} failed
 * @returns {Runtime[]} what there is to try, the best first
 */
export function choices(lists, failed) {
  const all = /** @type {Runtime[]} */ (['snapshot', 'cut', 'stock']);
  return all.slice(Math.max(0, all.indexOf(/** @type {any} */ (wanted())))).filter((runtime) => {
    if (runtime === 'snapshot' && (!keepsFunctions() || isRefused(lists))) return false;
    return lists[runtime].length && !failed.includes(runtime);
  });
}

/**
 * Tell whether a function is the same in a table as among a module's exports: in WebKit it is not. Pyodide then gives some
 * a second place, and the places that a snapshot knows are others.
 */
function keepsFunctions() {
  // (module (func (export "f")) (table (export "t") funcref (elem 0)))
  const code = [1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 4, 4, 1, 112, 0, 1, 7, 9, 2, 1, 102, 0, 0, 1, 116, 1, 0, 9, 7, 1, 0, 65, 0];
  const module = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0, ...code, 11, 1, 0, 10, 4, 1, 2, 0, 11));
  const { f, t } = /** @type {any} */ (new WebAssembly.Instance(module).exports);
  return t.get(0) === f;
}

/** @returns {string | null} the runtime that the page's address asks for, for those who compare them */
function wanted() {
  return new URLSearchParams(location.search).get('runtime');
}

/**
 * Tell whether sending the snapshot takes less time than it spares.
 * @param {number} extra how much larger it is than what it replaces, bytes
 * @param {import('./files.js').Listed} core what is under way
 * @param {() => number} loaded how much of that has come, bytes
 */
export async function isWorthSending(extra, { path, size }, loaded) {
  if (wanted() === 'snapshot') return true;
  if (savesData()) return false;
  const [navigation] = /** @type {PerformanceNavigationTiming[]} */ (performance.getEntriesByType('navigation'));
  const began = navigation?.responseEnd ?? 0; // some browsers do not tell
  const elapsed = () => (performance.now() - began) / 1000;
  const patience = elapsed() + PATIENCE;
  const pace = () => Math.min(loaded() > SAMPLE ? elapsed() / loaded() : Infinity, sending(path) / size);
  while (extra * pace() > SPARED) {
    if (sending(path) < Infinity || elapsed() > patience) return false;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return true;
}

/**
 * Return how long a file was on the line, seconds, once it has come: slow processors see it late.
 * @param {string} path
 */
function sending(path) {
  const [entry] = /** @type {PerformanceResourceTiming[]} */ (performance.getEntriesByName(new URL(path, import.meta.url).href));
  return entry?.responseStart ? (entry.responseEnd - entry.responseStart) / 1000 : Infinity;
}

/** @returns {boolean} whether the visitor asks for little traffic; not every browser tells */
export function savesData() {
  return /** @type {any} */ (navigator).connection?.saveData;
}

/**
 * Note that Python does not start from this snapshot, so that later visits need not try.
 * @param {Lists} lists
 */
export function refuse(lists) {
  try {
    localStorage.setItem(KEY, identity(lists));
  } catch {
    // without storage, the next visit tries again
  }
}

/** @param {Lists} lists */
function isRefused(lists) {
  try {
    return wanted() !== 'snapshot' && localStorage.getItem(KEY) === identity(lists);
  } catch {
    return false;
  }
}

/** @param {Lists} lists */
function identity({ snapshot }) {
  return snapshot.map(({ sha256 }) => sha256).join(' ');
}
