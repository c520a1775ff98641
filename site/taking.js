// Takes away what was read and drawn: the number as text, the drawing as a link or as a file.

import { download, toPng, toSvg } from './export.js';
import { toFragment } from './link.js';
import { button, find } from './words.js';

/**
 * @typedef {import('./ink.js').Stroke} Stroke
 * @typedef {{text: string, strokes: readonly Stroke[]}} Taken
 */

/**
 * Let the menu's buttons act.
 * @param {HTMLElement} menu
 * @param {() => Taken} current what was read, and what is drawn
 * @param {import('./status.js').Status} status
 * @returns {() => void} lets the buttons know what there is now
 */
export function offerTaking(menu, current, status) {
  const copy = async (/** @type {string} */ text, /** @type {string} */ key) => {
    try {
      await navigator.clipboard.writeText(text);
      status.notify(key, { text });
    } catch {
      status.notify('take.byhand', { text }); // no clipboard: plain HTTP, or it is forbidden
    }
  };
  /** @type {Record<string, (taken: Taken) => unknown>} */
  const acts = {
    'take-text': ({ text }) => copy(text, 'take.copied'),
    'take-link': ({ strokes }) => copy(new URL(toFragment(strokes), location.href).href, 'take.linked'),
    'take-png': async ({ strokes, text }) => download(await toPng(strokes), `${name(text)}.png`),
    'take-svg': ({ strokes, text }) => download(toSvg(strokes), `${name(text)}.svg`),
  };
  for (const id in acts) {
    find(id).addEventListener('click', () => {
      menu.hidePopover();
      acts[id](current());
    });
  }
  return () => {
    const { text, strokes } = current();
    for (const id in acts) button(id).disabled = !(id === 'take-text' ? text : strokes.length);
  };
}

/** @param {string} text what was read */
function name(text) {
  return /^[0-9.-]+$/.test(text) ? `digits-${text}` : 'digits';
}
