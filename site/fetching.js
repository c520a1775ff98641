// Fetches what one start of Python needs: chooses a runtime by what failed and how fast the line is, and counts the bytes.

import { choices, isWorthSending } from './choice.js';
import { download } from './files.js';

/**
 * @typedef {import('./choice.js').Runtime} Runtime
 * @typedef {import('./choice.js').Lists} Lists
 * @typedef {import('./files.js').Listed} Listed
 */

const PROGRAM = 'engine.py';
const CORE = 'generated/pyodide/core.wasm';

export class Fetching {
  /** What is started; it may change until `files` is there. @type {Runtime} */
  runtime = 'stock';
  /** The Python program: it comes first. @type {Promise<ArrayBuffer>} */
  program;
  /** What else is under way, by path. @type {Promise<Map<string, Promise<ArrayBuffer>>>} */
  files;
  /** Called as bytes arrive. @type {(progress: import('./files.js').Progress) => void} */
  onProgress = () => {};

  #progress = { loaded: 0, total: 0 };
  /** Without these bytes Python would start as well, more slowly. */
  #spare = 0;
  #stopped = new AbortController();

  /**
   * @param {Promise<Lists>} listed
   * @param {Runtime[]} failed
   */
  constructor(listed, failed) {
    this.program = this.#getProgram(listed);
    this.files = this.#start(listed, failed);
    for (const each of [this.program, this.files]) each.catch(() => {}); // who waits for them sees the error
  }

  /** @returns {boolean} whether everything has come */
  get isDone() {
    const { loaded, total } = this.#progress;
    return total > 0 && loaded === total;
  }

  /** @returns {boolean} whether another runtime could start with what has come */
  get isNearlyDone() {
    const { loaded, total } = this.#progress;
    return this.#spare > 0 && loaded >= total - this.#spare;
  }

  stop() {
    this.#stopped.abort();
  }

  /**
   * @param {Promise<Lists>} listed
   * @param {Runtime[]} failed
   */
  async #start(listed, failed) {
    const [best, next] = choices(await listed, failed);
    const lists = withoutProgram(await listed);
    this.runtime = best;
    this.#progress.total = size(lists[best]);
    if (best !== 'snapshot' || next !== 'cut') return this.#get(lists[best]);
    // Pyodide's core comes first, and shows how fast the line is.
    this.runtime = 'cut';
    this.#progress.total = size(lists.cut);
    const [common, more] = split(lists.snapshot, lists.cut);
    const [, instead] = split(lists.cut, lists.snapshot);
    const [core, libraries] = [common.filter(isCore), common.filter((file) => !isCore(file))];
    const files = this.#get(core);
    if (await isWorthSending(size(more) - size(instead), core[0], () => this.#progress.loaded)) {
      this.runtime = 'snapshot';
      this.#spare = size(more);
      this.#progress.total = size(lists.snapshot);
      return new Map([...files, ...this.#get([...libraries, ...more])]);
    }
    // On a slow line Python can start before the libraries are there: they do not share the line with what it starts with.
    const first = Promise.all(files.values());
    const last = libraries.map((file) => /** @type {const} */ ([file.path, this.#getAfter(first, file)]));
    return new Map([...files, ...this.#get(instead), ...last]);
  }

  /**
   * @param {Promise<unknown>} others
   * @param {Listed} file that is asked for when the others have come
   * @returns {Promise<ArrayBuffer>}
   */
  async #getAfter(others, file) {
    await others;
    return /** @type {Promise<ArrayBuffer>} */ (this.#get([file]).get(file.path));
  }

  /** @param {Promise<Lists>} listed */
  async #getProgram(listed) {
    const [program] = (await listed).stock.filter(({ path }) => path === PROGRAM);
    return /** @type {Promise<ArrayBuffer>} */ (download([program], () => {}, this.#stopped.signal).get(PROGRAM));
  }

  /** @param {Listed[]} wanted */
  #get(wanted) {
    const count = (/** @type {number} */ bytes) => {
      this.#progress.loaded += bytes;
      this.onProgress({ ...this.#progress });
    };
    return download(wanted, count, this.#stopped.signal);
  }
}

/**
 * @param {Lists} lists
 * @returns {Lists}
 */
function withoutProgram(lists) {
  const others = (/** @type {Listed[]} */ files) => files.filter(({ path }) => path !== PROGRAM);
  return { snapshot: others(lists.snapshot), cut: others(lists.cut), stock: others(lists.stock) };
}

/**
 * @param {Listed[]} files
 * @param {Listed[]} others
 * @returns {[Listed[], Listed[]]} those that are among the others, and those that are not
 */
function split(files, others) {
  const isThere = (/** @type {Listed} */ { path }) => others.some((other) => other.path === path);
  return [files.filter(isThere), files.filter((file) => !isThere(file))];
}

/** @param {Listed} file */
function isCore({ path }) {
  return path === CORE;
}

/** @param {Listed[]} files */
function size(files) {
  return files.reduce((sum, file) => sum + file.size, 0);
}
