// Shows a reading: the answer, how sure it is, the ten probabilities and the picture that the network saw.

import { percent, put, say, setText } from './words.js';

/**
 * @typedef {import('./engine.js').Reading} Reading
 * @typedef {import('./engine.js').Digit} Digit
 */

const SIDE = 28;
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

  /**
   * @param {Reading} reading
   * @param {number} [index] of the digit whose details to show
   */
  show({ text, digits }, index = 0) {
    setText(this.#answer, text);
    this.#answer.style.setProperty('--marks', String(text.length || 1));
    const digit = digits[index];
    this.#bars.show(digit);
    this.#seen.show(digit);
    const { sure, second } = digit ? describe(digit) : { sure: '', second: '' };
    setText(this.#sure, digits.length > 1 && digit.digit !== null ? `${digit.symbol}: ${sure}` : sure);
    put(this.#second, '');
    setText(this.#second, second);
    this.#speak(digit ? inWords(text, digits.length > 1 ? '' : sure) : '');
  }

  /**
   * Say why there is no answer.
   * @param {string} key the words that say it
   */
  tell(key) {
    put(this.#second, key);
  }

  /**
   * Tell people who do not see the page something at once.
   * @param {string} text
   */
  say(text) {
    clearTimeout(this.#timer);
    setText(this.#spoken, text);
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
      const bar = document.createElement('div');
      bar.className = 'bar';
      const [share, track, fill, name] = ['span', 'span', 'span', 'span'].map((tag) => document.createElement(tag));
      share.className = 'percent';
      track.className = 'track';
      fill.className = 'fill';
      name.className = 'name';
      name.textContent = String(digit);
      track.append(fill);
      bar.append(share, track, name);
      bar.setAttribute('role', 'meter');
      bar.setAttribute('aria-label', String(digit));
      list.append(bar);
      this.#bars.push({ bar, fill, share });
    }
    this.show(undefined);
  }

  /** @param {Digit | undefined} digit */
  show(digit) {
    this.#bars.forEach(({ bar, fill, share }, index) => {
      const probability = digit ? digit.probabilities[index] : 0;
      bar.classList.toggle('first', digit?.digit === index);
      bar.setAttribute('aria-valuenow', String(Math.round(probability * 100)));
      bar.setAttribute('aria-valuetext', percentage(probability));
      fill.style.transform = `scaleY(${probability})`;
      setText(share, probability >= 0.005 ? percentage(probability, '') : '');
    });
  }
}

/** The picture that the network saw, 28 by 28 pixels. */
class Seen {
  #canvas;
  #context;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
    this.show(undefined);
  }

  /** @param {Digit | undefined} digit */
  show(digit) {
    const bytes = digit ? atob(digit.image) : '';
    const picture = this.#context.createImageData(SIDE, SIDE);
    for (let i = 0; i < SIDE * SIDE; i++) {
      const grey = i < bytes.length ? bytes.charCodeAt(i) : 0;
      picture.data.set([grey, grey, grey, 255], 4 * i);
    }
    this.#context.putImageData(picture, 0, 0);
    put(this.#canvas, digit ? 'seen.drawing' : 'seen.nothing', {}, 'label');
  }
}

/**
 * @param {string} text
 * @param {string} sure
 * @returns {string} what a screen reader says of a reading
 */
function inWords(text, sure) {
  const refused = text.includes('?') ? say('reading.none') : '';
  if (text === '?') return refused;
  const spoken = text.replaceAll('?', ` ${say('sign.unknown')} `).trim();
  return [spoken, sure, refused].filter(Boolean).join(', ');
}

/**
 * @param {Digit} digit
 * @returns {{sure: string, second: string}} the answer's certainty and the next best guess, in words
 */
function describe({ symbol, digit, confidence, probabilities }) {
  if (digit === null) return { sure: say(SIGNS[symbol]), second: symbol === '?' ? say('reading.none') : '' };
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
  const shown = Math.min(probability, 0.99);
  return (probability >= 0.995 ? '>' : '') + (sign ? percent(shown) : Math.round(shown * 100));
}

/** @param {string} id */
function find(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
