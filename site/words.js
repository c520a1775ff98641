// The page's words in the language that was chosen: languages/*.json holds them, English stands in the HTML too.
//
// An element names its text in `data-text`, its accessible name in `data-label`, its tooltip in `data-title`. A text may
// have places for values, {share}, and for elements, <mark>text</mark> or <mark/>, which are the element's children with
// that name in `data-part`. A text that depends on a number, {count}, is given for each of the language's plural forms.

/**
 * @typedef {{key: string, values?: Values}} Said a text that is part of another
 * @typedef {{[place: string]: string | number | Said}} Values numbers are written as the language does
 * @typedef {Record<string, string | Record<string, string>>} Words
 * @typedef {'text' | 'label' | 'title'} Kind
 */

const KEPT = 'language';
const MARKED = '[data-text], [data-label], [data-title]';
/** @type {Record<Exclude<Kind, 'text'>, string>} */
const ATTRIBUTES = { label: 'aria-label', title: 'title' };

const root = document.documentElement;

/** Dispatches `change` when there are other words. */
export const language = new EventTarget();

/** @type {Words} */
let words = {};
let wanted = '';
/** @type {WeakMap<Element, Partial<Record<Kind, Values>>>} */
const given = new WeakMap();
/** Elements that texts have places for, by their parents and names. @type {WeakMap<Element, Map<string | null, Element>>} */
const kept = new WeakMap();

/** Kept, because to make one takes longer than to show a reading. @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** Settles when the first words are there, or cannot be had. */
export const ready = load(root.lang);

/**
 * Change the language, and remember it.
 * @param {string} tag
 */
async function choose(tag) {
  try {
    localStorage.setItem(KEPT, tag);
  } catch {
    // storage is forbidden: it holds until the page is left
  }
  await load(tag);
}

/**
 * Return a text; '' until there are words.
 * @param {string} key
 * @param {Values} [values]
 * @returns {string}
 */
export function say(key, values = {}) {
  let text = words[key] ?? '';
  if (typeof text === 'object') {
    const form = new Intl.PluralRules(root.lang).select(Number(values.count));
    text = text[form] ?? text.other;
  }
  return text.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name] ?? '';
    if (typeof value === 'object') return say(value.key, value.values);
    return typeof value === 'number' ? number(value) : value;
  });
}

/**
 * Give an element its text, now and whenever the language changes.
 * @param {Element} element
 * @param {string} key '' for no text
 * @param {Values} [values]
 * @param {Kind} [kind]
 */
export function put(element, key, values = {}, kind = 'text') {
  const { dataset } = /** @type {HTMLElement} */ (element);
  if (dataset[kind] !== key) dataset[kind] = key;
  given.set(element, { ...given.get(element), [kind]: values });
  if (key === '' || words[key]) write(element, kind);
}

/**
 * Set an element's text without replacing its text node, so that nothing else of the page has to react.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  const { firstChild } = element; // no text where the browser has translated the page
  if (!(firstChild instanceof Text)) element.replaceChildren(text);
  else if (firstChild.data !== text) firstChild.data = text;
}

/**
 * Write a number as the language does.
 * @param {number} value
 * @param {Intl.NumberFormatOptions} [options]
 * @returns {string}
 */
export function number(value, options) {
  const form = root.lang + JSON.stringify(options);
  let format = formats.get(form);
  if (!format) formats.set(form, (format = new Intl.NumberFormat(root.lang, options)));
  return format.format(value);
}

/**
 * Write a probability in percent.
 * @param {number} probability
 * @param {number} decimals
 * @returns {string}
 */
export function percent(probability, decimals) {
  return number(probability, {
    style: 'percent',
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
}

/**
 * Write a list: "a, b and c".
 * @param {string[]} items
 * @returns {string}
 */
export function list(items) {
  return new Intl.ListFormat(root.lang).format(items);
}

/** Let the page's select show the languages, and choose one. */
export function offerLanguages() {
  const select = /** @type {HTMLSelectElement} */ (find('language'));
  for (const [tag, name] of Object.entries(JSON.parse(root.dataset.languages ?? '{}'))) {
    select.append(Object.assign(new Option(name, tag), { lang: tag }));
  }
  const show = () => (select.value = root.lang);
  language.addEventListener('change', show);
  select.addEventListener('change', () => choose(select.value));
  show();
  // The page comes back, and another one may have changed the language.
  addEventListener('pageshow', ({ persisted }) => persisted && load(localStorage.getItem(KEPT) ?? root.lang));
}

/** @param {string} tag */
async function load(tag) {
  wanted = tag;
  try {
    const response = await fetch(new URL(`./languages/${tag}.json`, import.meta.url));
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const fetched = await response.json();
    if (tag !== wanted) return; // another was chosen meanwhile
    words = fetched;
    root.lang = tag;
    document.querySelectorAll(MARKED).forEach(translate);
    language.dispatchEvent(new Event('change'));
  } catch (error) {
    console.error(`The words of "${tag}" did not come:`, error);
    if (tag !== 'en' && Object.keys(words).length === 0) await load('en');
    else language.dispatchEvent(new Event('change')); // what shows a choice shows the one that holds
  } finally {
    delete root.dataset.words;
  }
}

/** @param {Element} element */
function translate(element) {
  for (const kind of /** @type {Kind[]} */ (['text', 'label', 'title'])) {
    if (kind in /** @type {HTMLElement} */ (element).dataset) write(element, kind);
  }
}

/**
 * Write a text in a text node of its own: one that changes would count as moving, where lines end alike but begin apart.
 * @param {Element} element
 * @param {Kind} kind
 */
function write(element, kind) {
  const key = /** @type {HTMLElement} */ (element).dataset[kind] ?? '';
  const text = say(key, given.get(element)?.[kind]);
  if (kind !== 'text') element.setAttribute(ATTRIBUTES[kind], text);
  else if (text.includes('<') || element.firstElementChild) compose(element, text);
  else if (element.textContent !== text) element.replaceChildren(text);
}

/**
 * Fill an element with a text that has places for its children.
 * @param {Element} element
 * @param {string} text
 */
function compose(element, text) {
  const parts =
    kept.get(element) ??
    new Map(Array.from(element.querySelectorAll('[data-part]'), (part) => [part.getAttribute('data-part'), part]));
  kept.set(element, parts);
  /** @type {Set<Element>} */
  const used = new Set();
  const nodes = text.split(/(<\w+>[^<]*<\/\w+>|<\w+\/>)/).map((piece) => {
    const [, name, content] = /^<(\w+)(?:>([^<]*)<\/\w+>|\/>)$/.exec(piece) ?? [];
    const part = parts.get(name);
    if (!part) return piece;
    const node = used.has(part) ? /** @type {Element} */ (part.cloneNode(true)) : part;
    used.add(part);
    if (content !== undefined) node.textContent = content;
    return node;
  });
  element.replaceChildren(...nodes.filter((node) => node !== ''));
}

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function find(id) {
  return /** @type {HTMLElement} */ (document.getElementById(id));
}

/** @param {string} id */
export function button(id) {
  return /** @type {HTMLButtonElement} */ (find(id));
}
