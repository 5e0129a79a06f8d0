// A long session in windows: they load as one comes near, and leave the tab again when they are far away. What
// leaves keeps its height and its open folds, so that nobody loses the place.
const home = new URL($('.where a').href);
const address = (n, part) => new URL((n ? 'w/' + n : '') + (part ? '?part=1' : ''), home);
// So many windows stay, however far away.
const KEPT = 6;
// Characters of markup in the tab from which on only what is close to the screen comes, and all else goes.
const HEAVY = 4e6;
const weights = new WeakMap();
function weight(w) {
  // Of the window that came with the page, about.
  if (!weights.has(w)) weights.set(w, w.textContent.length + 60 * $$('*', w).length);
  return weights.get(w);
}
const boxes = () => $$('.window', main);
const boxOf = n => boxes().find(w => +w.dataset.no === n);
const open = new Map();

// Links of the page are relative to where it was opened, those of a part to where it was fetched.
function absolute(e, base) {
  for (const k of ['href', 'src', 'action']) {
    $$(`[${k}]`, e).forEach(x => {
      const v = x.getAttribute(k);
      if (v) x.setAttribute(k, new URL(v, base).href);
    });
  }
}

// Before the address of the page changes, its links are made absolute, once. The browser looks at the style of each
// of them again, so that is done while the reader looks around, not when they want to be elsewhere.
let anywhere = () => {
  anywhere = () => {};
  absolute(document, location.href);
};
(window.requestIdleCallback || setTimeout)(() => anywhere());

// Window `n` as the server has it, alone or with its whole page.
async function raw(n, part = true) {
  const answer = await fetch(address(n, part));
  if (!answer.ok) throw new Error(answer.status);
  const text = await answer.text();
  const doc = new DOMParser().parseFromString(text, 'text/html');
  $$('.window', doc).forEach(w => weights.set(w, text.length));
  return doc;
}

// Of a live page, windows as they came, for comparing with what they become.
const pristine = 'live' in main.dataset && new Map();

// Window `n` and the link to the next, ready to be put into this page.
async function part(n) {
  const doc = await raw(n);
  absolute(doc, address(n));
  const nodes = [...doc.body.children];
  if (pristine) nodes.filter(e => e.matches('.window')).forEach(w => pristine.set(n, w.cloneNode(true)));
  return nodes.map(e => document.adoptNode(e));
}

const link = (rel, n) => {
  const a = make('a', { rel, href: address(n).href, textContent: rel === 'next' ? 'Next' : 'Previous' });
  const nav = make('nav', { className: 'pager' }, a);
  nav.setAttribute('aria-label', rel === 'next' ? 'Later' : 'Earlier');
  return nav;
};

// What comes near is loaded, where much is folded away only when it is close; what is far is dropped.
const NEAR = 1800;
const CLOSE = 300;
const FAR = 9000;
const present = () => boxes().filter(w => !w.dataset.gone);
const isHeavy = () => present().reduce((sum, w) => sum + weight(w), 0) > HEAVY;
const come = e => (e.matches('.window') ? refill(e) : load(e));
const coming = (distance, may) =>
  new IntersectionObserver(es => es.forEach(e => e.isIntersecting && may() && come(e.target)), {
    rootMargin: distance + 'px',
  });
const near = coming(NEAR, () => !isHeavy());
const close = coming(CLOSE, () => true);
function expect(e) {
  near.observe(e);
  close.observe(e);
}
function ignore(e) {
  near.unobserve(e);
  close.unobserve(e);
}

