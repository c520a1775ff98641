// Imported for its effect alone: it defines what loadPyodide looks for.
export {};
