// Takes WebAssembly modules apart into their sections, and puts them together again.
//
// The format: https://webassembly.github.io/spec/core/binary/modules.html

/** @typedef {{id: number, content: Uint8Array}} Section */

export const CUSTOM = 0;
export const TYPES = 1;
export const IMPORTS = 2;
export const FUNCTIONS = 3;
export const TABLES = 4;
export const EXPORTS = 7;
export const START = 8;
export const ELEMENTS = 9;
export const CODE = 10;
export const DATA = 11;
export const DATA_COUNT = 12;
/** The order in which sections stand; custom ones may stand anywhere. */
const ORDER = [TYPES, IMPORTS, FUNCTIONS, TABLES, 5, 13, 6, EXPORTS, START, ELEMENTS, DATA_COUNT, CODE, DATA];

const HEAD = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);

/** Reads numbers and pieces, one after the other. */
export class Reader {
  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  get isAtEnd() {
    return this.at >= this.bytes.length;
  }

  byte() {
    if (this.isAtEnd) throw new Error('WebAssembly module: ends too early');
    return this.bytes[this.at++];
  }

  /** An unsigned number in LEB128. */
  integer() {
    for (let value = 0, shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  /** A signed number of 32 bits in LEB128. */
  signed() {
    for (let value = 0, shift = 0; ; ) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      shift += 7;
      if (byte < 0x80) return shift < 32 && byte & 0x40 ? value | (-1 << shift) : value;
    }
  }

  /** @param {number} size */
  take(size) {
    return this.bytes.subarray(this.at, (this.at += size));
  }

  text() {
    return new TextDecoder().decode(this.take(this.integer()));
  }

  rest() {
    return this.bytes.subarray(this.at);
  }
}

/**
 * @param {Uint8Array} module
 * @returns {Section[]}
 */
export function sections(module) {
  const reader = new Reader(module);
  if (String(reader.take(HEAD.length)) !== String(HEAD)) throw new Error('not a WebAssembly module');
  const found = [];
  while (!reader.isAtEnd) found.push({ id: reader.byte(), content: reader.take(reader.integer()) });
  return found;
}

/** @param {Section[]} parts in any order */
export function assembled(parts) {
  // The linker's own section comes first, as it wants.
  const sorted = parts.toSorted((one, other) => ORDER.indexOf(one.id) - ORDER.indexOf(other.id));
  return joined([HEAD, ...sorted.flatMap(({ id, content }) => [[id, ...number(content.length)], content])]);
}

/**
 * @param {Section[]} parts
 * @param {number} id
 * @returns {Uint8Array} the content of that section, which has no entries where it is missing
 */
export function section(parts, id) {
  return parts.find((part) => part.id === id)?.content ?? Uint8Array.of(0);
}

/**
 * @param {Section[]} parts
 * @param {number} id
 * @param {Uint8Array} content
 * @returns {Section[]} the same with another content of that section, which may be new
 */
export function withSection(parts, id, content) {
  return [...parts.filter((part) => part.id !== id), { id, content }];
}

/**
 * Unsigned, in LEB128.
 * @param {number} value
 */
export function number(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value];
}

/**
 * Signed, in LEB128.
 * @param {number} value of 32 bits
 */
export function signed(value) {
  const bytes = [];
  for (; value < -0x40 || value >= 0x40; value >>= 7) bytes.push((value & 0x7f) | 0x80);
  return [...bytes, value & 0x7f];
}

/** @param {string} value */
export function text(value) {
  const bytes = new TextEncoder().encode(value);
  return [...number(bytes.length), ...bytes];
}

/** @param {ArrayLike<number>[]} entries */
export function vector(entries) {
  return joined([number(entries.length), ...entries]);
}

/** @param {ArrayLike<number>[]} parts */
export function joined(parts) {
  const whole = new Uint8Array(parts.reduce((size, { length }) => size + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
