// Registers the service worker, and tells when the page works offline and when a newer version waits.

import { savesData } from './choice.js';

/**
 * @param {{onReady: () => void, onUpdate: (apply: () => void) => void}} events
 *   `onReady`: everything is stored; `onUpdate`: a newer version is stored, and `apply` switches all pages to it
 */
export async function workOffline({ onReady, onUpdate }) {
  /** @type {ServiceWorkerRegistration | undefined} */
  let registration;
  try {
    if (!navigator.serviceWorker) return; // not over plain HTTP, and not in some private windows
    // The list of files that the worker imports is asked for afresh, so that a newer version is seen at once.
    registration = await navigator.serviceWorker.register('./sw.js', { updateViaCache: 'none' });
  } catch (error) {
    console.warn('This page will not work offline:', error);
  }
  if (!registration) return;
  watchForUpdates(registration, onUpdate);
  const { active } = await navigator.serviceWorker.ready;
  if (await caches.match('./generated/manifest.json')) onReady();
  // What the page may fall back on works offline as well; it is not worth a visitor's money.
  if (!savesData()) active?.postMessage('store-fallback');
}

/**
 * @param {ServiceWorkerRegistration} registration
 * @param {(apply: () => void) => void} onUpdate
 */
function watchForUpdates(registration, onUpdate) {
  const offer = () => {
    const { waiting } = registration;
    if (waiting && navigator.serviceWorker.controller) onUpdate(() => waiting.postMessage('activate'));
  };
  registration.addEventListener('updatefound', () => {
    const worker = registration.installing;
    worker?.addEventListener('statechange', () => {
      if (worker.state === 'installed') offer();
    });
  });
  offer();
}
