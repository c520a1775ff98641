// What can go wrong on a visitor's device or on the way to it, as an error whose words are in every language.

import { say } from './words.js';

/** @typedef {import('./words.js').Said} Said */

export class Fault extends Error {
  /**
   * @param {string} key names its words
   * @param {import('./words.js').Values} [values]
   * @param {ErrorOptions} [options]
   */
  constructor(key, values = {}, options) {
    super(say(key, values) || `${key} ${JSON.stringify(values)}`, options);
    /** @type {Said} */
    this.said = { key, values };
  }
}

/**
 * Return an error's words, to be shown in whichever language: others than faults have one alone.
 * @param {unknown} error
 * @returns {Said | string}
 */
export function inWords(error) {
  if (error instanceof Fault) return error.said;
  return error instanceof Error ? error.message : String(error);
}
