// Turns what a finger, a pen or a mouse does on the canvas into strokes, and remembers them for undo and redo.

import { Ink, isDot } from './ink.js';

/**
 * @typedef {import('./ink.js').Point} Point
 * @typedef {import('./ink.js').Stroke} Stroke
 * @typedef {import('./ink.js').Picture} Picture
 * @typedef {[strokes: readonly Stroke[], picture?: Picture]} Sheet what lies on the paper
 */

/** A contact wider than this is the heel of a hand, CSS pixels. */
const PALM = 90;
/** After a pen was there, touches for this long are the hand that holds it, milliseconds. */
const PEN_MEMORY = 1000;
/** Steps that can be undone, and pictures among them: each takes some megabytes. */
const HISTORY = 200;
const PICTURES = 10;
/** The canvas is drawn anew this seldom, and for each frame, milliseconds: a mouse may move more often. */
const REDRAW = 4;
/** The eraser looks for ink this often on its way, in the drawing's units. */
const ERASER_STEP = 20;
/** What PointerEvent.button is for the far end of a pen. */
const ERASER = 5;
/** A pointer that moves less than this, and is lifted soon, taps: CSS pixels, milliseconds. */
const TAP = 5;
const TAP_TIME = 300;

/**
 * Dispatches `change` whenever the drawing changed, and at each move while something is drawn; `refit` when the way from
 * the drawing's units to the canvas changed; `tap` (a CustomEvent whose detail is a Point) when a pointer only touched the
 * paper: who prevents its default has taken it for something else than a dot.
 */
export class Pad extends EventTarget {
  /** Whether the pointer takes strokes away instead of drawing them. */
  erasing = false;

