// Starts Python in a worker, through PyScript, and asks it; what goes wrong is an error in words.

import { Fault } from './fault.js';
import { download, DownloadError, readList } from './files.js';

/**
 * @typedef {import('./files.js').Progress} Progress
 * @typedef {{model: string, parameters: number, metadata: Record<string, any>, teachable: boolean,
 *   runtime: 'cut' | 'stock'}} About
 * @typedef {{about: About, stop: () => void} & Required<import('./engine.js').Source>} Python
 */

/** Python is there and has turned the request down. */
export class RefusedError extends Error {}

/** A download of which nothing comes for this long has failed, milliseconds. */
const LINE_LIMIT = 45_000;
/** A step of Python's start that takes this long is none: slow phones get by with a third, milliseconds. */
const STEP_LIMIT = 180_000;
/** A prediction takes some milliseconds; a worker that is silent for this long is gone. */
const ANSWER_LIMIT = 15_000;

/**
 * Start Python: with the runtime that is cut to what this page uses, else with the stock one.
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Python>} rejects with an error whose message can be shown
 */
export async function startPython(onProgress) {
  await checkWebAssembly();
  const { cut, stock } = await readList();
  if (cut.length) {
    try {
      return await startRuntime('cut', cut, stock, onProgress);
    } catch (error) {
      if (error instanceof StandstillError) throw error;
      if (error instanceof DownloadError && stock.some(({ path }) => path === error.path)) throw error;
      console.warn('The cut Python runtime did not start, taking the stock one:', error);
    }
  }
  return startRuntime('stock', stock, stock, onProgress);
}

/** Files do not arrive: another start would wait for them as well. */
class StandstillError extends Fault {}

/**
 * @param {'cut' | 'stock'} runtime
 * @param {import('./files.js').Listed[]} needed
 * @param {import('./files.js').Listed[]} whole files that hold what `needed` may lack
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Python>}
 */
async function startRuntime(runtime, needed, whole, onProgress) {
  const stopped = new AbortController();
  const failure = rejection();
  let limit = LINE_LIMIT;
  const { watch, rest } = watchdog(() => {
    const Kind = limit === LINE_LIMIT ? StandstillError : Fault;
    failure.reject(new Kind('fault.standstill', { seconds: limit / 1000 }));
  });
  /** @type {any} */
  let worker;
  const stop = () => {
    rest();
    stopped.abort();
    if (!worker) return; // `start` stops it when it is there
    worker.terminate();
    document.querySelector('script[type="py"]')?.remove();
  };
  const start = async () => {
    const downloads = download(
      needed,
      (progress) => {
        limit = progress.loaded < progress.total ? LINE_LIMIT : STEP_LIMIT;
        watch(limit);
        onProgress(progress);
      },
      stopped.signal,
    );
    for (const each of downloads.values()) each.catch(failure.reject);
    worker = await createWorker(downloads, addresses(whole), () => watch(limit), failure.reject, stopped.signal);
    if (stopped.signal.aborted) {
      stop();
      stopped.signal.throwIfAborted();
    }
    await worker.ready;
    return {
      about: { ...(await ask(worker.sync.start())), runtime },
      read: (/** @type {number[][][]} */ strokes) => request(worker, failure.promise, 'read', JSON.stringify(strokes)),
      view: (/** @type {import('./engine.js').Greys} */ { pixels, width, height }) =>
        request(worker, failure.promise, 'view', pixels, String(width), String(height)),
      look: (/** @type {string} */ image) => request(worker, failure.promise, 'look', image),
      explain: (/** @type {string} */ image) => request(worker, failure.promise, 'explain', image),
      lesson: (/** @type {object} */ about) => request(worker, failure.promise, 'lesson', JSON.stringify(about)),
      teach: (/** @type {import('./engine.js').Correction[]} */ known) =>
        request(worker, failure.promise, 'teach', JSON.stringify(known)),
      stop,
    };
  };
  watch(limit);
  try {
    return await Promise.race([start(), failure.promise]);
  } catch (error) {
    stop();
    throw error;
  } finally {
    rest();
  }
}

/**
 * Return where the stock modules lie, for those that the cut runtime lacks.
 * @param {import('./files.js').Listed[]} stock
 */
function addresses(stock) {
  const address = (/** @type {RegExp} */ pattern) => {
    const { path = '' } = stock.find((file) => pattern.test(file.path)) ?? {};
    return new URL(path, import.meta.url).href;
  };
  return { stdlib: address(/stdlib\.zip$/), numpy: address(/\.whl$/) };
}

