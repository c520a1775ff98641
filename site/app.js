// Wires the parts of the page: the pad's drawing goes to the engine, the engine's answer to the views.

import { Boxes } from './boxes.js';
import { decode, offerBringing } from './bring.js';
import { Engine } from './engine.js';
import { Fault } from './fault.js';
import { Inside } from './inside.js';
import { KeyboardPen } from './keys.js';
import { fromFragment } from './link.js';
import { workOffline } from './offline.js';
import { Pad } from './pad.js';
import { ReadingView } from './reading.js';
import { Status } from './status.js';
import { offerTaking } from './taking.js';
import { Teaching } from './teaching.js';
import { button, find, language, offerLanguages } from './words.js';

const KEPT = 'drawing';
/** While a pen is down, reading begins no more often, milliseconds: twice a frame of most screens. */
const PACE = 8;
/** When nothing has been drawn for this long, there is time for other work, milliseconds. */
const PAUSE = 1000;

export const engine = new Engine();
const canvas = /** @type {HTMLCanvasElement} */ (find('pad'));
export const pad = new Pad(canvas);
const view = new ReadingView();
const boxes = new Boxes(find('boxes'), pad, (mark) => {
  chosen = { mark, strokes: pad.finished };
  show(reading);
});
const inside = new Inside(engine);
const status = new Status();
const teaching = new Teaching(engine, view, status, () => {
  inside.show(undefined); // of the network as it was
  return (pad.strokes.length || pad.picture) && drawingChanged();
});
/** @type {import('./engine.js').Reading} */
let reading = { text: '', digits: [] };
/** Answers to drawings before this one are out of date. */
let cleared = 0;
/** Whether nobody could read what is on the pad. */
let unread = false;
/** The picture that was read, or will be. @type {import('./ink.js').Picture | undefined} */
let shownPicture;
/** The file that was given last. @type {File | undefined} */
let newestFile;
/** When the last reading began. */
let asked = -Infinity;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let next;
/** @type {{mark: number | import('./boxes.js').Place, strokes: unknown} | undefined} whose details are wanted, in which drawing */
let chosen;

const buttons = { undo: button('undo'), redo: button('redo'), erase: button('erase'), clear: button('clear'), take: button('take') };

/**
 * Show a reading, and the details of the mark that was chosen, else of the newest.
 * @param {import('./engine.js').Reading} newest
 */
function show(newest) {
  reading = newest;
  boxes.show(reading.digits);
  const shown = wanted(reading.digits);
  boxes.select(shown);
  view.show(reading, shown);
  inside.show(reading.digits[shown]);
  teaching.show(reading.digits[shown]);
  offerTaken();
}

/**
 * @param {import('./engine.js').Digit[]} digits
 * @returns {number} the index of the mark whose details to show
 */
function wanted(digits) {
  if (chosen?.strokes === pad.strokes) {
    const { mark } = chosen;
    const index = typeof mark === 'number' ? mark : boxes.at(mark);
    if (index >= 0 && index < digits.length) return index;
  }
  const newest = digits.map(({ strokes }) => Math.max(-1, ...strokes));
  return newest.lastIndexOf(Math.max(...newest));
}

/** @param {string} key the words why there is no answer */
function showNothing(key) {
  show({ text: '', digits: [] });
  view.tell(key);
}

/** Read the drawing: at once when it is done, else at a pace. */
function drawingMoved() {
  const wait = pad.drawing ? asked + PACE - performance.now() : 0;
  if (wait <= 0) drawingChanged();
  else next ??= setTimeout(drawingChanged, wait);
}

async function drawingChanged() {
  clearTimeout(next);
  next = undefined;
  const { strokes, picture } = pad;
  const isBlank = strokes.length === 0 && !picture;
  document.body.classList.toggle('blank', isBlank);
  buttons.undo.disabled = !pad.canUndo;
  buttons.redo.disabled = !pad.canRedo;
  buttons.erase.disabled = strokes.length === 0;
  if (buttons.erase.disabled) erase(false);
  buttons.clear.disabled = buttons.take.disabled = isBlank;
  if (isBlank) {
    shownPicture = picture;
    cleared++;
    showNothing({ loading: 'reading.early', none: '' }[String(engine.state)] ?? 'reading.blank');
    return;
  }
  if (engine.state === 'loading') showNothing('reading.waiting');
  else if (picture && picture !== shownPicture) showNothing('picture.reading');
  shownPicture = picture;
  const current = cleared;
  asked = performance.now();
  const settled = picture ? await readPicture(picture) : await engine.read(strokes);
  if (current !== cleared || picture !== pad.picture) return;
  unread = !settled.ok && !settled.superseded;
  if (settled.ok) {
    show(settled.result);
    refocus();
    if (picture && !settled.result.text) view.tell('picture.empty');
    if (performance.getEntriesByName('first-answer').length === 0) performance.mark('first-answer');
  } else if (!settled.superseded) {
    showNothing(picture ? 'picture.failed' : 'reading.failed');
  }
}

