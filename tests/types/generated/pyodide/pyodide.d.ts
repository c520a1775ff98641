// The part of Pyodide that the page uses.
export const version: string;
export function loadPyodide(options: Record<string, unknown>): Promise<unknown>;
