// Says how the page is doing: who answers, how far loading is, whether it works offline, and what went wrong.

import { button, find, number, put } from './words.js';

/** @typedef {import('./engine.js').Engine} Engine */

const PRIVACY = {
  loading: 'privacy.browser',
  browser: 'privacy.browser',
  server: 'privacy.server',
  none: 'privacy.none',
};

/** Progress shows this often, milliseconds: with each frame it would slow the start. */
const PACE = 400;
/** Messages that something is done go by themselves after this long, milliseconds. */
const BRIEF = 8000;
const DONE = ['take.copied', 'take.linked', 'lessons.loaded'];

export class Status {
  #state = find('state');
  #progress = /** @type {HTMLProgressElement} */ (find('progress'));
  #notice = find('notice');
  #action = button('notice-action');

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** The newer version is told of but once: that waits while another message shows. @type {(() => void) | undefined} */
  #offer;

  constructor() {
    find('notice-close').addEventListener('click', () => this.#close());
  }

  /**
   * Follow an engine's states.
   * @param {Engine} engine
   */
  follow(engine) {
    /** @type {import('./files.js').Progress | undefined} the newest that waits */
    let progress;
    engine.addEventListener('progress', (event) => {
      if (!progress) {
        setTimeout(() => {
          if (engine.state === 'loading' && progress) this.#showProgress(progress);
          progress = undefined;
        }, PACE);
      }
      progress = /** @type {CustomEvent} */ (event).detail;
    });
    engine.addEventListener('state', () => this.#show(engine));
    this.#show(engine);
  }

  /** @param {import('./files.js').Progress} progress */
  #showProgress({ loaded, total }) {
    this.#progress.value = loaded / total;
    if (loaded < total) put(this.#state, 'state.bytes', { loaded: megabytes(loaded), total: megabytes(total) });
    else put(this.#state, 'state.starting');
  }

  /** Say that the page works without the network from now on. */
  offlineReady() {
    put(find('offline'), 'offline.ready');
  }

  /**
   * Show a message, which stays until it is dismissed unless it only says that something is done.
   * @param {string} key its words
   * @param {import('./words.js').Values} [values]
   * @param {{name: string, act: () => void}} [action] `name`: the key of the button's words
   */
  notify(key, values, action) {
    if (key === 'notice.newer') {
      this.#offer = () => this.notify(key, values, action);
      if (!this.#notice.hidden && find('notice-text').dataset.text === 'lessons.forgotten') return;
    }
    clearTimeout(this.#timer);
    if (DONE.includes(key)) this.#timer = setTimeout(() => this.#close(), BRIEF);
    this.#notice.hidden = false;
    put(find('notice-text'), key, values);
    this.#action.hidden = !action;
    put(this.#action, action?.name ?? '');
    this.#action.onclick = () => {
      this.#close();
      action?.act();
    };
  }

  #close() {
    this.#notice.hidden = true;
    const offer = find('notice-text').dataset.text === 'notice.newer' ? undefined : this.#offer;
    this.#offer = undefined;
    offer?.();
  }

  /** @param {Engine} engine */
  #show({ state, problem, about }) {
    document.documentElement.dataset.engine = state;
    put(find('privacy'), PRIVACY[state]);
    if (state === 'loading') {
      put(this.#state, 'state.loading');
    } else if (state === 'browser') {
      put(this.#state, 'state.browser');
      if (/notice.(server|none)/.test(find('notice-text').dataset.text ?? '')) this.#close();
      const model = find('model');
      put(model, 'model', { hash: about?.model.slice(0, 7) ?? '' });
      put(model, 'model.title', { hash: about?.model ?? '' }, 'title');
    } else if (state === 'server') {
      put(this.#state, 'state.server');
      this.notify('notice.server', { problem });
    } else {
      put(this.#state, 'state.none');
      this.notify('notice.none', { problem }, { name: 'notice.retry', act: () => location.reload() });
    }
  }
}

/** @param {number} bytes */
function megabytes(bytes) {
  return number(bytes / 1e6, { minimumFractionDigits: 1, maximumFractionDigits: 1 });
}
