// Chooses the page's language before anything is shown: the one chosen by hand, else the browser's, else English.
//
// A classic script in the head: English stands in the HTML, and in another language no word of it may flash up. The file
// with the words is asked for at once; words.js takes it from there.

{
  /** With their names: Intl takes long to start. */
  const LANGUAGES = { en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español', pt: 'Português' };

  const chosen = () => {
    try {
      return [localStorage.getItem('language')];
    } catch {
      return []; // storage is forbidden
    }
  };

  const root = document.documentElement;
  const wanted = [...chosen(), ...navigator.languages].map((tag) => String(tag).toLowerCase().split('-')[0]);
  root.lang = wanted.find((tag) => Object.hasOwn(LANGUAGES, tag)) ?? 'en';
  root.dataset.languages = JSON.stringify(LANGUAGES);
  if (root.lang !== 'en') root.dataset.words = 'coming'; // hides what is to be translated: see style.css

  const early = document.createElement('link');
  Object.assign(early, { rel: 'preload', as: 'fetch', crossOrigin: 'anonymous', href: `./languages/${root.lang}.json` });
  document.head.append(early);
}
