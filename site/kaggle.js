// Corrections as a file: the CSV form of Kaggle's Digit Recognizer, which `python -m train fine-tune` takes too.

/** @typedef {import('./engine.js').Correction} Correction */

const PIXELS = 784;
const HEADER = ['label', ...Array.from({ length: PIXELS }, (_, i) => `pixel${i}`)].join(',');

/** A file is not of this form: `line` counts from 1, with the header. */
export class FormError extends Error {
  /** @param {number} line */
  constructor(line) {
    super(`line ${line}`);
    this.line = line;
  }
}

/**
 * @param {readonly Correction[]} corrections
 * @returns {string}
 */
export function toCsv(corrections) {
  const rows = corrections.map(({ image, digit }) => [digit, ...Array.from(atob(image), (byte) => byte.charCodeAt(0))]);
  return [HEADER, ...rows.map((row) => row.join(','))].join('\n') + '\n';
}

/**
 * @param {string} text
 * @returns {Correction[]} throws a FormError
 */
export function fromCsv(text) {
  const [header, ...lines] = text.replace(/^\uFEFF/, '').trimEnd().split(/\r?\n/);
  if (header !== HEADER) throw new FormError(1);
  return lines.map((line, index) => {
    const cells = line.split(',');
    const [digit, ...pixels] = cells.map(Number);
    const isWhole = (/** @type {number} */ value, /** @type {number} */ most) =>
      Number.isInteger(value) && value >= 0 && value <= most;
    if (pixels.length !== PIXELS || cells.includes('') || !isWhole(digit, 9) || !pixels.every((each) => isWhole(each, 255))) {
      throw new FormError(index + 2);
    }
    return { image: btoa(String.fromCharCode(...pixels)), digit };
  });
}
