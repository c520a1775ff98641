// A pen that the keyboard moves: arrow keys carry it, Space puts it down and lifts it, or rubs out.

import { say } from './words.js';

/** @typedef {import('./pad.js').Pad} Pad */

/** How far an arrow key moves the pen, in the drawing's units; and with Shift. */
const STEP = 25;
const FINE_STEP = 5;

/** @type {Record<string, [number, number]>} */
const DIRECTIONS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class KeyboardPen {
  #pad;
  #nib;
  #view;
  /** @type {[number, number]} */
  #place = [0, 0];
  #isDown = false;
  /** @type {Set<string>} arrow keys that are held: two of them move the pen aslant */
  #held = new Set();

  /**
   * @param {Pad} pad
   * @param {HTMLElement} canvas takes the keys while it has the focus
   * @param {HTMLElement} nib shows where the pen is
   * @param {import('./reading.js').ReadingView} view tells what changed, for those who cannot see the pen
   */
  constructor(pad, canvas, nib, view) {
    this.#pad = pad;
    this.#nib = nib;
    this.#view = view;
    canvas.addEventListener('keydown', (event) => this.#press(event));
    canvas.addEventListener('keyup', ({ key }) => this.#held.delete(key));
    canvas.addEventListener('pointerdown', () => this.#leave());
    canvas.addEventListener('blur', () => this.#leave());
    pad.addEventListener('refit', () => this.#show());
    pad.addEventListener('change', () => {
      if (!pad.drawing) this.#isDown = false; // lifted by undo, or cleared
      this.#show();
    });
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in DIRECTIONS) this.#move(event);
    else if (event.key === ' ' && !event.repeat) this.#toggle();
    else if (event.key !== ' ') return;
    event.preventDefault(); // the page does not scroll
    this.#nib.hidden = false;
    this.#show();
  }

  /** @param {KeyboardEvent} event */
  #move({ key, shiftKey }) {
    this.#held.add(key);
    const step = shiftKey ? FINE_STEP : STEP;
    const reach = this.#pad.reach;
    for (const each of this.#held) {
      const direction = DIRECTIONS[each];
      for (const axis of [0, 1]) {
        const moved = this.#place[axis] + direction[axis] * step;
        this.#place[axis] = Math.min(Math.max(moved, -reach[axis]), reach[axis]);
      }
    }
    if (this.#isDown) this.#pad.extend([[...this.#place, 0.5]]);
  }

  #toggle() {
    if (this.#pad.drawing && !this.#isDown) return;
    if (this.#pad.erasing) return this.#pad.rub(this.#place);
    if (this.#isDown) {
      this.#pad.end();
    } else {
      this.#isDown = true;
      this.#pad.begin([...this.#place, 0.5]);
    }
    this.#view.say(say(this.#isDown ? 'pen.down' : 'pen.up'));
  }

  #leave() {
    if (this.#isDown) this.#pad.end();
    this.#held.clear();
    this.#nib.hidden = true;
  }

  #show() {
    const [x, y] = this.#pad.place(this.#place);
    this.#nib.style.transform = `translate(${x}px, ${y}px)`;
    this.#nib.classList.toggle('down', this.#isDown);
  }
}
