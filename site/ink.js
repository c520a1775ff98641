// Puts strokes on the screen as smooth ink, sharp on every display.
//
// A drawing is kept in units of its own: the middle of the paper is (0, 0) and its shorter side is 1000 units long. So
// it survives a resized window or a turned phone: only the view from units to pixels changes.

/**
 * @typedef {[x: number, y: number, pressure: number]} Point in the drawing's units; pressure from 0 to 1, 0.5 without a
 *   sensor
 * @typedef {Point[]} Stroke
 * @typedef {object} Picture that lies on the paper
 * @property {ImageBitmap} bitmap
 * @property {import('./engine.js').Greys} greys what is read of it
 * @property {[left: number, top: number, right: number, bottom: number]} box where it lies, in the drawing's units
 */

const SIDE = 1000;
/** The pen's width, units. */
const PEN = 42;

export class Ink {
  #canvas;
  #context;
  /** CSS pixels. */
  #width = 0;
  #height = 0;
  /** CSS pixels a unit. */
  #scale = 1;

  /** @param {HTMLCanvasElement} canvas its CSS `color` is the ink's */
  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  }

  /**
   * Fit the canvas to its place on the page and the view to the drawing. Clears the canvas: draw again afterwards.
   * @param {readonly Stroke[]} strokes ink that has to stay visible
   */
  resize(strokes) {
    const { width, height } = this.#canvas.getBoundingClientRect();
    this.#width = width;
    this.#height = height;
    const ratio = devicePixelRatio;
    this.#canvas.width = Math.round(width * ratio);
    this.#canvas.height = Math.round(height * ratio);
    let [across, down] = [width, height].map((side) => (side * SIDE) / Math.min(width, height) / 2);
    for (const [x, y] of strokes.flat()) {
      const excess = Math.max(Math.abs(x) / across, Math.abs(y) / down);
      if (excess > 1) [across, down] = [across * excess, down * excess];
    }
    this.#scale = width / across / 2;
  }

  /**
   * @param {{clientX: number, clientY: number, pressure: number, pointerType: string}} event
   * @param {{left: number, top: number}} [corner] the canvas's, for who asks about several events at once
   * @returns {Point} where on the paper; never far outside, where it would count and not be seen
   */
  locate({ clientX, clientY, pressure, pointerType }, { left, top } = this.#canvas.getBoundingClientRect()) {
    const edge = (PEN / 2) * this.#scale;
    const x = Math.min(Math.max(clientX - left, -edge), this.#width + edge) - this.#width / 2;
    const y = Math.min(Math.max(clientY - top, -edge), this.#height + edge) - this.#height / 2;
    return [round(x / this.#scale), round(y / this.#scale), pointerType === 'pen' ? pressure : 0.5];
  }

  /**
   * @param {readonly [number, number]} point in the drawing's units
   * @returns {[number, number]} where that is on the canvas, CSS pixels
   */
  place([x, y]) {
    return [x * this.#scale + this.#width / 2, y * this.#scale + this.#height / 2];
  }

  /** @returns {[number, number]} half the paper's width and height, units */
  get reach() {
    return [this.#width / this.#scale / 2, this.#height / this.#scale / 2];
  }

  /**
   * Tell whether a point is on a stroke's ink.
   * @param {Stroke} stroke
   * @param {readonly [number, number]} point
   * @param {number} [reach] in pen widths
   */
  isOn(stroke, [x, y], reach = 1) {
    return stroke.some(([ax, ay], i) => {
      const [bx, by] = stroke[i + 1] ?? stroke[i];
      const squared = (bx - ax) ** 2 + (by - ay) ** 2;
      const along = squared ? Math.min(Math.max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / squared, 0), 1) : 0;
      return Math.hypot(ax + along * (bx - ax) - x, ay + along * (by - ay) - y) <= reach * PEN;
    });
  }

  /**
   * @param {readonly Stroke[]} strokes everything there is to see
   * @param {Picture} [picture] below them
   */
  draw(strokes, picture) {
    const context = this.#context;
    const { width, height } = this.#canvas;
    const scale = this.#scale * devicePixelRatio;
    context.resetTransform();
    context.clearRect(0, 0, width, height);
    context.setTransform(scale, 0, 0, scale, width / 2, height / 2);
    context.strokeStyle = context.fillStyle = getComputedStyle(this.#canvas).color;
    context.lineCap = context.lineJoin = 'round';
    if (picture) {
      const [left, top, right, bottom] = picture.box;
      context.drawImage(picture.bitmap, left, top, right - left, bottom - top);
    }
    for (const stroke of strokes) trace(context, stroke);
  }
}

/**
 * Tell whether a stroke never leaves the ink of its first point: it looks like a dot.
 * @param {Stroke} stroke
 */
export function isDot(stroke) {
  const [x, y] = stroke[0];
  return stroke.every((point) => Math.hypot(point[0] - x, point[1] - y) <= PEN / 2);
}

/**
 * Draw a line through the middles of neighbouring points, bent by the point between them: smooth wherever the pointer
 * was seldom seen. It is one path as long as the pressure stays the same.
 * @param {Pick<CanvasRenderingContext2D, 'lineWidth' | 'beginPath' | 'moveTo' | 'lineTo' | 'quadraticCurveTo' | 'arc' |
 *   'stroke'> & {fill: () => void}} context
 * @param {Stroke} stroke
 */
export function trace(context, stroke) {
  const [x, y, pressure] = stroke[0];
  if (stroke.length === 1) {
    context.beginPath();
    context.arc(x, y, thickness(pressure) / 2, 0, 2 * Math.PI);
    context.fill();
    return;
  }
  context.lineWidth = thickness(pressure);
  context.beginPath();
  context.moveTo(x, y);
  for (let i = 1; i < stroke.length - 1; i++) {
    const end = middle(stroke[i], stroke[i + 1]);
    context.quadraticCurveTo(stroke[i][0], stroke[i][1], end[0], end[1]);
    if (thickness(end[2]) !== context.lineWidth) {
      context.stroke();
      context.lineWidth = thickness(end[2]);
      context.beginPath();
      context.moveTo(end[0], end[1]);
    }
  }
  const last = stroke[stroke.length - 1];
  context.lineTo(last[0], last[1]);
  context.stroke();
}

/**
 * @param {number} pressure
 * @returns {number} the line's width, units
 */
function thickness(pressure) {
  return Math.round(PEN * (0.45 + 1.1 * pressure));
}

/**
 * @param {Point} a
 * @param {Point} b
 * @returns {Point}
 */
function middle([ax, ay, ap], [bx, by, bp]) {
  return [(ax + bx) / 2, (ay + by) / 2, (ap + bp) / 2];
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 100) / 100;
}
