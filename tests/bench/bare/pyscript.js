// Starts the page's Python as the page does, through PyScript, with no other work: shows one answer.

import { startPython } from './python.js';
import { STROKES, show } from './bare.js';

const python = await startPython(() => {});
show(await python.read(STROKES));
