// Asks the server that may stand behind this page, for browsers that cannot run Python.

import { Fault } from './fault.js';
import { RefusedError } from './python.js';

/** A server that is silent for this long is not there, milliseconds. */
const LIMIT = 10_000;

/**
 * Tell whether a server answers here. A static host has no ./healthz, and its error page does not count.
 * @returns {Promise<boolean>}
 */
export async function serverAnswers() {
  try {
    const { response } = await ask('./healthz', { cache: 'no-store' });
    return response.ok && isJson(response);
  } catch {
    return false;
  }
}

/**
 * Have the server read a drawing.
 * @param {import('./pack.js').Strokes} strokes
 * @returns {Promise<any>} the reading; rejects with a RefusedError for a wrong drawing, with another error, in words, when
 *   the server is out of order
 */
export function readOnServer(strokes) {
  return post({ strokes: strokes.map((stroke) => stroke.map(([x, y]) => [x, y])) });
}

/**
 * Have the server read a picture.
 * @param {import('./engine.js').Greys} picture
 * @returns {Promise<any>} the reading; rejects with a RefusedError for a wrong picture
 */
export async function viewOnServer({ pixels, width, height }) {
  const canvas = new OffscreenCanvas(width, height);
  const picture = new ImageData(width, height);
  Array.from(atob(pixels), (byte, i) => picture.data.fill(byte.charCodeAt(0), 4 * i, 4 * i + 3));
  for (let i = 3; i < picture.data.length; i += 4) picture.data[i] = 255;
  /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d')).putImageData(picture, 0, 0);
  const png = new Uint8Array(await (await canvas.convertToBlob()).arrayBuffer());
  return post({ image: btoa(Array.from(png, (byte) => String.fromCharCode(byte)).join('')) });
}

/**
 * @param {object} asked
 * @returns {Promise<any>}
 */
async function post(asked) {
  const { response, text } = await ask('./predict', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(asked),
  });
  if (!isJson(response)) throw new Fault('fault.server.page', { status: String(response.status) });
  const answer = parse(text);
  if (response.ok) {
    if (!isReading(answer)) throw new Fault('fault.server.nonsense');
    return answer;
  }
  const reason = answer?.detail ?? answer?.title ?? `HTTP ${response.status}`;
  throw response.status < 500 ? new RefusedError(reason) : new Fault('fault.server.failed', { reason });
}

/**
 * Fetch within the time limit, the body too.
 * @param {string} path
 * @param {RequestInit} options
 */
async function ask(path, options) {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), LIMIT);
  try {
    const response = await fetch(new URL(path, import.meta.url), { ...options, signal: controller.signal });
    return { response, text: await response.text() };
  } catch (cause) {
    const late = controller.signal.aborted;
    throw new Fault(late ? 'fault.server.late' : 'fault.server.gone', { seconds: LIMIT / 1000 }, { cause });
  } finally {
    clearTimeout(timer);
  }
}

/** @param {Response} response */
function isJson(response) {
  return /^application\/([\w.-]+\+)?json\b/.test(response.headers.get('Content-Type') ?? '');
}

/**
 * @param {string} text
 * @returns {any} undefined for what is no JSON
 */
function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Tell whether this is a reading that the page can show.
 * @param {any} answer
 */
function isReading(answer) {
  return typeof answer?.text === 'string' && Array.isArray(answer.digits) && answer.digits.every(isMark);
}

/** @param {any} mark */
function isMark(mark) {
  return (
    [mark?.symbol, mark?.image].every((text) => typeof text === 'string') &&
    (mark.digit === null || Number.isInteger(mark.digit)) &&
    Number.isFinite(mark.confidence) &&
    isNumbers(mark.probabilities, 10) &&
    isNumbers(mark.box, 4) &&
    /^[A-Za-z0-9+/]{1046}==$/.test(mark.image)
  );
}

/**
 * @param {any} list
 * @param {number} length
 */
function isNumbers(list, length) {
  return Array.isArray(list) && list.length === length && list.every(Number.isFinite);
}
