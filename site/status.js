// Says how the page is doing: who answers, how far loading is, whether it works offline, and what went wrong.

/**
 * @typedef {import('./engine.js').Engine} Engine
 */

const PRIVACY = {
  loading: 'A neural network written in NumPy, running on this device. What you draw stays here.',
  browser: 'A neural network written in NumPy, running on this device. What you draw stays here.',
  server: 'A neural network written in NumPy. Your drawings are read on the server of this page.',
  none: 'A neural network written in NumPy.',
};

export class Status {
  #state = find('state');
  #progress = /** @type {HTMLProgressElement} */ (find('progress'));
  #notice = find('notice');
  #action = /** @type {HTMLButtonElement} */ (find('notice-action'));

  constructor() {
    find('notice-close').addEventListener('click', () => (this.#notice.hidden = true));
  }

  /**
   * Follow an engine's states.
   * @param {Engine} engine
   * @param {() => void} retry what the user can do when nobody answers
   */
  follow(engine, retry) {
    engine.addEventListener('progress', (event) => {
      const { loaded, total } = /** @type {CustomEvent} */ (event).detail;
      this.#progress.value = loaded / total;
      this.#state.textContent =
        loaded < total ? `Loading ${megabytes(loaded)} of ${megabytes(total)} MB` : 'Starting Python';
    });
    engine.addEventListener('state', () => this.#show(engine, retry));
    this.#show(engine, retry);
  }

  /** Say that the page works without the network from now on. */
  offlineReady() {
    find('offline').textContent = 'Ready to work offline';
  }

  /**
   * Show a message that stays until it is dismissed.
   * @param {string} text
   * @param {{name: string, act: () => void}} [action]
   */
  notify(text, action) {
    this.#notice.hidden = false;
    find('notice-text').textContent = text;
    this.#action.hidden = !action;
    this.#action.textContent = action?.name ?? '';
    this.#action.onclick = action?.act ?? null;
  }

  /**
   * @param {Engine} engine
   * @param {() => void} retry
   */
  #show({ state, problem, about }, retry) {
    document.documentElement.dataset.engine = state;
    find('privacy').textContent = PRIVACY[state];
    if (state === 'loading') {
      this.#state.textContent = 'Loading';
    } else if (state === 'browser') {
      this.#state.textContent = 'Runs in your browser';
      this.#notice.hidden = true;
      const model = find('model');
      model.textContent = `Model ${about?.model.slice(0, 7)}`;
      model.title = `SHA-256 of the network's weights: ${about?.model}`;
    } else if (state === 'server') {
      this.#state.textContent = 'Read by the server';
      this.notify(`Python cannot run here: ${problem}. The server reads your drawings instead.`);
    } else {
      this.#state.textContent = 'Not reading';
      this.notify(`Your drawings cannot be read: ${problem}.`, { name: 'Try again', act: retry });
    }
  }
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 1e6).toFixed(1);
}

/** @param {string} id */
function find(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}
