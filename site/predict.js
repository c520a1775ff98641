// Asks the server that may stand behind this page, for browsers that cannot run Python.

import { Fault } from './fault.js';
import { paintMaps } from './inside.js';
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
  const asked = { strokes: strokes.map((stroke) => stroke.map(([x, y]) => [x, y])) };
  return post(new Blob([JSON.stringify(asked)], { type: 'application/json' }));
}

/**
 * Have the server read a picture.
 * @param {import('./engine.js').Greys} picture
 * @returns {Promise<any>} the reading; rejects with a RefusedError for a wrong picture
 */
export async function viewOnServer(picture) {
  const canvas = /** @type {any} */ (new OffscreenCanvas(1, 1));
  paintMaps(canvas, { ...picture, channels: 1 });
  return post(await canvas.convertToBlob());
}

/**
 * @param {Blob} body
 * @param {number} [patience] while the server asks for fewer requests
 * @returns {Promise<any>}
 */
async function post(body, patience = 20) {
  const { response, text } = await ask('./predict', { method: 'POST', body });
  if (response.status === 429 && patience) {
    await new Promise((resolve) => setTimeout(resolve, 250));
    return post(body, patience - 1);
  }
  if (!isJson(response)) throw new Fault('fault.server.page', { status: String(response.status) });
  const answer = await new Response(text).json().catch(() => undefined); // what is no JSON is no reading
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
