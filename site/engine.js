// One face over all that can read a drawing: Python in this browser, else the server, else nobody.
//
// Every request settles exactly once, as {id, ok: true, result} or {id, ok: false, error}. One is under way at a time and
// at most one waits: a newer drawing takes the place of the one that waits, so drawing fast never makes a queue. While
// Python loads, the newest drawing waits too, and is answered first.

import { readOnServer, serverAnswers } from './predict.js';
import { RefusedError, startPython } from './python.js';

/**
 * @typedef {'loading' | 'browser' | 'server' | 'none'} State who answers
 * @typedef {{digit: number, confidence: number, probabilities: number[], box: number[], image: string}} Digit
 *   `image`: base64 of 784 bytes, row by row
 * @typedef {{text: string, digits: Digit[]}} Reading
 * @typedef {{id: number, ok: true, result: Reading}} Answered
 * @typedef {{id: number, ok: false, error: string, superseded?: boolean}} Failed
 * @typedef {Answered | Failed} Settled
 * @typedef {{id: number, strokes: number[][][], settle: (settled: Settled) => void}} Request
 * @typedef {(strokes: number[][][]) => Promise<Reading>} Read
 */

/** More measures than this are not kept: a page may stay open for days. */
const MEASURES = 1000;

/** Dispatches `state` when another one answers, and `progress` (a CustomEvent with {loaded, total}) while it loads. */
export class Engine extends EventTarget {
  /** @type {State} */
  state = 'loading';
  /** Why the browser does not answer, in words; '' while it may. */
  problem = '';
  /** @type {import('./python.js').About | undefined} */
  about;

  /** @type {import('./python.js').Python | undefined} */
  #python;
  /** @type {Read | undefined} */
  #read;
  /** @type {Request | undefined} */
  #waiting;
  #lastId = 0;
  #busy = false;
  #measures = 0;
  #restarted = false;

  /** Start Python. Settles when it is known who answers; never rejects. */
  async start() {
    this.#become('loading');
    try {
      this.#python = await startPython((progress) => {
        this.dispatchEvent(new CustomEvent('progress', { detail: progress }));
      });
      this.about = this.#python.about;
      this.problem = '';
      this.#become('browser', this.#python.read);
    } catch (error) {
      console.error('Python did not start:', error);
      await this.#fallBack(error);
    }
  }

  /**
   * Read a drawing.
   * @param {number[][][]} strokes lists of [x, y], y downwards, in any unit
   * @returns {Promise<Settled>} never rejects
   */
  read(strokes) {
    const id = ++this.#lastId;
    return new Promise((settle) => {
      this.#supersede();
      this.#waiting = { id, strokes, settle };
      this.#next();
    });
  }

  /** @param {unknown} error why the browser cannot answer */
  async #fallBack(error) {
    this.#python?.stop();
    this.#python = undefined;
    this.#read = undefined;
    this.problem = error instanceof Error ? error.message : String(error);
    if (await serverAnswers()) this.#become('server', readOnServer);
    else this.#become('none');
  }

  /**
   * @param {State} state
   * @param {Read} [read]
   */
  #become(state, read) {
    this.state = state;
    this.#read = read;
    if (read && performance.getEntriesByName('engine-ready').length === 0) performance.mark('engine-ready');
    this.#next();
    this.dispatchEvent(new Event('state'));
  }

  #supersede() {
    const { id, settle } = this.#waiting ?? {};
    settle?.({ id: Number(id), ok: false, error: 'a newer drawing came', superseded: true });
    this.#waiting = undefined;
  }

  async #next() {
    if (this.#busy || !this.#waiting) return;
    const { id, settle } = this.#waiting;
    if (this.state === 'none') {
      this.#waiting = undefined;
      settle({ id, ok: false, error: this.problem });
    } else if (this.#read) {
      this.#busy = true;
      const request = this.#waiting;
      this.#waiting = undefined;
      await this.#answer(request, this.#read);
      this.#busy = false;
      this.#next();
    }
  }

  /**
   * @param {Request} request
   * @param {Read} read
   */
  async #answer({ id, strokes, settle }, read) {
    const start = performance.now();
    try {
      const result = await read(strokes);
      this.#measure(start);
      settle({ id, ok: true, result });
    } catch (error) {
      if (error instanceof RefusedError) return settle({ id, ok: false, error: error.message });
      console.error('No answer:', error);
      // The drawing is not lost: whoever answers next reads it, unless a newer one waits.
      if (this.#waiting) settle({ id, ok: false, error: 'a newer drawing came', superseded: true });
      else this.#waiting = { id, strokes, settle };
      await this.#replace(error);
    }
  }

  /**
   * Find another that answers: the server; else Python anew, once.
   * @param {unknown} error
   */
  async #replace(error) {
    const wasPython = this.state === 'browser';
    await this.#fallBack(error);
    if (this.state === 'none' && wasPython && !this.#restarted) {
      this.#restarted = true;
      await this.start();
    }
  }

  /** @param {number} start */
  #measure(start) {
    if (++this.#measures > MEASURES) {
      performance.clearMeasures('predict');
      this.#measures = 1;
    }
    performance.measure('predict', { start, detail: { engine: this.state } });
  }
}
