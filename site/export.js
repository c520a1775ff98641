// Makes a picture file of a drawing: SVG, which stays sharp at any size, and PNG.

import { extent, trace } from './ink.js';

/**
 * @typedef {import('./ink.js').Stroke} Stroke
 */

/** Paper around the ink, in the drawing's units; a PNG has a pixel for each. */
const MARGIN = 60;
const INK = '#1f1e1b';
const PAPER = '#ffffff';

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
  const [left, top, right, bottom] = extent(strokes);
  const [x, y] = [Math.floor(left - MARGIN), Math.floor(top - MARGIN)];
  return { left: x, top: y, width: Math.ceil(right + MARGIN) - x, height: Math.ceil(bottom + MARGIN) - y };
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

  /**
   * @param {number} x
   * @param {number} y
   */
  moveTo(x, y) {
    this.#path += `M${short(x)} ${short(y)}`;
  }

  /**
   * @param {number} x
   * @param {number} y
   */
  lineTo(x, y) {
    this.#path += `L${short(x)} ${short(y)}`;
  }

  /**
   * @param {number} controlX
   * @param {number} controlY
   * @param {number} x
   * @param {number} y
   */
  quadraticCurveTo(controlX, controlY, x, y) {
    this.#path += `Q${short(controlX)} ${short(controlY)} ${short(x)} ${short(y)}`;
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
    this.#path = `M${short(x)} ${short(y)}h0`;
  }

  fill() {
    this.stroke();
  }
}

/** @param {number} value */
function short(value) {
  return Math.round(value * 10) / 10;
}
