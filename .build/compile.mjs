// Runs compile.py in Pyodide: node compile.mjs PYODIDE DIRECTORY
//
// PYODIDE holds Pyodide's core; compile.py does its work on DIRECTORY. The bytecode of one version of Python is of no use
// to another, so the Python that will run the modules has to compile them.

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const [core, directory] = process.argv.slice(2).map((path) => resolve(path));
const { loadPyodide } = await import(pathToFileURL(`${core}/pyodide.mjs`).href);

// A fixed seed: the order of sets, which bytecode holds, depends on it.
const python = await loadPyodide({ indexURL: core, env: { PYTHONHASHSEED: '0', PYTHONNODEBUGRANGES: '1' } });
python.mountNodeFS('/modules', directory);
python.runPython(readFileSync(new URL('./compile.py', import.meta.url), 'utf-8'), { filename: 'compile.py' });
process.exit(0); // Pyodide keeps Node.js from ending
