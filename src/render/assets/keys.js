// Keys, and paper.

// To an element, if there is one, and the focus with it.
function go(el) {
  if (!el) return;
  sought = null;
  el.scrollIntoView({ behavior: 'instant', block: 'start' });
  const f = el.matches('.step') ? $('summary', el) : $('.no', el) || el;
  f.focus({ preventScroll: true });
}

// What a closed fold holds has boxes all the same, which are not painted.
const inSight = e => (e.checkVisibility ? e.checkVisibility() : e.getClientRects().length > 0);

// Where an element stands; of one in a fold, where it will: below the row that opens to it. What a filter leaves out
// is nowhere.
function place(e) {
  if (inSight(e)) return e.getBoundingClientRect().top;
  const row = e.parentElement.closest('.step');
  if (!row) return -Infinity;
  return inSight(row) ? row.getBoundingClientRect().bottom : place(row);
}

// The first of a list below the top of the screen, or the last above it.
function next(list, direction) {
  const pad = parseFloat(getComputedStyle(html).scrollPaddingTop);
  const tops = list.map(e => place(e) - pad);
  return direction > 0 ? list[tops.findIndex(y => y > 4)] : list[tops.findLastIndex(y => y < -4)];
}

const current = selector => document.activeElement.closest(selector);
const here = () => current('.step') || element(location.hash);

// From hit to hit while there are some, else from step to step.
function toStep(direction) {
  if (words) return step(direction);
  const steps = $$('.step').filter(s => inSight(s) && $(':scope > details', s));
  const at = steps.indexOf(current('.step'));
  const el = at < 0 ? next(steps, direction) : steps[at + direction];
  if (el) $('summary', el).focus();
}

function toEdit() {
  const all = $$('.step.edit');
  if (all.every(e => place(e) === -Infinity)) unhide();
  const at = current('.step.edit');
  const el = at ? all[all.indexOf(at) + 1] : next(all, 1);
  if (!el) return;
  reveal($('details', el) || el);
  if (!inSight(el)) unhide();
  go(el);
}

function toggle() {
  const step = current('.step');
  const fold = step && $('details', step);
  if (fold) fold.open = !fold.open;
}

function nextTheme() {
  const order = ['auto', 'light', 'dark'];
  press('theme', order[(order.indexOf(chosen) + 1) % order.length]);
}

function copyHere() {
  const el = here();
  if (el && el.matches('.step, .reply')) copyStep(el);
}

function copyLink() {
  const el = here();
  const a = el && $(':scope > .link, :scope > .acts > .link, .no', el);
  if (a) copy(a.href, 'Link');
}

function toSearch() {
  const away = getComputedStyle(rail).display === 'none';
  if (away && !rail.matches(':popover-open')) rail.showPopover();
  box.focus();
  box.select();
}

// What each key does.
const KEYS = {
  j: () => go(next(prompts(), 1)),
  k: () => go(next(prompts(), -1)),
  n: () => toStep(1),
  p: () => toStep(-1),
  o: toggle,
  d: toEdit,
  1: () => press('depth', 'prose'),
  2: () => press('depth', 'steps'),
  3: () => press('depth', 'diffs'),
  4: () => press('depth', 'all'),
  t: nextTheme,
  s: () => press('sides', html.dataset.sides === 'two' ? 'one' : 'two'),
  e: () => press('only', 'errors'),
  c: copyHere,
  y: copyLink,
  '/': toSearch,
  g: () => scrollTo(0, 0),
  G: toEnd,
  '?': () => $('#keys').showModal(),
  Escape: () => words && forget(),
};
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented) return;
  if (!e.target.closest || typing(e.target) || !Object.hasOwn(KEYS, e.key)) return;
  // The slash would be written into the box it leads to. Escape closes what else is open.
  if (e.key !== 'Escape') e.preventDefault();
  KEYS[e.key]();
});

// Paper gets the diffs, to their last line.
let opened = [];
addEventListener('beforeprint', () => {
  opened = folds().filter(d => d.open);
  edits().forEach(d => {
    reveal(d);
    $$('.more', d).forEach(reveal);
  });
});
addEventListener('afterprint', () => {
  folds().forEach(d => {
    d.open = opened.includes(d);
  });
});
