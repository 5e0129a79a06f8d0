// The switches: how deep one reads, what is left out, how diffs stand, light and dark.
$('.controls').hidden = false;
let shown = 'steps';

// The edits of the main agent, and all that folds.
const edits = (e = document) => $$('.turn > .strip > .edit > details', e);
const folds = (e = document) => $$('.step details, .prompt .more', e);

function depth(v, e = document) {
  if (v === 'all') {
    return folds(e).forEach(d => {
      d.open = true;
    });
  }
  folds(e).forEach(d => {
    d.open = d.parentNode.matches('.last');
  });
  if (v === 'diffs') edits(e).forEach(reveal);
}

// Opens every fold around an element, and the element itself if it is one.
function reveal(el) {
  for (let d = el; d; d = d.parentElement) {
    if (d.tagName === 'DETAILS') d.open = true;
  }
}

// What is read keeps its place while something changes above it.
function keep(change) {
  const at =
    scrollY > 0 &&
    $$('.turn > *, .turn').find(e => {
      const r = e.getBoundingClientRect();
      return r.height && r.bottom > 80;
    });
  const y = at && at.getBoundingClientRect().top;
  html.classList.add('moving');
  change();
  const held = at && at.isConnected && at.getBoundingClientRect();
  if (held && held.height) scrollBy({ top: held.top - y, behavior: 'instant' });
  html.classList.remove('moving');
}

const pressed = set => $$(`[data-set=${set}] [aria-pressed=true]`).map(b => b.value);

// What is pressed of a set after a press of `v`: one of its buttons; of "only", one or none; of "hide", any.
function after(set, v) {
  const was = pressed(set);
  if (set === 'only') return was.includes(v) ? [] : [v];
  if (set === 'hide') return was.includes(v) ? was.filter(w => w !== v) : [...was, v];
  return [v];
}

function press(set, v, remember = true) {
  const now = after(set, v);
  $$(`[data-set=${set}] button`).forEach(b => b.setAttribute('aria-pressed', now.includes(b.value)));
  if (set === 'theme') {
    chosen = v;
    theme(v);
    if (remember) store.set('theme', v);
    return;
  }
  // The first turn on screen keeps its place.
  const first = $$('.turn').find(t => t.getBoundingClientRect().bottom > 80);
  const y = first && first.getBoundingClientRect().top;
  if (set === 'depth') {
    shown = v;
    html.dataset.depth = v;
    depth(v);
  }
  if (set === 'only' || set === 'hide') html.dataset[set] = now.join(' ');
  if (set === 'only' && now[0] === 'errors') openErrors(document);
  if (set === 'sides') {
    html.dataset.sides = v;
    if (remember) store.set('sides', v);
    sides(document);
  }
  if (first && scrollY) scrollBy({ top: first.getBoundingClientRect().top - y, behavior: 'instant' });
  // What is read may be another prompt now.
  dispatchEvent(new Event('scroll'));
}

// The rows that failed inside folded groups and agents come to light.
const openErrors = e => $$('.step .failed', e).forEach(s => reveal(s.parentElement));

// Nothing that is sought stays hidden.
function unhide() {
  if (shown === 'prose') press('depth', 'steps');
  for (const set of ['only', 'hide']) {
    pressed(set).forEach(v => press(set, v));
  }
}

rail.addEventListener('click', e => {
  const b = e.target.closest('.seg button');
  if (b) press(b.parentNode.dataset.set, b.value);
  if (e.target.closest('a') && rail.matches(':popover-open')) rail.hidePopover();
});

// What comes later is shown as all else is.
function settle(e) {
  relative(e);
  offerCopies(e);
  if (shown !== 'steps') depth(shown, e);
  if (pressed('only')[0] === 'errors') openErrors(e);
  if (html.dataset.sides === 'two') sides(e);
}

// The rows of a diff in two columns: the old lines at the left, the new ones at the right. Its parts are gone through
// as one: what was added in the place of removed lines may stand behind the fold.
function columns(parts) {
  const body = make('tbody');

  // One half of a row: the number and the code. `n` is 0 for the old half, 1 for the new.
  const blank = () => [make('td'), make('td')];
  const side = (row, n) => {
    const [a, b, , code] = row.cells;
    const td = make('td');
    td.dataset.n = (n ? b : a).dataset.n || '';
    return [td, Object.assign(code.cloneNode(true), { className: row.className })];
  };
  let old = [];
  let fresh = [];
  // Writes what was removed beside what was added in its place.
  const flush = () => {
    for (let i = 0; i < Math.max(old.length, fresh.length); i++) {
      body.append(
        make('tr', {}, ...(old[i] ? side(old[i], 0) : blank()), ...(fresh[i] ? side(fresh[i], 1) : blank())),
      );
    }
    old = [];
    fresh = [];
  };
  for (const row of parts.flatMap(table => [...table.rows])) {
    if (row.matches('.del')) {
      if (fresh.length) flush();
      old.push(row);
      continue;
    }
    if (row.matches('.add')) {
      fresh.push(row);
      continue;
    }
    flush();
    if (row.matches('.skip')) {
      const tr = row.cloneNode(true);
      body.append(tr);
    } else {
      body.append(make('tr', {}, ...side(row, 0), ...side(row, 1)));
    }
  }
  flush();
  return [...body.rows];
}

// Puts these rows in a table in the place of another.
function put(table, rows) {
  const two = table.cloneNode(false);
  two.className = 'diff two';
  two.append(make('tbody', {}, ...rows));
  whole.set(two, table);
  table.replaceWith(two);
}

const wide = matchMedia('(min-width: 56rem)');
function sides(e) {
  const two = html.dataset.sides === 'two' && wide.matches;
  keep(() =>
    $$('.diff:not(.fresh)', e).forEach(table => {
      const came = whole.get(table);
      if (!two && came) {
        table.replaceWith(came);
        if (came.parentNode.matches('.more')) came.parentNode.hidden = false;
      }
      if (!two || came || !table.isConnected || table.parentNode.matches('.more')) return;
      const fold = table.nextElementSibling;
      const rest = fold && fold.matches('.more') && $('.diff', fold);
      const rows = columns(rest ? [table, rest] : [table]);
      // Side by side, lines take half the rows: often there is no need to fold.
      const open = rest && rows.length > table.rows.length + 3 ? table.rows.length : rows.length;
      put(table, rows.slice(0, open));
      if (rest) {
        put(rest, rows.slice(open));
        fold.hidden = open === rows.length;
      }
    }),
  );
}
wide.addEventListener('change', () => sides(document));

press('theme', chosen, false);
const asked = query.get('depth');
if (['prose', 'diffs', 'all'].includes(asked)) press('depth', asked);
if (store.get('sides') === 'two') press('sides', 'two', false);
