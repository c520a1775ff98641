// What generated/precache.js defines, for the type check of the page's JavaScript.
declare global {
  var PRECACHE: { version: string; files: { path: string; sha256: string; size: number }[] };
}
export {};
