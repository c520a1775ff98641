// Asks the server that may stand behind this page, for browsers that cannot run Python.

import { RefusedError } from './python.js';

/** A server that is silent for this long is not there, milliseconds. */
const LIMIT = 10_000;

/**
 * Tell whether a server answers here. A static host has no ./healthz, and its error page does not count.
 * @returns {Promise<boolean>}
 */
export async function serverAnswers() {
  try {
    const response = await fetch(new URL('./healthz', import.meta.url), {
      cache: 'no-store',
      signal: AbortSignal.timeout(LIMIT),
    });
    return response.ok && isJson(response);
  } catch {
    return false;
  }
}

/**
 * Have the server read a drawing.
 * @param {number[][][]} strokes
 * @returns {Promise<any>} the reading; rejects with a RefusedError for a wrong drawing
 */
export async function readOnServer(strokes) {
  const response = await fetch(new URL('./predict', import.meta.url), {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ strokes }),
    signal: AbortSignal.timeout(LIMIT),
  });
  if (!isJson(response)) throw new Error(`the server answered HTTP ${response.status} and no reading`);
  const answer = await response.json();
  if (response.ok) return answer;
  const reason = answer.detail ?? answer.title ?? `HTTP ${response.status}`;
  throw response.status < 500 ? new RefusedError(reason) : new Error(reason);
}

/** @param {Response} response */
function isJson(response) {
  return /^application\/([\w.-]+\+)?json\b/.test(response.headers.get('Content-Type') ?? '');
}