// Who may not go yet (too few are here, the focus is inside) goes later.
const away = new Set();
function thin() {
  const here = present();
  let count = here.length;
  let total = here.reduce((sum, w) => sum + weight(w), 0);
  const go = w => {
    if (!drop(w)) return;
    count -= 1;
    total -= weight(w);
  };
  here.filter(w => away.has(w)).forEach(w => count > KEPT && go(w));
  if (total > HEAVY) {
    const distance = w => {
      const { top, bottom } = w.getBoundingClientRect();
      return Math.max(top - innerHeight, -bottom);
    };
    const farthest = present().map(w => [distance(w), w]);
    farthest.sort(([a], [b]) => b - a);
    farthest.forEach(([y, w]) => total > HEAVY && y > 2 * CLOSE && go(w));
  }
  away.forEach(w => w.isConnected || away.delete(w));
}
const far = new IntersectionObserver(
  es => {
    es.forEach(e => (e.isIntersecting ? away.delete(e.target) : away.add(e.target)));
    thin();
  },
  { rootMargin: FAR + 'px' },
);

function attend() {
  $$('.pager a', main).forEach(expect);
  boxes().forEach(w => far.observe(w));
  thin();
}

// Puts the window that the link `a` leads to in the link's place.
async function load(a) {
  if (a.getAttribute('aria-busy')) return;
  // At the top of a page nobody reads upwards yet: what is shown there would only be pushed down.
  if (a.rel === 'prev' && !scrollY) {
    return addEventListener(
      'scroll',
      () => {
        ignore(a);
        expect(a);
      },
      { once: true },
    );
  }
  a.setAttribute('aria-busy', 'true');
  ignore(a);
  const n = numberOf(new URL(a.href));
  const pager = a.closest('.pager');
  try {
    const nodes = await part(n);
    const fresh = nodes.find(e => e.matches('.window'));
    if (!pager.isConnected || boxOf(n)) return;
    if (a.rel === 'next') {
      pager.replaceWith(...nodes);
    } else {
      keep(() => {
        pager.after(fresh);
        n ? pager.replaceWith(link('prev', n - 1)) : pager.remove();
      });
    }
    settle(fresh);
    watch(fresh);
    remarkSoon(fresh);
    attend();
    hold();
    mark();
  } catch {
    a.removeAttribute('aria-busy');
  }
}

// Takes what is in a window out of the tab; whether it went.
function drop(w) {
  if (w.dataset.gone || w.contains(document.activeElement)) return false;
  const selection = getSelection();
  if (!selection.isCollapsed && selection.containsNode(w, true)) return false;
  const folds = $$('details[open]', w).map(fold => pathOf(w, fold));
  open.set(w.dataset.no, folds);
  unmark(w);
  if (pristine) pristine.delete(+w.dataset.no);
  w.style.height = w.offsetHeight + 'px';
  w.dataset.gone = 'true';
  w.replaceChildren(link('next', +w.dataset.no).firstChild);
  w.firstChild.textContent = 'This part, again';
  expect(w);
  return true;
}

// Where an element stands below `top`, and who stands there, buttons of ours aside.
const pathOf = (top, e) => {
  const at = [];
  for (; e !== top; e = e.parentNode) {
    at.unshift([...e.parentNode.children].filter(c => !c.matches('.copybar')).indexOf(e));
  }
  return at;
};
const byPath = (top, at) =>
  at.reduce((e, i) => e && [...e.children].filter(c => !c.matches('.copybar'))[i], top);

async function refill(w) {
  if (w.dataset.gone !== 'true') return;
  w.dataset.gone = 'coming';
  try {
    const fresh = (await part(+w.dataset.no)).find(e => e.matches('.window'));
    keep(() => {
      weights.set(w, weight(fresh));
      w.replaceChildren(...fresh.children);
      delete w.dataset.gone;
      w.style.height = '';
      ignore(w);
      (open.get(w.dataset.no) || []).forEach(at => {
        const d = byPath(w, at);
        if (d && d.tagName === 'DETAILS') d.open = true;
      });
    });
    offerCopies(w);
    sides(w);
    watch(w);
    remarkSoon(w);
    thin();
    hold();
    mark();
  } catch {
    w.dataset.gone = 'true';
  }
}

