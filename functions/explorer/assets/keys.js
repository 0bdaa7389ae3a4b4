/** The keyboard: what a person does most, without the mouse. */
import { toggleLive } from './live.js';
import { go } from './navigate.js';

/** @type {Readonly<Record<string, () => void>>} */
const actions = {
  '/': () => document.getElementById('search')?.focus(),
  j: () => step(1),
  k: () => step(-1),
  o: () =>
    row()
      ?.querySelector('a.row-link')
      ?.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true })),
  Enter: () => actions['o']?.(),
  f: () => change((address) => toggle(address, 'failed', '1')),
  '[': () => shift(-1),
  ']': () => shift(1),
  z: widen,
  l: toggleLive,
  t: () => change((address) => toggle(address, 'tz', zoneOfBrowser())),
  '?': () => help(),
};

export function startKeys() {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const { target, key } = event;
    if (key === 'Escape') return leave(target);
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || document.querySelector('dialog[open]')) return;
    if (key === 'Enter' && target !== document.body && target !== document.getElementById('main')) return;
    const action = actions[key];
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}

/** @param {EventTarget | null} target */
function leave(target) {
  if (target instanceof HTMLInputElement) target.blur();
  for (const menu of document.querySelectorAll('details.menu[open]')) menu.removeAttribute('open');
}

function help() {
  const dialog = document.getElementById('help');
  if (dialog instanceof HTMLDialogElement) dialog.showModal();
}

function row() {
  return document.querySelector('[data-row].at');
}

/** @param {1 | -1} by */
function step(by) {
  const rows = [...document.querySelectorAll('[data-row]')].filter((one) => one instanceof HTMLElement && one.offsetParent !== null);
  const place = rows.findIndex((one) => one.classList.contains('at'));
  const next = rows[Math.min(rows.length - 1, Math.max(0, place + by))];
  if (!next) return;
  rows[place]?.classList.remove('at');
  next.classList.add('at');
  const anchor = next.querySelector('a.row-link');
  if (anchor instanceof HTMLElement) anchor.focus({ preventScroll: true });
  next.scrollIntoView({ block: 'nearest' });
}

/** @param {(address: URL) => void} edit */
function change(edit) {
  const address = new URL(location.href);
  edit(address);
  address.searchParams.delete('before');
  void go(address.pathname + address.search);
}

/**
 * @param {URL} address
 * @param {string} name
 * @param {string} value
 */
function toggle({ searchParams }, name, value) {
  if (searchParams.get(name) === value) searchParams.delete(name);
  else searchParams.set(name, value);
}

/** UTC and back, where the page is in the zone of the browser already. */
function zoneOfBrowser() {
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  const shown = new URL(location.href).searchParams.get('tz') ?? document.getElementById('zones')?.dataset['own'];
  return own === shown ? 'UTC' : own;
}

function shown() {
  const chart = document.querySelector('.brushable:not(.minimap)');
  if (!(chart instanceof HTMLElement)) return null;
  const [from, to] = [Number(chart.dataset['from']) / 1000, Number(chart.dataset['to']) / 1000];
  return { from, to };
}

/** @param {1 | -1} by */
function shift(by) {
  const range = shown();
  if (range) choose(range.from + (by * (range.to - range.from)) / 2, range.to + (by * (range.to - range.from)) / 2);
}

function widen() {
  if (document.querySelector('.minimap'))
    return change(({ searchParams }) => {
      searchParams.delete('from');
      searchParams.delete('to');
    });
  const range = shown();
  if (range) choose(range.from - (range.to - range.from) / 2, range.to + (range.to - range.from) / 2);
}

/**
 * @param {number} from
 * @param {number} to
 */
function choose(from, to) {
  const now = Date.now();
  const end = Math.min(to, Math.max(now, shown()?.to ?? now));
  change(({ searchParams }) => {
    searchParams.set('from', new Date(Math.max(0, from - (to - end))).toISOString());
    searchParams.set('to', new Date(end).toISOString());
  });
}
