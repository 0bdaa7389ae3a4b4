/** Small parts of pages: folding rows of a waterfall, copying a link that still works tomorrow, closing menus, the browser's zone. */

export function startParts() {
  document.addEventListener('click', (event) => {
    const { target } = event;
    if (!(target instanceof Element)) return;
    const fold = target.closest('.fold');
    if (fold) toggleFold(fold);
    if (target.closest('#copy-link')) void copyLink();
    for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(target)) menu.removeAttribute('open');
  });
  document.addEventListener('page', offerZone);
  offerZone();
}

/** @param {Element} button */
function toggleFold(button) {
  const isOpen = button.getAttribute('aria-expanded') === 'true';
  button.setAttribute('aria-expanded', String(!isOpen));
  const row = button.closest('tr');
  if (!row) return;
  const depth = Number(row.dataset['depth']);
  /** Depth of a folded row whose rows stay hidden. */
  let inner = Infinity;
  for (
    let next = row.nextElementSibling;
    next instanceof HTMLElement && Number(next.dataset['depth']) > depth;
    next = next.nextElementSibling
  ) {
    const at = Number(next.dataset['depth']);
    if (at <= inner) inner = next.querySelector('.fold[aria-expanded="false"]') ? at : Infinity;
    next.hidden = isOpen || at > inner;
  }
}

async function copyLink() {
  const button = document.getElementById('copy-link');
  const address = new URL(document.body.dataset['absolute'] ?? location.href, location.href).href;
  try {
    await navigator.clipboard.writeText(address);
    if (button) button.textContent = 'copied';
  } catch {
    history.replaceState(null, '', address);
    if (button) button.textContent = 'link is in the address bar';
  }
}

/** The zone of the browser, among those to choose from. */
function offerZone() {
  const zones = document.getElementById('zones');
  const own = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (!zones || [...zones.querySelectorAll('a')].some(({ textContent }) => textContent === own)) return;
  const address = new URL(location.href);
  address.searchParams.set('tz', own);
  const choice = document.createElement('a');
  choice.href = address.pathname + address.search;
  choice.textContent = own;
  zones.append(choice);
}
