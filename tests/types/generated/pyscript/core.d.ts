// The part of PyScript that the page uses.
export const hooks: any;
