// Trimmed Pyodide: see .build/trim.mjs.
export const version: string;
export function loadPyodide(options: Record<string, unknown>): Promise<unknown>;
