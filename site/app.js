// Wires the parts of the page: the pad's drawing goes to the engine, the engine's answer to the views.

import { Engine } from './engine.js';
import { workOffline } from './offline.js';
import { Pad } from './pad.js';
import { ReadingView } from './reading.js';
import { Status } from './status.js';

const KEPT = 'drawing';

export const engine = new Engine();
export const pad = new Pad(/** @type {HTMLCanvasElement} */ (document.getElementById('pad')));
const view = new ReadingView();
const status = new Status();
/** Answers to drawings before this one are out of date. */
let cleared = 0;

const buttons = { undo: button('undo'), redo: button('redo'), clear: button('clear') };

async function drawingChanged() {
  const { strokes } = pad;
  document.body.classList.toggle('blank', strokes.length === 0);
  buttons.undo.disabled = !pad.canUndo;
  buttons.redo.disabled = !pad.canRedo;
  buttons.clear.disabled = strokes.length === 0;
  if (strokes.length === 0) {
    cleared++;
    view.tell(engine.state === 'loading' ? 'You can draw already.' : 'The answer comes as you draw.');
    return;
  }
  if (engine.state === 'loading') view.tell('Read as soon as Python is here.');
  const current = cleared;
  const settled = await engine.read(strokes.map((stroke) => stroke.map(([x, y]) => [x, y])));
  if (current !== cleared) return;
  if (settled.ok) {
    view.show(settled.result);
    if (performance.getEntriesByName('first-answer').length === 0) performance.mark('first-answer');
  } else if (!settled.superseded) {
    view.tell('This drawing could not be read.');
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

/** Load the page anew, with the drawing that is on it. */
function reload() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(pad.strokes));
  } catch {
    // without storage, the drawing is lost
  }
  location.reload();
}

/** Take up the drawing that `reload` left. */
function restore() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? '[]');
    sessionStorage.removeItem(KEPT);
    pad.strokes = kept;
  } catch {
    // no storage, nothing kept
  }
}

/** @param {string} id */
function button(id) {
  return /** @type {HTMLButtonElement} */ (document.getElementById(id));
}

pad.addEventListener('change', drawingChanged);
buttons.undo.addEventListener('click', () => pad.undo());
buttons.redo.addEventListener('click', () => pad.redo());
buttons.clear.addEventListener('click', () => pad.clear());
document.addEventListener('keydown', keyPressed);

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
    status.notify('A newer version of this page is ready.', { name: 'Update', act: apply });
  },
});
