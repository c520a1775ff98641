// Remembers on this device what the network was taught: corrections, in IndexedDB, in the order in which they came.

/**
 * @typedef {import('./engine.js').Correction} Correction
 */

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

  /** Take up what is stored. Without storage, corrections last until the page is left. */
  async load() {
    const known = this.#known;
    const database = await open();
    if (!database) return;
    try {
      const stored = await done(database.transaction(STORE).objectStore(STORE).getAll());
      if (known === this.#known) this.#known = stored.filter(isCorrection);
    } catch (error) {
      console.warn('The corrections could not be read:', error);
    }
  }

  /** @param {readonly Correction[]} known from now on */
  async replace(known) {
    this.#known = known.slice(-MOST);
    const database = await open();
    if (!database) return;
    try {
      const transaction = database.transaction(STORE, 'readwrite');
      const store = transaction.objectStore(STORE);
      store.clear();
      this.#known.forEach((each, index) => store.put(each, index));
      await new Promise((resolve, reject) => {
        transaction.oncomplete = resolve;
        transaction.onabort = transaction.onerror = () => reject(transaction.error);
      });
    } catch (error) {
      console.warn('The corrections could not be stored:', error);
    }
  }
}

/** @returns {Promise<IDBDatabase | undefined>} anew: some browsers close it; none without storage */
async function open() {
  try {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    return await done(request);
  } catch (error) {
    console.warn('Corrections will not be remembered:', error);
    return undefined;
  }
}

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
function done(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** @param {any} value */
function isCorrection(value) {
  return typeof value?.image === 'string' && atob(value.image).length === 784 && value.digit >= 0 && value.digit <= 9;
}
