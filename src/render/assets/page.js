// Loaded without defer, so that a chosen theme is on <html> before the first paint. The page works without.
(() => {
  'use strict';
  const root = document.documentElement;
  const store = {
    get: k => { try { return localStorage.getItem(k) } catch { return null } },
    set: (k, v) => { try { localStorage.setItem(k, v) } catch {} },
  };
  const theme = v => { v === 'light' || v === 'dark' ? root.setAttribute('data-theme', v) : root.removeAttribute('data-theme') };
  const query = new URLSearchParams(location.search);
  let chosen = query.get('theme') || store.get('theme') || 'auto';
  theme(chosen);

  document.addEventListener('DOMContentLoaded', () => {
    const $ = (s, e = document) => e.querySelector(s), $$ = (s, e = document) => [...e.querySelectorAll(s)];
    const rail = $('#rail');
    relative(document);
    if (!rail) return;
    const main = $('main'), prompts = () => $$('.turn[id], .prompt.aside');
    $('.controls').hidden = false;

    // Switches
    let shown = 'steps';
    const edits = (e = document) => $$('.turn > .strip > .edit > details', e), all = (e = document) => $$('.step details, .prompt .more', e);
    const depth = (v, e = document) => {
      if (v === 'all') return all(e).forEach(d => { d.open = true });
      all(e).forEach(d => { d.open = d.parentNode.matches('.last') });
      if (v === 'diffs') edits(e).forEach(reveal);
    };
    const press = (set, v, keep = true) => {
      $$(`[data-set=${set}] button`).forEach(b => b.setAttribute('aria-pressed', b.value === v));
      if (set === 'theme') { theme(chosen = v); if (keep) store.set('theme', v); return }
      // The first turn on screen keeps its place.
      const at = $$('.turn').find(t => t.getBoundingClientRect().bottom > 80), y = at && at.getBoundingClientRect().top;
      shown = v; root.dataset.depth = v; depth(v);
      if (at && scrollY) scrollBy({ top: at.getBoundingClientRect().top - y, behavior: 'instant' });
    };
    rail.addEventListener('click', e => {
      const b = e.target.closest('.seg button'); if (b) press(b.parentNode.dataset.set, b.value);
      if (e.target.closest('a') && rail.matches(':popover-open')) rail.hidePopover();
    });
    press('theme', chosen, false);
    const asked = query.get('depth');
    if (['prose', 'diffs', 'all'].includes(asked)) press('depth', asked);

    // A link to what is folded away opens every fold above it
    function reveal(el) { for (let d = el; d; d = d.parentElement) if (d.tagName === 'DETAILS') d.open = true }
    const target = () => { try { return document.getElementById(decodeURIComponent(location.hash.slice(1))) } catch { return null } };
    const arrive = () => {
      const el = location.hash && target();
      if (!el || !main.contains(el)) return;
      if (el.matches('.step')) { if (shown === 'prose') press('depth', 'steps'); reveal($(':scope > details', el) || el) }
      (sought = el).scrollIntoView({ behavior: 'instant' });
    };
    // Until the reader moves, what was sought keeps its place while more loads below or above it
    let sought; ['wheel', 'touchstart', 'pointerdown', 'keydown'].forEach(k => addEventListener(k, () => { sought = null }, { passive: true, capture: true }));
    addEventListener('hashchange', arrive); arrive();
    // What a permanent link of another window points to may be on this page already
    document.addEventListener('click', e => {
      const a = e.target.closest('a[href*="#"]');
      if (!a || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey || a.origin !== location.origin) return;
      if (!/^#[pas]\d/.test(a.hash) || !document.getElementById(a.hash.slice(1))) return;
      e.preventDefault();
      if (location.hash === a.hash) arrive(); else location.hash = a.hash;
    });

    // Where am I: outline, top bar, and the ticks of the steps on screen
    const links = new Map($$('.outline a').map(a => [a.hash.slice(1), a.parentNode]));
    let marked = [];
    const mark = () => {
      // What is read stands near the top; over the last screen the line goes down, so that every prompt gets its turn.
      const left = Math.max(0, root.scrollHeight - scrollY - innerHeight), top = Math.min(160, innerHeight * .3);
      const line = top + (innerHeight - top) * Math.max(0, 1 - left / innerHeight) * (scrollY > 0);
      const all = prompts(), cur = all.filter(p => p.getBoundingClientRect().top < line).pop() || all[0], turn = cur && cur.closest('.turn');
      const on = [turn && links.get(turn.id), cur && links.get(cur.id)].filter(Boolean);
      if (on.some(li => !marked.includes(li)) || marked.length !== on.length) {
        marked.forEach(li => li.classList.remove('on')); on.forEach(li => li.classList.add('on'));
        if (on[0] && !rail.matches(':hover')) { const l = on[0].offsetTop - on[0].parentNode.offsetTop, o = on[0].parentNode; if (l < o.scrollTop || l + on[0].offsetHeight > o.scrollTop + o.clientHeight) o.scrollTop = l - 24 }
        marked = on;
      }
      $('.now').textContent = cur ? $('h2,h3', cur).textContent : $('h1').textContent;
      const n = turn && turn.id.slice(1), of = $$('.outline > li > a[href*="#p"]').filter(a => a.hash !== '#p0').length;
      const told = n > 0 && of > 1; $('.pos').textContent = told ? `${n} of ${of}` : 'Outline'; $('.topbar .unseen').hidden = !told;
    };
    let due; addEventListener('scroll', () => { if (!due) due = requestAnimationFrame(() => { due = 0; mark() }) }, { passive: true }); mark();
    const sparks = $$('.spark').map(svg => ({ svg, from: +svg.dataset.from, at: svg.dataset.at && svg.dataset.at.split(' ').map(Number), ticks: svg.viewBox.baseVal.width / 5 }));
    const seen = new Map();
    const underline = s => {
      if (!s.path) { s.path = s.svg.firstElementChild.cloneNode(); s.path.setAttribute('class', 'seen'); s.svg.append(s.path) }
      s.path.setAttribute('d', [...seen.get(s)].map(x => `M${x * 5 - 1} 14h5v2h-5z`).join(''));
    };
    const io = new IntersectionObserver(es => {
      const touched = new Set();
      es.forEach(e => {
        const n = +e.target.id.slice(1), s = sparks.findLast(s => s.from <= n); if (!s) return;
        const i = n - s.from, x = s.at ? s.at.findLastIndex(a => a <= i) : i; if (x >= s.ticks) return;
        if (!seen.has(s)) seen.set(s, new Set());
        seen.get(s)[e.isIntersecting ? 'add' : 'delete'](x); touched.add(s);
      });
      touched.forEach(underline);
    });
    const watch = e => $$('.step[id]', e).filter(s => !s.id.includes('.')).forEach(s => io.observe(s));
    watch(document);

    // A long outline filters as one types
    const entries = $$('.outline > li');
    if (entries.length > 12) {
      const box = Object.assign(document.createElement('input'), { type: 'search', className: 'filter', placeholder: 'Filter prompts' });
      box.setAttribute('aria-label', 'Filter prompts');
      box.addEventListener('input', () => { const v = box.value.toLowerCase(); entries.forEach(li => { li.hidden = !li.textContent.toLowerCase().includes(v) }) });
      $('.outline').before(box);
    }

    // "Next" loads as one comes near it
    const near = new IntersectionObserver(es => es.forEach(e => { if (e.isIntersecting) load(e.target) }), { rootMargin: '1500px' });
    const more = () => { const a = $('.pager a[rel=next]', main); if (a) near.observe(a) };
    async function load(a) {
      if (a.getAttribute('aria-busy')) return;
      a.setAttribute('aria-busy', 'true');
      try {
        const url = new URL(a.href); url.search = '?part=1'; url.hash = '';
        const answer = await fetch(url); if (!answer.ok) throw answer.status;
        const part = new DOMParser().parseFromString(await answer.text(), 'text/html').body;
        // The links of a part are relative to where it was fetched.
        for (const k of ['href', 'src']) $$(`[${k}]`, part).forEach(e => { const v = e.getAttribute(k); if (v) e.setAttribute(k, new URL(v, url).href) });
        const fresh = [...part.children].map(e => document.importNode(e, true));
        near.unobserve(a); a.closest('.pager').replaceWith(...fresh);
        fresh.forEach(e => { relative(e); if (shown !== 'steps') depth(shown, e); watch(e) });
        if (sought) sought.scrollIntoView({ behavior: 'instant' });
        more(); mark();
      } catch { near.unobserve(a); a.removeAttribute('aria-busy') }
    }
    more();

    // Keys
    const go = el => { el.scrollIntoView({ behavior: 'instant', block: 'start' }); const f = el.matches('.step') ? $('summary', el) : $('.no', el) || el; f.focus({ preventScroll: true }) };
    const next = (list, dir) => { const pad = parseFloat(getComputedStyle(root).scrollPaddingTop), t = list.map(e => e.getBoundingClientRect().top - pad); return dir > 0 ? list[t.findIndex(y => y > 4)] : list[t.findLastIndex(y => y < -4)] };
    const steps = () => $$('.step').filter(s => s.offsetParent && $(':scope > details', s));
    const step = d => { const l = steps(), i = l.indexOf(document.activeElement.closest('.step')); return i < 0 ? next(l, d) : l[i + d] };
    addEventListener('keydown', e => {
      if (e.ctrlKey || e.metaKey || e.altKey || !e.target.closest || e.target.closest('input,textarea,select,dialog')) return;
      const k = e.key; let el;
      if (k === 'j' || k === 'k') el = next(prompts(), k === 'j' ? 1 : -1);
      else if (k === 'n' || k === 'p') { el = step(k === 'n' ? 1 : -1); if (el) { $('summary', el).focus(); return } }
      else if (k === 'o') { const s = document.activeElement.closest('.step'), d = s && $('details', s); if (d) d.open = !d.open }
      else if (k === 'd') { const l = $$('.step.edit'), a = document.activeElement.closest('.step.edit'); el = a ? l[l.indexOf(a) + 1] : next(l, 1); if (el) reveal($('details', el)) }
      else if ('1234'.includes(k)) press('depth', ['prose', 'steps', 'diffs', 'all'][k - 1]);
      else if (k === 't') { const o = ['auto', 'light', 'dark']; press('theme', o[(o.indexOf(chosen) + 1) % 3]) }
      else if (k === 'g') scrollTo(0, 0); else if (k === 'G') scrollTo(0, root.scrollHeight);
      else if (k === '?') $('#keys').showModal(); else return;
      if (el) { e.preventDefault(); go(el) }
    });

    // Paper gets the diffs
    let was = []; addEventListener('beforeprint', () => { was = all().filter(d => d.open); edits().forEach(reveal) });
    addEventListener('afterprint', () => { all().forEach(d => { d.open = was.includes(d) }) });
  });

  // The date says how long ago; the exact time is in its title
  function relative(e) {
    e.querySelectorAll('time[data-rel], time[data-since]').forEach(t => {
      const s = (Date.now() - Date.parse(t.dateTime)) / 1000, f = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
      if (!(s >= 0)) return;
      const [n, u] = s < 3600 ? [s / 60, 'minute'] : s < 86400 ? [s / 3600, 'hour'] : s < 2592e3 ? [s / 86400, 'day'] : s < 31536e3 ? [s / 2592e3, 'month'] : [s / 31536e3, 'year'];
      const ago = f.format(-Math.floor(n), u);
      if ('since' in t.dataset) { t.textContent = 'started ' + ago; return }
      const sub = document.createElement('span'); sub.className = 'sub'; sub.textContent = ' ' + ago; t.append(sub);
    });
  }
})();
