// Keys, and paper.
const go = el => { sought = null; el.scrollIntoView({ behavior: 'instant', block: 'start' }); const f = el.matches('.step') ? $('summary', el) : $('.no', el) || el; f.focus({ preventScroll: true }) };
const next = (list, dir) => { const pad = parseFloat(getComputedStyle(html).scrollPaddingTop), t = list.map(e => e.getBoundingClientRect().top - pad); return dir > 0 ? list[t.findIndex(y => y > 4)] : list[t.findLastIndex(y => y < -4)] };
const steps = () => $$('.step').filter(s => s.offsetParent && $(':scope > details', s));
const nextStep = d => { const l = steps(), i = l.indexOf(document.activeElement.closest('.step')); return i < 0 ? next(l, d) : l[i + d] };
const here = () => document.activeElement.closest('.step') || element(location.hash);
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || !e.target.closest || typing(e.target)) return;
  const k = e.key; let el;
  if (k === 'j' || k === 'k') el = next(prompts(), k === 'j' ? 1 : -1);
  else if ((k === 'n' || k === 'p') && words) { step(k === 'n' ? 1 : -1); return }
  else if (k === 'n' || k === 'p') { el = nextStep(k === 'n' ? 1 : -1); if (el) { $('summary', el).focus(); return } }
  else if (k === 'o') { const s = document.activeElement.closest('.step'), d = s && $('details', s); if (d) d.open = !d.open }
  else if (k === 'd') { const l = $$('.step.edit'), a = document.activeElement.closest('.step.edit'); el = a ? l[l.indexOf(a) + 1] : next(l, 1); if (el) reveal($('details', el)) }
  else if ('1234'.includes(k)) press('depth', ['prose', 'steps', 'diffs', 'all'][k - 1]);
  else if (k === 't') { const o = ['auto', 'light', 'dark']; press('theme', o[(o.indexOf(chosen) + 1) % 3]) }
  else if (k === 's') press('sides', html.dataset.sides === 'two' ? 'one' : 'two');
  else if (k === 'e') press('only', 'errors');
  else if (k === 'c') { const s = here(); if (s && s.matches('.step')) copyStep(s) }
  else if (k === 'y') { const s = here(), a = s && $('.link, .no', s); if (a) copy(a.href, 'Link') }
  else if (k === '/') { e.preventDefault(); if (!rail.matches(':popover-open') && getComputedStyle(rail).display === 'none') rail.showPopover(); box.focus(); box.select() }
  else if (k === 'Escape' && words) { box.value = ''; clear() }
  else if (k === 'g') scrollTo(0, 0); else if (k === 'G') toEnd();
  else if (k === '?') $('#keys').showModal(); else return;
  if (el) { e.preventDefault(); go(el) }
});

// Paper gets the diffs.
let was = []; addEventListener('beforeprint', () => { was = folds().filter(d => d.open); edits().forEach(reveal) });
addEventListener('afterprint', () => { folds().forEach(d => { d.open = was.includes(d) }) });
