// Takes pictures that are dropped, pasted, chosen or photographed, and brings them to what the network reads.

import { Fault } from './fault.js';

/** A larger picture is made smaller: its longer side, pixels. A fiftieth of it is still read. */
const LONGEST = 1024;
/** No picture is larger, bytes. */
const MOST_BYTES = 50e6;

/**
 * Take pictures that the visitor gives, in whichever way.
 * @param {HTMLElement} menu with an input for pictures and one for photos
 * @param {HTMLElement} paper is marked while a picture hangs over the page
 * @param {(file: File) => void} give
 */
export function offerBringing(menu, paper, give) {
  const take = (/** @type {FileList | null | undefined} */ files) => {
    if (!files?.length) return;
    menu.hidePopover?.(); // where a browser has it
    give(files[0]);
  };
  for (const button of menu.querySelectorAll('button')) {
    const input = /** @type {HTMLInputElement} */ (document.getElementById(`${button.id}-file`));
    button.addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      take(input.files);
      input.value = ''; // the same file can be chosen again
    });
  }
  addEventListener('paste', ({ clipboardData }) => take(clipboardData?.files));
  addEventListener('dragover', (event) => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault(); // the browser does not leave the page for the picture
    paper.classList.add('awaiting');
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) paper.classList.remove('awaiting');
  });
  addEventListener('drop', (event) => {
    paper.classList.remove('awaiting');
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    take(event.dataTransfer.files);
  });
}

/**
 * Decode a picture and bound its size.
 * @param {File} file
 * @returns {Promise<import('./engine.js').Greys & {bitmap: ImageBitmap}>} upright, as its file says; light stays light.
 *   Rejects with a Fault
 */
export async function decode(file) {
  const { name, size } = file;
  if (size > MOST_BYTES) throw new Fault('picture.large', { name });
  let whole;
  try {
    whole = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    console.warn('This picture could not be decoded:', error);
    throw new Fault('picture.unreadable', { name });
  }
  const scale = Math.min(1, LONGEST / Math.max(whole.width, whole.height));
  const [width, height] = [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (
    canvas.getContext('2d', { willReadFrequently: true })
  );
  context.imageSmoothingQuality = 'high';
  let greys = '';
  for (const ground of ['white', 'black']) { // under what is transparent: on which of them ink is seen
    context.fillStyle = ground;
    context.fillRect(0, 0, width, height);
    context.drawImage(whole, 0, 0, width, height);
    const { data } = context.getImageData(0, 0, width, height);
    greys = '';
    for (let i = 0; i < data.length; i += 4) {
      greys += String.fromCharCode(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2] + 0.5);
    }
    if (greys !== greys[0].repeat(greys.length)) break;
  }
  whole.close();
  return { bitmap: canvas.transferToImageBitmap(), pixels: btoa(greys), width, height };
}
