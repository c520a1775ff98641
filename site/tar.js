// Reads the archive that the build makes of Python's files: plain USTAR, files only, in a WebAssembly module.

/** What the module has before its content. A module only because hosts compress those: see build.py. */
const HEAD = 20;
const BLOCK = 512;

/**
 * @param {ArrayBuffer} module
 * @returns {Generator<{name: string, data: Uint8Array<ArrayBuffer>}>} views into the archive, not copies
 */
export function* readTar(module) {
  const bytes = new Uint8Array(module, HEAD);
  const text = (/** @type {number} */ start, /** @type {number} */ length) => {
    const field = bytes.subarray(start, start + length);
    const end = field.indexOf(0);
    return new TextDecoder().decode(end < 0 ? field : field.subarray(0, end));
  };
  for (let at = 0; at < bytes.length && bytes[at] !== 0; ) {
    if (text(at + 257, 5) !== 'ustar') throw new Error('not a tar archive');
    const prefix = text(at + 345, 155);
    const name = text(at, 100);
    const size = parseInt(text(at + 124, 12), 8);
    at += BLOCK;
    yield { name: prefix ? `${prefix}/${name}` : name, data: bytes.subarray(at, at + size) };
    at += Math.ceil(size / BLOCK) * BLOCK;
  }
}
