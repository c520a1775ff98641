// Turns what a finger, a pen or a mouse does on the canvas into strokes, and remembers them for undo and redo.

import { Ink } from './ink.js';

/**
 * @typedef {import('./ink.js').Stroke} Stroke
 */

/** A contact wider than this is the heel of a hand, CSS pixels. */
const PALM = 90;
/** After a pen was there, touches for this long are the hand that holds it, milliseconds. */
const PEN_MEMORY = 1000;
/** Steps that can be undone. */
const HISTORY = 200;

/** Dispatches `change` whenever the drawing changed, and at each move while something is drawn. */
export class Pad extends EventTarget {
  #canvas;
  #ink;
  /** @type {readonly Stroke[]} finished strokes */
  #strokes = [];
  /** @type {Stroke | undefined} the stroke under the pointer */
  #live;
  /** @type {{id: number, type: string} | undefined} the pointer that draws */
  #pointer;
  #penSeen = -Infinity;
  /** @type {(readonly Stroke[])[]} */
  #past = [];
  /** @type {(readonly Stroke[])[]} */
  #future = [];

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    super();
    this.#canvas = canvas;
    this.#ink = new Ink(canvas);
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    canvas.addEventListener('pointerup', (event) => this.#up(event));
    // The system took the pointer away, for a gesture or a call: what was drawn stays.
    canvas.addEventListener('pointercancel', (event) => this.#up(event));
    canvas.addEventListener('lostpointercapture', (event) => this.#up(event));
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    new ResizeObserver(() => this.#refit()).observe(canvas);
    this.#watchDisplay();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.redraw());
    this.#refit();
  }

  /** @returns {readonly Stroke[]} all strokes, with the one that is being drawn */
  get strokes() {
    return this.#live ? [...this.#strokes, this.#live] : this.#strokes;
  }

  /** Replaces the drawing; one step for undo. */
  set strokes(strokes) {
    if (strokes.length || this.#strokes.length) this.#commit(strokes);
  }

  get drawing() {
    return this.#live !== undefined;
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  clear() {
    this.#drop();
    this.strokes = [];
  }

  undo() {
    if (this.#live) return this.#abandon();
    const strokes = this.#past.pop();
    if (!strokes) return;
    this.#future.push(this.#strokes);
    this.#show(strokes);
  }

  redo() {
    const strokes = this.#future.pop();
    if (!strokes || this.#live) return;
    this.#past.push(this.#strokes);
    this.#show(strokes);
  }

  /** Draw again, after the colours have changed. */
  redraw() {
    this.#ink.draw(this.strokes);
  }

  /** @param {readonly Stroke[]} strokes */
  #commit(strokes) {
    this.#past.push(this.#strokes);
    if (this.#past.length > HISTORY) this.#past.shift();
    this.#future = [];
    this.#show(strokes);
  }

  /** @param {readonly Stroke[]} strokes */
  #show(strokes) {
    this.#strokes = strokes;
    if (strokes.length === 0) this.#ink.resize([]); // the next drawing has the whole paper
    this.redraw();
    this.#changed();
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  #refit() {
    this.#ink.resize(this.strokes);
    this.redraw();
  }

  /** Redraw when the window moves to a display with other pixels, or is zoomed. */
  #watchDisplay() {
    const display = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
    const changed = () => {
      this.#refit();
      this.#watchDisplay();
    };
    display.addEventListener('change', changed, { once: true });
  }

  /** @param {PointerEvent} event */
  #down(event) {
    if (event.pointerType === 'pen') this.#penSeen = event.timeStamp;
    if (!this.#draws(event)) return;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointer = { id: event.pointerId, type: event.pointerType };
    this.#live = [this.#ink.locate(event)];
    this.redraw();
    this.#changed();
  }

  /**
   * Tell whether a new pointer starts a stroke: a second finger and the hand that holds a pen do not.
   * @param {PointerEvent} event
   */
  #draws({ pointerType, button, width, height, timeStamp }) {
    if (button !== 0) return false;
    if (this.#pointer) {
      if (pointerType !== 'pen' || this.#pointer.type !== 'touch') return false;
      this.#abandon(); // the hand came before the pen that it holds
    }
    if (pointerType !== 'touch') return true;
    return Math.max(width, height) <= PALM && timeStamp - this.#penSeen > PEN_MEMORY;
  }

  /** @param {PointerEvent} event */
  #move(event) {
    if (event.pointerType === 'pen') this.#penSeen = event.timeStamp;
    if (!this.#live || event.pointerId !== this.#pointer?.id) return;
    const before = this.#live.length;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) {
      const point = this.#ink.locate(each);
      const last = this.#live[this.#live.length - 1];
      if (point[0] !== last[0] || point[1] !== last[1]) this.#live.push(point);
    }
    if (this.#live.length === before) return;
    this.redraw();
    this.#changed();
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (!this.#live || event.pointerId !== this.#pointer?.id) return;
    if (event.type === 'pointerup') this.#move(event);
    const stroke = this.#live;
    this.#drop();
    this.#commit([...this.#strokes, stroke]);
  }

  /** Forget the stroke that is being drawn. */
  #abandon() {
    this.#drop();
    this.redraw();
    this.#changed();
  }

  #drop() {
    const pointer = this.#pointer;
    this.#live = this.#pointer = undefined;
    if (pointer && this.#canvas.hasPointerCapture(pointer.id)) this.#canvas.releasePointerCapture(pointer.id);
  }
}
