// One face over all that can read a drawing: Python in this browser, else the server, else nobody.
//
// Every request settles exactly once, as {id, ok: true, result} or {id, ok: false, error}. One is under way at a time and
// at most one waits: a newer drawing takes the place of the one that waits, so drawing fast never makes a queue. While
// Python loads, the newest drawing waits too, and is answered first.

import { inWords } from './fault.js';
import { readOnServer, serverAnswers, viewOnServer } from './predict.js';
import { RefusedError, startPython } from './python.js';

/**
 * @typedef {'loading' | 'browser' | 'server' | 'none'} State who answers
 * @typedef {object} Digit a mark of a number
 * @property {string} symbol the digit, or "?" for what is none, or "." or "-"
 * @property {number | null} digit
 * @property {number} confidence
 * @property {number[]} probabilities ten
 * @property {number[]} box left, top, right, bottom
 * @property {string} image base64 of 784 bytes, row by row
 * @property {number[]} strokes which of the drawing's they are; none for a picture
 * @property {boolean} [several] whether it is refused for looking like several digits
 * @typedef {{text: string, digits: Digit[]}} Reading
 * @typedef {{height: number, width: number, channels: number, pixels: string}} FeatureMaps of one layer, map after map,
 *   base64
 * @typedef {{digit: number, second: number, forDigit: string, againstSecond: string}} Evidence each pixel's share, base64
 *   of signed bytes
 * @typedef {{kind: string, parameters: number, multiplications: number, shape: number[], maps: FeatureMaps | null}} Stage
 * @typedef {object} Lesson see nn/lesson.py
 * @property {Stage[]} stages
 * @property {number[]} scores
 * @property {number[]} probabilities
 * @property {{filter: number, row: number, column: number, weights: number[][], patch: number[][], bias: number,
 *   value: number, gradient: number[][]} | null} product
 * @property {{learning_rate: number, loss_before: number, loss_after: number, probability_before: number,
 *   probability_after: number}} step
 * @typedef {{image: string, digit: number}} Correction what the picture of a mark is
 * @typedef {{pixels: string, width: number, height: number}} Greys a picture's, base64, row by row
 * @typedef {object} Source one that answers; its functions reject with a `RefusedError` for a wrong request, with another
 *   error when it is out of order
 * @property {(strokes: import('./pack.js').Strokes) => Promise<Reading>} read
 * @property {(picture: Greys) => Promise<Reading>} [view]
 * @property {(image: string) => Promise<FeatureMaps[]>} [look]
 * @property {(image: string) => Promise<Evidence>} [explain]
 * @property {(about: {image: string, label: number}) => Promise<Lesson>} [lesson]
 * @property {(known: Correction[]) => Promise<{left?: number}>} [teach] again while there is some left
 * @typedef {'teach' | 'read' | 'view' | 'look' | 'explain' | 'lesson'} Kind
 * @typedef {string | import('./words.js').Said} Problem
 * @typedef {{id: number, ok: false, error: Problem, superseded?: boolean}} Failed
 */
/**
 * @template T
 * @typedef {{id: number, ok: true, result: T} | Failed} Settled
 */
/** @typedef {{id: number, kind: Kind, argument: any, settle: (settled: Settled<any>) => void}} Request */

/** What is answered first: a drawing, then what to know, then the questions about it. @type {Kind[]} */
const ORDER = ['read', 'view', 'teach', 'look', 'explain', 'lesson'];

/** Why what was asked for is not answered. */
const NEWER = 'something newer came';

/** More measures than this are not kept: a page may stay open for days. */
const MEASURES = 1000;

/** The longest pause between two looks for a server that has gone, milliseconds. */
const LONGEST_PAUSE = 30_000;

/** Dispatches `state` when another one answers, and `progress` (a CustomEvent with {loaded, total}) while it loads. */
export class Engine extends EventTarget {
  /** @type {State} */
  state = 'loading';
  /** Why the browser does not answer, in words; '' while it may. @type {Problem} */
  problem = '';
  /** @type {import('./python.js').About | undefined} */
  about;

  /** @type {import('./python.js').Python | undefined} */
  #python;
  /** @type {Source | undefined} */
  #source;
  /** @type {Map<Kind, Request>} the one of each kind that waits */
  #waiting = new Map();
  #lastId = 0;
  #busy = false;
  #measures = 0;
  #restarted = false;
  /** Why Python does not run here, in words. @type {Problem} */
  #pythonProblem = '';
  /** Requests in a row that the server has failed. */
  #failures = 0;

