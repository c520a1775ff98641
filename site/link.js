// A drawing as a link: its strokes in the address's fragment, which no browser sends to a server.
//
// Form: "#d1=" and base64url of whole numbers. Each stroke is how many points it has, then the points, each as the step
// from the one before it. A number is zigzag-coded, seven bits a byte, the lowest first, as in protocol buffers.

/**
 * @typedef {import('./ink.js').Stroke} Stroke
 */

const PREFIX = '#d1=';
/** The pressure of all points: it is not in the link. */
const PRESSURE = 0.5;
/** No drawing reaches farther from the middle of the paper, in its units. */
const FARTHEST = 4_000;

/**
 * @param {readonly Stroke[]} strokes
 * @returns {string} the fragment
 */
export function toFragment(strokes) {
  /** @type {number[]} */
  const bytes = [];
  const write = (/** @type {number} */ value) => {
    let rest = value < 0 ? -2 * value - 1 : 2 * value;
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
    bytes.push(rest);
  };
  let [x, y] = [0, 0];
  for (const stroke of strokes) {
    const points = stroke.map(([px, py]) => [Math.round(px), Math.round(py)]);
    const kept = points.filter(([px, py], i) => i === 0 || px !== points[i - 1][0] || py !== points[i - 1][1]);
    write(kept.length);
    for (const [px, py] of kept) {
      write(px - x);
      write(py - y);
      [x, y] = [px, py];
    }
  }
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
  return PREFIX + base64.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/**
 * @param {string} fragment of an address
 * @returns {Stroke[] | undefined | null} undefined: it is about something else; null: the drawing in it is damaged
 */
export function fromFragment(fragment) {
  if (!fragment.startsWith(PREFIX)) return undefined;
  try {
    const base64 = fragment.slice(PREFIX.length).replaceAll('-', '+').replaceAll('_', '/');
    return parse(Uint8Array.from(atob(base64), (byte) => byte.charCodeAt(0)));
  } catch {
    return null;
  }
}

/**
 * @param {Uint8Array} bytes
 * @returns {Stroke[]}
 */
function parse(bytes) {
  let at = 0;
  const read = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length || shift > 21) throw new RangeError('cut short');
      const byte = bytes[at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value & 1 ? -(value + 1) / 2 : value / 2;
    }
  };
  /** @type {Stroke[]} */
  const strokes = [];
  let [x, y] = [0, 0];
  do {
    const count = read();
    if (count < 1 || count > bytes.length) throw new RangeError('cut short');
    strokes.push(
      Array.from({ length: count }, () => {
        x += read();
        y += read();
        if (Math.max(Math.abs(x), Math.abs(y)) > FARTHEST) throw new RangeError('off the paper');
        return [x, y, PRESSURE];
      }),
    );
  } while (at < bytes.length);
  return strokes;
}
