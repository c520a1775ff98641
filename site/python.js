// Starts Python in a worker, through PyScript, and asks it; what goes wrong is an error in words.

import { choices, refuse } from './choice.js';
import { Fault } from './fault.js';
import { Fetching } from './fetching.js';
import { DownloadError, readList } from './files.js';
import { pack } from './pack.js';

/**
 * @typedef {import('./files.js').Progress} Progress
 * @typedef {import('./choice.js').Runtime} Runtime
 * @typedef {{model: string, parameters: number, metadata: Record<string, any>, teachable: boolean,
 *   runtime: Runtime}} About
 * @typedef {{about: About, stop: () => void} & Required<import('./engine.js').Source>} Python
 */

/** Python is there and has turned the request down. */
export class RefusedError extends Error {}

/** A download of which nothing comes for this long has failed, milliseconds. */
const LINE_LIMIT = 45_000;
/** A step of Python's start that takes this long is none: slow phones get by with a third, milliseconds. */
const STEP_LIMIT = 180_000;
/** A snapshot is restored in a tenth of this, milliseconds; slower computers get more. */
const RESTORE_LIMIT = 1000;
/** A prediction takes some milliseconds; a worker that is silent for this long is gone. */
const ANSWER_LIMIT = 15_000;
/** What comes in halves (rest.js), if a half could not be had. @type {Runtime[]} */
const halved = [];

/**
 * A start: what comes of it, how far it is, and who is told.
 * @typedef {{python: Promise<Python>, progress?: Progress, onProgress?: (progress: Progress) => void}} Start
 */
/** @type {Start | undefined} the one that waits to be taken over */
let begun;

/** Begin to start Python; `startPython` then takes this start over. */
export function beginPython() {
  /** @type {Start} */
  const start = {
    python: startAny((progress) => {
      start.progress = progress;
      start.onProgress?.(progress);
    }),
  };
  start.python.catch(() => {}); // who takes it over sees the error
  begun = start;
}

/**
 * Start Python, or take over the start that has begun.
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Python>} rejects with an error whose message can be shown
 */
export function startPython(onProgress) {
  if (!begun) return startAny(onProgress);
  const { python, progress } = Object.assign(begun, { onProgress });
  if (progress) onProgress(progress);
  begun = undefined;
  return python;
}

/**
 * Start Python with the best runtime that there is; if it does not start, with the next.
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Python>}
 */
async function startAny(onProgress) {
  const listed = Promise.all([readList(), checkWebAssembly()]).then(([lists]) => lists);
  const failed = [...halved];
  for (;;) {
    const fetching = new Fetching(listed, failed);
    try {
      return await startRuntime(fetching, listed, onProgress);
    } catch (error) {
      if (error instanceof StandstillError) throw error;
      const lists = await listed;
      const { runtime } = fetching;
      const path = error instanceof DownloadError ? error.path : '';
      const alike = choices(lists, failed).filter((other) => lists[other].some((file) => file.path === path));
      failed.push(runtime, ...halved, ...alike);
      const [next] = choices(lists, failed);
      if (!next) throw error;
      console.warn(`The ${runtime} Python runtime did not start, taking the ${next} one:`, error);
      if (runtime === 'snapshot' && fetching.isDone && !path) refuse(lists);
    }
  }
}

/** What was left out of a runtime is needed, and did not come. */
class HalfError extends DownloadError {}

/** Files do not arrive: another start would wait for them as well. */
class StandstillError extends Fault {}

/**
 * @param {Fetching} fetching
 * @param {Promise<import('./choice.js').Lists>} listed
 * @param {(progress: Progress) => void} onProgress
 * @returns {Promise<Python>}
 */
