// Keeps the page working without the network: stores what the build lists, by content, and answers from it.
//
// Each version of the site has a cache of its own. A new version is stored beside the old one, from the bytes that are
// already here where they are the same, and waits until the user asks for it: an open page never gets files of two
// versions. A file is stored only if its SHA-256 is the listed one.

/* global PRECACHE -- {version, files: [{path, sha256, size}], fallback: the same}, from the build */
importScripts('./generated/precache.js');

const PREFIX = `digits ${registration.scope} `;
const CACHE = PREFIX + PRECACHE.version;
const MANIFEST = 'generated/manifest.json';
const HASH = 'X-Content-SHA256';
/** How the names of files end that the browser answers by itself. */
const ROUTED = ['css', 'js', 'json', 'png', 'py', 'svg', 'wasm'];
/** Path below the scope -> SHA-256. */
const LISTED = new Map([...PRECACHE.files, ...PRECACHE.fallback].map(({ path, sha256 }) => [path, sha256]));

addEventListener('install', (event) => {
  event.waitUntil(store());
  route(event);
});
addEventListener('activate', (event) => event.waitUntil(deleteOldCaches()));
addEventListener('message', (event) => {
  if (event.data === 'activate') event.waitUntil(skipWaiting());
  if (event.data === 'store-fallback') event.waitUntil(storeFallback());
});
addEventListener('fetch', (event) => {
  const path = listedPath(event.request);
  if (path) event.respondWith(answer(path, event.request));
});

/**
 * Return the listed path that a request is for, or undefined when it is none of our business.
 * @param {Request} request
 */
function listedPath({ method, mode, url }) {
  if (method !== 'GET' || !url.startsWith(registration.scope)) return undefined;
  const path = decodeURI(new URL(url).pathname.slice(new URL(registration.scope).pathname.length));
  if (path === '' && mode === 'navigate') return 'index.html';
  return LISTED.has(path) || path === MANIFEST ? path : undefined;
}

/**
 * @param {string} path
 * @param {Request} request
 * @returns {Promise<Response>}
 */
async function answer(path, request) {
  const stored = await caches.match(address(path), { cacheName: CACHE }).catch(() => undefined);
  return stored ?? fetch(request);
}

/**
 * Have the browser answer from the cache by itself, where it can. What is not stored comes from the network, as it would
 * from here; folders are left to this script.
 * @param {any} event of the installation
 */
function route(event) {
  const scope = new URL(registration.scope).pathname.replace(/[^\w/]/g, '\\$&');
  const patterns = ROUTED.map((ending) => ({ urlPattern: { pathname: `${scope}*.${ending}`, search: '' } }));
  const routed = event.addRoutes?.({ condition: { or: patterns }, source: { cacheName: CACHE } });
  routed?.catch((/** @type {unknown} */ error) => console.warn('Files are answered one by one:', error));
}

/** Store all listed files; an error leaves the version before in charge. */
async function store() {
  const cache = await caches.open(CACHE);
  const earlier = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  // This version's list, whatever the host has by then.
  const list = new Response(JSON.stringify(PRECACHE), { headers: { 'Content-Type': 'application/json' } });
  try {
    await Promise.all(PRECACHE.files.map((file) => storeOne(cache, earlier, file)));
    await cache.put(address(MANIFEST), list); // at last: where it is, all is
    await Promise.all(PRECACHE.fallback.map((file) => takeOver(cache, earlier, file).catch(() => false)));
  } catch (error) {
    await caches.delete(CACHE);
    throw error;
  }
}

/** Store, as far as there is room, what a page needs only when something is missing or fails. */
async function storeFallback() {
  const cache = await caches.open(CACHE);
  try {
    if (!(await cache.match(address(MANIFEST)))) await store(); // other pages of a host may delete all
    for (const file of PRECACHE.fallback) await storeOne(cache, [CACHE], file);
  } catch (error) {
    console.warn('Not all of the spare files are stored:', error);
  }
}

/**
 * Store what a version before has stored already.
 * @param {Cache} cache
 * @param {string[]} earlier names of caches that may hold the same bytes
 * @param {{path: string, sha256: string}} file
 * @returns {Promise<boolean>} whether one did
 */
async function takeOver(cache, earlier, { path, sha256 }) {
  for (const name of earlier) {
    const known = await caches.match(address(path), { cacheName: name });
    if (known?.headers.get(HASH) === sha256) {
      if (name !== CACHE) await cache.put(address(path), known);
      return true;
    }
  }
  return false;
}

/**
 * @param {Cache} cache
 * @param {string[]} earlier names of caches that may hold the same bytes
 * @param {{path: string, sha256: string}} file
 */
async function storeOne(cache, earlier, file) {
  if (await takeOver(cache, earlier, file)) return;
  const { path, sha256 } = file;
  // What the page itself has loaded is in the browser's own cache; where that is out of date, ask the host. The page's
  // address there is the folder's.
  const response =
    (await fetchVerified(path === 'index.html' ? '' : path, sha256, 'force-cache')) ??
    (await fetchVerified(path, sha256, 'reload'));
  if (!response) throw new Error(`${path} is not what this version lists`);
  await cache.put(address(path), response);
}

/**
 * @param {string} path
 * @param {string} sha256
 * @param {RequestCache} mode
 * @returns {Promise<Response | undefined>} undefined for other bytes than the listed ones
 */
async function fetchVerified(path, sha256, mode) {
  const response = await fetch(address(path), { cache: mode });
  const bytes = await response.arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  if (Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('') !== sha256) return undefined;
  const type = response.headers.get('Content-Type') ?? '';
  return new Response(bytes, { headers: { 'Content-Type': type, [HASH]: sha256 } });
}

async function deleteOldCaches() {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name.startsWith(PREFIX) && name !== CACHE).map((name) => caches.delete(name)));
}

/** @param {string} path */
function address(path) {
  return new URL(path, registration.scope).href;
}
