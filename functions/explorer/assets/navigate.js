/** To another address without a new document: fetch it, morph it into this page, and tell the others. */
import { Idiomorph } from './idiomorph.js';

const slowMs = 150;

/** @type {AbortController | null} */
let under = null;

/**
 * A page that a person has asked for.
 * @param {string} href
 */
export async function go(href) {
  const [address = '/', anchor = ''] = href.split('#');
  const isOther = new URL(address, location.href).pathname !== location.pathname;
  if (await load(address, { scroll: isOther })) {
    history.pushState(null, '', address);
    if (anchor === '' && isOther) document.getElementById('main')?.focus({ preventScroll: true });
  }
}

/**
 * False: a later request has overtaken it, or the browser loads the address itself.
 * @param {string} address
 * @param {{ scroll: boolean, quiet?: boolean }} options
 * @returns {Promise<boolean>}
 */
export async function load(address, { scroll, quiet = false }) {
  under?.abort();
  const own = new AbortController();
  under = own;
  const bar = document.getElementById('progress');
  const timer = setTimeout(() => bar && !quiet && bar.removeAttribute('hidden'), slowMs);
  try {
    const response = await fetch(address, { signal: own.signal, headers: { accept: 'text/html' } });
    const text = await response.text();
    if (quiet && !response.ok) return false;
    show(text, scroll);
    return true;
  } catch {
    if (!own.signal.aborted && !quiet) location.assign(address);
    return false;
  } finally {
    clearTimeout(timer);
    if (under === own) under = null;
    document.getElementById('progress')?.setAttribute('hidden', '');
  }
}

/**
 * @param {string} text
 * @param {boolean} scroll
 */
function show(text, scroll) {
  const next = new DOMParser().parseFromString(text, 'text/html');
  document.title = next.title;
  for (const { name, value } of next.body.attributes) document.body.setAttribute(name, value);
  for (const menu of document.querySelectorAll('details.menu[open]')) menu.removeAttribute('open');
  Idiomorph.morph(document.body, next.body.innerHTML, {
    morphStyle: 'innerHTML',
    // Of any other element it would keep the content, too.
    ignoreActiveValue: document.activeElement instanceof HTMLInputElement,
    callbacks: {
      beforeAttributeUpdated: keepOpen,
    },
  });
  if (scroll) scrollTo(0, 0);
  document.dispatchEvent(new CustomEvent('page'));
}

/**
 * What a person has opened stays open.
 * @param {string} name
 * @param {Element} node
 */
function keepOpen(name, node) {
  return !((name === 'open' && node instanceof HTMLDetailsElement) || name === 'aria-expanded');
}