  /** Start Python. Settles when it is known who answers; never rejects. */
  async start() {
    this.#become('loading');
    try {
      this.#python = await startPython((progress) => {
        this.dispatchEvent(new CustomEvent('progress', { detail: progress }));
      });
      this.about = this.#python.about;
      this.problem = '';
      this.#become('browser', this.#python);
    } catch (error) {
      console.error('Python did not start:', error);
      await this.#fallBack(error);
    }
  }

  /**
   * Read a drawing.
   * @param {import('./pack.js').Strokes} strokes lists of points that begin with x and y, y downwards, in any unit
   * @returns {Promise<Settled<Reading>>} never rejects
   */
  read(strokes) {
    return this.#ask('read', strokes);
  }

  /**
   * Read a picture.
   * @param {Greys} picture
   * @returns {Promise<Settled<Reading>>} never rejects; boxes are in the picture's pixels
   */
  view(picture) {
    return this.#ask('view', picture);
  }

  /**
   * Look at the maps inside the network.
   * @param {string} image a digit's, from a reading
   * @returns {Promise<Settled<FeatureMaps[]>>} never rejects
   */
  look(image) {
    return this.#ask('look', image);
  }

  /**
   * Ask what each pixel spoke for.
   * @param {string} image a digit's, from a reading
   * @returns {Promise<Settled<Evidence>>} never rejects
   */
  explain(image) {
    return this.#ask('explain', image);
  }

  /**
   * Have the network explained with a picture.
   * @param {string} image a digit's, from a reading
   * @param {number} label the right answer
   * @returns {Promise<Settled<Lesson>>} never rejects
   */
  lesson(image, label) {
    return this.#ask('lesson', { image, label });
  }

  /**
   * Have the network know these corrections, and no others. Many take a while: drawings are read in between.
   * @param {Correction[]} known
   * @returns {Promise<Settled<{left?: number}>>} never rejects
   */
  async teach(known) {
    for (;;) {
      const settled = await this.#ask('teach', known);
      if (!settled.ok || !settled.result.left) return settled;
      if (this.#waiting.has('teach')) return { id: settled.id, ok: false, error: NEWER, superseded: true };
    }
  }

  /**
   * @param {Kind} kind
   * @param {unknown} argument
   * @returns {Promise<Settled<any>>}
   */
  #ask(kind, argument) {
    const id = ++this.#lastId;
    return new Promise((settle) => {
      const older = this.#waiting.get(kind);
      if (older) supersede(older);
      this.#waiting.set(kind, { id, kind, argument, settle });
      this.#next();
    });
  }

  /** @param {unknown} error why the browser cannot answer */
  async #fallBack(error) {
    this.#python?.stop();
    this.#python = undefined;
    this.#source = undefined;
    this.problem = this.#pythonProblem = inWords(error);
    if (await serverAnswers()) this.#become('server', { read: readOnServer, view: viewOnServer });
    else this.#become('none');
  }

  /**
   * @param {State} state
   * @param {Source} [source]
   */
  #become(state, source) {
    this.state = state;
    this.#source = source;
    if (source && performance.getEntriesByName('engine-ready').length === 0) performance.mark('engine-ready');
    this.#next();
    this.dispatchEvent(new Event('state'));
  }

  async #next() {
    const request = ORDER.map((kind) => this.#waiting.get(kind)).find(Boolean);
    if (this.#busy || !request || !(this.#source || this.state === 'none')) return;
    this.#busy = true;
    this.#waiting.delete(request.kind);
    await this.#answer(request, this.#source);
    this.#busy = false;
    this.#next();
  }

  /**
   * @param {Request} request
   * @param {Source | undefined} source
   */
  async #answer(request, source) {
    const { id, kind, argument, settle } = request;
    const answer = source?.[kind];
    if (!answer) return settle({ id, ok: false, error: this.problem });
    const start = performance.now();
    try {
      const result = await answer(argument);
      this.#failures = 0;
      if (kind === 'read') this.#measure(start);
      settle({ id, ok: true, result });
    } catch (error) {
      if (error instanceof RefusedError) return settle({ id, ok: false, error: error.message });
      console.error('No answer:', error);
      // The drawing is not lost: whoever answers next reads it, unless a newer one waits.
      if (this.#waiting.has(kind)) supersede(request);
      else this.#waiting.set(kind, request);
      await this.#replace(error);
    }
  }

  /**
   * Find another that answers: the server; else Python anew, once. From a server nobody takes over.
   * @param {unknown} error
   */
  async #replace(error) {
    if (this.state === 'server') return this.#missServer(error);
    const wasPython = this.state === 'browser';
    await this.#fallBack(error);
    if (this.state === 'none' && wasPython && !this.#restarted) {
      this.#restarted = true;
      await this.start();
    }
  }

  /**
   * Ask the server once more if it was only restarted; else wait for it.
   * @param {unknown} error
   */
  async #missServer(error) {
    this.#failures++;
    if (this.#failures === 1 && (await serverAnswers())) return;
    this.problem = { key: 'fault.both', values: { first: this.#pythonProblem, second: inWords(error) } };
    this.#become('none');
    this.#awaitServer();
  }

  /** Look for the server again and again, less and less often. */
  async #awaitServer() {
    let pause = 500 * 2 ** Math.min(this.#failures, 6);
    do {
      pause = Math.min(pause, LONGEST_PAUSE);
      await new Promise((resolve) => setTimeout(resolve, pause));
      pause *= 2;
    } while (!(await serverAnswers()));
    this.problem = this.#pythonProblem;
    this.#become('server', { read: readOnServer, view: viewOnServer });
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

/** @param {Request} request in whose place a newer one has come */
function supersede({ id, settle }) {
  settle({ id, ok: false, error: NEWER, superseded: true });
}
