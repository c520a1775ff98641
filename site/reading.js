// Shows a reading: the answer, how sure it is, the ten probabilities and the picture that the network saw.

import { oncePerFrame } from './frame.js';
import { paint } from './inside.js';
import { find, put, say, setText } from './words.js';

/**
 * @typedef {import('./engine.js').Reading} Reading
 * @typedef {import('./engine.js').Digit} Digit
 */

const SIDE = 28;
/** A pixel's four bytes as one number, lowest first, as all computers that run browsers have them. */
const OPAQUE = 0xff000000;
const GREY = 0x010101;
/** An answer that stands for this long is read out by a screen reader, milliseconds. */
const SETTLED = 700;

export class ReadingView {
  #answer = find('answer');
  #sure = find('sure');
  #second = find('second');
  #spoken = find('spoken');
  #bars = new Bars(find('bars'));
  #seen = new Seen(/** @type {HTMLCanvasElement} */ (find('seen')));
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {Reading} */
  #reading = { text: '', digits: [] };
  #index = 0;
  /** The words why there is no answer. */
  #reason = '';
  #update = oncePerFrame(() => this.#showDetails());

  /**
   * Show the answer at once, and the rest with the next frame.
   * @param {Reading} reading
   * @param {number} [index] of the digit whose details to show
   */
  show(reading, index = 0) {
    setText(this.#answer, reading.text);
    this.#reading = reading;
    this.#index = index;
    this.#reason = '';
    this.#update();
  }

  /**
   * Say why there is no answer.
   * @param {string} key the words that say it
   */
  tell(key) {
    this.#reason = key;
    this.#update();
  }

  /**
   * Tell people who do not see the page something at once.
   * @param {string} text
   */
  say(text) {
    clearTimeout(this.#timer);
    setText(this.#spoken, text);
  }

  #showDetails() {
    const { text, digits } = this.#reading;
    const digit = digits[this.#index];
    const room = String(text.length || 1);
    if (this.#answer.style.getPropertyValue('--marks') !== room) this.#answer.style.setProperty('--marks', room);
    this.#bars.show(digit);
    this.#seen.show(digit);
    const { sure, second } = digit ? describe(digit) : { sure: '', second: '' };
    this.#second.classList.toggle('why', digit?.symbol === '?');
    setText(this.#sure, digits.length > 1 && digit.digit !== null ? say('reading.mark', { digit: digit.symbol, sure }) : sure);
    if ((this.#second.dataset.text ?? '') !== this.#reason) put(this.#second, this.#reason);
    if (!this.#reason) setText(this.#second, second);
    this.#speak(digit ? inWords(this.#reading, digits.length > 1 ? '' : sure) : say(this.#reason));
  }

  /** @param {string} text said when no other answer follows at once */
  #speak(text) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.say(text), SETTLED);
  }
}

/** What marks that are no digits are called. @type {Record<string, string>} */
export const SIGNS = { '?': 'sign.unknown', '.': 'sign.point', '-': 'sign.minus' };

/** Ten bars, one for each digit. */
class Bars {
  /** @type {{bar: HTMLElement, fill: HTMLElement, share: HTMLElement}[]} */
  #bars = [];

  /** @param {HTMLElement} list */
  constructor(list) {
    for (let digit = 0; digit < 10; digit++) {
      const fragment = /** @type {HTMLTemplateElement} */ (find('bar')).content.cloneNode(true);
      const [bar, share, fill, name] = /** @type {DocumentFragment} */ (fragment).querySelectorAll('.bar, :empty');
      name.textContent = String(digit);
      bar.setAttribute('aria-label', String(digit));
      list.append(bar);
      this.#bars.push(/** @type {any} */ ({ bar, fill, share }));
    }
    this.show(undefined);
  }

  /** @param {Digit | undefined} digit */
  show(digit) {
    this.#bars.forEach(({ bar, fill, share }, index) => {
      const probability = digit ? digit.probabilities[index] : 0;
      const transform = `scaleY(${Math.round(1000 * probability) / 1000})`;
      if (fill.style.transform !== transform) fill.style.transform = transform;
      bar.classList.toggle('first', digit?.digit === index);
      const spoken = digit ? percentage(probability) : '0';
      if (bar.getAttribute('aria-valuetext') === spoken) return;
      bar.setAttribute('aria-valuenow', String(Math.round(probability * 100)));
      bar.setAttribute('aria-valuetext', spoken);
      setText(share, probability >= 0.005 ? percentage(probability, '') : '');
    });
  }
}

/** The picture that the network saw, 28 by 28 pixels. */
class Seen {
  #canvas;
  #picture = new ImageData(SIDE, SIDE);
  /** The same, a pixel each. */
  #pixels = new Uint32Array(this.#picture.data.buffer);
  /** @type {string | undefined} */
  #image;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.show(undefined);
  }

  /** @param {Digit | undefined} digit */
  show(digit) {
    const image = digit?.image ?? '';
    if (image === this.#image) return;
    this.#image = image;
    const bytes = atob(image);
    for (const i of this.#pixels.keys()) {
      this.#pixels[i] = OPAQUE + GREY * (bytes.charCodeAt(i) || 0);
    }
    paint(this.#canvas, this.#picture);
    const key = image ? 'seen.drawing' : 'seen.nothing';
    if (this.#canvas.dataset.label !== key) put(this.#canvas, key, {}, 'label');
  }
}

/**
 * @param {Digit | undefined} refused
 * @returns {string} why it is no digit
 */
function why(refused) {
  return refused ? say(refused.several ? 'reading.several' : 'reading.none') : '';
}

/**
 * @param {Reading} reading
 * @param {string} sure
 * @returns {string} what a screen reader says of a reading
 */
function inWords({ text, digits }, sure) {
  const refused = why(digits.find(({ symbol }) => symbol === '?'));
  if (text === '?') return refused;
  const spoken = text.replaceAll('?', ` ${say('sign.unknown')} `).trim();
  return [spoken, sure, refused].filter(Boolean).join(', ');
}

/**
 * @param {Digit} mark
 * @returns {{sure: string, second: string}} the answer's certainty and the next best guess, in words
 */
function describe(mark) {
  const { symbol, digit, confidence, probabilities } = mark;
  if (symbol === '?') return { sure: '', second: why(mark) };
  if (digit === null) return { sure: say(SIGNS[symbol]), second: '' };
  const second = probabilities.reduce((best, value, i) => (i !== digit && value > (probabilities[best] ?? -1) ? i : best), -1);
  const share = probabilities[second];
  return {
    sure: say('reading.sure', { share: percentage(confidence) }),
    second:
      share >= 0.005
        ? say(share > 0.25 ? 'reading.second' : 'reading.perhaps', { digit: String(second), share: percentage(share) })
        : '',
  };
}

/**
 * @param {number} probability
 * @param {'%' | ''} [sign]
 * @returns {string} never 100, which nobody can be
 */
function percentage(probability, sign = '%') {
  const shown = Math.round(100 * Math.min(probability, 0.99));
  // Without Intl, which takes long to start.
  return (probability >= 0.995 ? '>' : '') + (sign ? say('reading.share', { share: String(shown) }) : shown);
}
