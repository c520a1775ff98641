// The drawing that the first page hands over to the pages that work with it.

const KEPT = 'drawing';
/** Worked with when nothing was drawn: a five. */
const FIVE = [
  [[136, 50], [131, 73], [124, 103], [131, 106], [183, 108], [198, 128], [197, 160], [168, 200], [121, 204], [97, 196]],
  [[138, 51], [161, 49], [192, 47], [216, 45]],
];

/** @returns {number[][][]} strokes of [x, y]; an example when none were kept */
export function keptDrawing() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]');
    const strokes = kept.map((/** @type {number[][]} */ stroke) => stroke.map(([x, y]) => [x, y]));
    return strokes.length ? strokes : FIVE;
  } catch {
    return FIVE; // storage is forbidden
  }
}
