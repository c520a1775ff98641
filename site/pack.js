// Strokes as one run of numbers: the worker gets it in one piece, and Python takes it as an array.

/** @typedef {readonly (readonly (readonly number[])[])[]} Strokes lists of points, each of which begins with x and y */

/**
 * @param {Strokes} strokes
 * @returns {Float64Array} how many strokes, how many points each has, and the x and y of one point after the other
 */
export function pack(strokes) {
  let points = 0;
  for (const stroke of strokes) points += stroke.length;
  const packed = new Float64Array(1 + strokes.length + 2 * points);
  packed[0] = strokes.length;
  let at = 1;
  for (const stroke of strokes) packed[at++] = stroke.length;
  for (const stroke of strokes) {
    for (const point of stroke) {
      packed[at++] = point[0];
      packed[at++] = point[1];
    }
  }
  return packed;
}
