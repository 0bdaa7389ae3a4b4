/** Hovering a bar of the histogram shows what its Events say; a click pins it, by the address. */

const waitMs = 60;

/** @type {AbortController | null} */
let under = null;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

export function startBuckets() {
  document.addEventListener('pointerover', (event) => {
    const bar = event.target instanceof Element ? event.target.closest('a.bucket') : null;
    if (bar === null) return hide();
    if (bar.id === 'hovered') return;
    hide();
    timer = setTimeout(() => void show(bar), waitMs);
  });
  document.addEventListener('focusin', (event) => {
    const bar = event.target instanceof Element ? event.target.closest('a.bucket') : null;
    hide();
    if (bar?.matches(':focus-visible')) void show(bar);
  });
  document.addEventListener('page', hide);
}

function hide() {
  clearTimeout(timer);
  under?.abort();
  document.getElementById('tip')?.remove();
  document.getElementById('hovered')?.removeAttribute('id');
}

/** @param {Element} bar */
async function show(bar) {
  const chart = bar.closest('.histogram');
  const from = Date.parse(bar.getAttribute('data-bucket') ?? '');
  if (!(chart instanceof HTMLElement) || Number.isNaN(from)) return;
  bar.id = 'hovered';
  const step = Number(chart.dataset['step']) / 1000;
  const address = new URL('/bucket', location.href);
  for (const [name, value] of new URL(location.href).searchParams)
    if (['cluster', 'ns', 'kind', 'name', 'q', 'failed', 'tz'].includes(name)) address.searchParams.append(name, value);
  address.searchParams.set('from', new Date(from).toISOString());
  address.searchParams.set('to', new Date(from + step).toISOString());
  under = new AbortController();
  try {
    const response = await fetch(address, { signal: under.signal });
    if (!response.ok || bar.id !== 'hovered') return;
    place(chart, bar, await response.text());
  } catch {
    // Left before the answer came, or the server is away: nothing is shown.
  }
}

/**
 * @param {HTMLElement} chart
 * @param {Element} bar
 * @param {string} text
 */
function place(chart, bar, text) {
  const tip = document.createElement('div');
  tip.id = 'tip';
  tip.className = 'tip';
  tip.setAttribute('role', 'status');
  tip.append(...new DOMParser().parseFromString(text, 'text/html').body.childNodes);
  chart.append(tip);
  const [box, at] = [chart.getBoundingClientRect(), bar.getBoundingClientRect()];
  const left = Math.max(0, Math.min(at.left - box.left - tip.offsetWidth / 2, box.width - tip.offsetWidth));
  tip.style.left = `${left}px`;
  tip.style.top = `${box.height + 4}px`;
}