/**
 * @param {import('./ink.js').Picture} picture
 * @returns {ReturnType<Engine['view']>} boxes are in the drawing's units
 */
async function readPicture(picture) {
  const settled = await engine.view(picture.greys);
  if (!settled.ok) return settled;
  const [left, top, right] = picture.box;
  const unit = (right - left) / picture.bitmap.width;
  const digits = settled.result.digits.map((digit) => ({
    ...digit,
    box: digit.box.map((value, i) => (i % 2 ? top : left) + value * unit),
  }));
  return { ...settled, result: { ...settled.result, digits } };
}

/**
 * Lay a picture on the paper, as large as that is, unless something newer comes while it is decoded.
 * @param {File} file
 */
async function takePicture(file) {
  pad.end(); // of the keyboard's pen
  const { strokes } = pad;
  newestFile = file;
  try {
    const { bitmap, ...greys } = await decode(file);
    if (file !== newestFile || strokes !== pad.strokes) return;
    const [across, down] = pad.reach;
    const scale = Math.min(across / bitmap.width, down / bitmap.height);
    const [right, bottom] = [bitmap.width * scale, bitmap.height * scale];
    pad.picture = { bitmap, greys, box: [-right, -bottom, right, bottom] };
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    status.notify(error.said.key, error.said.values);
  }
}

/** Take up the drawing of the link that was followed. */
function followLink() {
  const strokes = fromFragment(location.hash);
  if (strokes === undefined) return;
  history.replaceState(null, '', location.pathname + location.search); // from now on it is a drawing like others
  if (strokes) pad.strokes = strokes;
  else status.notify('link.damaged', {});
}

/** @param {KeyboardEvent} event */
function keyPressed(event) {
  const { key, code, ctrlKey, metaKey, shiftKey, altKey, target } = event;
  if (altKey || (target instanceof HTMLElement && target.matches('input, textarea, select, .notice *'))) return;
  const control = ctrlKey || metaKey;
  const letter = (key > '~' ? code.slice(-1) : key).toLowerCase(); // of a Cyrillic keyboard, too
  if (key === 'Escape' && document.querySelector(':is(:popover-open)')) return; // it closes that
  if (key === 'Escape' && !control) pad.clear();
  else if (control && ((letter === 'z' && shiftKey) || letter === 'y')) pad.redo();
  else if (control && letter === 'z') pad.undo();
  else return;
  event.preventDefault();
}

/** Keep the drawing for the page that comes next, and the mark that shows. */
function keep() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(pad.strokes));
    sessionStorage.setItem('mark', JSON.stringify(reading.digits[wanted(reading.digits)] ?? null));
  } catch {
    // no storage, nothing kept
  }
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

/** Go on at the paper when the button that has the focus is no use any more. */
function refocus() {
  if (document.activeElement?.matches(':disabled, [hidden] *')) canvas.focus({ preventScroll: true });
}

/** @param {boolean} on whether the pointer takes strokes away */
function erase(on) {
  pad.erasing = on;
  buttons.erase.setAttribute('aria-pressed', String(on));
  document.body.classList.toggle('erasing', on);
}

pad.addEventListener('change', drawingMoved);
addEventListener('pagehide', keep);
// Phones end hidden pages.
document.addEventListener('visibilitychange', keep);
offerBringing(find('bring-menu'), find('paper'), takePicture);
const offerTaken = offerTaking(find('take-menu'), () => ({ text: reading.text, strokes: pad.finished }), status);
buttons.undo.addEventListener('click', () => pad.undo());
buttons.redo.addEventListener('click', () => pad.redo());
buttons.erase.addEventListener('click', () => erase(!pad.erasing));
buttons.clear.addEventListener('click', () => pad.clear());
new KeyboardPen(pad, canvas, find('nib'), view);
document.addEventListener('keydown', keyPressed);
for (const type of ['click', 'keydown']) addEventListener(type, refocus); // after what they do
addEventListener('focusin', () => {
  const left = document.querySelector(':is(:popover-open):not(:focus-within)'); // by the keyboard
  if (left instanceof HTMLElement) left.hidePopover();
});

offerLanguages();
language.addEventListener('change', () => {
  if (reading.digits.length) show(reading);
});
engine.addEventListener('state', () => {
  const recovered = unread && (engine.state === 'browser' || engine.state === 'server');
  if ((pad.strokes.length === 0 && !pad.picture) || recovered) drawingChanged(); // it says what to expect, or asks again
});

status.follow(engine); // first: Python has begun to start, and tells at once how far it is
const started = engine.start();
restore();
followLink();
addEventListener('hashchange', followLink);
drawingChanged();

await started;
// After the start, and when nobody is waiting for answers: storing files slows both.
do await new Promise((resolve) => setTimeout(resolve, PAUSE));
while (performance.now() - asked < PAUSE);
workOffline({
  onReady: () => status.offlineReady(),
  onUpdate: (apply) => {
    navigator.serviceWorker.addEventListener('controllerchange', () => location.reload());
    status.notify('notice.newer', {}, { name: 'notice.update', act: apply });
  },
});
