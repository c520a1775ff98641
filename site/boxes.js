// Frames each mark of a number on the paper; a tap on a frame, or its tag by keyboard, chooses that mark.

import { oncePerFrame } from './frame.js';
import { SIGNS } from './reading.js';
import { find, put, say, setText } from './words.js';

/**
 * @typedef {import('./engine.js').Digit} Digit
 * @typedef {import('./pad.js').Pad} Pad
 * @typedef {readonly [number, number, ...number[]]} Place in the drawing's units
 * @typedef {{left: number, top: number, width: number, height: number}} Frame CSS pixels
 */

/** Room between the ink and its frame, CSS pixels. */
const MARGIN = 16;
/** A mark's foot is lower than this share of it. */
const FOOT = 0.75;
/** A frame is at least this wide and high, so that a dot can be tapped, CSS pixels. */
const LEAST = 34;
/** A tag below a frame needs this much room, CSS pixels; else it stands above. */
const TAG = 30;

export class Boxes {
  #list;
  #pad;
  #choose;
  /** @type {Digit[]} */
  #digits = [];
  #selected = -1;
  /** The list's, CSS pixels; 0 when it is not known. */
  #height = 0;
  #update = oncePerFrame(() => this.#draw());

  /**
   * @param {HTMLElement} list lies over the paper, and lets pointers through: the paper stays free for drawing
   * @param {Pad} pad whose units the boxes are in
   * @param {(mark: number | Place) => void} choose called when a mark was chosen: its index, or the place that was tapped
   */
  constructor(list, pad, choose) {
    this.#list = list;
    this.#pad = pad;
    this.#choose = choose;
    pad.addEventListener('refit', () => {
      this.#height = 0;
      this.#place();
    });
    pad.addEventListener('tap', (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (this.at(detail) < 0) return;
      event.preventDefault(); // no dot
      // The marks that show may hold the dot, which is about to go: so the place is told, and no index.
      this.#choose(detail);
    });
  }

  /**
   * Frame the marks with the next frame of the screen.
   * @param {Digit[]} digits a single one needs no frame
   */
  show(digits) {
    this.#digits = digits.length > 1 ? digits : [];
    this.#update();
  }

  /** @param {number} selected the index of the mark whose details are shown */
  select(selected) {
    this.#selected = selected;
    this.#update();
  }

  /**
   * @param {Place} place
   * @returns {number} the index of the mark there, its tag included, of several the smallest; -1 for none, and for what
   *   may be a decimal point: the stroke that is being drawn, a place by a foot
   */
  at(place) {
    const [x, y] = this.#pad.place([place[0], place[1]]);
    const corner = this.#list.getBoundingClientRect();
    let best = -1;
    let least = Infinity;
    const live = this.#pad.finished.length;
    this.#digits.forEach((digit, index) => {
      if (digit.strokes.length && digit.strokes.every((stroke) => stroke >= live)) return;
      const frame = this.#frame(digit, 0);
      const tag = this.#list.children[index]?.firstElementChild?.getBoundingClientRect();
      const byFoot = y > frame.top + FOOT * frame.height && digit.strokes.length && !this.#pad.isOn(digit.strokes, place);
      const isThere = (holds(frame, x, y) && !byFoot) || (tag && holds(tag, x + corner.left, y + corner.top));
      const size = frame.width * frame.height;
      if (isThere && size < least) [best, least] = [index, size];
    });
    return best;
  }

  /** @param {number} index */
  #add(index) {
    const box = document.createElement('li');
    const tag = document.createElement('button');
    tag.type = 'button';
    tag.addEventListener('click', () => this.#choose(index));
    box.append(tag);
    this.#list.append(box);
  }

  /** @param {number} index */
  #tag(index) {
    return /** @type {HTMLButtonElement} */ (this.#list.children[index].firstElementChild);
  }

  /**
   * @param {Digit} digit
   * @param {number} [margin]
   * @returns {Frame} on the canvas
   */
  #frame({ box: [left, top, right, bottom] }, margin = MARGIN) {
    const [x, y] = this.#pad.place([left, top]);
    const [endX, endY] = this.#pad.place([right, bottom]);
    const width = Math.max(endX - x + 2 * margin, LEAST);
    const height = Math.max(endY - y + 2 * margin, LEAST);
    return { left: (x + endX - width) / 2, top: (y + endY - height) / 2, width, height };
  }

  #draw() {
    const count = this.#digits.length;
    while (this.#list.children.length > count) {
      if (this.#list.lastElementChild?.matches(':focus-within')) find('pad').focus({ preventScroll: true });
      this.#list.lastElementChild?.remove();
    }
    while (this.#list.children.length < count) this.#add(this.#list.children.length);
    this.#digits.forEach(({ symbol }, index) => {
      const tag = this.#tag(index);
      setText(tag, symbol);
      const spoken = symbol in SIGNS ? say(SIGNS[symbol]) : symbol;
      put(tag, 'boxes.digit', { place: index + 1, count, digit: spoken }, 'label');
      tag.setAttribute('aria-pressed', String(index === this.#selected));
    });
    this.#place();
  }

  #place() {
    if (this.#digits.length !== this.#list.children.length) return; // they are about to be drawn
    if (this.#digits.length) this.#height ||= this.#list.clientHeight;
    this.#digits.forEach((digit, index) => {
      const { left, top, width, height } = this.#frame(digit);
      const { style, classList } = /** @type {HTMLElement} */ (this.#list.children[index]);
      classList.toggle('low', top + height + TAG > this.#height);
      style.transform = `translate(${left}px, ${top}px)`;
      style.width = `${width}px`;
      style.height = `${height}px`;
    });
  }
}

/**
 * @param {Frame} frame
 * @param {number} x
 * @param {number} y
 */
function holds({ left, top, width, height }, x, y) {
  return x >= left && x <= left + width && y >= top && y <= top + height;
}
