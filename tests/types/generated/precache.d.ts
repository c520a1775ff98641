// What generated/precache.js defines, for the type check of the page's JavaScript.
type Listed = { path: string; sha256: string; size: number };
declare global {
  var PRECACHE: { version: string; files: Listed[]; fallback: Listed[] };
}
export {};
