// Explains the network by its own numbers: runs it on the visitor's mark, forwards, backwards, one step on.

import { keptDrawing, keptMark } from './drawing.js';
import { Engine } from './engine.js';
import { paintMaps, trainingNumbers } from './inside.js';
import { Lessons } from './lessons.js';
import { Status } from './status.js';
import { find, language, number, offerLanguages, percent, put, setText } from './words.js';

/**
 * @typedef {import('./engine.js').Lesson} Lesson
 * @typedef {import('./engine.js').Stage} Stage
 */

/** @type {Record<string, string>} what a layer does, by its class */
const KINDS = {
  Conv2D: 'how.stage.conv',
  ReLU: 'how.stage.relu',
  MaxPool2D: 'how.stage.pool',
  GlobalAvgPool2D: 'how.stage.mean',
  Dense: 'how.stage.dense',
};

const engine = new Engine();
const status = new Status();
const label = /** @type {HTMLSelectElement} */ (find('label'));
/** @type {string | undefined} base64 of what the network sees */
let image;
/** @type {Lesson | undefined} */
let lesson;

async function begin() {
  const lessons = new Lessons();
  await lessons.load();
  if (lessons.known.length) await engine.teach([...lessons.known]);
  const settled = await engine.read(keptDrawing());
  if (!settled.ok) return;
  const { digits: read } = settled.result;
  const digit = [keptMark(), ...read].find((mark) => Number.isInteger(mark?.digit)) ?? read[0];
  if (!digit) return;
  image = digit.image;
  paintMaps(/** @type {HTMLCanvasElement} */ (find('seen')), { height: 28, width: 28, channels: 1, pixels: image });
  label.value = String(digit.digit ?? 0);
  await teach();
}

async function teach() {
  if (!image) return;
  const chosen = label.value;
  const settled = await engine.lesson(image, Number(chosen));
  if (!settled.ok || chosen !== label.value) return; // another label has been chosen since
  lesson = settled.result;
  show(lesson);
  document.body.dataset.lesson = chosen; // everything is there
}

/** @param {Lesson} given */
function show(given) {
  const { stages, product, step } = given;
  const parameters = stages.reduce((sum, stage) => sum + stage.parameters, 0);
  const multiplications = stages.reduce((sum, stage) => sum + stage.multiplications, 0);
  put(find('work'), 'how.forwards.text', { parameters, multiplications });
  stages.forEach((stage, i) => {
    const same = stage.kind === 'Conv2D' && stages[i + 1]?.kind === 'ReLU'; // its picture would be the next one's
    showStage(same ? { ...stage, maps: null } : stage, i);
  });
  showScores(given);
  if (product) {
    const { weights, patch, gradient, bias, value } = product;
    fillGrid(find('patch'), patch);
    fillGrid(find('filter'), weights);
    fillGrid(find('gradient'), gradient);
    setText(find('equals'), `${bias < 0 ? '−' : '+'} ${digits(Math.abs(bias))} = ${digits(value)}`);
    put(find('sum'), 'how.sum.text', {
      filters: stages[0].shape[2],
      filter: product.filter + 1,
      bias: digits(bias),
      value: digits(value),
    });
  }
  put(find('loss'), 'how.backwards.text', { loss: plain(step.loss_before) });
  put(find('step'), 'how.step.text', {
    parameters,
    rate: plain(step.learning_rate),
    before: plain(step.loss_before),
    after: plain(step.loss_after),
    likely: share(step.probability_before),
    likelier: share(step.probability_after),
  });
}

/**
 * @param {Stage} stage
 * @param {number} index
 */
function showStage({ kind, shape, parameters, multiplications, maps }, index) {
  const list = find('layers');
  const article = list.children[index] ?? list.appendChild(document.createElement('article'));
  if (!article.firstChild) {
    article.append(...['h3', 'p', 'p'].map((tag) => document.createElement(tag)));
    if (maps) article.append(document.createElement('canvas'));
  }
  const [name, text, cost, canvas] = article.children;
  put(name, 'how.stage', { place: index + 1, kind, shape: shape.join(' × ') });
  put(text, KINDS[kind] ?? 'how.stage.other');
  if (multiplications) put(cost, 'how.stage.cost', { parameters, multiplications });
  if (!maps) return;
  canvas.className = 'wide';
  canvas.setAttribute('role', 'img');
  put(canvas, 'maps.picture', { layer: index + 1, filters: maps.channels }, 'label');
  paintMaps(/** @type {HTMLCanvasElement} */ (canvas), maps);
}

/** @param {Lesson} given */
function showScores({ scores, probabilities }) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  const rows = scores.map((score, digit) => {
    const row = document.createElement('tr');
    const name = document.createElement('th');
    name.scope = 'row';
    name.textContent = digit < 10 ? String(digit) : '?'; // what the network takes for no digit
    row.append(name);
    for (const value of [number(score, { maximumFractionDigits: 2 }), share(probabilities[digit])]) {
      row.insertCell().textContent = value;
    }
    row.classList.toggle('first', digit === best);
    return row;
  });
  find('scores').replaceChildren(...rows);
}

/**
 * Write numbers into a table, each with a colour for its sign and size.
 * @param {HTMLElement} element
 * @param {number[][]} rows
 */
function fillGrid(element, rows) {
  const table = /** @type {HTMLTableElement} */ (element);
  const largest = Math.max(...rows.flat().map(Math.abs)) || 1;
  const body = document.createElement('tbody');
  for (const values of rows) {
    const row = body.insertRow();
    for (const value of values) {
      const cell = row.insertCell();
      cell.textContent = digits(value, 2);
      cell.classList.toggle('less', value < 0);
      cell.style.setProperty('--strength', String(Math.abs(value) / largest));
    }
  }
  table.tBodies[0]?.remove();
  table.append(body);
}

/**
 * @param {number} value
 * @param {number} [maximumSignificantDigits]
 */
function digits(value, maximumSignificantDigits = 3) {
  const small = value !== 0 && Math.abs(value) < 0.001;
  return number(value, { maximumSignificantDigits, notation: small ? 'scientific' : 'standard' });
}

/**
 * In a sentence there is room: no powers of ten.
 * @param {number} value
 */
function plain(value) {
  return number(value, { maximumSignificantDigits: 3 });
}

/** @param {number} probability */
function share(probability) {
  const small = probability < 0.0001;
  if (small) return number(probability, { style: 'percent', maximumSignificantDigits: 2 });
  return percent(probability, probability > 0.999 ? 6 : 2);
}

for (let digit = 0; digit < 10; digit++) label.append(new Option(String(digit), String(digit)));
label.addEventListener('change', teach);
offerLanguages();

/** Put what is known into the words. */
function refresh() {
  if (engine.about) put(find('learning'), 'learning.text', trainingNumbers(engine.about));
  if (lesson) show(lesson);
}

language.addEventListener('change', refresh);
engine.addEventListener('state', refresh);
// Come back to with Forward, as it was left: the drawing may be another one by now.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted) location.reload();
});
status.follow(engine);
engine.start();
begin();