// To a place in any window, without leaving the page.
// -1: not one of ours.
const numberOf = url => {
  const m = url.pathname.slice(home.pathname.length).match(/^(?:w\/(\d+))?$/);
  return url.origin === home.origin && url.pathname.startsWith(home.pathname) && m ? +(m[1] || 0) : -1;
};

// Shows window `n`, alone if it is not on the page yet.
async function visit(n, then) {
  const there = boxOf(n);
  if (there) {
    await refill(there);
    return then();
  }
  const nodes = await part(n);
  boxes().forEach(w => w.remove());
  $$('.pager, .foot', main).forEach(e => e.remove());
  if (n) main.append(link('prev', n - 1));
  main.append(...nodes);
  boxes().forEach(w => {
    settle(w);
    watch(w);
    remarkSoon(w);
  });
  attend();
  then();
  // The outline can wait until the place is seen.
  requestAnimationFrame(() => setTimeout(mark));
}

const element = hash => {
  try {
    return hash.length > 1 && document.getElementById(decodeURIComponent(hash.slice(1)));
  } catch {
    return null;
  }
};

// Until the reader moves, what was sought keeps its place while more loads around it.
let sought;
['wheel', 'touchstart', 'pointerdown', 'keydown'].forEach(k =>
  addEventListener(
    k,
    () => {
      sought = null;
    },
    { passive: true, capture: true },
  ),
);
const hold = () => {
  if (sought && sought.isConnected) sought.scrollIntoView({ behavior: 'instant' });
};

// The element a permalink names comes to light.
function arrive(hash = location.hash) {
  const el = element(hash);
  if (!el || !main.contains(el)) return;
  $$('.at').forEach(e => e.classList.remove('at'));
  el.classList.add('at');
  // A step is not looked at before what is around it stays: each look costs a layout.
  if (el.matches('.step') || !el.getClientRects().length) unhide();
  if (el.matches('.step')) reveal($(':scope > details', el) || el);
  sought = el;
  el.scrollIntoView({ behavior: 'instant' });
}

async function follow(url, push = true) {
  const n = numberOf(url);
  // Asked for before links change: afterwards it would wait for their style.
  const y = scrollY;
  anywhere();
  if (push) {
    history.replaceState({ y }, '');
    history.pushState(null, '', url);
  }
  if (element(url.hash)) return arrive(url.hash);
  try {
    await visit(n, () => (url.hash ? arrive(url.hash) : scrollTo(0, 0)));
  } catch {
    location.assign(url);
    if (!push) location.reload();
  }
}

// A window with a prompt the outline does not list gets a page, and an outline, of its own.
const listed = url => !/^#p\d+$/.test(url.hash) || links.has(url.hash.slice(1));
document.addEventListener('click', e => {
  const a = e.target.closest('a[href*="#"]');
  if (!a || e.defaultPrevented || e.button || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
  // A bar of the timeline is a link of SVG, whose `href` is no text.
  const url = new URL(a.getAttribute('href'), document.baseURI);
  if (
    !/^#([pasw]\d|end$)/.test(url.hash) ||
    numberOf(url) < 0 ||
    (!element(url.hash) && !listed(url)) ||
    a.closest('.leap')
  ) {
    return;
  }
  e.preventDefault();
  follow(url);
});

addEventListener('hashchange', () => arrive());
addEventListener('popstate', e => {
  const url = new URL(location);
  const n = numberOf(url);
  const y = e.state && e.state.y;
  if (n < 0) return;
  if (url.hash) return element(url.hash) ? arrive() : follow(url, false);
  visit(n, () => {
    if (y !== null) scrollTo(0, y);
  }).catch(() => location.reload());
});

function toEnd() {
  const last = main.dataset.windows - 1;
  const end = () => scrollTo(0, html.scrollHeight);
  if (last >= 0 && !boxOf(last)) return visit(last, end).catch(() => location.assign(address(last)));
  sought = null;
  end();
}
attend();
