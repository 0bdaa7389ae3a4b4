/**
 * Live: the server says that the history has changed, the page is fetched again. Not under a person who reads: while the pointer is on
 * the rows, the page is scrolled or something is open, the button says how much is new and waits.
 */
import { load } from './navigate.js';

const leastMs = 1000;

/** @type {EventSource | null} */
let source = null;
let isPaused = false;
let isStale = false;
let isAway = false;
let last = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

export function startLive() {
  document.addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('#live')) toggleLive();
  });
  document.addEventListener('visibilitychange', connect);
  document.addEventListener('page', connect);
  document.addEventListener('pointerout', () => setTimeout(refresh, leastMs));
  addEventListener('scroll', () => isStale && scrollY < 40 && refresh(), { passive: true });
  connect();
}

/** New rows first; then it pauses, or goes on. */
export function toggleLive() {
  if (document.body.dataset['live'] !== 'on') return;
  if (isStale && !isPaused) return void update();
  isPaused = !isPaused;
  connect();
}

function connect() {
  const wanted = document.body.dataset['live'] === 'on' && !isPaused && document.visibilityState === 'visible';
  if (wanted && !source) {
    source = new EventSource('/live');
    source.addEventListener('open', () => reach(true));
    source.addEventListener('changed', () => {
      isStale = true;
      reach(true);
      refresh();
    });
    source.addEventListener('away', () => reach(false));
    source.addEventListener('error', () => reach(false));
  }
  if (!wanted && source) {
    source.close();
    source = null;
  }
  say();
}

/** @param {boolean} isThere */
function reach(isThere) {
  isAway = !isThere;
  say();
}

function isRead() {
  return (
    scrollY > 40 || document.querySelector('.rows tbody:hover, .plot:hover, details[open], dialog[open], [data-row].at, .brush') !== null
  );
}

function refresh() {
  if (!isStale) return;
  if (isRead()) return say();
  clearTimeout(timer);
  timer = setTimeout(() => void update(), Math.max(0, last + leastMs - Date.now()));
}

async function update() {
  const before = new Set([...document.querySelectorAll('[data-row]')].map(({ id }) => id));
  last = Date.now();
  isStale = false;
  await load(location.pathname + location.search, { scroll: false, quiet: true });
  for (const row of document.querySelectorAll('[data-row]')) row.classList.toggle('fresh-row', !before.has(row.id));
}

function say() {
  const button = document.getElementById('live');
  const word = document.getElementById('live-word');
  if (!button || !word) return;
  const isOn = source !== null;
  button.className = `live${isOn ? (isAway ? ' away' : ' on') : ''}${isStale && isOn ? ' fresh' : ''}`;
  button.setAttribute('aria-pressed', String(isOn));
  button.hidden = document.body.dataset['live'] !== 'on';
  word.textContent = isAway ? 'not live' : isStale && isOn ? 'new: show' : isOn ? 'live' : 'paused';
}
