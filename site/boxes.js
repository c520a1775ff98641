// Frames each digit of a number on the paper; a click on a frame's tag shows that digit's details.

import { put } from './words.js';

/**
 * @typedef {import('./engine.js').Digit} Digit
 * @typedef {import('./pad.js').Pad} Pad
 */

/** Room between the ink and its frame, CSS pixels. */
const MARGIN = 14;

export class Boxes {
  #list;
  #pad;
  #onSelect;
  /** @type {Digit[]} */
  #digits = [];

  /**
   * @param {HTMLElement} list lies over the paper
   * @param {Pad} pad whose units the boxes are in
   * @param {(index: number) => void} onSelect
   */
  constructor(list, pad, onSelect) {
    this.#list = list;
    this.#pad = pad;
    this.#onSelect = onSelect;
    pad.addEventListener('refit', () => this.#place());
  }

  /**
   * @param {Digit[]} digits a single one needs no frame
   * @param {number} selected
   */
  show(digits, selected) {
    this.#digits = digits.length > 1 ? digits : [];
    while (this.#list.children.length > this.#digits.length) this.#list.lastElementChild?.remove();
    while (this.#list.children.length < this.#digits.length) this.#add(this.#list.children.length);
    this.#digits.forEach(({ symbol }, index) => {
      const tag = this.#tag(index);
      tag.textContent = symbol;
      put(tag, 'boxes.digit', { place: index + 1, count: digits.length, digit: symbol }, 'label');
      tag.setAttribute('aria-pressed', String(index === selected));
    });
    this.#place();
  }

  /** @param {number} index */
  #add(index) {
    const box = document.createElement('li');
    const tag = document.createElement('button');
    tag.type = 'button';
    tag.addEventListener('click', () => this.#onSelect(index));
    box.append(tag);
    this.#list.append(box);
  }

  /** @param {number} index */
  #tag(index) {
    return /** @type {HTMLButtonElement} */ (this.#list.children[index].firstElementChild);
  }

  #place() {
    this.#digits.forEach(({ box: [left, top, right, bottom] }, index) => {
      const [x, y] = this.#pad.place([left, top]);
      const [endX, endY] = this.#pad.place([right, bottom]);
      const { style } = /** @type {HTMLElement} */ (this.#list.children[index]);
      style.transform = `translate(${x - MARGIN}px, ${y - MARGIN}px)`;
      style.width = `${endX - x + 2 * MARGIN}px`;
      style.height = `${endY - y + 2 * MARGIN}px`;
    });
  }
}
