// Takes corrections: which digit it was, what was learned before, and the file that holds them.

import { download } from './export.js';
import { FormError, fromCsv, toCsv } from './kaggle.js';
import { Lessons } from './lessons.js';
import { button, find, put, say } from './words.js';

/**
 * @typedef {import('./engine.js').Correction} Correction
 * @typedef {import('./engine.js').Digit} Digit
 * @typedef {import('./engine.js').Engine} Engine
 */

export class Teaching {
  #engine;
  #view;
  #status;
  #learned;
  #lessons = new Lessons();
  #loaded;
  #wrong = button('wrong');
  #choices = find('choices');
  #bars = find('bars');
  #menu = find('lessons-menu');
  #file = /** @type {HTMLInputElement} */ (find('lessons-file'));
  /** @type {Digit | undefined} the mark that may be corrected */
  #digit;

  /**
   * @param {Engine} engine
   * @param {import('./reading.js').ReadingView} view
   * @param {import('./status.js').Status} status
   * @param {() => unknown} learned called when the network knows other corrections: settles when all is read again
   */
  constructor(engine, view, status, learned) {
    this.#engine = engine;
    this.#view = view;
    this.#status = status;
    this.#learned = learned;
    for (let digit = 0; digit < 10; digit++) this.#choices.append(this.#choice(digit));
    this.#wrong.addEventListener('click', () => this.#ask(Boolean(this.#choices.hidden)));
    this.#choices.addEventListener('keydown', (event) => this.#move(event));
    find('lessons-undo').addEventListener('click', () => this.#know(this.#lessons.known.slice(0, -1)));
    find('lessons-save').addEventListener('click', () => {
      download(new Blob([toCsv(this.#lessons.known)], { type: 'text/csv' }), 'digits-corrections.csv');
    });
    find('lessons-load').addEventListener('click', () => this.#file.click());
    find('lessons-forget').addEventListener('click', () => this.#forget());
    this.#file.addEventListener('change', () => this.#load());
    this.#loaded = this.#lessons.load();
    addEventListener('focus', async () => {
      if (await this.#lessons.load()) this.#begin(true); // another tab knows others
    });
    engine.addEventListener('state', () => this.#begin());
  }

  /** @param {Digit | undefined} digit whose details are shown */
  show(digit) {
    this.#digit = digit;
    this.#wrong.disabled = !this.#teachable || !digit || digit.symbol === '.' || digit.symbol === '-';
    if (this.#wrong.disabled) this.#ask(false);
  }

  get #teachable() {
    return this.#engine.state === 'browser' && Boolean(this.#engine.about?.teachable);
  }

  /**
   * Teach Python, which may have started anew, what it was taught before.
   * @param {boolean} [isOther] whether that has changed, perhaps to nothing
   */
  async #begin(isOther) {
    await this.#loaded;
    this.#showCount();
    this.show(this.#digit);
    if (this.#teachable && (isOther || this.#lessons.known.length)) await this.#teach();
  }

  /** @param {boolean} open whether to ask which digit it was */
  #ask(open) {
    if (open === !this.#choices.hidden) return;
    const hadFocus = this.#choices.contains(document.activeElement);
    this.#choices.hidden = !open;
    this.#bars.hidden = open;
    this.#wrong.setAttribute('aria-expanded', String(open));
    if (open) /** @type {HTMLElement} */ (this.#choices.children[this.#digit?.digit ?? 0]).focus();
    else if (hadFocus) this.#wrong.focus();
  }

  /** @param {number} digit */
  #choice(digit) {
    const choice = document.createElement('button');
    choice.type = 'button';
    choice.textContent = String(digit);
    choice.addEventListener('click', () => this.#correct(digit));
    return choice;
  }

  /**
   * The arrow keys go from digit to digit, a digit's own key chooses it, Escape none.
   * @param {KeyboardEvent} event
   */
  #move(event) {
    const choices = /** @type {HTMLElement[]} */ (Array.from(this.#choices.children));
    const at = choices.findIndex((each) => each === document.activeElement);
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step) choices[(at + step + choices.length) % choices.length].focus();
    else if (/^[0-9]$/.test(event.key)) this.#correct(Number(event.key));
    else if (event.key === 'Escape') this.#ask(false);
    else return;
    event.preventDefault();
    event.stopPropagation(); // Escape does not clear the drawing too
  }

  /** @param {number} digit what the mark was meant to be */
  async #correct(digit) {
    const image = this.#digit?.image;
    this.#ask(false);
    if (!image) return;
    if (await this.#know(this.#lessons.known, [{ image, digit }])) {
      this.#view.say(say('teach.learned', { digit: String(digit) }));
    }
  }

  /**
   * From now on know these. The same picture teaches one thing: a newer answer takes the older one's place.
   * @param {readonly Correction[]} older
   * @param {readonly Correction[]} [newer]
   * @returns {Promise<boolean>} whether the network has learned them
   */
  async #know(older, newer = []) {
    const images = new Set(newer.map(({ image }) => image));
    await this.#lessons.replace([...older.filter(({ image }) => !images.has(image)), ...newer]);
    this.#showCount();
    return this.#teach();
  }

  async #teach() {
    const settled = await this.#engine.teach([...this.#lessons.known]);
    if (settled.ok) await this.#learned();
    else if (!settled.superseded && this.#teachable) this.#status.notify('teach.failed', {});
    return settled.ok;
  }

  #showCount() {
    const count = this.#lessons.known.length;
    const open = button('lessons');
    open.disabled = !this.#teachable;
    put(open, count ? 'lessons.count' : 'lessons.none', { count });
    for (const id of ['lessons-undo', 'lessons-save', 'lessons-forget']) button(id).disabled = count === 0;
    if (document.activeElement?.id === 'lessons-undo' && !count) find('lessons-load').focus();
  }

  async #load() {
    const [file] = this.#file.files ?? [];
    this.#file.value = ''; // the same file can be chosen again
    if (!file) return;
    this.#menu.hidePopover();
    try {
      const more = fromCsv(await file.text());
      await this.#know(this.#lessons.known, more);
      this.#status.notify('lessons.loaded', { count: Math.min(more.length, this.#lessons.known.length) });
    } catch (error) {
      const line = error instanceof FormError ? error.line : 1;
      this.#status.notify('lessons.malformed', { name: file.name, line });
    }
  }

  async #forget() {
    const forgotten = this.#lessons.known;
    this.#menu.hidePopover();
    await this.#know([]);
    const act = () => this.#know(forgotten, this.#lessons.known);
    this.#status.notify('lessons.forgotten', {}, { name: 'lessons.back', act });
  }
}
