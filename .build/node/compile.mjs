// Runs compile.py in Pyodide: node compile.mjs WORK
//
// WORK/core holds Pyodide's core, WORK/files the modules; bytecode goes to WORK/out. That of one version of Python is of
// no use to another, so the Python that will run the modules has to compile them.

import { mkdirSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const [core, files, out] = ['core', 'files', 'out'].map((name) => resolve(process.argv[2], name));
mkdirSync(out, { recursive: true });
const { loadPyodide } = await import(pathToFileURL(`${core}/pyodide.mjs`).href);

// A fixed seed: the order of sets, which bytecode holds, depends on it.
const python = await loadPyodide({ indexURL: core, env: { PYTHONHASHSEED: '0', PYTHONNODEBUGRANGES: '1' } });
python.mountNodeFS('/modules', files);
python.mountNodeFS('/out', out);
python.runPython(readFileSync(new URL('./compile.py', import.meta.url), 'utf-8'), { filename: 'compile.py' });
process.exit(0); // Pyodide keeps Node.js from ending