async function startRuntime(fetching, listed, onProgress) {
  const stopped = new AbortController();
  const failure = rejection();
  const began = performance.now();
  let pace = 0;
  let isRestored = false;
  let limit = LINE_LIMIT;
  const { watch, rest } = watchdog(() => {
    const Kind = limit === LINE_LIMIT ? StandstillError : Fault;
    failure.reject(new Kind('fault.standstill', { seconds: Math.round(limit / 100) / 10 }));
  });
  const goOn = () => {
    limit = fetching.isDone ? STEP_LIMIT : LINE_LIMIT;
    // A snapshot is there to spare time. A computer that has come so far restores it soon, or never.
    if (fetching.isNearlyDone && pace && !isRestored) limit = Math.max(RESTORE_LIMIT, 4 * pace);
    watch(limit);
  };
  fetching.onProgress = (progress) => {
    goOn();
    onProgress(progress);
  };
  const onSign = (/** @type {string} */ sign) => {
    pace ||= performance.now() - began;
    isRestored ||= sign === 'restored';
    if (sign === 'fetching') silence.watch(LINE_LIMIT);
    goOn();
  };
  /** @type {any} */
  let worker;
  const stop = () => {
    rest();
    stopped.abort();
    fetching.stop();
    if (!worker) return; // `start` stops it when it is there
    worker.terminate();
    document.querySelector('script[type="py"]')?.remove();
  };
  /** The request under way, which a failure ends: to race it with each would keep all answers. */
  let asked = rejection();
  let silence = watchdog(() => {});
  let isOver = false;
  failure.promise.catch((reason) => {
    isOver = true;
    if (reason instanceof HalfError) halved.push('snapshot', 'cut');
    asked.reject(reason);
  });
  /** @type {(name: string, ...given: (string | Float64Array)[]) => Promise<any>} `name`: one of engine.py's functions */
  const call = (name, ...given) => {
    const own = (asked = isOver ? failure : rejection());
    const most = name === 'teach' || name === 'view' ? STEP_LIMIT : ANSWER_LIMIT;
    silence = watchdog(() => own.reject(new Fault('fault.silent', { seconds: most / 1000 })));
    silence.watch(most);
    return Promise.race([ask(worker.sync[name](...given)), own.promise]).finally(silence.rest);
  };
  /** @type {() => Promise<Python>} */
  const start = async () => {
    fetching.files.then((files) => {
      for (const each of files.values()) each.catch(failure.reject);
    }, failure.reject);
    const whole = listed.then(addresses);
    worker = await createWorker(fetching, whole, onSign, failure.reject, stopped.signal);
    if (stopped.signal.aborted) {
      stop();
      stopped.signal.throwIfAborted();
    }
    await worker.ready;
    return {
      about: { ...(await ask(worker.sync.start())), runtime: fetching.runtime },
      read: (strokes) => call('read', pack(strokes)),
      view: ({ pixels, width, height }) => call('view', pixels, String(width), String(height)),
      look: (image) => call('look', image),
      explain: (image) => call('explain', image),
      lesson: (about) => call('lesson', JSON.stringify(about)),
      teach: (known) => call('teach', JSON.stringify(known)),
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
 * @param {import('./choice.js').Lists} lists
 */
function addresses({ stock }) {
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
 * @param {Fetching} fetching
 * @param {Promise<Record<string, string>>} whole addresses of what the runtime may lack
 * @param {(sign: string) => void} onSign called at each sign of life
 * @param {(error: Error) => void} fail
 * @param {AbortSignal} signal
 * @returns {Promise<any>} PyScript's worker
 */
async function createWorker({ program, files }, whole, onSign, fail, signal) {
  const [{ hooks }, text] = await Promise.all([importPyScript(), program]);
  await lastCreated; // PyScript's hook does not tell whose worker it is: one at a time
  signal.throwIfAborted();
  // PyScript hands JavaScript hooks to its worker as text, which needs 'unsafe-eval'. Its own one gives the worker
  // `pyscript.fs`, which this page does not use.
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
  const fragment = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  const script = /** @type {HTMLScriptElement} */ (fragment.querySelector('script'));
  // PyScript would ask the host for the program again, and behind all that is under way.
  script.src = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  document.body.append(fragment);
  const worker = await created;
  worker.addEventListener('message', (/** @type {MessageEvent} */ { data, ports }) => {
    onSign(data?.runtime);
    if (data?.runtime === 'waiting') URL.revokeObjectURL(script.src); // it was read
    if (data?.runtime === 'waiting') Promise.all([files, whole]).then((both) => feed(ports[0], ...both), fail);
    if (data?.path) fail(new HalfError('fault.missing', data.path, {}, { cause: data.error }));
    else if (data?.runtime === 'failed') fail(new Fault('fault.start', { reason: data.error }));
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
 * @param {Map<string, Promise<ArrayBuffer>>} files
 * @param {Record<string, string>} whole
 */
function feed(port, files, whole) {
  port.postMessage({ paths: [...files.keys()], whole });
  for (const [path, file] of files) {
    file.then(
      (bytes) => port.postMessage({ path, bytes }, [bytes]),
      (error) => port.postMessage({ path, error: error.message }),
    );
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
    if (resting) return;
    const late = performance.now() + limit + 5000; // it slept: what came meanwhile is heard now
    timer = setTimeout(() => (performance.now() > late ? watch(limit) : bark()), limit);
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
