/**
 * The page in a browser: links and forms fetch the next page and morph it into this one, so that focus, scroll and open parts stay. All
 * works without this script as well.
 */
import { startBrush } from './brush.js';
import { startBuckets } from './bucket.js';
import { startKeys } from './keys.js';
import { startLive } from './live.js';
import { go, load } from './navigate.js';
import { startParts } from './parts.js';

document.documentElement.classList.add('scripted');

/** @param {Event} event */
function isPlain(event) {
  return !(event instanceof MouseEvent && (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0));
}

document.addEventListener('click', (event) => {
  const anchor = event.target instanceof Element ? event.target.closest('a[href]') : null;
  const href = anchor?.getAttribute('href') ?? '';
  if (!anchor || event.defaultPrevented || !isPlain(event) || anchor.hasAttribute('target') || !/^\/(?!\/)/.test(href)) return;
  event.preventDefault();
  void go(href);
});

document.addEventListener('submit', (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || form.method !== 'get') return;
  event.preventDefault();
  const given = [...new FormData(form)].flatMap(([name, value]) =>
    typeof value === 'string' && value.trim() !== '' ? [[name, value.trim()]] : [],
  );
  const action = form.getAttribute('action') ?? location.pathname;
  const text = new URLSearchParams(given).toString();
  void go(text === '' ? action : `${action}?${text}`);
});

addEventListener('popstate', () => void load(location.pathname + location.search, { scroll: false }));

startBrush();
startBuckets();
startKeys();
startLive();
startParts();
