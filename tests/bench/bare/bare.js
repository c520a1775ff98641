// What the bare pages share: a drawing, and where its answer shows.

export const STROKES = [[[80, 70], [140, 66], [200, 70], [160, 140], [140, 220]]];

/** @param {{text: string}} reading */
export function show({ text }) {
  /** @type {HTMLElement} */ (document.getElementById('answer')).textContent = text;
  performance.mark('first-answer');
}
