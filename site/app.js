// Wires the parts of the page: the pad's drawing goes to the engine, the engine's answer to the views.

import { Boxes } from './boxes.js';
import { Engine } from './engine.js';
import { Inside } from './inside.js';
import { KeyboardPen } from './keys.js';
import { workOffline } from './offline.js';
import { Pad } from './pad.js';
import { ReadingView } from './reading.js';
import { Status } from './status.js';
import { language, offerLanguages } from './words.js';

const KEPT = 'drawing';

export const engine = new Engine();
const canvas = /** @type {HTMLCanvasElement} */ (find('pad'));
export const pad = new Pad(canvas);
const view = new ReadingView();
const boxes = new Boxes(find('boxes'), pad, (index) => show(reading, index));
const inside = new Inside(engine);
const status = new Status();
/** @type {import('./engine.js').Reading} */
let reading = { text: '', digits: [] };
/** Which digit's details are shown. */
let shown = 0;
/** Answers to drawings before this one are out of date. */
let cleared = 0;
/** Whether nobody could read what is on the pad. */
let unread = false;

const buttons = { undo: button('undo'), redo: button('redo'), erase: button('erase'), clear: button('clear') };

/**
 * @param {import('./engine.js').Reading} newest
 * @param {number} [index] of the digit whose details to show; by default the one that is least certain
 */
function show(newest, index = leastCertain(newest.digits)) {
  [reading, shown] = [newest, index];
  view.show(reading, index);
  boxes.show(reading.digits, index);
  inside.show(reading.digits[index]);
}

/** @param {import('./engine.js').Digit[]} digits */
function leastCertain(digits) {
  return digits.reduce((least, { confidence }, i) => (confidence < digits[least].confidence ? i : least), 0);
}

/** @param {string} key the words why there is no answer */
function showNothing(key) {
  show({ text: '', digits: [] });
  view.tell(key);
}

async function drawingChanged() {
  const { strokes } = pad;
  document.body.classList.toggle('blank', strokes.length === 0);
  buttons.undo.disabled = !pad.canUndo;
  buttons.redo.disabled = !pad.canRedo;
  buttons.erase.disabled = buttons.clear.disabled = strokes.length === 0;
  if (strokes.length === 0) {
    erase(false);
    cleared++;
    showNothing(engine.state === 'loading' ? 'reading.early' : 'reading.blank');
    return;
  }
  if (engine.state === 'loading') showNothing('reading.waiting');
  const current = cleared;
  const settled = await engine.read(strokes.map((stroke) => stroke.map(([x, y]) => [x, y])));
  if (current !== cleared) return;
  unread = !settled.ok && !settled.superseded;
  if (settled.ok) {
    show(settled.result);
    if (performance.getEntriesByName('first-answer').length === 0) performance.mark('first-answer');
  } else if (!settled.superseded) {
    showNothing('reading.failed');
  }
}

/** @param {KeyboardEvent} event */
function keyPressed(event) {
  const { key, ctrlKey, metaKey, shiftKey, altKey, target } = event;
  if (altKey || (target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]'))) return;
  const control = ctrlKey || metaKey;
  const letter = key.toLowerCase();
  if (key === 'Escape' && !control) pad.clear();
  else if (control && ((letter === 'z' && shiftKey) || letter === 'y')) pad.redo();
  else if (control && letter === 'z') pad.undo();
  else return;
  event.preventDefault();
}

/** Keep the drawing for the page that comes next: this one anew, or one that explains. */
function keep() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(pad.strokes));
  } catch {
    // without storage, the drawing is lost
  }
}

/** Load the page anew, with the drawing that is on it. */
function reload() {
  keep();
  location.reload();
}

/** Take up the drawing that was kept. */
function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]');
    sessionStorage.removeItem(KEPT);
    pad.strokes = kept;
  } catch {
    // no storage, nothing kept
  }
}

/** @param {boolean} on whether the pointer takes strokes away */
function erase(on) {
  pad.erasing = on;
  buttons.erase.setAttribute('aria-pressed', String(on));
  document.body.classList.toggle('erasing', on);
}

/** @param {string} id */
function find(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id */
function button(id) {
  return /** @type {HTMLButtonElement} */ (find(id));
}

pad.addEventListener('change', drawingChanged);
for (const link of document.querySelectorAll('.ways a')) link.addEventListener('click', keep);
buttons.undo.addEventListener('click', () => pad.undo());
buttons.redo.addEventListener('click', () => pad.redo());
buttons.erase.addEventListener('click', () => erase(!pad.erasing));
buttons.clear.addEventListener('click', () => pad.clear());
new KeyboardPen(pad, canvas, find('nib'), (text) => view.say(text));
document.addEventListener('keydown', keyPressed);

offerLanguages(/** @type {HTMLSelectElement} */ (find('language')));
language.addEventListener('change', () => {
  if (reading.digits.length) show(reading, shown);
});
engine.addEventListener('state', () => {
  const recovered = unread && (engine.state === 'browser' || engine.state === 'server');
  if (pad.strokes.length === 0 || recovered) drawingChanged(); // it says what to expect, or asks again
});

const started = engine.start();
status.follow(engine, reload);
restore();
drawingChanged();

await started;
// After the start, so that storing files does not slow it.
workOffline({
  onReady: () => status.offlineReady(),
  onUpdate: (apply) => {
    navigator.serviceWorker.addEventListener('controllerchange', reload);
    status.notify('notice.newer', {}, { name: 'notice.update', act: apply });
  },
});
