/** Brushing a chart with the pointer chooses its range; the address holds it, so that the way back is the browser's own. */
import { go } from './navigate.js';

const leastPixels = 5;

export function startBrush() {
  document.addEventListener('pointerdown', (event) => {
    const chart = event.target instanceof Element ? event.target.closest('.brushable') : null;
    if (!(chart instanceof HTMLElement) || event.button !== 0 || event.pointerType === 'touch') return;
    begin(chart, event.clientX);
  });
}

/**
 * @param {HTMLElement} chart
 * @param {number} startX
 */
function begin(chart, startX) {
  const box = chart.getBoundingClientRect();
  const mark = document.createElement('div');
  mark.className = 'brush';
  /** @param {number} x */
  const share = (x) => Math.min(1, Math.max(0, (x - box.left) / box.width));
  let end = startX;
  /** @param {PointerEvent} event */
  const move = (event) => {
    end = event.clientX;
    if (Math.abs(end - startX) < leastPixels) return;
    if (!mark.isConnected) chart.append(mark);
    const [left, right] = [share(Math.min(startX, end)), share(Math.max(startX, end))];
    mark.style.left = `${left * 100}%`;
    mark.style.width = `${(right - left) * 100}%`;
    event.preventDefault();
  };
  const stop = () => {
    removeEventListener('pointermove', move);
    mark.remove();
    if (Math.abs(end - startX) < leastPixels) return;
    // The click that ends the brush is not for the bar below it.
    addEventListener('click', swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener('click', swallow, { capture: true }), 0);
    choose(chart, share(Math.min(startX, end)), share(Math.max(startX, end)));
  };
  addEventListener('pointermove', move);
  addEventListener('pointerup', stop, { once: true });
}

/** @param {Event} event */
function swallow(event) {
  event.preventDefault();
  event.stopPropagation();
}

/**
 * @param {HTMLElement} chart
 * @param {number} left
 * @param {number} right
 */
function choose({ dataset }, left, right) {
  const [from, to] = [Number(dataset['from']), Number(dataset['to'])];
  const [begin, end] = [left, right].map((part) => from + (to - from) * part);
  if (begin === undefined || end === undefined) return;
  const href = (dataset['href'] ?? '').replace('FROM', timeText(begin)).replace('TO', timeText(end));
  if (/^\/(?!\/)/.test(href)) void go(href);
}

/**
 * Of microseconds, to the millisecond.
 * @param {number} micros
 */
export function timeText(micros) {
  return new Date(micros / 1000).toISOString();
}
