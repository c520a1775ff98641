// Downloads what Python needs, all files at once, and counts and checks the bytes.
//
// What must come, and how large it is, stands in generated/precache.js, which the build writes. A file that is
// missing, cut short or altered is an error in words here, before Python would stumble over it.

/**
 * @typedef {{path: string, sha256: string, size: number}} Listed
 * @typedef {{loaded: number, total: number}} Progress bytes
 */

/**
 * Return the build's list of files.
 * @returns {Promise<{version: string, files: Listed[]}>}
 */
export async function readList() {
  try {
    await import('./generated/precache.js');
  } catch {
    throw new Error('generated/precache.js could not be loaded: the site is not built, or the network is down');
  }
  return /** @type {any} */ (globalThis).PRECACHE;
}

/**
 * Start all downloads that Python's start waits for. Scripts are not among them: the worker imports those itself.
 * @param {Listed[]} list
 * @param {(progress: Progress) => void} onProgress called as bytes arrive
 * @param {AbortSignal} signal
 * @returns {Map<string, Promise<ArrayBuffer>>} by path
 */
export function download(list, onProgress, signal) {
  const wanted = list.filter(({ path }) => /^generated\/(nn\.zip$|pyodide\/(?!.*\.m?js$))/.test(path));
  const total = wanted.reduce((sum, { size }) => sum + size, 0);
  let loaded = 0;
  const count = (/** @type {number} */ bytes) => onProgress({ loaded: (loaded += bytes), total });
  const downloads = new Map(wanted.map((file) => [file.path, downloadOne(file, count, signal)]));
  for (const each of downloads.values()) each.catch(() => {}); // whoever takes the file sees the error
  return downloads;
}

/**
 * @param {Listed} file
 * @param {(bytes: number) => void} count
 * @param {AbortSignal} signal
 * @returns {Promise<ArrayBuffer>}
 */
async function downloadOne({ path, sha256, size }, count, signal) {
  const url = new URL(path, import.meta.url);
  let response;
  try {
    response = await fetch(url, { signal });
  } catch (error) {
    throw new Error(`${path} could not be loaded: the network failed`, { cause: error });
  }
  if (!response.ok || !response.body) throw new Error(`${path} could not be loaded: HTTP ${response.status}`);
  const bytes = new Uint8Array(size);
  let filled = 0;
  try {
    const reader = response.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (filled + value.length <= size) bytes.set(value, filled);
      filled += value.length;
      count(value.length);
    }
  } catch (error) {
    throw new Error(`${path} broke off after ${filled} of ${size} bytes`, { cause: error });
  }
  if (filled !== size) throw new Error(`${path} has ${filled} bytes instead of ${size}`);
  if (crypto.subtle && (await digest(bytes)) !== sha256) {
    throw new Error(`${path} is damaged, or belongs to another version of this page`);
  }
  return bytes.buffer;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>} SHA-256, hexadecimal
 */
async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
