// Search: the outline filters as one types, the whole session is asked behind it, hits are marked on the page.
// A page that stands alone, without a server, has the outline's filter only.
const box = $('#find') || make('input', { type: 'search', id: 'find', placeholder: 'Filter prompts' });
const form = box.form;
const hits = make('ol', { className: 'hits' });
const count = make('p', { className: 'count' });
count.setAttribute('role', 'status');

// What the hits are of; the number of the last question, so that older answers are dropped; which hit is shown; the
// timer that asks when the typing pauses.
let words = '';
let asking = 0;
let hit = -1;
let ask;

if (!form) {
  box.setAttribute('aria-label', 'Filter prompts');
  if ($$('.outline > li').length > 12) $('.outline').before(box);
} else {
  form.after(count, hits);
}
if (form) {
  form.addEventListener('submit', e => {
    e.preventDefault();
    clearTimeout(ask);
    search().then(() => step(1));
  });
}
box.addEventListener('input', () => {
  clearTimeout(ask);
  ask = setTimeout(search, 160);
  sift();
});
box.addEventListener('keydown', e => {
  if (e.key === 'Escape') {
    forget();
    box.blur();
  }
});

// The outline shows the prompts with the words in them.
const entries = () => $$('.outline > li');
const sift = () => {
  const v = box.value.trim().toLowerCase();
  entries().forEach(li => {
    li.hidden = v && !li.textContent.toLowerCase().includes(v);
  });
};

function clear() {
  words = '';
  hit = -1;
  count.textContent = '';
  hits.replaceChildren();
  sift();
  html.classList.remove('finding');
  remark();
}

function forget() {
  box.value = '';
  clear();
}

// One answer looks through so much; more are asked for until all is looked through, or there is enough.
const ENOUGH = 500;

async function search() {
  const v = box.value.trim();
  sift();
  if (v === words || !form) return;
  if (v.length < 2) return clear();
  const mine = ++asking;
  let address = new URL('find?part=1&q=' + encodeURIComponent(v), home);
  let total = 0;
  try {
    while (address && total < ENOUGH) {
      const answer = await fetch(address);
      if (mine !== asking) return;
      if (answer.status === 503) {
        await new Promise(r => setTimeout(r, 300));
        continue;
      }
      if (!answer.ok) throw answer.status;
      const found = new DOMParser().parseFromString(await answer.text(), 'text/html').body;
      if (mine !== asking) return;
      absolute(found, home);
      if (words !== v) {
        words = v;
        hit = -1;
        html.classList.add('finding');
        hits.replaceChildren();
        remark();
      }
      total += +$('.count', found).dataset.hits;
      hits.append(...$$('.hits > li', found).map(li => document.importNode(li, true)));
      const on = $('a[rel=next]', found);
      address = on && new URL(on.href + '&part=1');
      count.textContent =
        (hit >= 0 ? `${hit + 1} of ` : '') +
        (total || 'No') +
        (total === 1 ? ' hit' : ' hits') +
        (on ? ' so far' : '');
    }
  } catch {
    count.textContent = 'The search did not work. Try again.';
  }
}

// From hit to hit.
function step(d) {
  const all = $$('a', hits);
  if (!all.length) return;
  hit = (hit + d + all.length) % all.length;
  all.forEach((a, i) => {
    i === hit ? a.setAttribute('aria-current', 'true') : a.removeAttribute('aria-current');
  });
  all[hit].scrollIntoView({ block: 'nearest' });
  count.textContent = count.textContent.replace(/^(\d+ of )?/, `${hit + 1} of `);
  follow(new URL(all[hit].href)).then(showMark);
}

hits.addEventListener('click', e => {
  const a = e.target.closest('a');
  if (!a || e.ctrlKey || e.metaKey || e.shiftKey) return;
  e.preventDefault();
  e.stopPropagation();
  hit = $$('a', hits).indexOf(a) - 1;
  step(1);
});

// The words are marked without touching the page's elements, where the browser can.
// That of the hit that is looked at is another, above the first.
const marks = window.Highlight && CSS.highlights && new Highlight();
const lit = marks && new Highlight();
if (marks) {
  lit.priority = 1;
  CSS.highlights.set('found', marks);
  CSS.highlights.set('here', lit);
}

// Marks the words in `e`, or in all windows anew.
function remark(e) {
  if (!marks) return;
  if (!e) [marks, lit].forEach(m => m.clear());
  if (words) (e ? [e] : boxes()).forEach(w => ranges(w).forEach(r => marks.add(r)));
}

// Looking through a window takes a while: it is shown first.
const remarkSoon = w => setTimeout(() => w.isConnected && remark(w));

// What leaves the page takes its marks along: they would keep it in memory.
function unmark(e) {
  for (const m of marks ? [marks, lit] : [])
    [...m].filter(r => e.contains(r.startContainer)).forEach(r => m.delete(r));
}

// Where the words stand in `top`. A text that changes its length in lower case is left out.
function ranges(top) {
  const sought = words
    .toLowerCase()
    .split(/\s+/)
    .filter(w => w.length > 1);
  const found = [];
  if (!sought.length) return found;
  const walk = document.createTreeWalker(top, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode()) && found.length < 5000;) {
    const text = node.data.toLowerCase();
    if (text.length !== node.data.length) continue;
    for (const word of sought) {
      for (let at = -1; (at = text.indexOf(word, at + 1)) >= 0;) {
        const r = new StaticRange({
          startContainer: node,
          startOffset: at,
          endContainer: node,
          endOffset: at + word.length,
        });
        found.push(r);
      }
    }
  }
  return found;
}

// The hit itself, inside its step, comes into view.
function showMark() {
  const el = sought;
  if (!el) return;
  // What has no address of its own (a reply) stands behind the step that has.
  const behind = r => el.compareDocumentPosition(r.startContainer) & Node.DOCUMENT_POSITION_FOLLOWING;
  const at = ranges(el)[0] || ranges(el.closest('.turn') || el).find(behind);
  if (!at) return;
  if (marks) {
    lit.clear();
    lit.add(at);
  }
  reveal(at.startContainer.parentElement);
  const r = document.createRange();
  r.setStart(at.startContainer, at.startOffset);
  r.setEnd(at.endContainer, at.endOffset);
  const y = r.getBoundingClientRect();
  if (y.height && (y.top < 80 || y.bottom > innerHeight - 40)) {
    sought = null;
    scrollBy({ top: y.top - innerHeight / 3, behavior: 'instant' });
  }
}
