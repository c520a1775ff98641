// The drawing that the first page hands over to the pages that work with it.

/** Worked with when nothing was drawn: a five. */
const FIVE = [
  [[136, 50], [131, 73], [124, 103], [131, 106], [183, 108], [198, 128], [197, 160], [168, 200], [121, 204], [97, 196]],
  [[138, 51], [161, 49], [192, 47], [216, 45]],
];

/** @param {string} key */
function kept(key) {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null');
  } catch {
    return null; // storage is forbidden
  }
}

/** @returns {import('./engine.js').Digit | null} the mark that showed, of a picture too */
export const keptMark = () => kept('mark');

/** @returns {number[][][]} strokes of points that begin with x and y; an example when none were kept */
export function keptDrawing() {
  const strokes = kept('drawing');
  return strokes?.length ? strokes : FIVE;
}
