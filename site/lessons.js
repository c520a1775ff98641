// Remembers on this device what the network was taught: corrections, in IndexedDB, in the order they came.

/** @typedef {import('./engine.js').Correction} Correction */

const DATABASE = 'digits';
const STORE = 'corrections';
/** More than these are not kept: learning them again at each start would take too long. */
const MOST = 300;

export class Lessons {
  /** @type {Correction[]} */
  #known = [];

  /** @returns {readonly Correction[]} */
  get known() {
    return this.#known;
  }

  /**
   * Take up what is stored. Without storage, corrections last until the page is left.
   * @returns {Promise<boolean>} whether that is something else than what was known
   */
  async load() {
    const known = this.#known;
    const stored = await inStore('readonly', (store) => store.getAll());
    if (!stored || known !== this.#known) return false;
    this.#known = stored.result.filter(isCorrection);
    return JSON.stringify(known) !== JSON.stringify(this.#known);
  }

  /** @param {readonly Correction[]} known from now on */
  async replace(known) {
    const kept = (this.#known = known.slice(-MOST));
    const stored = await inStore('readwrite', (store) => {
      store.clear();
      return kept.map((each, index) => store.put(each, index));
    });
    if (!stored) this.load = async () => false; // there was no room: what is stored is older
  }
}

/**
 * Work with what is stored, on a connection of its own: some browsers close those that stay open.
 * @template T
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => T} work
 * @returns {Promise<T | undefined>} when the work is done; undefined without storage
 */
async function inStore(mode, work) {
  try {
    const database = await open();
    const transaction = database.transaction(STORE, mode);
    const result = work(transaction.objectStore(STORE));
    database.close(); // after the work
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    return result;
  } catch (error) {
    console.warn('Corrections are not remembered:', error);
    return undefined;
  }
}

/** @returns {Promise<IDBDatabase>} */
function open() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {any} value */
function isCorrection(value) {
  return value?.image?.length === 1048 && value.digit >= 0 && value.digit <= 9;
}
