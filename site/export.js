// Gives the visitor files to keep, and makes those of a drawing: SVG, which stays sharp at any size, and PNG.

import { trace } from './ink.js';

/**
 * @typedef {import('./ink.js').Stroke} Stroke
 */

/** Paper around the ink, in the drawing's units; a PNG has a pixel for each. */
const MARGIN = 60;
const INK = '#1f1e1b';
const PAPER = '#ffffff';

/**
 * Let the visitor save a file.
 * @param {Blob} content
 * @param {string} name
 */
export function download(content, name) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser is reading it by then
}

/**
 * @param {readonly Stroke[]} strokes
 * @returns {Blob}
 */
export function toSvg(strokes) {
  const { left, top, width, height } = frame(strokes);
  const path = new SvgPath();
  for (const stroke of strokes) trace(path, stroke);
  const text = [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="${left} ${top} ${width} ${height}">`,
    `<rect x="${left}" y="${top}" width="${width}" height="${height}" fill="${PAPER}"/>`,
    `<g fill="none" stroke="${INK}" stroke-linecap="round" stroke-linejoin="round">`,
    ...path.elements,
    '</g>',
    '</svg>',
  ].join('\n');
  return new Blob([`${text}\n`], { type: 'image/svg+xml' });
}

/**
 * @param {readonly Stroke[]} strokes
 * @returns {Promise<Blob>}
 */
export async function toPng(strokes) {
  const { left, top, width, height } = frame(strokes);
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = PAPER;
  context.fillRect(0, 0, width, height);
  context.translate(-left, -top);
  context.strokeStyle = context.fillStyle = INK;
  context.lineCap = context.lineJoin = 'round';
  for (const stroke of strokes) trace(context, stroke);
  return canvas.convertToBlob({ type: 'image/png' });
}

/** @param {readonly Stroke[]} strokes */
function frame(strokes) {
  let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
  for (const [x, y] of strokes.flat()) {
    [left, top] = [Math.min(left, Math.floor(x - MARGIN)), Math.min(top, Math.floor(y - MARGIN))];
    [right, bottom] = [Math.max(right, Math.ceil(x + MARGIN)), Math.max(bottom, Math.ceil(y + MARGIN))];
  }
  return { left, top, width: right - left, height: bottom - top };
}

/** Writes down as SVG what is drawn on it: the part of a canvas's context that `trace` uses. */
class SvgPath {
  lineWidth = 1;
  /** @type {string[]} */
  elements = [];
  #path = '';

  beginPath() {
    this.#path = '';
  }

  /** @param {number[]} place */
  moveTo(...place) {
    this.#path += `M${short(place)}`;
  }

  /** @param {number[]} place */
  lineTo(...place) {
    this.#path += `L${short(place)}`;
  }

  /** @param {number[]} places */
  quadraticCurveTo(...places) {
    this.#path += `Q${short(places)}`;
  }

  stroke() {
    this.elements.push(`<path d="${this.#path}" stroke-width="${this.lineWidth}"/>`);
  }

  /**
   * A dot is the only thing that is filled: SVG draws it as a line without length.
   * @param {number} x
   * @param {number} y
   * @param {number} radius
   */
  arc(x, y, radius) {
    this.lineWidth = 2 * radius;
    this.#path = `M${short([x, y])}h0`;
  }

  fill() {
    this.stroke();
  }
}

/** @param {number[]} values */
function short(values) {
  return values.map((value) => Math.round(value * 10) / 10).join(' ');
}
