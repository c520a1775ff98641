// The playground: hands the drawing to Python, and puts cells into PyScript's editor.

import { keptDrawing } from './drawing.js';
import { Fault, inWords } from './fault.js';
import { download, readList, request } from './files.js';
import { find, language, offerLanguages, put } from './words.js';

/**
 * Make a script for PyScript's editor.
 * @param {string} program
 * @param {string} [config] runs the program at once and unseen
 */
function script(program, config) {
  const element = document.createElement('script');
  element.type = 'py-editor';
  element.setAttribute('env', 'digits');
  if (config) {
    element.setAttribute('setup', '');
    // As text: a cell pressed while PyScript fetches a file gets no Python.
    element.setAttribute('config', config);
  }
  element.textContent = program;
  return element;
}

/** @param {string} path */
async function load(path) {
  return (await request(path)).text();
}

/** Give the editors' parts names, which PyScript gives in English or not at all. */
function nameParts() {
  for (const box of document.querySelectorAll('.py-editor-box')) {
    const button = box.querySelector('button');
    const shadow = box.querySelector('.py-editor-input > div')?.shadowRoot;
    const editor = shadow?.querySelector('.cm-content');
    box.querySelector('.py-editor-input')?.removeAttribute('aria-label');
    if (button) put(button, 'playground.run', {}, 'label');
    // Long lines can be scrolled with the keyboard too.
    for (const part of [box.querySelector('.py-editor-output'), shadow?.querySelector('.cm-scroller')]) {
      part?.setAttribute('tabindex', '0');
    }
    box.querySelector('.py-editor-output')?.setAttribute('role', 'log');
    if (editor) put(editor, 'playground.cell', {}, 'label');
  }
}

async function begin() {
  const places = Array.from(document.querySelectorAll('[data-cell]'));
  const paths = places.map((place) => /** @type {HTMLElement} */ (place).dataset.cell ?? '');
  const [config, setup, ...cells] = await Promise.all(['playground.json', 'playground.py', ...paths].map(load));
  // Such JSON is Python too. PyScript wants the configuration first.
  document.body.prepend(script(`drawing = ${JSON.stringify(keptDrawing())}\n${setup}`, config));
  places.forEach((place, i) => place.append(script(cells[i])));
  await import('./generated/pyscript/core.js');
  // The worker does not say which file it lacks.
  const { stock } = await readList();
  const scripts = ['generated/pyodide/pyodide.js', 'generated/pyodide/pyodide.asm.js'];
  await Promise.all([...download(stock, () => {}).values(), ...scripts.map(load)]);
}

offerLanguages();
language.addEventListener('change', nameParts);
document.addEventListener('py-editor', ({ target }) => {
  nameParts();
  if (/** @type {Element} */ (target).hasAttribute('setup')) document.documentElement.dataset.engine = 'browser';
  else /** @type {any} */ (document.activeElement?.shadowRoot?.activeElement)?.blur(); // new editors take the focus
});
// PyScript says less.
addEventListener('unhandledrejection', ({ reason }) => {
  const notice = find('notice');
  if (!notice.hidden && !(reason instanceof Fault)) return;
  notice.hidden = false;
  put(notice, 'playground.failed', { problem: inWords(reason) });
});
begin();
