// Trimmed Pyodide: see .build/node/trim.mjs.
export const version: string;
export function loadPyodide(options: Record<string, unknown>): Promise<unknown>;
