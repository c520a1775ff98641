// Shows how the network knows: which pixels spoke for its answer, what would change its mind, and the maps inside it.

import { button, find, language, list, number, percent, put, say } from './words.js';

/**
 * @typedef {import('./engine.js').Engine} Engine
 * @typedef {import('./engine.js').Digit} Digit
 * @typedef {import('./engine.js').FeatureMaps} FeatureMaps
 * @typedef {import('./python.js').About} About
 */

const SIDE = 28;
/** Evidence takes a moment: it is asked for when the answer has stood this long, milliseconds. */
const SETTLED = 250;
/** What the network's metadata call the marks that it learned to refuse. */
const NO_DIGITS = 'non-digits';

export class Inside {
  #engine;
  #section = find('inside');
  #switch = button('how');
  #layers = find('layers');
  /** @type {Digit | undefined} */
  #digit;
  /** @type {import('./engine.js').Evidence | undefined} */
  #evidence;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Engine} engine */
  constructor(engine) {
    this.#engine = engine;
    this.#switch.addEventListener('click', () => this.#toggle());
    engine.addEventListener('state', () => {
      this.#switch.disabled = engine.state !== 'browser'; // the server reads and does not explain
    });
    language.addEventListener('change', () => {
      this.#nameDigits();
      if (engine.about) describeNetwork(engine.about);
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#update()); // on another paper
  }

  /** @param {Digit | undefined} digit whose picture to explain */
  show(digit) {
    const changed = digit?.image !== this.#digit?.image;
    this.#digit = digit;
    if (changed) this.#update();
  }

  #toggle() {
    this.#section.hidden = !this.#section.hidden;
    const open = !this.#section.hidden;
    this.#switch.setAttribute('aria-expanded', String(open));
    document.body.classList.toggle('curious', open);
    if (!open) return;
    if (this.#engine.about) describeNetwork(this.#engine.about); // it takes long
    this.#update();
    find('evidence').scrollIntoView({ block: 'nearest' }); // and the drawing stays in sight
  }

  async #update() {
    clearTimeout(this.#timer);
    if (this.#section.hidden) return;
    const image = this.#digit?.image;
    this.#section.classList.toggle('idle', !image);
    if (!image) return;
    this.#timer = setTimeout(() => this.#explain(image), SETTLED);
    const settled = await this.#engine.look(image);
    if (settled.ok && image === this.#digit?.image) this.#showLayers(settled.result);
  }

  /** @param {string} image */
  async #explain(image) {
    const settled = await this.#engine.explain(image);
    if (!settled.ok || image !== this.#digit?.image) return;
    this.#evidence = settled.result;
    this.#nameDigits();
    const { digit, second, forDigit, againstSecond } = this.#evidence;
    paintEvidence(find('evidence'), image, forDigit);
    paintEvidence(find('difference'), image, againstSecond);
    put(find('evidence'), 'evidence.picture', { digit: String(digit) }, 'label');
    put(find('difference'), 'difference.picture', { digit: String(digit), second: String(second) }, 'label');
  }

  /** Put the answer and the second choice into the words about them. */
  #nameDigits() {
    const { digit = say('digit'), second = say('digit') } = this.#evidence ?? {};
    for (const each of document.querySelectorAll('.its-answer')) each.textContent = String(digit);
    for (const each of document.querySelectorAll('.its-second')) each.textContent = String(second);
  }

  /** @param {FeatureMaps[]} layers */
  #showLayers(layers) {
    while (this.#layers.children.length < layers.length) {
      const figure = document.createElement('figure');
      figure.append(document.createElement('figcaption'), document.createElement('canvas'));
      this.#layers.append(figure);
    }
    layers.forEach((layer, i) => {
      const [caption, canvas] = this.#layers.children[i].children;
      const { width, height } = layer;
      canvas.setAttribute('role', 'img');
      put(caption, 'maps.layer', { layer: i + 1, filters: layer.channels, width, height });
      put(canvas, 'maps.picture', { layer: i + 1, filters: layer.channels }, 'label');
      paintMaps(/** @type {HTMLCanvasElement} */ (canvas), layer);
    });
  }
}

/**
 * Paint maps side by side, one dark line apart.
 * @param {HTMLCanvasElement} canvas
 * @param {FeatureMaps} layer
 */
export function paintMaps(canvas, { height, width, channels, pixels }) {
  const narrow = innerWidth < 560; // a phone: larger maps, in more rows
  const columns = Math.min(channels, (width > 7 ? 16 : 32) / (narrow ? 2 : 1));
  const bytes = atob(pixels);
  const across = columns * (width + 1) - 1;
  const down = Math.ceil(channels / columns) * (height + 1) - 1;
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const picture = new ImageData(across, down);
  for (let i = 0; i < bytes.length; i++) {
    const map = Math.floor(i / (width * height));
    const row = Math.floor(map / columns) * (height + 1) + (Math.floor(i / width) % height);
    const column = (map % columns) * (width + 1) + (i % width);
    const grey = bytes.charCodeAt(i);
    picture.data.set([grey, grey, grey, 255], 4 * (row * across + column));
  }
  paint(canvas, picture);
}

/**
 * Put a picture on a canvas, and again when it is lost.
 * @param {HTMLCanvasElement} canvas
 * @param {ImageData} picture
 */
export function paint(canvas, picture) {
  (canvas.oncontextrestored = () => context(canvas).putImageData(picture, 0, 0))();
}

/**
 * Paint a picture's ink in one colour where it speaks for something, in another where it speaks against it.
 * @param {HTMLElement} element a canvas of 28 by 28; its CSS colours are used
 * @param {string} image
 * @param {string} shares
 */
function paintEvidence(element, image, shares) {
  const canvas = /** @type {HTMLCanvasElement} */ (element);
  const [ink, signed] = [atob(image), Int8Array.from(atob(shares), (byte) => byte.charCodeAt(0))];
  const [paper, neutral, speaksFor, speaksAgainst] = ['--paper', '--line', '--ink', '--against'].map((name) =>
    parseColor(context(canvas), getComputedStyle(canvas).getPropertyValue(name)),
  );
  const picture = new ImageData(SIDE, SIDE);
  const smooth = blur(signed);
  const strongest = Math.max(...smooth.map(Math.abs)) || 1;
  smooth.forEach((share, i) => {
    const strength = Math.sqrt(Math.abs(share) / strongest); // the weak ones show too
    const color = mix(neutral, share > 0 ? speaksFor : speaksAgainst, strength);
    picture.data.set([...mix(paper, color, ink.charCodeAt(i) / 255), 255], 4 * i);
  });
  paint(canvas, picture);
}

/**
 * Share each pixel's value with its neighbours: single pixels differ more than an eye can use.
 * @param {Int8Array} values of 28 by 28
 * @returns {number[]}
 */
function blur(values) {
  const weights = [1, 2, 1];
  return Array.from(values, (_, i) => {
    const [row, column] = [Math.floor(i / SIDE), i % SIDE];
    let sum = 0;
    for (const [y, vertical] of weights.entries()) {
      for (const [x, horizontal] of weights.entries()) {
        const [at, beside] = [row + y - 1, column + x - 1];
        if (at < 0 || at >= SIDE || beside < 0 || beside >= SIDE) continue;
        sum += vertical * horizontal * values[at * SIDE + beside];
      }
    }
    return sum / 16;
  });
}

/**
 * @param {number[]} from
 * @param {number[]} to
 * @param {number} part
 */
function mix(from, to, part) {
  return from.map((value, i) => value + part * (to[i] - value));
}

/**
 * @param {CanvasRenderingContext2D} on
 * @param {string} color
 * @returns {number[]} red, green, blue
 */
function parseColor(on, color) {
  on.fillStyle = color.trim();
  return [1, 3, 5].map((start) => parseInt(String(on.fillStyle).slice(start, start + 2), 16));
}

/**
 * Put the numbers of the network that is running into the words that explain it.
 * @param {About} about
 */
function describeNetwork({ parameters, metadata }) {
  const convolutions = metadata.layers.filter((/** @type {any} */ { type }) => type === 'Conv2D');
  const [{ outputs: filters = 0, size = 0 } = {}] = convolutions;
  const [{ outputs: last = 0 } = {}] = convolutions.slice(-1);
  put(find('forwards'), 'forwards.text', { filters, size, layers: convolutions.length, last });
  put(find('learning'), 'learning.text', trainingNumbers({ parameters, metadata }));
}

/**
 * Return how the network was trained, as values for words.
 * @param {Pick<About, 'parameters' | 'metadata'>} about
 * @returns {import('./words.js').Values}
 */
export function trainingNumbers({ parameters, metadata }) {
  const errors = Object.entries(metadata.errors?.test ?? {}).filter(([name]) => name !== NO_DIGITS);
  return {
    parameters,
    batch: metadata.config?.batch_size ?? '?',
    epochs: metadata.config?.epochs ?? '?',
    examples: list(Object.entries(metadata.trained_on ?? {}).map(describeExamples)),
    errors: list(errors.map(([name, share]) => `${percent(Number(share), 2)} (${name})`)),
  };
}

/** @param {[string, unknown]} examples their source, and words of training that begin with or hold how many they are */
function describeExamples([source, what]) {
  const [count] = /\d+/.exec(String(what)) ?? ['?'];
  const examples = number(Number(count));
  return source === NO_DIGITS ? say('learning.signs', { examples }) : say('learning.examples', { examples, source });
}

/** @param {HTMLCanvasElement} canvas */
function context(canvas) {
  return /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
}