/** Throw unless WebAssembly works: some browsers have it switched off. */
async function checkWebAssembly() {
  try {
    await WebAssembly.instantiate(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0)); // the empty module
  } catch (error) {
    throw new Fault('fault.webassembly', {}, { cause: error });
  }
}

/** @type {Promise<unknown>} */
let lastCreated = Promise.resolve();

/**
 * Put the Python script into the page, where PyScript finds it, and feed its worker.
 * @param {Map<string, Promise<ArrayBuffer>>} downloads
 * @param {Record<string, string>} whole addresses of what the runtime may lack
 * @param {() => void} watch called at each sign of life
 * @param {(error: Error) => void} fail
 * @param {AbortSignal} signal
 * @returns {Promise<any>} PyScript's worker
 */
async function createWorker(downloads, whole, watch, fail, signal) {
  const { hooks } = await importPyScript();
  await lastCreated; // PyScript's hook does not tell whose worker it is: one at a time
  signal.throwIfAborted();
  // PyScript hands JavaScript hooks to its worker as text, for which the page's policy would have to allow 'unsafe-eval'. The
  // one that it has of its own gives the worker `pyscript.fs`, which this page does not use.
  hooks.worker.onBeforeRunAsync.clear();
  const created = new Promise((resolve) => {
    /** @type {(wrap: unknown, worker: any) => void} */
    const onWorker = (_, worker) => {
      hooks.main.onWorker.delete(onWorker);
      resolve(worker);
    };
    hooks.main.onWorker.add(onWorker);
  });
  lastCreated = created;
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById('python'));
  document.body.append(template.content.cloneNode(true));
  const worker = await created;
  worker.addEventListener('message', (/** @type {MessageEvent} */ { data, ports }) => {
    watch();
    if (data?.runtime === 'waiting') feed(ports[0], downloads, whole);
    if (data?.runtime === 'failed') fail(new Fault('fault.start', { reason: data.error }));
  });
  worker.addEventListener('error', (/** @type {ErrorEvent} */ event) => {
    fail(new Fault('fault.worker', { reason: event.message || '?' }));
  });
  return worker;
}

/** @returns {Promise<any>} PyScript's module */
async function importPyScript() {
  try {
    return await import('./generated/pyscript/core.js');
  } catch (error) {
    throw new Fault('fault.missing', { path: 'generated/pyscript/core.js' }, { cause: error });
  }
}

/**
 * Send each file to the worker as soon as it is there. See runtime.js for the other end.
 * @param {MessagePort} port
 * @param {Map<string, Promise<ArrayBuffer>>} downloads
 * @param {Record<string, string>} whole
 */
function feed(port, downloads, whole) {
  port.postMessage({ paths: [...downloads.keys()], whole });
  for (const [path, file] of downloads) {
    file.then(
      (bytes) => port.postMessage({ path, bytes }, [bytes]),
      (error) => port.postMessage({ path, error: error.message }),
    );
  }
}

/**
 * @param {any} worker
 * @param {Promise<never>} failure
 * @param {string} name of one of engine.py's functions
 * @param {...string} given
 * @returns {Promise<any>}
 */
async function request(worker, failure, name, ...given) {
  const late = rejection();
  const timer = setTimeout(
    () => late.reject(new Fault('fault.silent', { seconds: ANSWER_LIMIT / 1000 })),
    ANSWER_LIMIT,
  );
  try {
    return await Promise.race([ask(worker.sync[name](...given)), failure, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * @param {Promise<string>} answer one of engine.py's
 * @returns {Promise<any>}
 */
async function ask(answer) {
  const { ok, result, error } = JSON.parse(await answer);
  if (!ok) throw new RefusedError(error);
  return result;
}

/**
 * Call `bark` when `watch` has not been called again within the time that its last call allowed.
 * @param {() => void} bark
 */
function watchdog(bark) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let resting = false;
  const watch = (/** @type {number} milliseconds */ limit) => {
    clearTimeout(timer);
    if (!resting) timer = setTimeout(bark, limit);
  };
  const rest = () => {
    resting = true;
    clearTimeout(timer);
  };
  return { watch, rest };
}

/** @returns {{promise: Promise<never>, reject: (reason: unknown) => void}} a promise that can only fail */
function rejection() {
  /** @type {(reason: unknown) => void} */
  let reject = () => {};
  const promise = /** @type {Promise<never>} */ (new Promise((_, no) => (reject = no)));
  promise.catch(() => {}); // whoever waits for it sees the error
  return { promise, reject };
}