  #canvas;
  #ink;
  /** @type {readonly Stroke[]} finished strokes */
  #strokes = [];
  /** @type {Stroke | undefined} the stroke that is being drawn */
  #live;
  /** @type {Picture | undefined} */
  #picture;
  /** @type {Picture | undefined} what the live stroke took away */
  #covered;
  /** @type {{id: number, type: string, since: number, isRaw?: boolean, eraser?: {at: Point, before: readonly Stroke[]}}
   *   | undefined} the pointer at work, and whether its moves come before their frame; as an eraser it remembers where it is
   *   and what was there before it */
  #pointer;
  /** When the canvas was drawn last, and whether it lacks a point. */
  #drawn = -Infinity;
  #isStale = false;
  #penSeen = -Infinity;
  /** @type {Sheet[]} */
  #past = [];
  /** @type {Sheet[]} */
  #future = [];

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    super();
    this.#canvas = canvas;
    this.#ink = new Ink(canvas);
    canvas.addEventListener('pointerdown', (event) => this.#down(event));
    canvas.addEventListener('pointermove', (event) => this.#move(event));
    // The same, as soon as it is known, and not only with the next frame: where a browser has it.
    canvas.addEventListener('pointerrawupdate', (event) => this.#move(/** @type {PointerEvent} */ (event)));
    // Also where the system takes the pointer away, for a gesture or a call: what was drawn stays.
    for (const type of /** @type {const} */ (['pointerup', 'pointercancel', 'lostpointercapture'])) {
      canvas.addEventListener(type, (event) => this.#up(event));
    }
    // A quick stroke is no fling either: Chromium would take the next tap, on Undo maybe, for the end of that.
    for (const type of ['contextmenu', 'dragstart', 'touchmove']) {
      canvas.addEventListener(type, (event) => event.preventDefault());
    }
    new ResizeObserver(() => this.#refit()).observe(canvas);
    this.#watchDisplay();
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#redraw());
    canvas.oncontextrestored = () => this.#redraw();
    this.#refit();
  }

  /** @returns {readonly Stroke[]} all strokes, with the one that is being drawn once it is more than a dot */
  get strokes() {
    return this.#live && !isDot(this.#live) ? [...this.#strokes, this.#live] : this.#strokes;
  }

  /** Replaces the drawing; one step for undo. */
  set strokes(strokes) {
    if (this.#live || this.#pointer) this.#abandon();
    if (!strokes.length && !this.#strokes.length && !this.#picture) return;
    this.#remember(this.#strokes, this.#picture);
    this.#replace(strokes);
  }

  /** @returns {readonly Stroke[]} the finished strokes: the same list until they change */
  get finished() {
    return this.#strokes;
  }

  /** @returns {Picture | undefined} what lies on the paper instead of a drawing */
  get picture() {
    return this.#picture;
  }

  /** Lays a picture on the paper, and takes the drawing away; the next stroke takes the picture away. */
  set picture(picture) {
    if (this.#live || this.#pointer) this.#abandon();
    this.#remember(this.#strokes, this.#picture);
    this.#replace([], picture);
  }

  /** @returns {boolean} whether a pen is down */
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
    this.strokes = [];
  }

  undo() {
    if (this.#live || this.#pointer) this.#abandon();
    else this.#turn(this.#past, this.#future);
  }

  redo() {
    if (!this.#live && !this.#pointer) this.#turn(this.#future, this.#past);
  }

  /**
   * Put a pen down, whatever moves it.
   * @param {Point} point
   */
  begin(point) {
    this.#live = [point];
    this.#show(this.#strokes);
  }

  /**
   * Move the pen that is down.
   * @param {Point[]} points
   */
  extend(points) {
    if (!this.#live) return;
    const before = this.#live.length;
    for (const point of points) {
      const [x, y] = this.#live[this.#live.length - 1];
      if (point[0] !== x || point[1] !== y) this.#live.push(point);
    }
    if (this.#live.length === before) return;
    // A tap may choose a mark of it.
    if (this.#picture && this.#hasMoved()) [this.#covered, this.#picture] = [this.#picture, undefined];
    this.#isStale = true;
    if (!this.#pointer?.isRaw || performance.now() - this.#drawn >= REDRAW) this.#redraw();
    this.#changed();
  }

  /** Lift the pen. */
  end() {
    if (!this.#live) return;
    if (this.#picture) return this.#abandon(); // only tapped
    const stroke = isDot(this.#live) ? [this.#live[0]] : this.#live;
    this.#remember(this.#strokes, this.#covered);
    this.#drop();
    this.#show([...this.#strokes, stroke]);
  }

  /**
   * Take away the strokes at a place; one step for undo.
   * @param {readonly [number, number]} place in the drawing's units
   */
  rub(place) {
    const left = this.#strokes.filter((stroke) => !this.#ink.isOn(stroke, place));
    if (left.length < this.#strokes.length) this.strokes = left;
  }

  /**
   * @param {readonly [number, number]} point in the drawing's units
   * @returns {[number, number]} where that is on the canvas, CSS pixels
   */
  place(point) {
    return this.#ink.place(point);
  }

  /**
   * Tell whether a place is on some strokes' ink.
   * @param {number[]} strokes
   * @param {readonly [number, number, ...number[]]} place in the drawing's units
   */
  isOn(strokes, [x, y]) {
    return strokes.some((stroke) => this.#ink.isOn(this.#strokes[stroke] ?? [], [x, y], 0.5));
  }

  /** @returns {[number, number]} half the paper's width and height, in the drawing's units */
  get reach() {
    return this.#ink.reach;
  }

  /** @param {Sheet} sheet what undo leads back to */
  #remember(...sheet) {
    this.#past.push(sheet);
    const pictures = () => this.#past.filter(([, picture]) => picture).length;
    while (this.#past.length > HISTORY || pictures() > PICTURES) this.#past.shift();
    this.#future = [];
  }

  /**
   * Show the sheet that comes next, and keep this one for the way back.
   * @param {Sheet[]} from
   * @param {Sheet[]} to
   */
  #turn(from, to) {
    const sheet = from.pop();
    if (!sheet) return;
    to.push([this.#strokes, this.#picture]);
    this.#replace(...sheet);
  }

  /**
   * Show another drawing or picture, all of it: it may have been made on wider paper.
   * @param {readonly Stroke[]} strokes
   * @param {Picture} [picture]
   */
  #replace(strokes, picture) {
    this.#strokes = strokes;
    this.#picture = picture;
    this.#refit();
    this.#changed();
  }

  /**
   * Show a drawing that goes on: the paper does not move.
   * @param {readonly Stroke[]} strokes
   */
  #show(strokes) {
    this.#strokes = strokes;
    this.#redraw();
    this.#changed();
  }

  #redraw() {
    this.#ink.draw(this.#live ? [...this.#strokes, this.#live] : this.#strokes, this.#picture);
    this.#drawn = performance.now();
    this.#isStale = false;
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }

  #refit() {
    const [left, top, right, bottom] = this.#picture?.box ?? [0, 0, 0, 0];
    this.#ink.resize([...this.strokes, [[left, top, 0]], [[right, bottom, 0]]]);
    this.#redraw();
    this.dispatchEvent(new Event('refit'));
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
    if (!this.#takes(event)) return;
    this.end(); // a stroke of the keyboard's pen
    this.#canvas.setPointerCapture(event.pointerId);
    this.#pointer = { id: event.pointerId, type: event.pointerType, since: event.timeStamp };
    const point = this.#ink.locate(event);
    if (this.erasing || event.button === ERASER) {
      this.#pointer.eraser = { at: point, before: this.#strokes };
      this.#erase(this.#pointer.eraser, event);
    } else {
      this.begin(point);
    }
  }

  /**
   * Tell whether a new pointer starts something: a second finger and the hand that holds a pen do not.
   * @param {PointerEvent} event
   */
  #takes({ pointerType, button, width, height, timeStamp }) {
    if (button !== 0 && button !== ERASER) return false;
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
    if (event.pointerId !== this.#pointer?.id) return;
    if (event.type !== 'pointerup' && !(event.buttons & 33)) return this.#up(event); // lifted
    if (event.type === 'pointermove' && this.#pointer.isRaw) {
      if (this.#isStale) this.#redraw();
      return;
    }
    this.#pointer.isRaw ||= event.type === 'pointerrawupdate';
    if (this.#pointer.eraser) return this.#erase(this.#pointer.eraser, event);
    const events = event.getCoalescedEvents?.() ?? [];
    const corner = this.#canvas.getBoundingClientRect();
    this.extend((events.length ? events : [event]).map((each) => this.#ink.locate(each, corner)));
  }

  /** @param {PointerEvent} event */
  #up(event) {
    if (event.pointerId !== this.#pointer?.id) return;
    if (event.type === 'pointerup') this.#move(event);
    const { eraser, since } = this.#pointer;
    if (!eraser) return event.timeStamp - since < TAP_TIME && this.#isTaken() ? this.#abandon() : this.end();
    this.#drop();
    if (eraser.before === this.#strokes) return;
    this.#remember(eraser.before);
    this.#changed();
  }

  /** Tell whether the stroke is a tap that somebody takes for something else than a dot. */
  #isTaken() {
    const first = this.#live?.[0];
    if (!first || this.#hasMoved()) return false;
    return !this.dispatchEvent(new CustomEvent('tap', { detail: first, cancelable: true }));
  }

  #hasMoved() {
    const [first, ...others] = (this.#live ?? []).map((point) => this.place([point[0], point[1]]));
    return others.some(([x, y]) => Math.hypot(x - first[0], y - first[1]) > TAP);
  }

  /**
   * Take away the strokes on the way from where the pointer was.
   * @param {{at: Point}} eraser
   * @param {PointerEvent} event
   */
  #erase(eraser, event) {
    const [x, y] = eraser.at;
    const to = this.#ink.locate(event);
    eraser.at = to;
    const steps = Math.ceil(Math.hypot(to[0] - x, to[1] - y) / ERASER_STEP) || 1;
    const parts = Array.from({ length: steps }, (_, i) => (i + 1) / steps);
    const left = this.#strokes.filter(
      (stroke) => !parts.some((part) => this.#ink.isOn(stroke, [x + part * (to[0] - x), y + part * (to[1] - y)])),
    );
    if (left.length < this.#strokes.length) this.#show(left);
  }

  /** Forget what the pointer is doing. */
  #abandon() {
    const before = this.#pointer?.eraser?.before ?? this.#strokes;
    this.#picture ??= this.#covered;
    this.#drop();
    this.#show(before);
  }

  #drop() {
    const pointer = this.#pointer;
    this.#live = this.#pointer = this.#covered = undefined;
    if (pointer && this.#canvas.hasPointerCapture(pointer.id)) this.#canvas.releasePointerCapture(pointer.id);
  }
}
