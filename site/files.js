// Downloads what Python needs, all files at once, and counts and checks the bytes.
//
// What must come, and how large it is, stands in generated/manifest.json, which the build writes. A file that is
// missing, cut short or altered is an error in words here, before Python would stumble over it.

import { Fault } from './fault.js';

/**
 * @typedef {{path: string, sha256: string, size: number}} Listed
 * @typedef {{loaded: number, total: number}} Progress bytes
 */

/** What each way to start Python needs, see runtime.js; the worker imports scripts itself. */
const NEEDED = {
  snapshot: /^(engine\.py|generated\/((snapshot|libraries)\.wasm|pyodide\/core\.wasm))$/,
  cut: /^(engine\.py|generated\/((python|libraries)\.wasm|pyodide\/core\.wasm))$/,
  stock: /^(engine\.py|generated\/(nn\.zip|pyodide\/(?!core\.|.*\.js$).*))$/,
};

/** A file did not come, or not as it should be. */
export class DownloadError extends Fault {
  /**
   * @param {string} key names its words
   * @param {string} path
   * @param {import('./words.js').Values} [values]
   * @param {ErrorOptions} [options]
   */
  constructor(key, path, values, options) {
    super(key, { path, ...values }, options);
    this.path = path;
  }
}

/**
 * Return the build's list of files, as the host has it now.
 * @returns {Promise<Record<'snapshot' | 'cut' | 'stock', Listed[]>>} what each way to start needs: nothing for one that was
 *   not built
 */
export async function readList() {
  const path = 'generated/manifest.json';
  const response = await request(path, { cache: 'no-cache' });
  try {
    /** @type {{files: Listed[], fallback: Listed[]}} */
    const { files, fallback } = await response.json();
    const all = [...files, ...fallback];
    const needed = (/** @type {RegExp} */ pattern, /** @type {string} */ core) => {
      return all.some((file) => file.path === core) ? all.filter((file) => pattern.test(file.path)) : [];
    };
    return {
      snapshot: needed(NEEDED.snapshot, 'generated/snapshot.wasm'),
      cut: needed(NEEDED.cut, 'generated/python.wasm'),
      stock: needed(NEEDED.stock, 'generated/nn.zip'),
    };
  } catch (error) {
    throw new DownloadError('fault.list', path, {}, { cause: error });
  }
}

/**
 * Start downloads that Python's start waits for.
 * @param {Listed[]} wanted
 * @param {(bytes: number) => void} count called as bytes arrive
 * @param {AbortSignal} [signal]
 * @returns {Map<string, Promise<ArrayBuffer>>} by path
 */
export function download(wanted, count, signal) {
  const downloads = new Map(wanted.map((file) => [file.path, downloadOne(file, count, signal)]));
  for (const each of downloads.values()) each.catch(() => {}); // whoever takes the file sees the error
  return downloads;
}

/**
 * @param {Listed} file
 * @param {(bytes: number) => void} count
 * @param {AbortSignal} [signal]
 * @returns {Promise<ArrayBuffer>}
 */
async function downloadOne(file, count, signal) {
  let counted = 0;
  const countOnce = (/** @type {number} */ bytes) => {
    const counting = Math.min(bytes, file.size - counted); // never more than the file is listed with
    counted += counting;
    count(counting);
  };
  try {
    return await fetchFile(file, countOnce, { signal });
  } catch (error) {
    if (!(error instanceof OtherBytesError)) throw error;
    // The browser's cache may hold the file of an earlier version: ask the host itself.
    return await fetchFile(file, countOnce, { signal, cache: 'reload' });
  }
}

/** A file came, and it is not the one that is listed. */
class OtherBytesError extends DownloadError {}

/**
 * @param {Listed} file
 * @param {(bytes: number) => void} count
 * @param {RequestInit} options
 * @returns {Promise<ArrayBuffer>}
 */
async function fetchFile({ path, sha256, size }, count, options) {
  const response = await request(path, options);
  const bytes = new Uint8Array(size);
  let filled = 0;
  try {
    const reader = /** @type {ReadableStream<Uint8Array>} */ (response.body).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (filled + value.length <= size) bytes.set(value, filled);
      filled += value.length;
      count(value.length);
    }
  } catch (error) {
    throw new DownloadError('fault.broken', path, { filled, size }, { cause: error });
  }
  if (filled !== size) throw new OtherBytesError('fault.size', path, { filled, size });
  if (!isStored(response, sha256) && crypto.subtle && (await digest(bytes)) !== sha256) {
    throw new OtherBytesError('fault.damaged', path);
  }
  return bytes.buffer;
}

/**
 * Tell whether the service worker has answered with what it has stored: it has checked that (sw.js).
 * @param {Response} response
 * @param {string} sha256
 */
function isStored(response, sha256) {
  return Boolean(navigator.serviceWorker?.controller) && response.headers.get('X-Content-SHA256') === sha256;
}

/**
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>} a good one
 */
export async function request(path, options) {
  let response;
  try {
    response = await fetch(new URL(path, import.meta.url), options);
  } catch (error) {
    throw new DownloadError('fault.network', path, {}, { cause: error });
  }
  if (!response.ok) throw new DownloadError('fault.http', path, { status: String(response.status) });
  return response;
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @returns {Promise<string>} SHA-256, hexadecimal
 */
async function digest(bytes) {
  if (bytes.length > 1e5) await new Promise((resolve) => setTimeout(resolve)); // their arrival was long
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
