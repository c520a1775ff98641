// Takes pictures that are dropped, pasted, chosen or photographed, and brings them to what the network reads.

/**
 * @typedef {object} Picture
 * @property {ImageBitmap} bitmap upright, as its file says
 * @property {string} pixels base64 of its greys, row by row; light stays light
 * @property {number} width
 * @property {number} height
 */

/** A larger picture is made smaller: the longer side, pixels. Marks of a fiftieth of it are still read. */
const LONGEST = 1024;
/** No picture of handwriting is larger than this, bytes. */
const MOST_BYTES = 50e6;

/** Why a file is not read: `key` names the words. */
export class PictureError extends Error {
  /**
   * @param {string} key
   * @param {string} name the file's
   */
  constructor(key, name) {
    super(key);
    this.key = key;
    this.name = name;
  }
}

/** Dispatches `file` (a CustomEvent whose detail is a File) when the visitor gives one. */
export class Bringing extends EventTarget {
  #menu;

  /**
   * @param {HTMLElement} menu with an input for pictures and one for photos
   * @param {HTMLElement} paper is marked while a picture hangs over the page
   */
  constructor(menu, paper) {
    super();
    this.#menu = menu;
    for (const button of menu.querySelectorAll('button')) {
      const input = /** @type {HTMLInputElement} */ (document.getElementById(`${button.id}-file`));
      button.addEventListener('click', () => input.click());
      input.addEventListener('change', () => {
        this.#take(input.files);
        input.value = ''; // the same file can be chosen again
      });
    }
    addEventListener('paste', ({ clipboardData }) => this.#take(clipboardData?.files));
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
      this.#take(event.dataTransfer.files);
    });
  }

  /** @param {FileList | null | undefined} files */
  #take(files) {
    const file = files?.[0];
    if (!file) return;
    this.#menu.hidePopover?.(); // where a browser has it
    this.dispatchEvent(new CustomEvent('file', { detail: file }));
  }
}

/**
 * Decode a picture and bound its size.
 * @param {File} file
 * @returns {Promise<Picture>} rejects with a PictureError
 */
export async function decode(file) {
  if (file.size > MOST_BYTES) throw new PictureError('picture.large', file.name);
  let whole;
  try {
    whole = await createImageBitmap(file, { imageOrientation: 'from-image' });
  } catch (error) {
    console.warn('This picture could not be decoded:', error);
    throw new PictureError('picture.unreadable', file.name);
  }
  const scale = Math.min(1, LONGEST / Math.max(whole.width, whole.height));
  const [width, height] = [whole.width, whole.height].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext('2d'));
  context.fillStyle = 'white'; // what is transparent shows paper
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = 'high';
  context.drawImage(whole, 0, 0, width, height);
  whole.close();
  const { data } = context.getImageData(0, 0, width, height);
  let greys = '';
  for (let i = 0; i < data.length; i += 4) {
    greys += String.fromCharCode(Math.round(0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2]));
  }
  return { bitmap: canvas.transferToImageBitmap(), pixels: btoa(greys), width, height };
}
